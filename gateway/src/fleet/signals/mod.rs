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
        message::{self, Protocol},
        signals::switch::{Lever, Switch},
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
    /// More than [`MOST_AT_ONCE`], or more switches than [`MOST_SWITCHES`].
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
    /// The other marks ([`marks::Table`]): travels behind the message, so that a reader keeps the bytes as they came.
    #[serde(skip)]
    pub table: Vec<u8>,
}

/// The messages of the object `Signals`.
#[derive(Debug)]
pub struct Signals;

/// Format 1 had these questions only.
#[derive(Serialize, Deserialize)]
enum QuestionBefore {
    Sequence,
    Advance,
}

#[derive(Serialize, Deserialize)]
enum AnswerBefore {
    Sequence(u64),
    Unknown,
}

impl Protocol for Signals {
    type Question = Question;
    type Answer = Answer;
    const FORMAT: u8 = 2;

    fn question_before(payload: &[u8]) -> Option<Question> {
        match message::whole(payload)? {
            QuestionBefore::Sequence => Some(Question::Sequence),
            // Numbers without a change were for tests.
            QuestionBefore::Advance => None,
        }
    }

    fn answer_before(answer: &Answer) -> Option<Vec<u8>> {
        let before = match answer {
            Answer::Sequence(sequence) => AnswerBefore::Sequence(*sequence),
            _ => AnswerBefore::Unknown,
        };
        postcard::to_allocvec(&before).ok()
    }

    fn read_answer_before(payload: &[u8]) -> Option<Answer> {
        match message::whole(payload)? {
            AnswerBefore::Sequence(sequence) => Some(Answer::Sequence(sequence)),
            AnswerBefore::Unknown => None,
        }
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
