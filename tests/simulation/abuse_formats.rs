//! The bytes of abuse, held to the files of `tests/fixtures/formats`: two versions of the gateway run at once during a deploy.
//! `UPDATE_FORMAT=1` writes the files anew; those of a format that has been released stay as they are, and a change raises
//! `Abuse::FORMAT`, or `STORED` of the warden.

use gateway::{
    fleet::{
        abuse::{
            Abuse, Answer, Bound, CAME, Case, KINDS, Line, Mark, Question, Report, Rule, Ruling, Stands, Who,
            warden::Warden,
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

const KEPT: Kept = Kept("abuse");

fn kept(name: &str) -> Vec<u8> {
    KEPT.read(name)
}

/// The client that all of this is about.
fn client() -> Who {
    Who("a192.0.2.7".into())
}

fn case() -> Case {
    let until = NOW + 3_600_000;
    Case { who: client(), reason: "Scans.".into(), by: "ops".into(), since: NOW, until }
}

/// Enough to be blocked for, and a user who comes from somewhere.
fn report() -> Question {
    let bound = |most, window_ms| Bound { most, window_ms };
    let rule = Rule {
        threshold: 5,
        window_ms: 300_000,
        block_ms: 3_600_000,
        weights: [1; KINDS],
        logins: bound(10, 3_600_000),
        user_logins: bound(5, 900_000),
        addresses: bound(3, 900_000),
    };
    let line = |who, kind, count, from| Line { who, kind, count, from, age_ms: 1_000 };
    let lines = vec![line(client(), 3, 5, 0), line(Who::user("https://issuer.test/", "ada"), CAME, 1, 77)];
    Question::Report(Report { tag: 9, rule, lines })
}

fn questions() -> [(&'static str, Question); 7] {
    [
        ("1-question-report", report()),
        ("1-question-look", Question::Look(client())),
        ("1-question-block", Question::Block(case())),
        ("1-question-unblock", Question::Unblock(client())),
        ("1-question-find", Question::Find(client())),
        ("1-question-list", Question::List(Mark::Suspicious, "a".into(), 50)),
        ("1-question-totals", Question::Totals),
    ]
}

fn answers() -> [(&'static str, Answer); 4] {
    let ruling = Ruling { who: client(), mark: Mark::Blocked, until: NOW + 3_600_000 };
    [
        ("1-answer-reported", Answer::Reported(vec![ruling])),
        ("1-answer-stands", Answer::Stands(Stands { blocked: NOW + 1, suspicious: 0 })),
        ("1-answer-cases", Answer::Cases(vec![case()])),
        ("1-answer-totals", Answer::Totals(vec![1, 2, 3, 4, 5, 6, 7, 8, 9])),
    ]
}

/// An object that has had a report.
fn stored() -> Memory {
    let mut store = Memory::default();
    let mut warden = Warden::restore(NOW, &mut store).unwrap();
    warden.apply(NOW, report(), &mut store).unwrap();
    store
}

fn all() -> Vec<(&'static str, Vec<u8>)> {
    let mut all = vec![("stored-1", postcard::to_allocvec(&stored().0.iter().collect::<Vec<_>>()).unwrap())];
    all.extend(questions().map(|(name, question)| (name, message::question::<Abuse>(&question))));
    all.extend(answers().map(|(name, answer)| (name, message::answer::<Abuse>(&answer, Spoken::Newest))));
    all
}

#[test]
fn the_bytes_are_those_that_are_kept() {
    KEPT.check(all());
}

#[test]
fn kept_messages_are_read() {
    for (name, question) in questions() {
        assert_eq!(message::read_question::<Abuse>(&kept(name)), Some((question, Spoken::Newest)), "{name}");
    }
    for (name, answer) in answers() {
        assert_eq!(message::read_answer::<Abuse>(kept(name)), Some(answer), "{name}");
    }
}

#[test]
fn who_is_blocked_on_record_is_blocked_for_whoever_finds_it() {
    let entries: Vec<(Vec<u8>, Vec<u8>)> = postcard::from_bytes(&kept("stored-1")).unwrap();
    let mut store = Memory::default();
    store.0.extend(entries);
    let mut warden = Warden::restore(NOW + 1, &mut store).unwrap();
    let Ok(Answer::Stands(stands)) = warden.apply(NOW + 1, Question::Look(client()), &mut store) else {
        panic!("another answer")
    };
    assert!(stands.blocked > NOW + 3_590_000, "{stands:?}");
    let later = warden.apply(NOW + 3_700_000, Question::Look(client()), &mut store);
    assert!(matches!(later, Ok(Answer::Stands(Stands { blocked, .. })) if blocked <= NOW + 3_700_000), "{later:?}");
}

proptest! {
    #[test]
    fn bytes_that_no_version_writes_break_nothing(bytes in damaged(all)) {
        let mut store = stored();
        let mut warden = Warden::restore(NOW, &mut store).unwrap();
        prop_assert!(!warden.serve(NOW, &bytes, &mut store).unwrap().is_empty());
        let _ = message::read_answer::<Abuse>(bytes);
    }

    #[test]
    fn stored_bytes_that_no_version_writes_break_nothing(which in any::<prop::sample::Index>(), value in damaged(all)) {
        let mut store = stored();
        let key = store.0.keys().nth(which.index(store.0.len())).cloned().unwrap();
        store.put(&key, &value).unwrap();
        let mut warden = Warden::restore(NOW, &mut store).unwrap();
        warden.apply(NOW, report(), &mut store).unwrap();
        Machine::wake(&mut warden, NOW + 24 * 3_600_000, &mut store).unwrap();
    }
}
