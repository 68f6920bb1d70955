//! The bytes of signals, held to the files of `tests/fixtures/formats`: two versions of the gateway run at once during a
//! deploy, and the one before has to be understood. `UPDATE_FORMAT=1` writes the files anew; those of a format that has
//! been released stay as they are, and a change raises `Signals::FORMAT`, or `STORED` of the log.

use std::{fs, path::PathBuf};

use gateway::{
    fleet::{
        isolate::{Isolate, Standing},
        machine::{Hosted, Machine},
        message::{self, Spoken},
        signals::{
            Answer, Change, Delta, Known, Mark, Question, Refusal, Signals, Whole,
            feed::Feed,
            log::Log,
            marks::Table,
            relay::{Relay, Reply},
            switch::{Kind, Lever, Scope, Switch},
        },
        store::{Memory, Store},
    },
    http::Millis,
};
use proptest::prelude::*;

const NOW: Millis = 1_800_000_000_000;

/// What spoke format 1, as it was: messages, how they were read and written, and what the object answered.
mod before {
    use serde::{Deserialize, Serialize};

    const FORMAT: u8 = 1;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub(super) enum Question {
        Sequence,
        Advance,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub(super) enum Answer {
        Sequence(u64),
        Unknown,
    }

    pub(super) fn encode(message: &impl Serialize) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        bytes.extend(postcard::to_allocvec(message).unwrap());
        bytes
    }

    pub(super) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
        let (format, payload) = bytes.split_first()?;
        if *format == FORMAT { postcard::from_bytes(payload).ok() } else { None }
    }

    /// What the object said at a number.
    pub(super) fn handle(sequence: u64, message: &[u8]) -> Vec<u8> {
        encode(&match decode::<Question>(message) {
            Some(Question::Sequence) => Answer::Sequence(sequence),
            Some(Question::Advance) => Answer::Sequence(sequence + 1),
            None => Answer::Unknown,
        })
    }
}

fn file(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/formats");
    PathBuf::from(folder).join(format!("signals-{name}.bin"))
}

fn kept(name: &str) -> Vec<u8> {
    fs::read(file(name)).unwrap()
}

fn switch() -> Switch {
    Switch {
        lever: Lever { kind: Kind::Maintenance, scope: Scope::Upstream("pets".into()) },
        reason: "a new database".into(),
        retry_after_s: 30,
        by: "ops".into(),
        since: NOW,
        until: NOW + 60_000,
    }
}

fn changes() -> Vec<Change> {
    let lever = |kind, scope| Lever { kind, scope };
    vec![
        Change::Throw(switch()),
        Change::Release(lever(Kind::Kill, Scope::Gateway)),
        Change::Release(lever(Kind::Drain, Scope::Tag("a".into()))),
        Change::Release(lever(Kind::Drain, Scope::Route("GET /a".into()))),
        Change::Mark(Mark { hash: 0x0123_4567_89ab_cdef, until: NOW + 600_000 }),
        Change::Unmark(0xfedc_ba98_7654_3210),
    ]
}

const KNOWN: Known = Known { log: NOW, sequence: 300 };

fn questions() -> [(&'static str, Question); 4] {
    [
        ("2-question-sequence", Question::Sequence),
        ("2-question-read", Question::Read(KNOWN, 250)),
        ("2-question-write", Question::Write(KNOWN, changes())),
        ("2-question-is-marked", Question::IsMarked(0x0123_4567_89ab_cdef)),
    ]
}

fn answers() -> [(&'static str, Answer); 7] {
    let delta = Delta { log: NOW, after: 300, changes: changes(), age_ms: 250 };
    let table = Table::of(&[1 << 40, 1 << 62, u64::MAX]).bytes().to_vec();
    let whole = Whole { log: NOW, sequence: 306, switches: vec![switch()], marks: vec![7, 8], age_ms: 3, table };
    [
        ("2-answer-sequence", Answer::Sequence(300)),
        ("2-answer-delta", Answer::Delta(delta)),
        ("2-answer-whole", Answer::Whole(whole)),
        ("2-answer-is-marked", Answer::IsMarked(true)),
        ("2-answer-is-not-marked", Answer::IsMarked(false)),
        ("2-answer-refused-too-many", Answer::Refused(Refusal::TooMany)),
        ("2-answer-refused-end", Answer::Refused(Refusal::End)),
    ]
}

/// A log that has stored one of each.
fn stored() -> Memory {
    let mut store = Memory::default();
    let mut log = Log::restore(NOW, &mut store).unwrap();
    log.apply(NOW, Question::Write(Known::default(), changes()), &mut store).unwrap();
    store
}

/// What is stored under keys that begin with this, as one file: for each entry two lengths, the key and the value.
fn entries(store: &Memory, first: u8) -> Vec<u8> {
    let found: Vec<_> = store.0.iter().filter(|(key, _)| key.first() == Some(&first)).collect();
    postcard::to_allocvec(&found).unwrap()
}

const STORED: [(&str, u8); 5] = [
    ("stored-1-log", b'l'),
    ("stored-1-due", b'd'),
    ("stored-1-switch", b's'),
    ("stored-1-mark", b'm'),
    ("stored-1-window", b'w'),
];

/// All files and what they hold now.
fn all() -> Vec<(&'static str, Vec<u8>)> {
    let mut all = vec![
        ("1-question-sequence", before::encode(&before::Question::Sequence)),
        ("1-question-advance", before::encode(&before::Question::Advance)),
        ("1-answer-sequence", before::encode(&before::Answer::Sequence(300))),
        ("1-answer-unknown", before::encode(&before::Answer::Unknown)),
        ("2-answer-not-understood", message::not_understood::<Signals>()),
    ];
    all.extend(questions().map(|(name, question)| (name, message::question::<Signals>(&question))));
    all.extend(answers().map(|(name, answer)| (name, message::answer::<Signals>(&answer, Spoken::Newest))));
    let store = stored();
    all.extend(STORED.map(|(name, first)| (name, entries(&store, first))));
    all
}

#[test]
fn the_bytes_are_those_that_are_kept() {
    for (name, bytes) in all() {
        // Not those that are right: other tests read them at the same time.
        if std::env::var_os("UPDATE_FORMAT").is_some() && fs::read(file(name)).ok().as_ref() != Some(&bytes) {
            fs::write(file(name), &bytes).unwrap();
        }
        assert!(
            kept(name) == bytes,
            "{name}: the bytes have changed: raise the format, then UPDATE_FORMAT=1 writes new files"
        );
    }
}

#[test]
fn kept_messages_are_read() {
    for (name, question) in questions() {
        assert_eq!(message::read_question::<Signals>(&kept(name)), Some((question, Spoken::Newest)), "{name}");
    }
    for (name, answer) in answers() {
        assert_eq!(message::read_answer::<Signals>(kept(name)), Some(answer), "{name}");
    }
    assert_eq!(message::read_answer::<Signals>(kept("1-answer-sequence")), Some(Answer::Sequence(300)));
    for name in ["1-answer-unknown", "2-answer-not-understood"] {
        assert_eq!(message::read_answer::<Signals>(kept(name)), None, "{name}");
    }
}

#[test]
fn what_is_stored_is_found_again() {
    let mut store = Memory::default();
    for (name, _) in STORED {
        let entries: Vec<(Vec<u8>, Vec<u8>)> = postcard::from_bytes(&kept(name)).unwrap();
        assert!(!entries.is_empty(), "{name}");
        store.0.extend(entries);
    }
    let mut log = Log::restore(NOW + 1, &mut store).unwrap();
    let from_the_beginning = Question::Read(Known { log: NOW, sequence: 0 }, 0);
    let told = Answer::Delta(Delta { log: NOW, after: 0, changes: changes(), age_ms: 0 });
    assert_eq!(log.apply(NOW + 1, from_the_beginning, &mut store), Ok(told));
    let Ok(Answer::Whole(whole)) = log.apply(NOW + 1, Question::Read(Known::default(), 0), &mut store) else {
        panic!("no whole")
    };
    assert_eq!(
        (whole.sequence, whole.switches, whole.table),
        (6, vec![switch()], Table::of(&[0x0123_4567_89ab_cdef]).bytes().to_vec())
    );
    assert_eq!(Machine::next_wake(&log), Some(NOW + 60_000));
    store.delete(b"log").unwrap();
    assert!(Log::restore(NOW + 1, &mut store).is_ok());
}

#[test]
fn a_caller_of_the_version_before_is_answered_in_its_own_format() {
    let mut store = stored();
    let mut log = Log::restore(NOW, &mut store).unwrap();
    let mut asked = |name: &str| log.serve(NOW, &kept(name), &mut store).unwrap();
    assert_eq!(before::decode(&asked("1-question-sequence")), Some(before::Answer::Sequence(6)));
    // Numbers without a change are gone. It learns that it was not understood, and so nothing.
    assert_eq!(asked("1-question-advance"), kept("2-answer-not-understood"));
    assert_eq!(before::decode::<before::Answer>(&kept("2-answer-not-understood")), None);
    assert!(matches!(Relay::default().serve(NOW, &kept("1-question-sequence")), Reply::PassOn));
}

#[test]
fn an_object_of_the_version_before_counts_as_not_answering() {
    for (name, question) in questions() {
        assert_eq!(before::decode::<before::Question>(&kept(name)), None, "{name}: {question:?}");
        assert_eq!(before::handle(300, &kept(name)), [1, 1], "{name}");
    }
    let isolate = Isolate::default();
    isolate.join(false);
    let errand = isolate.question(NOW).unwrap();
    assert!(isolate.learn(NOW + 5, NOW, Ok(before::handle(300, &errand.message))).is_err());
    assert_eq!(isolate.standing(NOW + 5), Standing::CutOff(None));

    // What it knew it keeps, and how old that is.
    let taught = Isolate::default();
    taught.join(true);
    taught.learn(NOW, NOW, Ok(kept("2-answer-whole"))).unwrap();
    let errand = taught.question(NOW + 600).unwrap();
    assert!(taught.learn(NOW + 700, NOW + 600, Ok(before::handle(300, &errand.message))).is_err());
    assert_eq!((taught.standing(NOW + 700), taught.switches(NOW + 700)), (Standing::CutOff(Some(703)), vec![switch()]));

    let mut relay = Relay::default();
    let Reply::AskFirst(question) = relay.serve(NOW, &kept("2-question-read")) else { panic!("it knows nothing") };
    relay.absorb(NOW + 5, NOW, before::handle(300, &question));
    assert!(matches!(relay.serve(NOW + 5, &kept("2-question-read")), Reply::AskFirst(_)));
}

/// Bytes of every kind: any, and those of the files with something wrong with them.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let damage = (0..all().len(), any::<prop::sample::Index>(), any::<u8>(), any::<bool>());
    let damaged = damage.prop_map(|(which, at, byte, cuts)| {
        let mut bytes = all().swap_remove(which).1;
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if cuts {
            bytes.truncate(at + 1);
        }
        bytes
    });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..80), damaged]
}

proptest! {
    #[test]
    fn bytes_that_no_version_writes_break_nothing(bytes in bytes(), hash in any::<u64>()) {
        let mut store = stored();
        let mut log = Log::restore(NOW, &mut store).unwrap();
        let answer = log.serve(NOW, &bytes, &mut store).unwrap();
        prop_assert!(!answer.is_empty());
        let isolate = Isolate::default();
        isolate.join(false);
        let _ = isolate.learn(NOW, NOW, Ok(bytes.clone()));
        let _ = (isolate.may_be_marked(hash), isolate.switches(NOW), isolate.question(NOW));
        let mut relay = Relay::default();
        relay.absorb(NOW, NOW, bytes.clone());
        let _ = relay.serve(NOW, &bytes);
        if let Some(answer) = message::read_answer::<Signals>(bytes) {
            let mut feed = Feed::default();
            let _ = feed.absorb(NOW, NOW, answer);
        }
    }

    #[test]
    fn stored_bytes_that_no_version_writes_break_nothing(which in any::<prop::sample::Index>(), value in bytes()) {
        let mut store = stored();
        let key = store.0.keys().nth(which.index(store.0.len())).cloned().unwrap();
        store.put(&key, &value).unwrap();
        let mut log = Log::restore(NOW, &mut store).unwrap();
        Machine::wake(&mut log, NOW + 24 * 3_600_000, &mut store).unwrap();
        for question in [kept("2-question-read"), kept("2-question-write")] {
            prop_assert!(!log.serve(NOW, &question, &mut store).unwrap().is_empty());
        }
    }
}
