//! What an isolate sees of abuse and knows of it: lines on their way to the objects, and how those stand who are marked.
//!
//! Lines are bounded and may be lost, which is counted. What is known is a memory of answers; whoever is not in it and is
//! marked in the log is asked for. Not here: who counts and what is refused (`pipeline::abuse`).

use std::cell::{Cell, RefCell};

use super::{Abuse, Answer, CAME, Kind, Line, Question, Report, Rule, Who, errand, mark_of, object_of};
use crate::{
    fleet::{
        message,
        signals::{Change, Mark},
    },
    http::Millis,
    ports::errands::Errand,
};

/// What losses are counted under.
pub const LINES: &str = "abuse";

/// Most lines that wait. Of more, those about others than these are lost.
const MOST_LINES: usize = 500;

/// A flush that was due and has not come after this time will not come, in milliseconds.
const GONE_MS: Millis = 5_000;

/// Of how many it is known how they stand. Of more, all are forgotten and asked for again: 320 KB.
const MOST_KNOWN: usize = 20_000;

/// How many pairs of a user and an address are remembered as told, and for which part of their time.
const MOST_TOLD: usize = 8_192;
const TOLD_PART: u32 = 3;

/// How long an object that did not answer is not asked, in milliseconds.
const PAUSE_MS: Millis = 5_000;

/// What an isolate keeps of abuse. Nothing until it is opened: then there is nobody to tell.
#[derive(Debug, Default)]
pub struct Watch {
    inside: RefCell<Option<Inside>>,
    is_due: Cell<bool>,
}

#[derive(Debug)]
struct Inside {
    rule: Rule,
    /// The isolate's number among all that there are.
    seed: u64,
    reports: u64,
    /// In the order of whom they are about, each with when it began.
    lines: Vec<(Line, Millis)>,
    lost: u64,
    /// Since when a flush is due that has not come.
    armed: Option<Millis>,
    /// By hash: until when somebody is marked, 0 for not at all.
    known: Vec<(u64, Millis)>,
    /// By hash: when a pair was told.
    told: Vec<(u64, Millis)>,
    away_until: Millis,
}

impl Watch {
    /// From now on keeps what it sees. The isolate's number is random.
    pub fn open(&self, rule: Rule, seed: u64) {
        let (lines, known, told) = (Vec::new(), Vec::new(), Vec::new());
        let inside = Inside { rule, seed, reports: 0, lines, lost: 0, armed: None, known, told, away_until: 0 };
        self.inside.replace(Some(inside));
    }

    /// Takes note of an event.
    pub fn note(&self, now: Millis, who: Who, kind: Kind) {
        self.with(|inside| {
            inside.add(now, who, kind as u8, 0);
        });
        self.arm(now);
    }

    /// Takes note of where a user comes from, unless that was told a while ago. `pair` tells the two from all others;
    /// `who` gives the user and a hash of the address.
    pub fn came(&self, now: Millis, pair: u64, who: impl FnOnce() -> (Who, u64)) {
        let is_news = self.with(|inside| {
            let again = Millis::from(inside.rule.addresses.window_ms.div_euclid(TOLD_PART));
            if get(&inside.told, pair).is_some_and(|told| now.abs_diff(told) < again) {
                return false;
            }
            let (who, from) = who();
            if inside.add(now, who, CAME, from) {
                put(&mut inside.told, pair, now, MOST_TOLD);
            }
            true
        });
        if is_news == Some(true) {
            self.arm(now);
        }
    }

    /// Whether addresses of users are watched.
    #[must_use]
    pub fn watches_users(&self) -> bool {
        self.inside.borrow().as_ref().is_some_and(|inside| inside.rule.addresses.most > 0)
    }

    /// Whether something has to be sent. Says so once.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.is_due.take()
    }

    /// The next report, and how many lines it has, with those that were lost before it.
    #[must_use]
    pub fn flush(&self, now: Millis) -> Option<(u64, Errand)> {
        self.with(|inside| {
            inside.armed = None;
            let object = object_of(&inside.lines.first()?.0.who);
            let (mut lines, mut others) = (Vec::new(), Vec::new());
            for (mut line, at) in std::mem::take(&mut inside.lines) {
                if object_of(&line.who) == object {
                    line.age_ms = u32::try_from(now.saturating_sub(at)).unwrap_or(u32::MAX);
                    lines.push(line);
                } else {
                    others.push((line, at));
                }
            }
            inside.lines = others;
            inside.reports = inside.reports.wrapping_add(1);
            let tag = inside.seed.wrapping_add(inside.reports.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let held = lines.len() as u64;
            let report = Report { tag, rule: inside.rule.clone(), lines };
            Some((held, errand(object, &Question::Report(report))))
        })
        .flatten()
    }

    /// How many lines were lost for want of room since this was asked last.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.with(|inside| std::mem::take(&mut inside.lost)).unwrap_or_default()
    }

    /// What an object has said to a report: what follows from it holds here at once.
    pub fn answered(&self, answer: Vec<u8>) {
        let Some(Answer::Reported(rulings)) = message::read_answer::<Abuse>(answer) else { return };
        for ruling in rulings {
            self.learn(mark_of(ruling.mark, &ruling.who), ruling.until);
        }
    }

    /// Until when somebody is marked, as far as it is known; 0 for not at all, `None` for not known.
    #[must_use]
    pub fn known(&self, hash: u64) -> Option<Millis> {
        get(&self.inside.borrow().as_ref()?.known, hash)
    }

    /// Whether it is known of somebody that they are marked, or were.
    #[must_use]
    pub fn knows_some(&self) -> bool {
        self.inside.borrow().as_ref().is_some_and(|inside| !inside.known.is_empty())
    }

    /// That is known from now on.
    pub fn learn(&self, hash: u64, until: Millis) {
        self.with(|inside| put(&mut inside.known, hash, until, MOST_KNOWN));
    }

    /// The log has told everything: whoever counted as not marked may be, and whose mark is gone is no longer.
    pub fn forget(&self, is_gone: impl Fn(u64) -> bool) {
        self.with(|inside| inside.known.retain(|(hash, until)| *until > 0 && !is_gone(*hash)));
    }

    /// The log has told changes.
    pub fn heard(&self, changes: &[Change]) {
        self.with(|inside| {
            for change in changes {
                match change {
                    Change::Mark(Mark { hash, until }) => put(&mut inside.known, *hash, *until, MOST_KNOWN),
                    Change::Unmark(hash) => put(&mut inside.known, *hash, 0, MOST_KNOWN),
                    _ => {}
                }
            }
        });
    }

    /// Whether the objects did not answer a moment ago.
    #[must_use]
    pub fn is_away(&self, now: Millis) -> bool {
        let until = self.inside.borrow().as_ref().map_or(0, |inside| inside.away_until);
        now < until && until <= now.saturating_add(PAUSE_MS)
    }

    /// An object did not answer.
    pub fn missed(&self, now: Millis) {
        self.with(|inside| inside.away_until = now.saturating_add(PAUSE_MS));
    }

    fn arm(&self, now: Millis) {
        let is_new = self.with(|inside| {
            let is_new = inside.armed.is_none_or(|armed| now.abs_diff(armed) >= GONE_MS);
            if is_new {
                inside.armed = Some(now);
            }
            is_new
        });
        if is_new == Some(true) {
            self.is_due.set(true);
        }
    }

    fn with<T>(&self, f: impl FnOnce(&mut Inside) -> T) -> Option<T> {
        self.inside.borrow_mut().as_mut().map(f)
    }
}

impl Inside {
    /// Adds one to the line about somebody; `false` where there is no room for one more.
    fn add(&mut self, now: Millis, who: Who, kind: u8, from: u64) -> bool {
        let order = |line: &Line| line.who.cmp(&who).then((line.kind, line.from).cmp(&(kind, from)));
        match self.lines.binary_search_by(|(line, _)| order(line)) {
            Ok(at) => {
                if let Some((line, _)) = self.lines.get_mut(at) {
                    line.count = line.count.saturating_add(1);
                }
            }
            Err(_) if self.lines.len() >= MOST_LINES => {
                self.lost = self.lost.saturating_add(1);
                return false;
            }
            Err(at) => self.lines.insert(at, (Line { who, kind, count: 1, from, age_ms: 0 }, now)),
        }
        true
    }
}

fn get(list: &[(u64, Millis)], hash: u64) -> Option<Millis> {
    let at = list.binary_search_by_key(&hash, |(known, _)| *known).ok()?;
    list.get(at).map(|(_, value)| *value)
}

/// Of too many all are forgotten.
fn put(list: &mut Vec<(u64, Millis)>, hash: u64, value: Millis, most: usize) {
    match list.binary_search_by_key(&hash, |(known, _)| *known) {
        Ok(at) => {
            if let Some((_, known)) = list.get_mut(at) {
                *known = value;
            }
        }
        Err(_) if list.len() >= most => {
            list.clear();
            list.push((hash, value));
        }
        Err(at) => list.insert(at, (hash, value)),
    }
}

#[cfg(test)]
mod tests;
