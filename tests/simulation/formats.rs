//! The bytes of signals, held to the files of `tests/fixtures/formats`: two versions of the gateway run at once during a
//! deploy, and the one before has to be understood. `UPDATE_FORMAT=1` writes the files anew; those of a format that has
//! been released stay as they are, and a change raises `Signals::FORMAT`, or `STORED` of the log.

use gateway::{
    fleet::{
        isolate::{Isolate, Standing},
        limits::overrides::Override,
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

use crate::kit::{Kept, damaged};

const NOW: Millis = 1_800_000_000_000;

/// What spoke format 2, as it was: messages, and how they were read.
mod before {
    use gateway::fleet::signals::{
        Known, Mark, Refusal,
        switch::{Lever, Switch},
    };
    use serde::{Deserialize, Serialize};

    const FORMAT: u8 = 2;

    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub(super) enum Change {
        Throw(Switch),
        Release(Lever),
        Mark(Mark),
        Unmark(u64),
    }

    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub(super) enum Question {
        Sequence,
        Read(Known, u32),
        Write(Known, Vec<Change>),
        IsMarked(u64),
    }

    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub(super) enum Answer {
        Sequence(u64),
        Delta(Delta),
        Whole(Whole),
        IsMarked(bool),
        Refused(Refusal),
    }

    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub(super) struct Delta {
        pub(super) log: u64,
        pub(super) after: u64,
        pub(super) changes: Vec<Change>,
        pub(super) age_ms: u32,
    }

    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub(super) struct Whole {
        pub(super) log: u64,
        pub(super) sequence: u64,
        pub(super) switches: Vec<Switch>,
        pub(super) marks: Vec<u64>,
        pub(super) age_ms: u32,
    }

    pub(super) fn encode(message: &impl Serialize) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        bytes.extend(postcard::to_allocvec(message).unwrap());
        bytes
    }

    /// A message and the bytes behind it.
    pub(super) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<(T, &'a [u8])> {
        let (format, payload) = bytes.split_first()?;
        if *format == FORMAT { postcard::take_from_bytes(payload).ok() } else { None }
    }

    /// What the object said to a message of another format.
    pub(super) const NOT_UNDERSTOOD: [u8; 2] = [0, FORMAT];
}

const KEPT: Kept = Kept("signals");

fn kept(name: &str) -> Vec<u8> {
    KEPT.read(name)
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
        Change::Override(other()),
        Change::Lift(7, [1; 16]),
        Change::Reset(7, [2; 16]),
    ]
}

fn other() -> Override {
    Override {
        limit: 0x0123_4567_89ab_cdef,
        key: [9; 16],
        names: ("60/min per address".into(), "address=192.0.2.7".into()),
        tokens: 600,
        reason: "a sale".into(),
        by: "ops".into(),
        since: NOW,
        until: NOW + 50_000,
    }
}

/// What a reader of format 2 is told of them.
fn changes_before() -> Vec<before::Change> {
    let lever = |kind, scope| before::Change::Release(Lever { kind, scope });
    let nothing = || lever(Kind::Kill, Scope::Tag(String::new()));
    vec![
        before::Change::Throw(switch()),
        lever(Kind::Kill, Scope::Gateway),
        lever(Kind::Drain, Scope::Tag("a".into())),
        lever(Kind::Drain, Scope::Route("GET /a".into())),
        before::Change::Mark(Mark { hash: 0x0123_4567_89ab_cdef, until: NOW + 600_000 }),
        before::Change::Unmark(0xfedc_ba98_7654_3210),
        nothing(),
        nothing(),
        nothing(),
    ]
}

const KNOWN: Known = Known { log: NOW, sequence: 300 };

fn questions() -> [(&'static str, Question); 4] {
    [
        ("3-question-sequence", Question::Sequence),
        ("3-question-read", Question::Read(KNOWN, 250)),
        ("3-question-write", Question::Write(KNOWN, changes())),
        ("3-question-is-marked", Question::IsMarked(0x0123_4567_89ab_cdef)),
    ]
}

/// The same in format 2, as far as it can say it, and what is read of it.
fn questions_before() -> [(&'static str, before::Question, Question); 4] {
    let known = |count: usize| (changes_before()[..count].to_vec(), changes()[..count].to_vec());
    let (written, read) = known(6);
    [
        ("2-question-sequence", before::Question::Sequence, Question::Sequence),
        ("2-question-read", before::Question::Read(KNOWN, 250), Question::Read(KNOWN, 250)),
        ("2-question-write", before::Question::Write(KNOWN, written), Question::Write(KNOWN, read)),
        (
            "2-question-is-marked",
            before::Question::IsMarked(0x0123_4567_89ab_cdef),
            Question::IsMarked(0x0123_4567_89ab_cdef),
        ),
    ]
}

fn table() -> Vec<u8> {
    Table::of(&[1 << 40, 1 << 62, u64::MAX]).bytes().to_vec()
}

fn answers() -> [(&'static str, Answer); 7] {
    let delta = Delta { log: NOW, after: 300, changes: changes(), age_ms: 250 };
    let (switches, marks, overrides) = (vec![switch()], vec![7, 8], vec![other()]);
    let whole = Whole { log: NOW, sequence: 309, switches, marks, age_ms: 3, overrides, table: table() };
    [
        ("3-answer-sequence", Answer::Sequence(300)),
        ("3-answer-delta", Answer::Delta(delta)),
        ("3-answer-whole", Answer::Whole(whole)),
        ("3-answer-is-marked", Answer::IsMarked(true)),
        ("3-answer-is-not-marked", Answer::IsMarked(false)),
        ("3-answer-refused-too-many", Answer::Refused(Refusal::TooMany)),
        ("3-answer-refused-end", Answer::Refused(Refusal::End)),
    ]
}

/// What a caller of format 2 reads of them, and the bytes behind.
fn answers_before() -> [(before::Answer, Vec<u8>); 7] {
    let delta = before::Delta { log: NOW, after: 300, changes: changes_before(), age_ms: 250 };
    let whole = before::Whole { log: NOW, sequence: 309, switches: vec![switch()], marks: vec![7, 8], age_ms: 3 };
    [
        (before::Answer::Sequence(300), vec![]),
        (before::Answer::Delta(delta), vec![]),
        (before::Answer::Whole(whole), table()),
        (before::Answer::IsMarked(true), vec![]),
        (before::Answer::IsMarked(false), vec![]),
        (before::Answer::Refused(Refusal::TooMany), vec![]),
        (before::Answer::Refused(Refusal::End), vec![]),
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

const STORED: [(&str, u8); 6] = [
    ("stored-1-log", b'l'),
    ("stored-1-due", b'd'),
    ("stored-1-switch", b's'),
    ("stored-1-mark", b'm'),
    ("stored-1-window", b'w'),
    ("stored-1-override", b'o'),
];

/// All files and what they hold now.
fn all() -> Vec<(&'static str, Vec<u8>)> {
    let mut all = vec![("3-answer-not-understood", message::not_understood::<Signals>())];
    all.extend(questions_before().map(|(name, question, _)| (name, before::encode(&question))));
    all.extend(questions().map(|(name, question)| (name, message::question::<Signals>(&question))));
    all.extend(answers().map(|(name, answer)| (name, message::answer::<Signals>(&answer, Spoken::Newest))));
    let store = stored();
    all.extend(STORED.map(|(name, first)| (name, entries(&store, first))));
    all
}

#[test]
fn the_bytes_are_those_that_are_kept() {
    KEPT.check(all());
}

#[test]
fn kept_messages_are_read() {
    for (name, question) in questions() {
        assert_eq!(message::read_question::<Signals>(&kept(name)), Some((question, Spoken::Newest)), "{name}");
    }
    for (name, answer) in answers() {
        assert_eq!(message::read_answer::<Signals>(kept(name)), Some(answer), "{name}");
    }
    for (name, _, question) in questions_before() {
        assert_eq!(message::read_question::<Signals>(&kept(name)), Some((question, Spoken::Before)), "{name}");
    }
    let told = before::encode(&before::Answer::Sequence(300));
    assert_eq!(message::read_answer::<Signals>(told), Some(Answer::Sequence(300)));
    let unread = [kept("3-answer-not-understood"), before::NOT_UNDERSTOOD.to_vec(), vec![1, 0]];
    assert!(unread.into_iter().all(|bytes| message::read_answer::<Signals>(bytes).is_none()));
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
        (whole.sequence, whole.switches, whole.overrides, whole.table),
        (9, vec![switch()], vec![other()], Table::of(&[0x0123_4567_89ab_cdef]).bytes().to_vec())
    );
    assert_eq!(Machine::next_wake(&log), Some(NOW + 50_000));
    Machine::wake(&mut log, NOW + 50_000, &mut store).unwrap();
    assert_eq!((Machine::next_wake(&log), entries(&store, b'o').len()), (Some(NOW + 60_000), 1));
    store.delete(b"log").unwrap();
    assert!(Log::restore(NOW + 1, &mut store).is_ok());
}

#[test]
fn a_caller_of_the_version_before_is_answered_in_its_own_format() {
    for ((name, answer), (expected, behind)) in answers().into_iter().zip(answers_before()) {
        let bytes = message::answer::<Signals>(&answer, Spoken::Before);
        assert_eq!(before::decode(&bytes), Some((expected, behind.as_slice())), "{name}");
    }
    let mut store = stored();
    let mut log = Log::restore(NOW, &mut store).unwrap();
    let asked = log.serve(NOW, &kept("2-question-sequence"), &mut store).unwrap();
    assert_eq!(before::decode(&asked), Some((before::Answer::Sequence(9), &[][..])));
    assert!(matches!(Relay::default().serve(NOW, &kept("2-question-read")), Reply::PassOn));
}

#[test]
fn an_object_of_the_version_before_counts_as_not_answering() {
    for (name, question) in questions() {
        assert_eq!(before::decode::<before::Question>(&kept(name)), None, "{name}: {question:?}");
    }
    let handle = |_: &[u8]| before::NOT_UNDERSTOOD.to_vec();
    let isolate = Isolate::default();
    isolate.join(false);
    let errand = isolate.question(NOW).unwrap();
    assert!(isolate.learn(NOW + 5, NOW, Ok(handle(&errand.message))).is_err());
    assert_eq!(isolate.standing(NOW + 5), Standing::CutOff(None));

    // What it knew it keeps, and how old that is.
    let taught = Isolate::default();
    taught.join(true);
    taught.learn(NOW, NOW, Ok(kept("3-answer-whole"))).unwrap();
    let errand = taught.question(NOW + 600).unwrap();
    assert!(taught.learn(NOW + 700, NOW + 600, Ok(handle(&errand.message))).is_err());
    assert_eq!((taught.standing(NOW + 700), taught.switches(NOW + 700)), (Standing::CutOff(Some(703)), vec![switch()]));

    let mut relay = Relay::default();
    let Reply::AskFirst(question) = relay.serve(NOW, &kept("3-question-read")) else { panic!("it knows nothing") };
    relay.absorb(NOW + 5, NOW, handle(&question));
    assert!(matches!(relay.serve(NOW + 5, &kept("3-question-read")), Reply::AskFirst(_)));
}

proptest! {
    #[test]
    fn bytes_that_no_version_writes_break_nothing(bytes in damaged(all), hash in any::<u64>()) {
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
    fn stored_bytes_that_no_version_writes_break_nothing(which in any::<prop::sample::Index>(), value in damaged(all)) {
        let mut store = stored();
        let key = store.0.keys().nth(which.index(store.0.len())).cloned().unwrap();
        store.put(&key, &value).unwrap();
        let mut log = Log::restore(NOW, &mut store).unwrap();
        Machine::wake(&mut log, NOW + 24 * 3_600_000, &mut store).unwrap();
        for question in [kept("3-question-read"), kept("3-question-write"), kept("2-question-write")] {
            prop_assert!(!log.serve(NOW, &question, &mut store).unwrap().is_empty());
        }
    }
}
