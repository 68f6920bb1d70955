//! Signals: the one ordered log of what the whole fleet must learn soon.
//!
//! The object (`log`) numbers changes. An isolate keeps what they come to (`feed`) and asks "what after n?"; the answer is
//! a delta, or the whole when n is too old. Relays (`relay`) stand between, so that the root has few readers. A change is
//! about a switch (`switch`) or a mark (`marks`), and every one has an end: nothing is kept longer than it can matter.

pub mod feed;
pub mod log;
pub mod marks;
pub mod relay;
pub mod switch;

use serde::{Deserialize, Serialize};

use crate::{
    fleet::{
        limits::{Key, overrides::Override},
        message::{self, Protocol},
        signals::switch::{Kind, Lever, Scope, Switch},
    },
    http::Millis,
};

/// How long a change may matter at most, in milliseconds: 400 days.
pub const LONGEST_MS: Millis = 400 * 24 * 3_600_000;

/// Most changes in one question.
pub const MOST_AT_ONCE: usize = 1_000;

/// How many changes the log remembers one by one. Who knows less gets the whole.
pub const WINDOW: usize = 1_024;

/// Most switches that are thrown at once.
pub const MOST_SWITCHES: usize = 1_000;

/// Most keys that have another limit at once.
pub const MOST_OVERRIDES: usize = 1_000;

/// Something that the fleet learns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// A switch is thrown, or thrown in another way.
    Throw(Switch),
    /// A switch is released before its time.
    Release(Lever),
    /// A mark is set, or set for another time.
    Mark(Mark),
    /// A mark is taken off before its time.
    Unmark(u64),
    /// A key has another limit, or yet another one.
    Override(Override),
    /// A key of a limit has that of all others again, before its time.
    Lift(u64, Key),
    /// What was counted of a key of a limit is forgotten: who was told that it is refused asks anew.
    Reset(u64, Key),
}

/// A hash that is marked for a time. What it is the hash of is the business of who marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// 64 bits of a hash that nobody can choose at will (SHA-256).
    pub hash: u64,
    /// When it ends by itself.
    pub until: Millis,
}

/// How far somebody's knowledge goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Which log; 0 for none. A log that has lost its storage begins anew under another number.
    pub log: u64,
    /// The last change that is known.
    pub sequence: u64,
}

/// What a caller asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// How far the log has come.
    Sequence,
    /// What came after what is known. A relay may answer from what it learnt so many milliseconds ago.
    Read(Known, u32),
    /// These changes are to be made, all or none; then as [`Question::Read`].
    Write(Known, Vec<Change>),
    /// Whether a hash is marked, for certain.
    IsMarked(u64),
}

/// What the object answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// The number of the last change; 0 before the first.
    Sequence(u64),
    /// What came after.
    Delta(Delta),
    /// Everything that holds.
    Whole(Whole),
    /// Whether the hash is marked.
    IsMarked(bool),
    /// The changes were not made.
    Refused(Refusal),
}

/// Why changes were not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// More than [`MOST_AT_ONCE`], more switches than [`MOST_SWITCHES`], or more limits than [`MOST_OVERRIDES`].
    TooMany,
    /// A change would end before it began, or later than [`LONGEST_MS`].
    End,
}

/// What came after a number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// Which log.
    pub log: u64,
    /// After which number. The first of the changes is the next one.
    pub after: u64,
    /// The changes, without gaps, in order.
    pub changes: Vec<Change>,
    /// How old this was when it was said, in milliseconds: 0 at the root.
    pub age_ms: u32,
}

/// Everything that holds at a number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whole {
    /// Which log.
    pub log: u64,
    /// At which number.
    pub sequence: u64,
    /// All switches that are thrown.
    pub switches: Vec<Switch>,
    /// Marks that the table does not have.
    pub marks: Vec<u64>,
    /// How old this was when it was said, in milliseconds: 0 at the root.
    pub age_ms: u32,
    /// All keys that have another limit.
    pub overrides: Vec<Override>,
    /// The other marks ([`marks::Table`]): travels behind the message, so that a reader keeps the bytes as they came.
    #[serde(skip)]
    pub table: Vec<u8>,
}

/// The messages of the object `Signals`.
#[derive(Debug)]
pub struct Signals;

impl Protocol for Signals {
    type Question = Question;
    type Answer = Answer;
    const FORMAT: u8 = 3;

    /// Format 2 had fewer kinds of changes.
    fn question_before(payload: &[u8]) -> Option<Question> {
        message::whole(payload)
    }

    /// Whoever speaks format 2 knows no other limits for keys. What it cannot read it is told as what changes nothing: the
    /// numbers of changes have no gaps.
    fn answer_before(answer: &Answer) -> Option<Vec<u8>> {
        match answer {
            Answer::Delta(delta) => {
                let changes = delta.changes.iter().map(before).collect();
                postcard::to_allocvec(&Answer::Delta(Delta { changes, ..delta.clone() })).ok()
            }
            Answer::Whole(whole) => {
                let without = Whole { overrides: Vec::new(), ..whole.clone() };
                let mut bytes = postcard::to_allocvec(&Answer::Whole(without)).ok()?;
                // The last byte is the length of that list.
                bytes.pop();
                bytes.extend_from_slice(&whole.table);
                Some(bytes)
            }
            other => postcard::to_allocvec(other).ok(),
        }
    }

    fn read_answer_before(payload: &[u8]) -> Option<Answer> {
        // Nobody here asks in that format; what ends in a table has another form in it.
        message::whole(payload).filter(|answer| !matches!(answer, Answer::Whole(_)))
    }

    fn tail(answer: &Answer) -> &[u8] {
        match answer {
            Answer::Whole(whole) => &whole.table,
            _ => &[],
        }
    }

    fn with_tail(answer: Answer, tail: Vec<u8>) -> Option<Answer> {
        match answer {
            Answer::Whole(whole) => Some(Answer::Whole(Whole { table: tail, ..whole })),
            other => tail.is_empty().then_some(other),
        }
    }
}

/// A change as format 2 has it.
fn before(change: &Change) -> Change {
    match change {
        // No tag is empty: this releases nothing.
        Change::Override(_) | Change::Lift(..) | Change::Reset(..) => {
            Change::Release(Lever { kind: Kind::Kill, scope: Scope::Tag(String::new()) })
        }
        known => known.clone(),
    }
}

/// What a log or a relay answers to a reader: the changes that it lacks, if they are still in the window.
fn delta(known: Known, log: u64, sequence: u64, window: &std::collections::VecDeque<Change>) -> Option<Delta> {
    let missing = usize::try_from(sequence.checked_sub(known.sequence)?).ok()?;
    let skipped = window.len().checked_sub(missing)?;
    (known.log == log).then(|| Delta {
        log,
        after: known.sequence,
        changes: window.iter().skip(skipped).cloned().collect(),
        age_ms: 0,
    })
}
