//! The root of the log: numbers changes, stores them, and tells what came after a number.
//!
//! Stored are the base (what holds, by what it is about), the window (the last changes, by number) and how far it has come.
//! A change that is replaced, released or over leaves the base, so that it grows with what holds and not with time.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::{
    fleet::{
        machine::Machine,
        message,
        signals::{
            Answer, Change, Known, LONGEST_MS, MOST_AT_ONCE, MOST_SWITCHES, Question, Refusal, Signals, WINDOW, Whole,
            delta,
            marks::{Table, stored_until},
            switch::{Lever, Switches},
        },
        store::{Fault, Store},
    },
    http::Millis,
};

/// The format of what is stored.
const STORED: u8 = 1;

const META: &[u8] = b"meta";
/// Keys of the base begin with these, those of the window with the last one.
const SWITCH: u8 = b's';
const MARK: u8 = b'm';
const ENTRY: u8 = b'w';

/// How many entries are read at once.
const CHUNK: usize = 4_096;

/// How often marks whose time is over are looked for, in milliseconds.
const SWEEP_MS: Millis = 3_600_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Meta {
    log: u64,
    sequence: u64,
}

/// The state of the object.
#[derive(Debug)]
pub struct Log {
    meta: Meta,
    /// The last changes; the last of them has the number `meta.sequence`.
    window: VecDeque<Change>,
    switches: Switches,
    /// A table of all marks at a number that is still in the window, for those who know nothing.
    table: Option<(u64, Table)>,
    /// Where the search for marks whose time is over goes on, and when.
    sweep: Option<(Millis, Vec<u8>)>,
}

impl Machine for Log {
    type Speaks = Signals;

    fn restore(now: Millis, store: &mut dyn Store) -> Result<Self, Fault> {
        let stored = store.get(META)?.and_then(|bytes| message::decode(STORED, &bytes));
        let meta = match stored {
            Some(meta) => meta,
            None => begin(now, store)?,
        };
        let mut window = VecDeque::new();
        for (_, value) in store.scan(&[ENTRY], &[ENTRY.saturating_add(1)], WINDOW.saturating_add(1))? {
            // What cannot be read is not known, and neither is what came before it.
            match message::decode(STORED, &value) {
                Some(change) => window.push_back(change),
                None => window.clear(),
            }
        }
        let stored = store.scan(&[SWITCH], &[SWITCH.saturating_add(1)], MOST_SWITCHES)?;
        let switches = Switches(stored.iter().filter_map(|(_, value)| message::decode(STORED, value)).collect());
        let has_marks = !store.scan(&[MARK], &[MARK.saturating_add(1)], 1)?.is_empty();
        let sweep = has_marks.then(|| (now.saturating_add(SWEEP_MS), vec![MARK]));
        Ok(Self { meta, window, switches, table: None, sweep })
    }

    fn apply(&mut self, now: Millis, question: Question, store: &mut dyn Store) -> Result<Answer, Fault> {
        match question {
            Question::Sequence => Ok(Answer::Sequence(self.meta.sequence)),
            Question::Read(known, _) => self.tell(now, known, store),
            Question::Write(known, changes) => match self.check(now, &changes) {
                Some(refusal) => Ok(Answer::Refused(refusal)),
                None => {
                    self.write(now, changes, store)?;
                    self.tell(now, known, store)
                }
            },
            Question::IsMarked(hash) => Ok(Answer::IsMarked(until_of(hash, store)?.is_some_and(|until| now < until))),
        }
    }

    fn wake(&mut self, now: Millis, store: &mut dyn Store) -> Result<(), Fault> {
        for over in self.switches.0.iter().filter(|switch| !switch.holds(now)) {
            store.delete(&switch_key(&over.lever))?;
        }
        self.switches.expire(now);
        match self.sweep.take() {
            Some((due, from)) if due <= now => self.sweep(now, &from, store),
            later => {
                self.sweep = later;
                Ok(())
            }
        }
    }

    fn next_wake(&self) -> Option<Millis> {
        let over = self.switches.0.iter().map(|switch| switch.until).min();
        let sweep = self.sweep.as_ref().map(|(due, _)| *due);
        over.into_iter().chain(sweep).min()
    }
}

impl Log {
    fn check(&self, now: Millis, changes: &[Change]) -> Option<Refusal> {
        let until = |change: &Change| match change {
            Change::Throw(switch) => Some(switch.until),
            Change::Mark(mark) => Some(mark.until),
            Change::Release(_) | Change::Unmark(_) => None,
        };
        let ends_well = |until: Millis| now < until && until <= now.saturating_add(LONGEST_MS);
        if !changes.iter().filter_map(until).all(ends_well) {
            return Some(Refusal::End);
        }
        let thrown = changes.iter().filter(|change| matches!(change, Change::Throw(_))).count();
        let too_many = self.switches.0.len().saturating_add(thrown) > MOST_SWITCHES && thrown > 0;
        (changes.len() > MOST_AT_ONCE || too_many).then_some(Refusal::TooMany)
    }

    fn write(&mut self, now: Millis, changes: Vec<Change>, store: &mut dyn Store) -> Result<(), Fault> {
        for change in changes {
            self.hold(now, &change, store)?;
            self.meta.sequence = self.meta.sequence.saturating_add(1);
            store.put(&entry_key(self.meta.sequence), &message::encode(STORED, &change))?;
            self.window.push_back(change);
            if self.window.len() > WINDOW {
                self.window.pop_front();
                store.delete(&entry_key(self.meta.sequence.saturating_sub(WINDOW as u64)))?;
            }
        }
        store.put(META, &message::encode(STORED, &self.meta))
    }

    /// Brings a change into the base.
    fn hold(&mut self, now: Millis, change: &Change, store: &mut dyn Store) -> Result<(), Fault> {
        match change {
            Change::Throw(switch) => {
                store.put(&switch_key(&switch.lever), &message::encode(STORED, switch))?;
                self.switches.throw(switch.clone());
            }
            Change::Release(lever) => {
                store.delete(&switch_key(lever))?;
                self.switches.release(lever);
            }
            Change::Mark(mark) => {
                store.put(&mark_key(mark.hash), &stored_until(mark.until))?;
                self.sweep.get_or_insert_with(|| (now.saturating_add(SWEEP_MS), vec![MARK]));
            }
            Change::Unmark(hash) => store.delete(&mark_key(*hash))?,
        }
        Ok(())
    }

    fn tell(&mut self, now: Millis, known: Known, store: &dyn Store) -> Result<Answer, Fault> {
        let Meta { log, sequence } = self.meta;
        if let Some(delta) = delta(known, log, sequence, &self.window) {
            return Ok(Answer::Delta(delta));
        }
        let table = self.table_of(now, store)?;
        let marks = self.marked_since(table.0);
        let (switches, table) = (self.switches.0.clone(), table.1.bytes().to_vec());
        Ok(Answer::Whole(Whole { log, sequence, switches, marks, age_ms: 0, table }))
    }

    /// A table of marks and its number: the one that was made last, as long as the window tells what came after it.
    fn table_of(&mut self, now: Millis, store: &dyn Store) -> Result<(u64, Table), Fault> {
        let oldest = self.meta.sequence.saturating_sub(self.window.len() as u64);
        if let Some(made) = self.table.as_ref().filter(|(at, _)| *at >= oldest) {
            return Ok(made.clone());
        }
        let mut hashes = Vec::new();
        let mut from = vec![MARK];
        loop {
            let found = store.scan(&from, &[MARK.saturating_add(1)], CHUNK)?;
            let Some((last, _)) = found.last() else { break };
            from = next_key(last);
            hashes.extend(found.iter().filter_map(|entry| holding_mark(now, entry)));
        }
        let made = (self.meta.sequence, Table::of(&hashes));
        self.table = Some(made.clone());
        Ok(made)
    }

    /// The marks that the window has set after a number. Those that it took off again do no harm: they are asked for.
    fn marked_since(&self, sequence: u64) -> Vec<u64> {
        let newer = usize::try_from(self.meta.sequence.saturating_sub(sequence)).unwrap_or(usize::MAX);
        let marked = |change: &Change| match change {
            Change::Mark(mark) => Some(mark.hash),
            _ => None,
        };
        self.window.iter().skip(self.window.len().saturating_sub(newer)).filter_map(marked).collect()
    }

    /// Takes marks whose time is over out of the base, some at a time.
    fn sweep(&mut self, now: Millis, from: &[u8], store: &mut dyn Store) -> Result<(), Fault> {
        let found = store.scan(from, &[MARK.saturating_add(1)], CHUNK)?;
        for entry in found.iter().filter(|entry| holding_mark(now, entry).is_none()) {
            store.delete(&entry.0)?;
        }
        let is_last = found.len() < CHUNK;
        let any = !store.scan(&[MARK], &[MARK.saturating_add(1)], 1)?.is_empty();
        self.sweep = match found.last() {
            Some((last, _)) if !is_last => Some((now, next_key(last))),
            _ => any.then(|| (now.saturating_add(SWEEP_MS), vec![MARK])),
        };
        Ok(())
    }
}

/// A new log. Its number tells it from one whose storage is gone.
fn begin(now: Millis, store: &mut dyn Store) -> Result<Meta, Fault> {
    let meta = Meta { log: now.max(1), sequence: 0 };
    store.put(META, &message::encode(STORED, &meta))?;
    Ok(meta)
}

fn switch_key(lever: &Lever) -> Vec<u8> {
    message::encode(SWITCH, lever)
}

fn mark_key(hash: u64) -> Vec<u8> {
    [&[MARK][..], &hash.to_be_bytes()].concat()
}

fn entry_key(sequence: u64) -> Vec<u8> {
    [&[ENTRY][..], &sequence.to_be_bytes()].concat()
}

/// The first key behind this one.
fn next_key(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

fn until_of(hash: u64, store: &dyn Store) -> Result<Option<Millis>, Fault> {
    Ok(store.get(&mark_key(hash))?.and_then(|value| Some(Millis::from_le_bytes(value.try_into().ok()?))))
}

/// The hash of an entry, if its time is not over.
fn holding_mark(now: Millis, (key, value): &(Vec<u8>, Vec<u8>)) -> Option<u64> {
    let hash = u64::from_be_bytes(key.get(1..)?.try_into().ok()?);
    let until = Millis::from_le_bytes(value.as_slice().try_into().ok()?);
    (now < until).then_some(hash)
}
