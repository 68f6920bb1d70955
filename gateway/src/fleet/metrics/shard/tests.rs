//! What an object of metrics adds, tells and keeps.

use proptest::prelude::*;

use super::*;
use crate::fleet::{
    machine::Hosted,
    message::{self, answer, question},
    metrics::{Series, Times},
    store::Memory,
};

const FORMATS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/formats");

fn count(labels: &[&str], count: u64) -> Series {
    Series::new(Family::Requests, labels.iter().map(|label| (*label).to_owned()).collect(), &[count])
}

fn times(all: &[u64]) -> Series {
    let mut times = Times::default();
    all.iter().for_each(|ms| times.add(*ms));
    Series::new(Family::Duration, vec!["GET /".into()], times.numbers())
}

fn packed(all: &[Series]) -> Vec<u8> {
    let mut board = Board::default();
    let mut bytes = Vec::new();
    for series in all {
        board.add(series.clone()).unwrap();
    }
    Family::ALL.iter().for_each(|family| board.pack(*family, &mut bytes));
    bytes
}

fn delta(isolate: u64, number: u64) -> Delta {
    Delta { isolate, number, series: packed(&[count(&["GET /", "2xx", "forwarded"], number), times(&[number])]) }
}

fn add(shard: &mut Shard, now: Millis, delta: Delta, store: &mut Memory) -> Answer {
    shard.apply(now, Question::Add(delta), store).unwrap()
}

fn read(shard: &mut Shard, now: Millis, store: &mut Memory) -> Reading {
    match shard.apply(now, Question::Read, store).unwrap() {
        Answer::Reading(reading) => reading,
        other => panic!("{other:?}"),
    }
}

fn new(store: &mut Memory) -> Shard {
    Shard::restore(0, store).unwrap()
}

#[test]
fn what_isolates_hand_over_comes_together() {
    let mut store = Memory::default();
    let mut shard = new(&mut store);
    for (isolate, number) in [(1, 1), (1, 2), (2, 1)] {
        assert_eq!(add(&mut shard, 1_000, delta(isolate, number), &mut store), Answer::Added);
    }
    let reading = read(&mut shard, 1_000, &mut store);
    let expected = [count(&["GET /", "2xx", "forwarded"], 4), times(&[1, 2, 1])];
    assert_eq!(Reader(&reading.series).collect::<Vec<_>>(), expected);
    assert_eq!(reading.isolates, 2);
    assert_eq!(read(&mut shard, 1_000 + LATELY_MS, &mut store).isolates, 0);
}

#[test]
fn what_comes_twice_is_added_once() {
    let mut store = Memory::default();
    let mut shard = new(&mut store);
    add(&mut shard, 0, delta(1, 3), &mut store);
    for (number, expected) in
        [(3, Answer::Known), (1, Answer::Added), (1, Answer::Known), (200, Answer::Added), (3, Answer::Known)]
    {
        assert_eq!(add(&mut shard, 0, delta(1, number), &mut store), expected, "{number}");
    }
    // Restored, it still knows.
    read(&mut shard, 0, &mut store);
    assert_eq!(add(&mut new(&mut store), 0, delta(1, 200), &mut store), Answer::Known);
}

#[test]
fn what_was_read_is_never_lost_and_the_rest_within_half_a_minute() {
    let mut store = Memory::default();
    let mut shard = new(&mut store);
    assert_eq!(Machine::next_wake(&shard), None);
    add(&mut shard, 1_000, delta(1, 1), &mut store);
    add(&mut shard, 9_000, delta(1, 2), &mut store);
    assert_eq!((Machine::next_wake(&shard), store.0.len()), (Some(1_000 + PERSIST_MS), 0));
    let seen = read(&mut shard, 10_000, &mut store).series;
    assert_eq!(read(&mut new(&mut store), 10_000, &mut store).series, seen);
    // Too early, in time, and once more.
    add(&mut shard, 11_000, delta(1, 3), &mut store);
    let kept = store.clone();
    Machine::wake(&mut shard, 12_000, &mut store).unwrap();
    assert_eq!((store == kept, Machine::next_wake(&shard)), (true, Some(1_000 + PERSIST_MS)));
    Machine::wake(&mut shard, 1_000 + PERSIST_MS, &mut store).unwrap();
    assert_eq!((store == kept, Machine::next_wake(&shard)), (false, None));
    assert_eq!(new(&mut store).board, shard.board);
}

#[test]
fn a_reading_that_changes_nothing_writes_nothing() {
    let mut store = Memory::default();
    let mut shard = new(&mut store);
    add(&mut shard, 0, delta(1, 1), &mut store);
    read(&mut shard, 0, &mut store);
    let kept = std::mem::take(&mut store);
    read(&mut shard, 0, &mut store);
    assert_eq!((kept.0.len(), store), (3, Memory::default()));
}

#[test]
fn senders_are_forgotten_the_oldest_first() {
    let mut store = Memory::default();
    let mut shard = new(&mut store);
    for isolate in 0..=MOST_SENDERS as u64 {
        add(&mut shard, isolate, delta(isolate, 1), &mut store);
    }
    assert_eq!((shard.senders.len(), shard.senders.iter().any(|sender| sender.isolate == 0)), (MOST_SENDERS, false));
    Machine::wake(&mut shard, REMEMBER_MS + 100, &mut store).unwrap();
    assert_eq!(shard.senders.len(), MOST_SENDERS - 100);
}

/// The messages and the stored state of this format as they were when it was made. `UPDATE_FORMAT=1` writes them: once a
/// format has been deployed they stay, and a change raises the number of the format.
#[test]
fn kept_messages_and_state_are_read() {
    let question_bytes = question::<Metrics>(&Question::Add(delta(7, 1)));
    let mut store = Memory::default();
    let mut shard = new(&mut store);
    let added = shard.serve(5, &question_bytes, &mut store).unwrap();
    assert_eq!(added, answer::<Metrics>(&Answer::Added, message::Spoken::Newest));
    let told = shard.serve(5, &question::<Metrics>(&Question::Read), &mut store).unwrap();
    let stored = postcard::to_allocvec(&store.0).unwrap();
    let now = [("metrics-1-add", question_bytes), ("metrics-1-reading", told.clone()), ("metrics-1-stored", stored)];
    for (name, bytes) in &now {
        let path = format!("{FORMATS}/{name}.bin");
        if std::env::var_os("UPDATE_FORMAT").is_some() {
            std::fs::write(&path, bytes).unwrap();
        }
        assert!(std::fs::read(&path).unwrap() == *bytes, "{name} is written in another way");
    }
    let kept = std::fs::read(format!("{FORMATS}/metrics-1-stored.bin")).unwrap();
    let mut store = Memory(postcard::from_bytes(&kept).unwrap());
    let mut restored = new(&mut store);
    assert_eq!(restored.serve(5, &question::<Metrics>(&Question::Read), &mut store).unwrap(), told);
    let again = std::fs::read(format!("{FORMATS}/metrics-1-add.bin")).unwrap();
    let known = restored.serve(5, &again, &mut store).unwrap();
    assert_eq!(known, answer::<Metrics>(&Answer::Known, message::Spoken::Newest));
}

proptest! {
    #[test]
    fn order_and_repetition_make_no_difference(
        sent in proptest::collection::vec((0_u64..4, 1_u64..40), 1..80),
        restarts in proptest::collection::vec(any::<bool>(), 80),
    ) {
        let once: std::collections::BTreeSet<(u64, u64)> = sent.iter().copied().collect();
        let (mut plain, mut store) = (Shard::default(), Memory::default());
        for (isolate, number) in once {
            add(&mut plain, 0, delta(isolate, number), &mut store);
        }
        let (mut shard, mut store) = (Shard::default(), Memory::default());
        for ((isolate, number), restarts) in sent.into_iter().zip(restarts) {
            add(&mut shard, 0, delta(isolate, number), &mut store);
            if restarts {
                read(&mut shard, 0, &mut store);
                shard = new(&mut store);
            }
        }
        prop_assert_eq!(shard.board, plain.board);
    }

    #[test]
    fn no_bytes_make_it_fail(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let mut store = Memory::default();
        let mut shard = new(&mut store);
        let framed = [vec![1], bytes].concat();
        shard.serve(0, &framed, &mut store).unwrap();
        shard.serve(0, &question::<Metrics>(&Question::Read), &mut store).unwrap();
        prop_assert_eq!(new(&mut store).board, shard.board);
    }
}
