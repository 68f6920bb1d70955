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
    /// Counts come together (`fleet::metrics`).
    Metrics,
}

/// Who is to do it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Destination {
    /// The object of this name.
    Object(Class, String),
    /// The relay of the log that is nearest.
    Relay,
}

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

    /// How often this request has waited for the platform so far: for errands, the log and components; not for upstreams,
    /// bodies and signatures.
    fn awaits(&self) -> u32;
}
