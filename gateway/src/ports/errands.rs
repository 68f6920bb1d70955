//! Errands: what the gateway has others do with bytes: objects of the fleet, the database, the queue.
//!
//! An errand is data. The pipeline awaits one as an effect; what is due behind a response is handed out by
//! `fleet::isolate` and awaited by nobody. Either way the platform carries it, and gives bytes back or says what is wrong.

use std::future::Future;

use super::dependencies::Trouble;

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The ordered log (`fleet::signals`).
    Signals,
    /// The chain of audit rows (`fleet::audit`).
    Audit,
    /// Counts come together (`fleet::metrics`).
    Metrics,
    /// Rate limits are counted (`fleet::limits`).
    Limits,
    /// Abuse is added up (`fleet::abuse`).
    Abuse,
}

impl Class {
    /// The binding of the Worker under which its objects are found, as in `wrangler.toml`.
    #[must_use]
    pub const fn binding(self) -> &'static str {
        match self {
            Self::Signals => "SIGNALS",
            Self::Audit => "AUDIT",
            Self::Metrics => "METRICS",
            Self::Limits => "LIMITS",
            Self::Abuse => "ABUSE",
        }
    }
}

/// Who is to do it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Destination {
    /// The object of this name.
    Object(Class, String),
    /// The relay of the log that is nearest.
    Relay,
    /// The database. The message is a list of statements in JSON, which are one transaction, and the answer the list of
    /// their rows (`ports::statements`).
    Database,
    /// The queue. The message is a list of texts in JSON, at most [`MOST_TEXTS`], all of which are taken or none.
    Queue,
}

/// The most texts that the queue takes at once, and the most bytes that they have together: both are the platform's.
pub const MOST_TEXTS: usize = 100;
/// See [`MOST_TEXTS`]. A tenth is left to what the platform adds.
pub const MOST_TEXT_BYTES: usize = 230_000;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// By whom.
    pub to: Destination,
    /// What it is told.
    pub message: Vec<u8>,
}

/// What came of an errand.
pub type Returned = Result<Vec<u8>, Trouble>;

/// The way to those who do errands.
pub trait Errands {
    /// Has an errand done and waits for what comes of it, for no longer than this many milliseconds.
    fn run(&self, errand: Errand, within_ms: u32) -> impl Future<Output = Returned>;

    /// Has the log asked what is new, together with others who wait for the same, and waits until that is known here or
    /// cannot be, for no longer than this many milliseconds.
    fn refresh(&self, within_ms: u32) -> impl Future<Output = ()>;

    /// Has those asked who count, together with others who wait for the same, and waits until what one of them says is known
    /// here or cannot be, for no longer than this many milliseconds. `what`: the name of that one's object, a slash, what
    /// for.
    fn replenish(&self, what: String, within_ms: u32) -> impl Future<Output = ()>;

    /// How often this request has waited for the platform so far: for errands, the log and components; not for upstreams,
    /// bodies and signatures.
    fn awaits(&self) -> u32;
}
