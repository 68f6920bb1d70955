//! The bytes of limits, held to the files of `tests/fixtures/formats`: two versions of the gateway run at once during a deploy.
//! `UPDATE_FORMAT=1` writes the files anew; those of a format that has been released stay as they are, and a change raises
//! `Limits::FORMAT`, or `STORED` of the ledger.

use gateway::{
    fleet::{
        limits::{
            Answer, Ask, Calendar, Count, Limits, Looked, Question, Rule, Settlement, Verdict,
            ledger::Ledger,
            slices::{Slices, Wanted},
        },
        machine::{Hosted as _, Machine},
        message::{self, Spoken},
        store::{Memory, Store as _},
    },
    http::Millis,
};
use proptest::prelude::*;

use crate::kit::{Kept, damaged};

const NOW: Millis = 1_800_000_000_000;

const COUNTS: [Count; 5] = [
    Count::Sliding(60_000),
    Count::Fixed(Calendar::Every(3_600_000)),
    Count::Fixed(Calendar::Month),
    Count::Bucket(60_000, 200),
    Count::Flight(30_000),
];

const KEPT: Kept = Kept("limits");

fn kept(name: &str) -> Vec<u8> {
    KEPT.read(name)
}

/// An ask of each kind of count; a lease is settled that nobody has given.
fn question() -> Question {
    let ask = |(at, count): (usize, &Count)| Ask {
        key: [at as u8; 16],
        rule: Rule { limit: 100, count: *count, exact: at == 0 },
        settled: vec![Settlement { lease: 7, used: 2, last_ms: 300 }],
        needs: 1,
        waits: 2,
        wants: 3,
    };
    Question::Lease(COUNTS.iter().enumerate().map(ask).collect())
}

fn answer() -> Answer {
    Answer::Leased(vec![
        Verdict::Granted { lease: 1 << 32 | 5, tokens: 3, life_ms: 6_000, left: 97, reset_ms: 66_000 },
        Verdict::Refused { free_ms: 5_000, again_ms: 500, left: 0 },
        Verdict::Settled,
    ])
}

/// What an operator asks, and is answered.
fn operated() -> [(&'static str, Question, &'static str, Answer); 2] {
    let rule = Rule { limit: 100, count: COUNTS[0], exact: false };
    let looked = Looked { used: 3, leased: 2, left: 95, free_ms: 0, reset_ms: 66_000 };
    [
        ("1-question-look", Question::Look([1; 16], rule), "1-answer-looked", Answer::Looked(looked)),
        ("1-question-forget", Question::Forget([1; 16], rule), "1-answer-forgotten", Answer::Forgotten),
    ]
}

/// An object that has granted one of each.
fn stored() -> Memory {
    let mut store = Memory::default();
    let mut ledger = Ledger::restore(NOW, &mut store).unwrap();
    ledger.apply(NOW, question(), &mut store).unwrap();
    store
}

fn all() -> Vec<(&'static str, Vec<u8>)> {
    let mut all = vec![
        ("1-question", message::question::<Limits>(&question())),
        ("1-answer", message::answer::<Limits>(&answer(), Spoken::Newest)),
        ("stored-1", postcard::to_allocvec(&stored().0.iter().collect::<Vec<_>>()).unwrap()),
    ];
    for (question_name, question, answer_name, answer) in operated() {
        all.push((question_name, message::question::<Limits>(&question)));
        all.push((answer_name, message::answer::<Limits>(&answer, Spoken::Newest)));
    }
    all
}

#[test]
fn the_bytes_are_those_that_are_kept() {
    KEPT.check(all());
}

#[test]
fn kept_messages_are_read() {
    assert_eq!(message::read_question::<Limits>(&kept("1-question")), Some((question(), Spoken::Newest)));
    assert_eq!(message::read_answer::<Limits>(kept("1-answer")), Some(answer()));
    for (question_name, question, answer_name, answer) in operated() {
        assert_eq!(message::read_question::<Limits>(&kept(question_name)), Some((question, Spoken::Newest)));
        assert_eq!(message::read_answer::<Limits>(kept(answer_name)), Some(answer));
    }
}

#[test]
fn what_is_stored_counts_for_whoever_finds_it() {
    let entries: Vec<(Vec<u8>, Vec<u8>)> = postcard::from_bytes(&kept("stored-1")).unwrap();
    assert_eq!(entries.len(), COUNTS.len() + 1);
    let mut store = Memory::default();
    store.0.extend(entries);
    let mut ledger = Ledger::restore(NOW + 1, &mut store).unwrap();
    // Three were granted of each: what was needed and what others waited for.
    let Question::Lease(asks) = question() else { panic!("another question") };
    let asks = asks.into_iter().map(|ask| Ask { needs: 98, waits: 0, wants: 0, settled: Vec::new(), ..ask });
    let Ok(Answer::Leased(verdicts)) = ledger.apply(NOW + 1, Question::Lease(asks.collect()), &mut store) else {
        panic!("another answer")
    };
    for (count, verdict) in COUNTS.iter().zip(&verdicts) {
        let is_bucket = matches!(count, Count::Bucket(..));
        assert_eq!(matches!(verdict, Verdict::Refused { .. }), !is_bucket, "{count:?}: {verdict:?}");
    }
}

proptest! {
    #[test]
    fn bytes_that_no_version_writes_break_nothing(bytes in damaged(all)) {
        let mut store = stored();
        let mut ledger = Ledger::restore(NOW, &mut store).unwrap();
        prop_assert!(!ledger.serve(NOW, &bytes, &mut store).unwrap().is_empty());
        let slices = Slices::default();
        let rule = Rule { limit: 60, count: Count::Sliding(60_000), exact: false };
        let wanted = Wanted { limit: 1, rule, key: "k", cost: 1 };
        slices.lack(NOW, &wanted, true, [0; 16]);
        let (number, _) = slices.question(NOW).unwrap();
        slices.heard(NOW + 1, number, Ok(bytes));
        let _ = (slices.stand(NOW + 2, &wanted), slices.told(NOW + 2, &wanted));
    }

    #[test]
    fn stored_bytes_that_no_version_writes_break_nothing(which in any::<prop::sample::Index>(), value in damaged(all)) {
        let mut store = stored();
        let key = store.0.keys().nth(which.index(store.0.len())).cloned().unwrap();
        store.put(&key, &value).unwrap();
        let mut ledger = Ledger::restore(NOW, &mut store).unwrap();
        ledger.apply(NOW, question(), &mut store).unwrap();
        Machine::wake(&mut ledger, NOW + 24 * 3_600_000, &mut store).unwrap();
    }
}
