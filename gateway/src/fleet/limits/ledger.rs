//! The object that counts keys. It has many, each an [`Account`], in memory as long as they are used.
//!
//! **Writes ahead.** Before it grants from a block it has the block on record as granted. So whoever makes it anew from the
//! store, at any moment, counts all that was granted, and at most a block too much. When nobody asks for a while, it puts
//! down what was used in truth.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Answer, Ask, Count, Key, Limits, Looked, Question, Rule, Verdict,
    account::{Account, Level},
    mean,
    span::Span,
};
use crate::{
    fleet::{
        machine::Machine,
        message,
        store::{Fault, Store},
    },
    http::Millis,
};

/// The format of what is stored.
const STORED: u8 = 1;

/// Where the number of this life stands, and what keys of accounts begin with.
const LIFE: &[u8] = b"life";
const ACCOUNT: u8 = b'a';
const AFTER_ACCOUNTS: &[u8] = b"b";

/// The part of a limit that a block has at most.
const BLOCKS: u32 = 8;

/// How long after a change it is put down what was used in truth, in milliseconds.
const SETTLE_MS: Millis = 15_000;

/// How long an account is in memory that nobody asks about, in milliseconds.
const REMEMBER_MS: Millis = 60_000;

/// Most accounts in memory: some two megabytes. Those that nobody asked about for the longest time give way, and are read again
/// when somebody does. Objects of a limit may share the memory of one isolate, and there are 64 of them.
const MOST_ACCOUNTS: usize = 4_000;

/// How many records are looked at in one sweep, and how much time is between two, in milliseconds.
const SWEEP: usize = 500;
const SWEEP_MS: Millis = 60_000;

/// An account in memory.
#[derive(Debug)]
struct Entry {
    account: Account,
    rule: Rule,
    /// What is on record beyond what was granted.
    block: Span,
    /// How many grants the last block was for.
    grants: u32,
    asked: Millis,
    /// Whether the record says more than is true.
    is_dirty: bool,
}

/// What is on record of a key.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    rule: Rule,
    spans: Vec<Span>,
    /// Of permits: the numbers of their leases.
    numbers: Vec<u64>,
    block: Span,
    level: Option<Level>,
}

/// The state of the object.
#[derive(Debug)]
pub struct Ledger {
    entries: BTreeMap<Key, Entry>,
    /// How often it has been made anew; it is put on record with the first grant.
    life: u32,
    granted: u32,
    /// The latest moment that it has seen. For it, time never goes back.
    now: Millis,
    /// When what is dirty is put down.
    settle_at: Option<Millis>,
    /// When records are looked through next, and where.
    sweep_at: Option<Millis>,
    sweep_from: Vec<u8>,
    /// When the next one of those that were looked at is idle.
    idle_at: Millis,
}

impl Machine for Ledger {
    type Speaks = Limits;

    fn restore(now: Millis, store: &mut dyn Store) -> Result<Self, Fault> {
        let life = store.get(LIFE)?.and_then(|bytes| message::decode::<u32>(STORED, &bytes)).unwrap_or_default();
        let has_some = !store.scan(&[ACCOUNT], AFTER_ACCOUNTS, 1)?.is_empty();
        Ok(Self {
            entries: BTreeMap::new(),
            life: life.wrapping_add(1),
            granted: 0,
            now,
            settle_at: None,
            sweep_at: has_some.then(|| now.saturating_add(SWEEP_MS)),
            sweep_from: Vec::new(),
            idle_at: Millis::MAX,
        })
    }

    fn apply(&mut self, now: Millis, question: Question, store: &mut dyn Store) -> Result<Answer, Fault> {
        let now = self.pass(now);
        let answer = match question {
            Question::Lease(asks) => {
                let verdicts: Result<_, Fault> = asks.iter().map(|ask| self.decide(now, ask, store)).collect();
                Answer::Leased(verdicts?)
            }
            Question::Look(key, rule) => Answer::Looked(self.look(now, &key, rule, store)?),
            Question::Forget(key, rule) => {
                self.forget(now, &key, rule, store)?;
                Answer::Forgotten
            }
        };
        self.make_room();
        Ok(answer)
    }

    fn wake(&mut self, now: Millis, store: &mut dyn Store) -> Result<(), Fault> {
        let now = self.pass(now);
        if self.settle_at.is_some_and(|at| at <= now) {
            self.settle_at = None;
            self.settle(now, store)?;
        }
        if self.sweep_at.is_some_and(|at| at <= now) {
            self.sweep(now, store)?;
        }
        Ok(())
    }

    fn next_wake(&self) -> Option<Millis> {
        [self.settle_at, self.sweep_at].into_iter().flatten().min()
    }
}

impl Ledger {
    /// A clock that is set back stands still until it has caught up: what was used counts for too long then, not too short.
    fn pass(&mut self, now: Millis) -> Millis {
        self.now = self.now.max(now);
        self.now
    }

    fn decide(&mut self, now: Millis, ask: &Ask, store: &mut dyn Store) -> Result<Verdict, Fault> {
        let number = self.next_number(store)?;
        let entry = match self.entries.entry(ask.key) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => place.insert(read(now, &ask.key, ask.rule, store)?),
        };
        (entry.asked, entry.rule) = (now, ask.rule);
        entry.is_dirty |= !ask.settled.is_empty();
        let verdict = entry.account.apply(now, ask, number);
        if let Verdict::Granted { tokens, .. } = verdict {
            entry.put_down(now, ask, tokens, store)?;
            self.sweep_at.get_or_insert(now.saturating_add(SWEEP_MS));
        }
        if entry.is_dirty {
            self.settle_at.get_or_insert(now.saturating_add(SETTLE_MS));
        }
        Ok(verdict)
    }

    /// How a key stands. Who only looks keeps nothing in memory.
    fn look(&mut self, now: Millis, key: &Key, rule: Rule, store: &dyn Store) -> Result<Looked, Fault> {
        match self.entries.get_mut(key) {
            Some(entry) => Ok(entry.account.look(now, &rule)),
            None => Ok(read(now, key, rule, store)?.account.look(now, &rule)),
        }
    }

    /// Forgets what was used of a key, in memory and on record.
    fn forget(&mut self, now: Millis, key: &Key, rule: Rule, store: &mut dyn Store) -> Result<(), Fault> {
        let mut entry = match self.entries.remove(key) {
            Some(entry) => entry,
            None => read(now, key, rule, store)?,
        };
        entry.account.forget(now, &rule);
        (entry.rule, entry.block, entry.grants, entry.is_dirty) = (rule, NOTHING, 0, false);
        store.put(&name_of(key), &entry.record())?;
        self.entries.insert(*key, entry);
        self.sweep_at.get_or_insert(now.saturating_add(SWEEP_MS));
        Ok(())
    }

    /// A number that no lease of this object has had, in any of its lives.
    fn next_number(&mut self, store: &mut dyn Store) -> Result<u64, Fault> {
        self.granted = self.granted.wrapping_add(1);
        if self.granted == 1 {
            store.put(LIFE, &message::encode(STORED, &self.life))?;
        }
        Ok(u64::from(self.life) << 32 | u64::from(self.granted))
    }

    /// Puts down what was used in truth, and forgets who is not asked about.
    fn settle(&mut self, now: Millis, store: &mut dyn Store) -> Result<(), Fault> {
        for (key, entry) in &mut self.entries {
            if std::mem::take(&mut entry.is_dirty) {
                entry.block = NOTHING;
                entry.grants = 0;
                store.put(&name_of(key), &entry.record())?;
            }
        }
        self.entries.retain(|_, entry| entry.asked.saturating_add(REMEMBER_MS) > now);
        Ok(())
    }

    /// Takes out records of which nothing counts any more.
    fn sweep(&mut self, now: Millis, store: &mut dyn Store) -> Result<(), Fault> {
        let from = if self.sweep_from.is_empty() { vec![ACCOUNT] } else { std::mem::take(&mut self.sweep_from) };
        let found = store.scan(&from, AFTER_ACCOUNTS, SWEEP)?;
        for (name, bytes) in &found {
            let idle_at = match message::decode::<Record>(STORED, bytes) {
                Some(record) => record.account(now).idle_at(&record.rule),
                None => 0,
            };
            if idle_at <= now {
                store.delete(name)?;
                let key = name.get(1..).and_then(|key| Key::try_from(key).ok());
                key.and_then(|key| self.entries.remove(&key));
            } else {
                self.idle_at = self.idle_at.min(idle_at);
            }
        }
        let soonest = now.saturating_add(SWEEP_MS);
        if found.len() >= SWEEP
            && let Some((last, _)) = found.last()
        {
            self.sweep_from = [last.as_slice(), &[0]].concat();
            self.sweep_at = Some(now.saturating_add(1));
        } else {
            let idle_at = std::mem::replace(&mut self.idle_at, Millis::MAX);
            self.sweep_at = (idle_at < Millis::MAX).then(|| idle_at.max(soonest));
        }
        Ok(())
    }

    fn make_room(&mut self) {
        if self.entries.len() <= MOST_ACCOUNTS {
            return;
        }
        let mean = mean(self.entries.values().map(|entry| entry.asked));
        self.entries.retain(|_, entry| entry.asked > mean);
    }
}

/// No tokens.
const NOTHING: Span = Span { from: 0, to: 0, count: 0 };

impl Entry {
    /// Sees to it that what has just been granted is on record.
    fn put_down(&mut self, now: Millis, ask: &Ask, tokens: u32, store: &mut dyn Store) -> Result<(), Fault> {
        let (life, end) = ask.rule.life(now);
        self.grants = self.grants.saturating_add(1);
        if let Some(left) = self.block.count.checked_sub(tokens).filter(|_| end <= self.block.to) {
            self.block.count = left;
            return Ok(());
        }
        if ask.rule.is_flight() {
            // Each permit is on record, for it comes back.
            return store.put(&name_of(&ask.key), &self.record());
        }
        // Who asks often is going to ask again; who does not gets no more than he asked for.
        let most = ask.rule.most().div_euclid(BLOCKS);
        let more = tokens.saturating_mul(self.grants.saturating_sub(1)).min(most);
        let to = match ask.rule.count {
            Count::Fixed(_) => end,
            Count::Sliding(_) | Count::Bucket(..) | Count::Flight(_) => ask.rule.life(now.saturating_add(life)).1,
        };
        self.block = Span { from: now, to, count: more };
        self.is_dirty |= more > 0;
        self.grants = 0;
        store.put(&name_of(&ask.key), &self.record())
    }

    fn record(&self) -> Vec<u8> {
        let level = self.account.level().map(|level| level.without(self.block.count));
        let (spans, numbers) = (self.account.everything(), self.account.numbers(&self.rule));
        let record = Record { rule: self.rule, spans, numbers, block: self.block, level };
        message::encode(STORED, &record)
    }
}

impl Record {
    /// The account of which this is on record.
    fn account(&self, now: Millis) -> Account {
        let spans: Vec<Span> = self.spans.iter().copied().chain([self.block]).filter(|span| span.count > 0).collect();
        Account::restored(now, &self.rule, &spans, &self.numbers, self.level)
    }
}

/// What is on record of a key; a new account where nothing is, or nothing that is understood.
fn read(now: Millis, key: &Key, rule: Rule, store: &dyn Store) -> Result<Entry, Fault> {
    let bytes = store.get(&name_of(key))?;
    let record = bytes.and_then(|bytes| message::decode::<Record>(STORED, &bytes));
    let account = record.map(|record| record.account(now)).unwrap_or_default();
    Ok(Entry { account, rule, block: NOTHING, grants: 0, asked: now, is_dirty: false })
}

fn name_of(key: &Key) -> Vec<u8> {
    [&[ACCOUNT][..], key].concat()
}
