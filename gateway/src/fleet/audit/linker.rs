//! The object `Audit`: links rows that are in the database, so that the chain is a line however many isolates write.
//!
//! It goes round in three steps: read rows that are in no chain, store the links that it makes of them (here, as
//! *pending*), set them in the database; then the last of them is the new head. Whatever ends between two steps, the next
//! round mends it, because the links are settled before the database hears of them and setting them twice does no harm:
//!
//! | what ends after | what is there then | what the next round does |
//! |---|---|---|
//! | reading | nothing new | reads again |
//! | storing the links | pending links, perhaps in the database too | sets them, again or at last |
//! | setting them | the same | sets them again, which changes nothing |
//! | storing the head | the new head, nothing pending | reads on |
//!
//! The head is the anchor of `chain::Check`: rows at the end of the chain that vanish from the database are missed. An
//! object whose storage is new takes the end that the database has for its head.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Answer, Audit, Question,
    chain::{self, Head},
    row::Row,
    statements::{self, LINKED_AT_ONCE},
};
use crate::{
    fleet::{
        machine::Machine,
        message,
        store::{Fault, Store},
    },
    http::Millis,
    ports::{
        errands::{Errand, Returned},
        statements as sql,
    },
};

/// The format of what is stored.
const STORED: u8 = 1;
const HEAD: &[u8] = b"head";
const PENDING: &[u8] = b"pending";

/// How long it rests when there was nothing left to link and nobody pokes it, in milliseconds: a poke may be lost.
const REST_MS: Millis = 3_600_000;

/// How long an errand may take before the object looks anew, in milliseconds.
const LEASE_MS: Millis = 30_000;

/// The first pause after a failure of the database, and the longest, in milliseconds.
const FIRST_PAUSE_MS: Millis = 1_000;
const LONGEST_PAUSE_MS: Millis = 300_000;

/// How many errands it has in a row before others get their turn.
const ERRANDS_AT_ONCE: u32 = 40;

/// What the errand that is out is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Finding the end of the chain in the database.
    Adopt,
    /// Reading rows.
    Read,
    /// Setting pending links.
    Set,
}

/// Links that the database may not have heard of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pending {
    /// Where the chain ends behind them.
    head: Head,
    /// How many they are.
    count: u64,
    /// As the database takes them: `statements::store`.
    links: String,
}

/// The state of the object.
#[derive(Debug)]
pub struct Linker {
    head: Option<Head>,
    pending: Option<Pending>,
    /// When it looks for rows.
    due: Millis,
    /// Whether somebody has said that there are new rows since it began to read.
    poked: bool,
    out: Option<Step>,
    failures: u32,
    errands: u32,
}

impl Machine for Linker {
    type Speaks = Audit;

    fn restore(now: Millis, store: &mut dyn Store) -> Result<Self, Fault> {
        let (head, pending) = (stored(HEAD, store)?, stored(PENDING, store)?);
        Ok(Self { head, pending, due: now, poked: false, out: None, failures: 0, errands: 0 })
    }

    fn apply(&mut self, now: Millis, question: Question, _store: &mut dyn Store) -> Result<Answer, Fault> {
        Ok(match question {
            Question::Head => Answer::Head(self.head),
            Question::Poke => {
                self.poked = true;
                // A pause after a failure is not cut short: the rows wait where they are.
                if self.failures == 0 && self.out.is_none() {
                    self.due = now;
                }
                Answer::Noted
            }
        })
    }

    fn wake(&mut self, _now: Millis, _store: &mut dyn Store) -> Result<(), Fault> {
        // Alarms do not overlap: what was out has ended without a word.
        (self.out, self.errands) = (None, 0);
        Ok(())
    }

    fn next_wake(&self) -> Option<Millis> {
        Some(self.due)
    }

    fn errand(&mut self, now: Millis, _store: &mut dyn Store) -> Result<Option<Errand>, Fault> {
        if now < self.due || self.out.is_some() || self.errands >= ERRANDS_AT_ONCE {
            return Ok(None);
        }
        let (step, statement) = match (self.head, &self.pending) {
            (None, _) => (Step::Adopt, statements::last()),
            (Some(_), None) => (Step::Read, statements::unlinked()),
            (Some(_), Some(pending)) => (Step::Set, statements::store(&pending.links)),
        };
        if step == Step::Read {
            self.poked = false;
        }
        (self.out, self.due) = (Some(step), now.saturating_add(LEASE_MS));
        self.errands = self.errands.saturating_add(1);
        Ok(Some(sql::run(&[statement])))
    }

    fn returned(&mut self, now: Millis, returned: Returned, store: &mut dyn Store) -> Result<(), Fault> {
        let Some(step) = self.out.take() else { return Ok(()) };
        let done = match (step, returned) {
            (_, Err(_)) => None,
            (Step::Adopt, Ok(answer)) => self.adopt(&answer, store)?,
            (Step::Read, Ok(answer)) => self.read(&answer, store)?,
            (Step::Set, Ok(_)) => self.set(store)?,
        };
        match done {
            Some(Next::GoOn) => (self.due, self.failures) = (now, 0),
            Some(Next::Rest) => {
                let rest = if self.poked { 0 } else { REST_MS };
                (self.due, self.failures) = (now.saturating_add(rest), 0);
            }
            None => self.fail(now),
        }
        Ok(())
    }
}

/// What comes after a step that has succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    GoOn,
    Rest,
}

impl Linker {
    /// Takes the end that the database has for its head.
    fn adopt(&mut self, answer: &[u8], store: &mut dyn Store) -> Result<Option<Next>, Fault> {
        let Some(last) = sql::rows(answer) else { return Ok(None) };
        let head = last.first().map_or(Some(Head::default()), statements::head_of);
        let Some(head) = head else { return Ok(None) };
        self.lead_to(head, store)?;
        Ok(Some(Next::GoOn))
    }

    /// Makes links of rows, and stores them before anything else happens.
    fn read(&mut self, answer: &[u8], store: &mut dyn Store) -> Result<Option<Next>, Fault> {
        let rows = sql::rows(answer).and_then(|rows| rows.iter().map(Row::of).collect::<Option<Vec<Row>>>());
        let Some(rows) = rows else { return Ok(None) };
        let links = chain::link(self.head.unwrap_or_default(), &rows);
        let Some(last) = links.last() else { return Ok(Some(Next::Rest)) };
        let Some(head) = Head::parse(last.sequence, &last.hash) else { return Ok(None) };
        let pending = Pending { head, count: links.len() as u64, links: statements::links(&links) };
        store.put(PENDING, &message::encode(STORED, &pending))?;
        self.pending = Some(pending);
        Ok(Some(Next::GoOn))
    }

    /// The database has the links: the last of them is the head.
    fn set(&mut self, store: &mut dyn Store) -> Result<Option<Next>, Fault> {
        let Some(pending) = self.pending.take() else { return Ok(Some(Next::GoOn)) };
        self.lead_to(pending.head, store)?;
        store.delete(PENDING)?;
        Ok(Some(if pending.count < LINKED_AT_ONCE { Next::Rest } else { Next::GoOn }))
    }

    fn lead_to(&mut self, head: Head, store: &mut dyn Store) -> Result<(), Fault> {
        self.head = Some(head);
        store.put(HEAD, &message::encode(STORED, &head))
    }

    fn fail(&mut self, now: Millis) {
        let doubled = FIRST_PAUSE_MS.checked_shl(self.failures.min(16)).unwrap_or(LONGEST_PAUSE_MS);
        self.failures = self.failures.saturating_add(1);
        self.due = now.saturating_add(doubled.min(LONGEST_PAUSE_MS));
    }
}

fn stored<T: DeserializeOwned>(key: &[u8], store: &dyn Store) -> Result<Option<T>, Fault> {
    Ok(store.get(key)?.and_then(|bytes| message::decode(STORED, &bytes)))
}

#[cfg(test)]
mod tests;
