//! What really happened at the log, and when: what everybody's knowledge is compared with.

use std::collections::BTreeMap;

use gateway::{
    fleet::{
        limits::{Key, overrides::Override},
        signals::{
            Answer, Change, Question,
            switch::{Lever, Switch},
        },
    },
    http::Millis,
};

use crate::kit::Time;

/// One log; another one begins when storage is lost.
pub(super) struct Epoch {
    pub(super) log: u64,
    /// When it was first heard of.
    pub(super) began: Time,
    /// The changes by their numbers, the first one being 1, and when they were stored.
    pub(super) changes: Vec<(Time, Change)>,
}

/// All that the log has stored.
pub(super) struct History {
    pub(super) epochs: Vec<Epoch>,
    /// Whether another log may begin.
    pub(super) may_begin: bool,
}

impl Default for History {
    fn default() -> Self {
        Self { epochs: Vec::new(), may_begin: true }
    }
}

impl History {
    /// The log has stored what a question asks, and answers.
    pub(super) fn add(&mut self, now: Time, question: &Question, answer: &Answer) -> Result<(), String> {
        let (log, told) = match answer {
            Answer::Delta(delta) => (delta.log, delta.after + delta.changes.len() as u64),
            Answer::Whole(whole) => (whole.log, whole.sequence),
            Answer::Sequence(_) | Answer::IsMarked(_) | Answer::Refused(_) => return Ok(()),
        };
        let epoch = self.epoch(now, log)?;
        if let Question::Write(_, changes) = question {
            epoch.changes.extend(changes.iter().map(|change| (now, change.clone())));
        }
        let stored = epoch.changes.len() as u64;
        if told == stored { Ok(()) } else { Err(format!("S1: the log has {stored} changes, and says {told}")) }
    }

    fn epoch(&mut self, now: Time, log: u64) -> Result<&mut Epoch, String> {
        if self.epochs.last().is_none_or(|epoch| epoch.log != log) {
            if !self.may_begin {
                return Err(format!("S1: another log has begun: {log}"));
            }
            self.may_begin = false;
            self.epochs.push(Epoch { log, began: now, changes: Vec::new() });
        }
        self.epochs.last_mut().ok_or_else(|| "there is no log".to_owned())
    }

    /// Which log has this number.
    pub(super) fn find(&self, log: u64) -> Option<usize> {
        self.epochs.iter().rposition(|epoch| epoch.log == log)
    }

    /// Which log there was before a moment, and how many changes it had.
    pub(super) fn before(&self, at: Time) -> Option<(usize, u64)> {
        let index = self.epochs.iter().rposition(|epoch| epoch.began < at)?;
        let changes = &self.epochs[index].changes;
        Some((index, changes.partition_point(|(stored, _)| *stored < at) as u64))
    }

    /// The last log, and how many changes it has.
    pub(super) fn now(&self) -> Option<(u64, u64)> {
        self.epochs.last().map(|epoch| (epoch.log, epoch.changes.len() as u64))
    }
}

/// What a log says at a number, kept from one look to the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Prefix {
    epoch: usize,
    length: usize,
    pub(super) switches: BTreeMap<Lever, Switch>,
    pub(super) marks: BTreeMap<u64, Millis>,
    pub(super) overrides: BTreeMap<(u64, Key), Override>,
}

impl Prefix {
    /// Moves to a number of a log. Says whether that is another log, or the same one and no lower number. Of two logs the
    /// older one may come last: answers overtake each other.
    pub(super) fn move_to(&mut self, history: &History, epoch: usize, length: usize) -> bool {
        let goes_on = epoch != self.epoch || length >= self.length;
        if !goes_on || epoch != self.epoch {
            *self = Self { epoch, ..Self::default() };
        }
        for (_, change) in &history.epochs[epoch].changes[self.length..length] {
            match change {
                Change::Throw(switch) => drop(self.switches.insert(switch.lever.clone(), switch.clone())),
                Change::Release(lever) => drop(self.switches.remove(lever)),
                Change::Mark(mark) => drop(self.marks.insert(mark.hash, mark.until)),
                Change::Unmark(hash) => drop(self.marks.remove(hash)),
                Change::Override(other) => drop(self.overrides.insert((other.limit, other.key), other.clone())),
                Change::Lift(limit, key) => drop(self.overrides.remove(&(*limit, *key))),
                Change::Reset(..) => {}
            }
        }
        self.length = length;
        goes_on
    }
}
