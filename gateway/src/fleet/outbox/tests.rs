//! When the outbox is emptied, what goes, and what is lost.

use super::*;
use crate::fleet::metrics::{
    Series,
    packed::Reader,
    tally::{NO_ROUTE, Outcome},
};

struct Nobody;

impl Names for Nobody {
    fn route(&self, _: u16) -> &str {
        NO_ROUTE
    }

    fn upstream(&self, _: u16) -> &str {
        NO_ROUTE
    }
}

const NOW: Millis = 1_000_000;

fn request() -> Seen {
    let outcome = Outcome::Answered;
    Seen { place: Place::Path(NO_ROUTE), status: 200, outcome, took_ms: Some(1), upstream: None, awaits: 0 }
}

fn counting() -> Outbox {
    let outbox = Outbox::default();
    outbox.count(Tally::new(0, 0), 7, 4);
    outbox
}

/// What a message adds.
fn delta(errand: &Errand) -> Delta {
    match message::read_question::<Metrics>(&errand.message) {
        Some((Question::Add(delta), _)) => delta,
        other => panic!("{other:?}"),
    }
}

fn series(delta: &Delta) -> Vec<Series> {
    Reader(&delta.series).collect()
}

fn dropped(delta: &Delta) -> Vec<(String, u64)> {
    let dropped = series(delta).into_iter().filter(|series| series.family == Family::Dropped.number());
    dropped.map(|series| (series.labels[0].clone(), series.count())).collect()
}

#[test]
fn a_closed_outbox_keeps_nothing_and_asks_for_nothing() {
    let outbox = Outbox::default();
    outbox.served(NOW, || panic!("nobody counts"));
    outbox.note(&request(), 1);
    outbox.add(Family::Awaits, None, ["", ""], 1);
    assert_eq!((outbox.due(), outbox.flush(&Nobody)), (Due::Never, None));
}

#[test]
fn the_first_response_arms_a_flush_and_no_other_does_until_it_has_come_or_is_gone() {
    let outbox = counting();
    outbox.served(NOW, request);
    assert_eq!([outbox.due(), outbox.due()], [Due::Soon, Due::Never], "it says so once");
    outbox.served(NOW + GONE_MS - 1, request);
    assert_eq!(outbox.due(), Due::Never);
    outbox.served(NOW + GONE_MS, request);
    assert_eq!(outbox.due(), Due::Soon, "the first one is gone");
    assert_eq!(outbox.flush(&Nobody).map(|(number, _)| number), Some(1));
    assert_eq!(outbox.flush(&Nobody), None);
    outbox.served(NOW + GONE_MS + 1, request);
    assert_eq!(outbox.due(), Due::Soon, "it has come");
}

#[test]
fn a_flush_goes_to_the_object_of_the_isolate_with_rising_numbers() {
    let outbox = counting();
    for number in 1..=3 {
        outbox.served(NOW, request);
        let (_, errand) = outbox.flush(&Nobody).unwrap();
        assert_eq!(errand.to, Destination::Object(Class::Metrics, "shard:3".into()));
        let delta = delta(&errand);
        assert_eq!((delta.isolate, delta.number), (7, number));
        let flushes = Series::new(Family::Flushes, Vec::new(), &[1]);
        assert!(series(&delta).contains(&flushes));
    }
}

#[test]
fn what_does_not_arrive_is_not_sent_again_and_counts_as_dropped() {
    let outbox = counting();
    let flush = || {
        outbox.served(NOW, request);
        outbox.flush(&Nobody).unwrap()
    };
    outbox.served(NOW, request);
    let (rows, counts) = (outbox.track(ROWS, 1), flush());
    assert_eq!(dropped(&delta(&counts.1)), []);
    outbox.flushed(rows, false);
    outbox.flushed(counts.0, false);
    outbox.flushed(counts.0, false);
    outbox.flushed(99, false);
    let (number, errand) = flush();
    assert_eq!(dropped(&delta(&errand)), [("audit".to_owned(), 1), ("metrics".to_owned(), 2)]);
    outbox.flushed(number, true);
    assert_eq!(dropped(&delta(&flush().1)), []);
}

#[test]
fn messages_that_nobody_hears_of_again_count_as_dropped_too() {
    let outbox = counting();
    let sum = |_| {
        outbox.served(NOW, request);
        dropped(&delta(&outbox.flush(&Nobody).unwrap().1)).iter().map(|(_, lost)| lost).sum::<u64>()
    };
    assert_eq!((0..MOST_OUT + 3).map(sum).collect::<Vec<_>>(), [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
}
