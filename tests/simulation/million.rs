//! The log with as many marks as it is made for: what they take in the object, in its store and in an isolate.

use gateway::{
    fleet::{
        isolate::Isolate,
        machine::Machine,
        message,
        signals::{Answer, Change, Delta, Known, Mark, Question, Signals, feed::Feed, log::Log},
        store::Memory,
    },
    http::Millis,
};

use crate::kit::Random;

const MANY: usize = 1_000_000;
const NOW: Millis = 1_800_000_000_000;
const HOUR: Millis = 3_600_000;
const MEBIBYTE: usize = 1024 * 1024;

/// Half of them end in an hour, half a day later.
fn fill(log: &mut Log, store: &mut Memory, hashes: &[u64]) {
    for (batch, some) in hashes.chunks(1_000).enumerate() {
        let until = if batch % 2 == 0 { NOW + HOUR } else { NOW + 24 * HOUR };
        let changes = some.iter().map(|hash| Change::Mark(Mark { hash: *hash, until })).collect();
        let known = Known { log: NOW, sequence: (batch * 1_000 + some.len()) as u64 };
        let answer = log.apply(NOW, Question::Write(known, changes), store).unwrap();
        assert_eq!(answer, Answer::Delta(Delta { log: NOW, after: known.sequence, ..Delta::default() }));
    }
}

fn marks_of(store: &Memory) -> impl Iterator<Item = (&Vec<u8>, &Vec<u8>)> {
    store.0.range(b"m".to_vec()..b"n".to_vec())
}

#[test]
fn a_million_marks_are_stored_told_found_and_swept_within_bounds() {
    let mut random = Random::new(1);
    let mut hashes: Vec<u64> = (0..MANY).map(|_| random.next()).collect();
    // The log does not mind, and a tree in memory is quicker.
    hashes.sort_unstable();
    let mut store = Memory::default();
    let mut log = Log::restore(NOW, &mut store).unwrap();
    fill(&mut log, &mut store, &hashes);
    let bytes: usize = marks_of(&store).map(|(key, value)| key.len() + value.len()).sum();
    assert_eq!((marks_of(&store).count(), bytes / MANY), (MANY, 17));

    let isolate = Isolate::default();
    isolate.join(false);
    let answer = log.apply(NOW, Question::Read(Known::default(), 0), &mut store).unwrap();
    let told = message::answer::<Signals>(&answer, message::Spoken::Newest);
    isolate.learn(NOW, NOW, Ok(told.clone())).unwrap();
    assert!(hashes.iter().all(|hash| isolate.may_be_marked(*hash)));
    let wrong = (0..100_000).filter(|_| isolate.may_be_marked(random.next())).count();
    let mut feed = Feed::default();
    feed.absorb(NOW, NOW, answer).unwrap();
    let (object, here) = (log.size(), feed.marks.size());
    println!("{object} bytes in the object, {} travel, {here} in an isolate, {wrong} of 100,000 wrong", told.len());
    // While a table is made there are also all hashes, in a list that doubles, and some copies of the table.
    let most = object + 3 * 8 * MANY.next_power_of_two() / 2 + 4 * told.len();
    assert!(most <= 64 * MEBIBYTE && object <= 4 * MEBIBYTE && here <= 2 * MEBIBYTE && wrong < 300, "{most}");

    sweep(&mut log, &mut store);
}

/// An hour later half of the marks is over.
fn sweep(log: &mut Log, store: &mut Memory) {
    let mut now = NOW + HOUR;
    let mut wakes = 0;
    while log.next_wake().is_some_and(|due| due <= now) {
        log.wake(now, store).unwrap();
        now += 1;
        wakes += 1;
    }
    let left = marks_of(store).count();
    println!("{left} marks are left after {wakes} wakes");
    assert_eq!(left, MANY / 2);
    assert!(wakes < 300);
}
