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

fn both() -> Outbox {
    let outbox = counting();
    outbox.take_events(Destination::Relay);
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
    outbox.event("{}".into());
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
    let outbox = both();
    let flush = || {
        outbox.served(NOW, request);
        outbox.flush(&Nobody).unwrap()
    };
    outbox.served(NOW, request);
    outbox.event("{}".into());
    let (events, counts) = (flush(), outbox.flush(&Nobody).unwrap());
    assert_eq!(dropped(&delta(&counts.1)), []);
    outbox.flushed(events.0, false);
    outbox.flushed(counts.0, false);
    outbox.flushed(counts.0, false);
    outbox.flushed(99, false);
    let (number, errand) = flush();
    assert_eq!(dropped(&delta(&errand)), [("events".to_owned(), 1), ("metrics".to_owned(), 2)]);
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

#[test]
fn events_go_as_one_list_and_before_the_counts() {
    let outbox = both();
    outbox.event("{\"a\":1}".into());
    outbox.event("{\"b\":2}".into());
    outbox.served(NOW, request);
    let (_, errand) = outbox.flush(&Nobody).unwrap();
    assert_eq!((errand.to, &*errand.message), (Destination::Relay, br#"["{\"a\":1}","{\"b\":2}"]"#.as_slice()));
    assert!(outbox.flush(&Nobody).is_some() && outbox.flush(&Nobody).is_none());
}

#[test]
fn events_without_counts_arm_a_flush_only_when_there_are_some() {
    let outbox = Outbox::default();
    outbox.take_events(Destination::Relay);
    outbox.served(NOW, request);
    assert_eq!(outbox.due(), Due::Never);
    outbox.event("{}".into());
    outbox.served(NOW, request);
    assert_eq!(outbox.due(), Due::Soon);
}

#[test]
fn many_events_do_not_wait_and_too_many_are_dropped() {
    let outbox = both();
    let event = || "x".repeat(1024);
    outbox.served(NOW, request);
    assert_eq!(outbox.due(), Due::Soon);
    (0..33).for_each(|_| outbox.event(event()));
    outbox.served(NOW, request);
    assert_eq!(outbox.due(), Due::Now, "although one is due");
    (0..40).for_each(|_| outbox.event(event()));
    outbox.served(NOW, request);
    assert_eq!(outbox.due(), Due::Never);
    let (_, events) = outbox.flush(&Nobody).unwrap();
    assert_eq!(serde_json::from_slice::<Vec<String>>(&events.message).unwrap().len(), MOST_BYTES / 1024);
    assert_eq!(dropped(&delta(&outbox.flush(&Nobody).unwrap().1)), [("events".to_owned(), 9)]);
}

#[test]
fn what_was_answered_without_the_gateway_is_counted_with_the_rest() {
    let outbox = counting();
    outbox.note(&Seen { took_ms: None, outcome: Outcome::Refused("entry", "internal"), status: 500, ..request() }, 3);
    let series = series(&delta(&outbox.flush(&Nobody).unwrap().1));
    let labels = ["-", "5xx", "entry"].map(str::to_owned).to_vec();
    assert!(series.contains(&Series::new(Family::Requests, labels, &[3])));
}
