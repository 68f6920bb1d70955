//! The root of the log: numbers changes, stores them, and tells what came after a number.
//!
//! Stored are the base (what holds, by what it is about), the window (the last changes, by number) and how far it has come.
//! A change that is replaced, released or over leaves the base, so that it grows with what holds and not with time.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::{
    fleet::{
        limits::{
            Key,
            overrides::{Override, Overrides},
        },
        machine::Machine,
        message,
        signals::{
            Answer, Change, Known, LONGEST_MS, MOST_AT_ONCE, MOST_OVERRIDES, MOST_SWITCHES, Question, Refusal, Signals,
            WINDOW, Whole, delta,
            marks::{Table, stored_until},
            switch::{Lever, Switch, Switches},
        },
        store::{Fault, Store},
    },
    http::Millis,
};

/// The format of what is stored.
const STORED: u8 = 1;

/// The first bytes of these are those of no other keys: who sweeps those must not meet these.
const META: &[u8] = b"log";
const DUE: &[u8] = b"due";
/// Keys of the base begin with these, those of the window with the last one.
const SWITCH: u8 = b's';
const MARK: u8 = b'm';
const OVERRIDE: u8 = b'o';
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
    overrides: Overrides,
    /// A table of all marks at a number that is still in the window, for those who know nothing.
    table: Option<(u64, Table)>,
    /// When the search for marks whose time is over goes on, and where. Stored: the object may be evicted many times before.
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
        // What a version that is gone has left behind may stand before and after these numbers.
        let oldest = meta.sequence.saturating_sub(WINDOW as u64).saturating_add(1);
        for (_, value) in store.scan(&entry_key(oldest), &next_key(&entry_key(meta.sequence)), WINDOW)? {
            // What cannot be read is not known, and neither is what came before it.
            match message::decode(STORED, &value) {
                Some(change) => window.push_back(change),
                None => window.clear(),
            }
        }
        let stored = store.scan(&[SWITCH], &[SWITCH.saturating_add(1)], MOST_SWITCHES)?;
        let switches = Switches(stored.iter().filter_map(|(_, value)| message::decode(STORED, value)).collect());
        let stored = store.scan(&[OVERRIDE], &[OVERRIDE.saturating_add(1)], MOST_OVERRIDES)?;
        let overrides = Overrides(stored.iter().filter_map(|(_, value)| message::decode(STORED, value)).collect());
        let sweep = store.get(DUE)?.and_then(|bytes| message::decode(STORED, &bytes));
        Ok(Self { meta, window, switches, overrides, table: None, sweep })
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
        for over in self.overrides.0.iter().filter(|known| !known.holds(now)) {
            store.delete(&override_key(over.limit, &over.key))?;
        }
        self.overrides.expire(now);
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
        let ends = self.overrides.0.iter().map(|known| known.until).min();
        [over, ends, sweep].into_iter().flatten().min()
    }
}

impl Log {
    /// Bytes of memory, without the store: about.
    #[must_use]
    pub fn size(&self) -> usize {
        let window = self.window.capacity().saturating_mul(size_of::<Change>());
        let switches = self.switches.0.capacity().saturating_mul(size_of::<Switch>());
        let texts = self.window.iter().filter_map(thrown).chain(&self.switches.0).map(|switch| {
            let Switch { lever, reason, by, .. } = switch;
            reason.len().saturating_add(by.len()).saturating_add(lever.scope.text().len())
        });
        let table = self.table.as_ref().map_or(0, |(_, table)| table.bytes().len());
        let overrides = self.overrides.0.iter().map(|known| {
            let texts = [&known.names.0, &known.names.1, &known.reason, &known.by];
            texts.iter().fold(size_of::<Override>(), |sum, text| sum.saturating_add(text.len()))
        });
        let lists = texts.chain(overrides).fold(0_usize, usize::saturating_add);
        window.saturating_add(switches).saturating_add(lists).saturating_add(table)
    }

    fn check(&self, now: Millis, changes: &[Change]) -> Option<Refusal> {
        let until = |change: &Change| match change {
            Change::Throw(switch) => Some(switch.until),
            Change::Mark(mark) => Some(mark.until),
            Change::Override(other) => Some(other.until),
            Change::Release(_) | Change::Unmark(_) | Change::Lift(..) | Change::Reset(..) => None,
        };
        let ends_well = |until: Millis| now < until && until <= now.saturating_add(LONGEST_MS);
        if !changes.iter().filter_map(until).all(ends_well) {
            return Some(Refusal::End);
        }
        let thrown = changes.iter().filter_map(thrown).count();
        let others = changes.iter().filter(|change| matches!(change, Change::Override(_))).count();
        let is_over = |held: usize, more: usize, most: usize| more > 0 && held.saturating_add(more) > most;
        let too_many = changes.len() > MOST_AT_ONCE
            || is_over(self.switches.0.len(), thrown, MOST_SWITCHES)
            || is_over(self.overrides.0.len(), others, MOST_OVERRIDES);
        too_many.then_some(Refusal::TooMany)
    }

    fn write(&mut self, now: Millis, changes: Vec<Change>, store: &mut dyn Store) -> Result<(), Fault> {
        for change in changes {
            self.hold(now, &change, store)?;
            self.meta.sequence = self.meta.sequence.saturating_add(1);
            store.put(&entry_key(self.meta.sequence), &message::encode(STORED, &change))?;
            self.window.push_back(change);
            if self.window.len() > WINDOW {
                self.window.pop_front();
            }
            if let Some(over) = self.meta.sequence.checked_sub(WINDOW as u64) {
                store.delete(&entry_key(over))?;
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
                if self.sweep.is_none() {
                    self.sweep_at(now.saturating_add(SWEEP_MS), vec![MARK], store)?;
                }
            }
            Change::Unmark(hash) => store.delete(&mark_key(*hash))?,
            Change::Override(other) => {
                store.put(&override_key(other.limit, &other.key), &message::encode(STORED, other))?;
                self.overrides.set(other.clone());
            }
            Change::Lift(limit, key) => {
                store.delete(&override_key(*limit, key))?;
                self.overrides.lift(*limit, key);
            }
            Change::Reset(..) => {}
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
        let overrides = self.overrides.0.clone();
        Ok(Answer::Whole(Whole { log, sequence, switches, marks, age_ms: 0, overrides, table }))
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
        match found.last() {
            Some((last, _)) if !is_last => self.sweep_at(now, next_key(last), store),
            _ if any => self.sweep_at(now.saturating_add(SWEEP_MS), vec![MARK], store),
            _ => store.delete(DUE),
        }
    }

    fn sweep_at(&mut self, due: Millis, from: Vec<u8>, store: &mut dyn Store) -> Result<(), Fault> {
        let sweep = (due, from);
        store.put(DUE, &message::encode(STORED, &sweep))?;
        self.sweep = Some(sweep);
        Ok(())
    }
}

/// The switch that a change throws.
fn thrown(change: &Change) -> Option<&Switch> {
    match change {
        Change::Throw(switch) => Some(switch),
        _ => None,
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

fn override_key(limit: u64, key: &Key) -> Vec<u8> {
    message::encode(OVERRIDE, &(limit, key))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{
        signals::{
            Mark,
            switch::{Kind, Scope},
        },
        store::Memory,
    };

    const NOTHING: Known = Known { log: 0, sequence: 0 };

    fn log(now: Millis, store: &mut Memory) -> Log {
        Log::restore(now, store).unwrap()
    }

    fn mark(hash: u64, until: Millis) -> Change {
        Change::Mark(Mark { hash, until })
    }

    fn write(log: &mut Log, now: Millis, changes: Vec<Change>, store: &mut Memory) -> Answer {
        log.apply(now, Question::Write(NOTHING, changes), store).unwrap()
    }

    fn told(log: &mut Log, known: Known, store: &mut Memory) -> Answer {
        log.apply(0, Question::Read(known, 0), store).unwrap()
    }

    fn marks_of(store: &Memory) -> usize {
        store.0.keys().filter(|key| key.first() == Some(&MARK)).count()
    }

    #[test]
    fn the_search_for_old_marks_leaves_the_log_alone() {
        let mut store = Memory::default();
        let mut before = log(5, &mut store);
        write(&mut before, 5, vec![mark(1, 10), mark(2, 2 * SWEEP_MS)], &mut store);
        before.wake(5 + SWEEP_MS, &mut store).unwrap();
        assert_eq!((marks_of(&store), log(6 + SWEEP_MS, &mut store).meta), (1, before.meta));
        before.wake(5 + 2 * SWEEP_MS, &mut store).unwrap();
        assert_eq!((marks_of(&store), before.next_wake()), (0, None), "nothing is left to be looked for");
        assert_eq!(log(6 + 2 * SWEEP_MS, &mut store).meta, before.meta);
    }

    #[test]
    fn the_search_for_old_marks_goes_on_where_it_was_however_often_the_object_is_evicted() {
        let mut store = Memory::default();
        let many = CHUNK as u64 + 1_000;
        for from in (0..many).step_by(MOST_AT_ONCE) {
            let some = (from..many.min(from + MOST_AT_ONCE as u64)).map(|hash| mark(hash, 10)).collect();
            write(&mut log(5, &mut store), 5, some, &mut store);
        }
        let mut now = 5 + SWEEP_MS;
        for left in [1_000, 0] {
            let mut evicted = log(now, &mut store);
            assert!(evicted.next_wake().is_some_and(|due| due <= now));
            evicted.wake(now, &mut store).unwrap();
            assert_eq!(marks_of(&store), left);
            assert_eq!(evicted.next_wake(), (left > 0).then_some(now), "the rest at once");
            now += 7;
        }
        assert_eq!(log(now, &mut store).next_wake(), None);
    }

    #[test]
    fn changes_that_another_version_has_left_behind_are_not_told() {
        let mut store = Memory::default();
        write(&mut log(5, &mut store), 5, (0..10).map(|hash| mark(hash, 99)).collect(), &mut store);
        // A newer version has written numbers 4 to 6 in its way, and was taken back.
        for sequence in 4..7 {
            store.put(&entry_key(sequence), &[STORED + 1, 0]).unwrap();
        }
        for from in (0..WINDOW as u64 + 500).step_by(500) {
            write(
                &mut log(5, &mut store),
                5,
                (from..from + 500).map(|hash| mark(1_000 + hash, 99)).collect(),
                &mut store,
            );
        }
        let mut after = log(5, &mut store);
        let known = Known { log: after.meta.log, sequence: after.meta.sequence - 1 };
        let last = mark(1_000 + 1_999, 99);
        let Answer::Delta(delta) = told(&mut after, known, &mut store) else { panic!("no delta") };
        assert_eq!(delta.changes, [last]);
        let entries = store.0.keys().filter(|key| key.first() == Some(&ENTRY)).count();
        assert_eq!(entries, WINDOW, "what is older is gone");
    }

    #[test]
    fn a_log_that_begins_anew_tells_nothing_of_the_one_before() {
        let mut store = Memory::default();
        write(&mut log(5, &mut store), 5, (0..10).map(|hash| mark(hash, 99)).collect(), &mut store);
        store.put(META, &[STORED + 1, 0]).unwrap();
        for hash in [20, 21] {
            write(&mut log(6, &mut store), 6, vec![mark(hash, 99)], &mut store);
        }
        let known = Known { log: 6, sequence: 1 };
        let Answer::Delta(delta) = told(&mut log(6, &mut store), known, &mut store) else { panic!("no delta") };
        assert_eq!(delta.changes, [mark(21, 99)]);
    }

    #[test]
    fn what_would_end_before_it_begins_or_is_too_much_is_refused() {
        let mut store = Memory::default();
        let mut log = log(5, &mut store);
        let mut refused = |changes: Vec<Change>| match write(&mut log, 5, changes, &mut store) {
            Answer::Refused(refusal) => Some(refusal),
            _ => None,
        };
        for until in [5, 6 + LONGEST_MS] {
            assert_eq!(refused(vec![mark(1, 9), mark(2, until)]), Some(Refusal::End), "{until}");
        }
        assert_eq!(refused((0..MOST_AT_ONCE as u64 + 1).map(|hash| mark(hash, 9)).collect()), Some(Refusal::TooMany));
        let lever = |number: usize| Lever { kind: Kind::Kill, scope: Scope::Tag(number.to_string()) };
        let throw = |number| {
            let (reason, by) = (String::new(), String::new());
            Change::Throw(Switch { lever: lever(number), reason, retry_after_s: 0, by, since: 5, until: 9 })
        };
        assert_eq!(refused((0..MOST_SWITCHES).map(throw).collect()), None);
        assert_eq!(refused(vec![throw(MOST_SWITCHES)]), Some(Refusal::TooMany));
        assert_eq!(refused(vec![Change::Release(lever(0)), mark(1, 9)]), None, "what releases is always taken");
    }
}
