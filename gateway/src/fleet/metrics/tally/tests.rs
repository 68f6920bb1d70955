//! What an isolate counts, and what it hands over.

use super::*;
use crate::fleet::metrics::{Series, board::Board, packed::Reader};

struct Own;

impl Names for Own {
    fn route(&self, index: u16) -> &str {
        ["GET /a", "GET /b", "GET /a"].get(usize::from(index)).copied().unwrap_or(NO_ROUTE)
    }

    fn upstream(&self, index: u16) -> &str {
        ["shop", "stock"][usize::from(index)]
    }
}

fn seen(place: Place, status: u16, outcome: Outcome) -> Seen {
    Seen { place, status, outcome, took_ms: Some(3), upstream: None, awaits: 0 }
}

/// All counters as text, one a line.
fn counters(series: Vec<u8>) -> Vec<String> {
    let mut board = Board::default();
    for one in Reader(&series) {
        board.add(one).unwrap();
    }
    let families = [Family::Requests, Family::Problems, Family::Awaits, Family::Awaiting, Family::Dropped];
    let line = |series: &Series| format!("{} {}", series.labels.join("|"), series.count());
    families.into_iter().flat_map(|family| board.of(family).iter().map(line).collect::<Vec<_>>()).collect()
}

#[test]
fn requests_are_counted_by_route_class_and_outcome() {
    let mut tally = Tally::new(3, 2);
    let [a, b, again] = [0, 1, 2].map(Place::Route);
    tally.count(&seen(a, 200, Outcome::Forwarded));
    tally.count(&seen(again, 204, Outcome::Forwarded));
    tally.count(&Seen { awaits: 3, ..seen(a, 200, Outcome::Answered) });
    tally.count(&seen(b, 401, Outcome::Refused("authn", "token_missing")));
    tally.count(&seen(b, 401, Outcome::Refused("authn", "token_missing")));
    tally.count(&seen(Place::Path("/health"), 503, Outcome::Answered));
    tally.count(&seen(Place::Path(NO_ROUTE), 404, Outcome::Refused("routing", "route_not_found")));
    tally.count(&seen(Place::Route(9), 200, Outcome::Forwarded));
    assert_eq!(tally.requests(), 8);
    let expected = [
        "-|4xx|routing 1",
        "/health|5xx|answered 1",
        "GET /a|2xx|answered 1",
        "GET /a|2xx|forwarded 2",
        "GET /b|4xx|authn 2",
        "route_not_found 1",
        "token_missing 2",
        " 3",
        " 1",
    ];
    assert_eq!(counters(tally.drain(&Own)), expected);
}

#[test]
fn every_status_has_a_class() {
    for (status, class) in
        [(101, "1xx"), (299, "2xx"), (304, "3xx"), (499, "4xx"), (599, "5xx"), (99, "1xx"), (999, "5xx")]
    {
        let mut tally = Tally::new(1, 0);
        tally.count(&seen(Place::Route(0), status, Outcome::Forwarded));
        assert_eq!(counters(tally.drain(&Own))[0], format!("GET /a|{class}|forwarded 1"), "{status}");
    }
}

#[test]
fn times_are_kept_by_route_and_by_upstream() {
    let mut tally = Tally::new(3, 2);
    tally.count(&Seen { upstream: Some((1, 40)), took_ms: Some(50), ..seen(Place::Route(0), 200, Outcome::Forwarded) });
    tally.count(&Seen { took_ms: Some(7), ..seen(Place::Route(0), 401, Outcome::Refused("authn", "token_missing")) });
    tally.count(&Seen { took_ms: None, ..seen(Place::Path(NO_ROUTE), 500, Outcome::Refused("entry", "internal")) });
    let mut found: Vec<(u8, String, u64, u64)> = Vec::new();
    for Series { family, labels, numbers } in Reader(&tally.drain(&Own)) {
        if let Some(times) = Times::of(&numbers) {
            found.push((family, labels[0].clone(), times.count(), times.sum_ms()));
        }
    }
    let expected = [
        (Family::Duration.number(), "GET /a".to_owned(), 2, 57),
        (Family::UpstreamDuration.number(), "stock".to_owned(), 1, 40),
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_was_handed_over_is_counted_from_nothing_again() {
    let mut tally = Tally::new(3, 2);
    let all = [
        seen(Place::Route(1), 200, Outcome::Forwarded),
        seen(Place::Path("/health"), 200, Outcome::Answered),
        Seen {
            upstream: Some((0, 1)),
            ..seen(Place::Route(0), 502, Outcome::Refused("forward", "upstream_unreachable"))
        },
    ];
    all.iter().for_each(|seen| tally.count(seen));
    let first = tally.drain(&Own);
    assert_eq!(tally.requests(), 0);
    all.iter().for_each(|seen| tally.count(seen));
    assert_eq!(tally.drain(&Own), first);
}

#[test]
fn labels_that_nobody_foresaw_have_a_limit() {
    let mut tally = Tally::new(0, 0);
    for number in 0..10_000 {
        let label: &'static str = Box::leak(format!("/{number}").into_boxed_str());
        tally.count(&seen(Place::Path(label), 200, Outcome::Answered));
        tally.add(Family::Problems, None, [label, ""], 1);
    }
    let series: Vec<Series> = Reader(&tally.drain(&Own)).collect();
    for (family, most) in [(Family::Requests, MOST_PATHS), (Family::Problems, MOST_RARE + 1)] {
        let of: Vec<&Series> = series.iter().filter(|series| series.family == family.number()).collect();
        assert_eq!((of.len(), of.iter().map(|series| series.count()).sum::<u64>()), (most, 10_000), "{family:?}");
    }
}
