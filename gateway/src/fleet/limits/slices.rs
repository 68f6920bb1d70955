//! What an isolate holds of the limits: leases, what it was refused, and how fast it spends. It spends in one step, without
//! asking, as long as it holds something. Lost with the isolate: then what it held counts as used.
//!
//! Not here: who carries questions to the object, and what becomes of a request that is refused.

use std::{cell::RefCell, collections::BTreeMap};

use super::{
    Ask, Key, Rule, Settlement, Verdict,
    span::{Span, Spans},
};
use crate::http::Millis;

/// How long the object is waited for, in milliseconds.
pub const ASK_MS: u32 = 1_000;

/// The first pause after it did not answer, and the longest one, in milliseconds.
const FIRST_PAUSE_MS: Millis = 250;
const LONGEST_PAUSE_MS: Millis = 10_000;

/// More is asked for when this part of what was held is left, or this part of its life.
const NEARLY: u32 = 4;

/// Most keys of a limit. Whoever was not seen for the longest time gives way.
const MOST_KEYS: usize = 10_000;

/// The tokens of a lease.
#[derive(Clone, Copy, Debug)]
struct Held {
    lease: u64,
    tokens: u32,
    used: u32,
    sent: Millis,
    ends: Millis,
    last_ms: u32,
}

impl Held {
    fn left(&self, now: Millis) -> u32 {
        // A clock that is set back before the question makes nothing usable for longer.
        if now >= self.sent && now < self.ends { self.tokens.saturating_sub(self.used) } else { 0 }
    }

    fn settlement(&self) -> Settlement {
        Settlement { lease: self.lease, used: self.used, last_ms: self.last_ms }
    }
}

/// What is known of one key.
#[derive(Clone, Debug, Default)]
struct Slot {
    held: Vec<Held>,
    /// Until when a refusal is believed, and when there will be more if nobody gives back any.
    refused: Option<(Millis, Millis)>,
    /// What the object had left when it was asked last, and when it will have all.
    left: u32,
    reset_at: Millis,
    /// How many were spent since when.
    spent: u32,
    since: Millis,
    /// When the question was sent that is out.
    asked: Option<Millis>,
    /// How often the object has not answered in a row, and until when it is not asked.
    failures: u32,
    pause_until: Millis,
    /// What was spent without the object.
    alone: Spans,
    seen: Millis,
}

/// A key of a limit of which a request takes so many tokens.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The number of the limit.
    pub limit: usize,
    /// Its rule.
    pub rule: Rule,
    /// What the request is counted under.
    pub key: &'a str,
    /// How many tokens.
    pub cost: u32,
}

/// How a request stands to a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// There are enough tokens here.
    Ready,
    /// There are not, and the object has said that it has none; in how many milliseconds it has.
    Refused(Millis),
    /// The object must be asked.
    Dry,
    /// The object did not answer a moment ago.
    Away,
}

/// What a client is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// How many tokens are left, as far as it is known here.
    pub left: u32,
    /// In how many milliseconds all are there again.
    pub reset_ms: Millis,
}

/// All that an isolate holds.
#[derive(Debug, Default)]
pub struct Slices {
    /// By the number of the limit, then by key.
    limits: RefCell<Vec<BTreeMap<Box<str>, Slot>>>,
    /// Whose tokens will be gone before long.
    low: RefCell<Vec<(usize, Box<str>)>>,
}

impl Slices {
    /// How a request stands to a limit now.
    #[must_use]
    pub fn stand(&self, now: Millis, wanted: &Wanted<'_>) -> Stand {
        let limits = self.limits.borrow();
        limits
            .get(wanted.limit)
            .and_then(|slots| slots.get(wanted.key))
            .map_or(Stand::Dry, |slot| slot.stand(now, wanted.cost))
    }

    /// Takes the tokens of a request that stands ready.
    pub fn spend(&self, now: Millis, wanted: &Wanted<'_>) -> Told {
        self.with(now, wanted, |slot| {
            slot.spend(now, wanted.cost);
            if slot.is_low(now, &wanted.rule) {
                slot.asked = Some(now);
                self.low.borrow_mut().push((wanted.limit, wanted.key.into()));
            }
            slot.told(now)
        })
    }

    /// What a client is told who was refused.
    pub fn told(&self, now: Millis, wanted: &Wanted<'_>) -> Told {
        self.with(now, wanted, |slot| slot.told(now))
    }

    /// Spends without the object, if that is less than this share of the limit, in percent, within the last window.
    pub fn spend_alone(&self, now: Millis, wanted: &Wanted<'_>, share: u32) -> bool {
        self.with(now, wanted, |slot| {
            let window = wanted.rule.window_ms();
            slot.alone.forget(now.saturating_sub(window));
            let most = u64::from(wanted.rule.most()).saturating_mul(share.into()).div_euclid(100);
            let may = slot.alone.sum().saturating_add(wanted.cost.into()) <= most;
            if may {
                slot.alone.add(Span { from: now, to: now, count: wanted.cost }, window.div_euclid(60));
            }
            may
        })
    }

    /// What to ask the object about a key, for a request that needs so many tokens now, or for none.
    pub fn ask(&self, now: Millis, wanted: &Wanted<'_>, needs: u32, key: Key) -> Ask {
        self.with(now, wanted, |slot| {
            let settled = slot.settle(now);
            let wants = slot.expected(now, &wanted.rule).saturating_sub(slot.left_here(now));
            slot.asked = Some(now);
            Ask { key, rule: wanted.rule, settled, needs, wants }
        })
    }

    /// What the object has said to a question that was sent then.
    pub fn absorb(&self, now: Millis, sent: Millis, wanted: &Wanted<'_>, verdict: Option<Verdict>) {
        self.with(now, wanted, |slot| slot.absorb(now, sent, verdict));
    }

    /// The next key whose tokens will be gone before long.
    pub fn low(&self) -> Option<(usize, Box<str>)> {
        self.low.borrow_mut().pop()
    }

    /// Whether there is one.
    #[must_use]
    pub fn is_low(&self) -> bool {
        !self.low.borrow().is_empty()
    }

    /// What was used of leases that are over, to be told to the object although nothing is asked of it.
    pub fn settle(&self, now: Millis) -> Vec<(usize, Box<str>, Vec<Settlement>)> {
        let mut limits = self.limits.borrow_mut();
        let slots =
            limits.iter_mut().enumerate().flat_map(|(limit, slots)| slots.iter_mut().map(move |slot| (limit, slot)));
        let settled = slots.map(|(limit, (key, slot))| (limit, key.clone(), slot.settle(now)));
        settled.filter(|(.., settled)| !settled.is_empty()).collect()
    }

    fn with<T>(&self, now: Millis, wanted: &Wanted<'_>, f: impl FnOnce(&mut Slot) -> T) -> T {
        let mut limits = self.limits.borrow_mut();
        if limits.len() <= wanted.limit {
            limits.resize_with(wanted.limit.saturating_add(1), BTreeMap::new);
        }
        let Some(slots) = limits.get_mut(wanted.limit) else { return f(&mut Slot::default()) };
        if let Some(slot) = slots.get_mut(wanted.key) {
            slot.seen = now;
            return f(slot);
        }
        if slots.len() >= MOST_KEYS {
            make_room(slots);
        }
        f(slots.entry(wanted.key.into()).or_insert_with(|| Slot { seen: now, since: now, ..Slot::default() }))
    }
}

/// Forgets the half that was not seen for longer.
fn make_room(slots: &mut BTreeMap<Box<str>, Slot>) {
    let mut seen: Vec<Millis> = slots.values().map(|slot| slot.seen).collect();
    let middle = seen.len().div_euclid(2);
    let (_, median, _) = seen.select_nth_unstable(middle);
    let median = *median;
    slots.retain(|_, slot| slot.seen > median);
}

impl Slot {
    fn left_here(&self, now: Millis) -> u32 {
        self.held.iter().fold(0, |sum, held| sum.saturating_add(held.left(now)))
    }

    fn stand(&self, now: Millis, cost: u32) -> Stand {
        if self.left_here(now) >= cost {
            return Stand::Ready;
        }
        if now < self.pause_until && self.pause_until <= now.saturating_add(LONGEST_PAUSE_MS) {
            return Stand::Away;
        }
        match self.refused {
            Some((until, free_at)) if now < until => Stand::Refused(free_at.saturating_sub(now)),
            _ => Stand::Dry,
        }
    }

    fn spend(&mut self, now: Millis, cost: u32) {
        self.spent = self.spent.saturating_add(cost);
        let mut rest = cost;
        for held in &mut self.held {
            let taken = held.left(now).min(rest);
            if taken > 0 {
                rest = rest.saturating_sub(taken);
                held.used = held.used.saturating_add(taken);
                held.last_ms = u32::try_from(now.saturating_sub(held.sent)).unwrap_or(u32::MAX);
            }
        }
    }

    /// How many tokens a lease would be good for, by how many were spent lately.
    fn expected(&self, now: Millis, rule: &Rule) -> u32 {
        // One request says nothing about how many there will be.
        let passed = now.saturating_sub(self.since).max(rule.life(now).0.div_euclid(NEARLY.into())).max(1);
        let expected = u64::from(self.spent).saturating_mul(rule.life(now).0).div_euclid(passed);
        u32::try_from(expected).unwrap_or(u32::MAX).min(rule.outstanding())
    }

    /// Whether it is time to ask behind a response: somebody is going to need what is nearly gone.
    fn is_low(&self, now: Millis, rule: &Rule) -> bool {
        let is_out = self.asked.is_some_and(|sent| now.abs_diff(sent) < ASK_MS.into());
        let rests = self.refused.is_some_and(|(until, _)| now < until) || now < self.pause_until;
        let Some(newest) = self.held.last().filter(|_| !is_out && !rests) else { return false };
        let life = newest.ends.saturating_sub(newest.sent);
        let nearly_over = now.saturating_add(life.div_euclid(NEARLY.into())) >= newest.ends;
        let nearly_gone = self.left_here(now).saturating_mul(NEARLY) <= newest.tokens;
        self.expected(now, rule) > NEARLY && (nearly_over || nearly_gone)
    }

    /// Takes out what is used up or over.
    fn settle(&mut self, now: Millis) -> Vec<Settlement> {
        let over = self.held.extract_if(.., |held| held.left(now) == 0);
        over.map(|held| held.settlement()).collect()
    }

    fn absorb(&mut self, now: Millis, sent: Millis, verdict: Option<Verdict>) {
        self.asked = self.asked.filter(|asked| *asked != sent);
        let Some(verdict) = verdict else { return self.miss(now) };
        self.failures = 0;
        self.pause_until = 0;
        self.refused = None;
        match verdict {
            Verdict::Granted { lease, tokens, life_ms, left, reset_ms } => {
                let ends = sent.saturating_add(life_ms.into());
                self.held.push(Held { lease, tokens, used: 0, sent, ends, last_ms: 0 });
                (self.left, self.reset_at) = (left, now.saturating_add(reset_ms));
                // What was longer ago counts for half.
                (self.spent, self.since) = (self.spent.div_euclid(2), now.midpoint(self.since));
            }
            Verdict::Refused { free_ms, again_ms, left } => {
                let at = |ms: Millis| now.saturating_add(ms);
                (self.left, self.reset_at, self.refused) = (left, at(free_ms), Some((at(again_ms), at(free_ms))));
            }
            Verdict::Settled => {}
        }
    }

    fn miss(&mut self, now: Millis) {
        self.failures = self.failures.saturating_add(1);
        let doubled = FIRST_PAUSE_MS.checked_shl(self.failures.saturating_sub(1).min(16)).unwrap_or(LONGEST_PAUSE_MS);
        self.pause_until = now.saturating_add(doubled.min(LONGEST_PAUSE_MS));
    }

    fn told(&self, now: Millis) -> Told {
        let left = self.left.saturating_add(self.left_here(now));
        Told { left, reset_ms: self.reset_at.saturating_sub(now) }
    }
}
