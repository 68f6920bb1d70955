//! An object of metrics: adds up what isolates hand over, and tells it.
//!
//! What it counts may be lost: it is in memory, and stored [`PERSIST_MS`] after it came at the latest, and always before
//! anybody reads it. So no reader ever sees a counter fall: what is lost has been seen by nobody.

use super::{
    Answer, Delta, Metrics, Question, Reading,
    board::Board,
    family::Family,
    packed::{self, Reader},
    top::{Hour, Top},
};
use crate::{
    fleet::{
        machine::Machine,
        store::{Fault, Store},
    },
    http::Millis,
};

/// How long counts are in memory only, in milliseconds.
pub const PERSIST_MS: Millis = 30_000;

/// How long an isolate counts as seen lately, in milliseconds.
const LATELY_MS: Millis = 60_000;

/// How long an isolate is remembered, in milliseconds: nothing that it has sent is still on its way then.
const REMEMBER_MS: Millis = 900_000;

/// Most isolates that are remembered. The one that was silent for the longest time gives way.
const MOST_SENDERS: usize = 1_024;

/// The format of what is stored.
const STORED: u8 = 1;

/// Keys of families begin with this, and the number of the family follows.
const FAMILY: u8 = b'f';
const SENDERS: &[u8] = b"senders";

/// What is known of an isolate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sender {
    isolate: u64,
    /// The highest number that has come from it.
    number: u64,
    /// Which of this and the 63 before have come: two of an isolate may overtake each other.
    came: u64,
    at: Millis,
}

impl Sender {
    /// Whether something of this number comes for the first time, as far as that is known.
    fn is_first(&mut self, number: u64) -> bool {
        let bit = |distance: u64| u32::try_from(distance).ok().and_then(|distance| 1_u64.checked_shl(distance));
        match number.checked_sub(self.number) {
            Some(0) | None => {
                let bit = bit(self.number.saturating_sub(number)).filter(|bit| self.came & bit == 0);
                self.came |= bit.unwrap_or_default();
                bit.is_some()
            }
            Some(ahead) => {
                let before = u32::try_from(ahead).ok().and_then(|ahead| self.came.checked_shl(ahead));
                (self.number, self.came) = (number, before.unwrap_or_default() | 1);
                true
            }
        }
    }
}

/// The state of the object.
#[derive(Debug, Default)]
pub struct Shard {
    board: Board,
    /// Who was refused.
    refused: Hour,
    /// In the order of their numbers.
    senders: Vec<Sender>,
    /// Families that are not stored as they are.
    changed: Vec<Family>,
    /// When to store them.
    due: Option<Millis>,
}

impl Machine for Shard {
    type Speaks = Metrics;

    fn restore(_: Millis, store: &mut dyn Store) -> Result<Self, Fault> {
        let mut shard = Self::default();
        for (key, value) in store.scan(&[FAMILY], &[FAMILY.saturating_add(1)], usize::from(u8::MAX))? {
            if key == key_of(Family::RefusedKeys) {
                shard.refused = Hour::read(stored(&value));
            }
            shard.board.add_all(stored(&value));
        }
        let senders = store.get(SENDERS)?.unwrap_or_default();
        let numbers = Reader(stored(&senders)).numbers(u64::MAX).unwrap_or_default();
        let (all, _) = numbers.as_chunks::<4>();
        shard.senders.extend(all.iter().map(|[isolate, number, came, at]| Sender {
            isolate: *isolate,
            number: *number,
            came: *came,
            at: *at,
        }));
        Ok(shard)
    }

    fn apply(&mut self, now: Millis, question: Question, store: &mut dyn Store) -> Result<Answer, Fault> {
        match question {
            Question::Add(delta) => Ok(self.add(now, delta)),
            Question::Read => {
                self.persist(store)?;
                let lately = |sender: &&Sender| now.saturating_sub(sender.at) < LATELY_MS;
                let isolates = self.senders.iter().filter(lately).count();
                let isolates = u32::try_from(isolates).unwrap_or(u32::MAX);
                let mut series = Vec::new();
                for family in Family::ALL {
                    self.board.pack(*family, &mut series);
                }
                self.refused.top(now).pack(&mut series);
                Ok(Answer::Reading(Reading { series, isolates }))
            }
        }
    }

    fn wake(&mut self, now: Millis, store: &mut dyn Store) -> Result<(), Fault> {
        if self.due.is_some_and(|due| now < due) {
            return Ok(());
        }
        self.due = None;
        self.senders.retain(|sender| now.saturating_sub(sender.at) < REMEMBER_MS);
        self.persist(store)
    }

    fn next_wake(&self) -> Option<Millis> {
        self.due
    }
}

impl Shard {
    fn add(&mut self, now: Millis, delta: Delta) -> Answer {
        let Delta { isolate, number, series } = delta;
        if !self.is_first(now, isolate, number) {
            return Answer::Known;
        }
        let refused = Top::read(&series);
        let mut changed = self.board.add_all(&series);
        if !refused.is_empty() {
            self.refused.add(now, &refused);
            changed.push(Family::RefusedKeys);
        }
        changed.retain(|family| !self.changed.contains(family));
        self.changed.extend(changed);
        // An alarm that is set stays set, whoever reads meanwhile: setting one is a write.
        self.due.get_or_insert(now.saturating_add(PERSIST_MS));
        Answer::Added
    }

    fn is_first(&mut self, now: Millis, isolate: u64, number: u64) -> bool {
        let at = match self.senders.binary_search_by_key(&isolate, |sender| sender.isolate) {
            Ok(at) => at,
            Err(at) => {
                self.senders.insert(at, Sender { isolate, ..Sender::default() });
                at
            }
        };
        let is_first = self.senders.get_mut(at).is_some_and(|sender| {
            sender.at = now;
            sender.is_first(number)
        });
        if self.senders.len() > MOST_SENDERS {
            let oldest = self.senders.iter().map(|sender| sender.at).min();
            let at = self.senders.iter().position(|sender| Some(sender.at) == oldest);
            at.map(|at| self.senders.remove(at));
        }
        is_first
    }

    /// Stores what is not stored. A family is one value; full, it has about a megabyte.
    fn persist(&mut self, store: &mut dyn Store) -> Result<(), Fault> {
        if self.changed.is_empty() {
            return Ok(());
        }
        for family in std::mem::take(&mut self.changed) {
            let mut value = vec![STORED];
            match family {
                Family::RefusedKeys => self.refused.pack(&mut value),
                _ => self.board.pack(family, &mut value),
            }
            store.put(&key_of(family), &value)?;
        }
        let mut numbers = Vec::new();
        for Sender { isolate, number, came, at } in &self.senders {
            numbers.extend([isolate, number, came, at]);
        }
        let mut value = vec![STORED];
        packed::put_numbers(&mut value, &numbers);
        store.put(SENDERS, &value)
    }
}

fn key_of(family: Family) -> [u8; 2] {
    [FAMILY, family.number()]
}

/// What was stored in this format; nothing of another.
fn stored(value: &[u8]) -> &[u8] {
    value.strip_prefix(&[STORED]).unwrap_or_default()
}

#[cfg(test)]
mod tests;
