//! Audit: what must not be lost. Who did what to what, and how it went, in rows of the database that are chained so that a
//! change to them is found.
//!
//! A row (`row`) goes to the queue or, with a change that is in the database, straight there (`statements`). The object
//! `Audit` (`linker`) then links rows in the order in which it finds them (`chain`), and keeps the end of the chain as an
//! anchor outside of the database. `reading` asks for rows and shows them, `events` holds what an isolate has not sent yet.
//! Not here: what is worth a row (`stages::audit`) and who carries messages (`ports::errands` and the Worker).

pub mod chain;
pub mod events;
#[cfg(feature = "compiler")]
pub mod export;
pub mod linker;
pub mod reading;
pub mod row;
pub mod statements;

use crate::{
    fleet::message::{self, Protocol},
    ports::errands::{Class, Destination, Errand},
};
use serde::{Deserialize, Serialize};

/// The object that links rows: there is one, so that the chain is a line.
pub const CHAIN: &str = "chain";

/// What a caller asks the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// There are new rows in the database.
    Poke,
    /// Where the chain ends.
    Head,
}

/// What the object answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// It will look.
    Noted,
    /// The last row that it has linked, if it has linked any since its storage was new.
    Head(Option<chain::Head>),
}

/// The messages of the object `Audit`.
#[derive(Debug)]
pub struct Audit;

impl Protocol for Audit {
    type Question = Question;
    type Answer = Answer;
    const FORMAT: u8 = 1;
}

/// The errand that asks the object something.
#[must_use]
pub fn ask(question: Question) -> Errand {
    Errand { to: Destination::Object(Class::Audit, CHAIN.to_owned()), message: message::question::<Audit>(&question) }
}
