//! One key, as an isolate knows it: the leases that it holds, what it was refused, and how fast it spends. Not here: which
//! keys there are, and when somebody is asked (`slices`).

use super::{
    Rule, Settlement, Verdict,
    slices::{ASK_MS, Stand, Told, Wanted},
    span::{Span, Spans},
};
use crate::http::Millis;

/// The first pause after the object did not answer, and the longest one, in milliseconds.
const FIRST_PAUSE_MS: Millis = 250;
const LONGEST_PAUSE_MS: Millis = 10_000;

/// More is asked for when this part of what was held is left, or this part of its life.
pub(super) const NEARLY: u32 = 4;

/// How long after its end a lease waits for requests whose cost is not known yet, in milliseconds. Then they cost what was
/// taken for them.
const OPEN_MS: Millis = 8_000;

/// Most settlements of permits that are said again.
const MOST_UNSAID: usize = 100;

/// The number of a lease that nobody has given: of permits that an isolate has given itself.
pub(super) const ALONE: u64 = 0;

/// The same of what a request has taken that waited for nobody, until there is a lease to pay for it.
pub(super) const OWED: u64 = u64::MAX;

/// The tokens of a lease.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    lease: u64,
    tokens: u32,
    used: u32,
    sent: Millis,
    pub(super) ends: Millis,
    last_ms: u32,
    /// Requests whose cost is not known yet.
    open: u32,
}

impl Held {
    fn left(&self, now: Millis) -> u32 {
        // A clock that is set back before the question makes nothing usable for longer.
        if now >= self.sent && now < self.ends { self.tokens.saturating_sub(self.used) } else { 0 }
    }

    fn take(&mut self, now: Millis, tokens: u32) {
        if tokens > 0 {
            self.used = self.used.saturating_add(tokens);
            self.last_ms = u32::try_from(now.saturating_sub(self.sent)).unwrap_or(u32::MAX);
        }
    }

    fn settlement(&self) -> Settlement {
        Settlement { lease: self.lease, used: self.used, last_ms: self.last_ms }
    }
}

/// What is known of one key.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    pub(super) held: Vec<Held>,
    /// Until when a refusal is believed, and when there will be more if nobody gives back any.
    pub(super) refused: Option<(Millis, Millis)>,
    /// What the object had left when it was asked last, and when it will have all.
    pub(super) left: u32,
    pub(super) reset_at: Millis,
    /// How many were spent since when.
    pub(super) spent: u32,
    pub(super) since: Millis,
    /// When the question was sent that is out.
    pub(super) asked: Option<Millis>,
    /// How many tokens requests wait for that no question has asked for yet, and since when one for such is out.
    pub(super) lacking: u32,
    pub(super) lacked: Option<Millis>,
    /// How often the object has not answered in a row, and until when it is not asked.
    pub(super) failures: u32,
    /// When refusals were forgotten: one of a question from before is not to be believed.
    pub(super) forgot_at: Option<Millis>,
    pub(super) pause_until: Millis,
    /// What was spent without the object.
    pub(super) alone: Spans,
    /// Permits that the isolate has given itself while nobody answered.
    pub(super) alone_out: u32,
    /// What a request has taken that waited for nobody, of the next lease; and which one it was.
    pub(super) debt: u32,
    pub(super) payer: Option<u64>,
    /// What was said of permits and did not arrive.
    pub(super) unsaid: Vec<Settlement>,
    pub(super) rule: Option<Rule>,
    pub(super) seen: Millis,
}

/// Whether a question that was sent then is still out.
pub(super) fn is_out(sent: Option<Millis>, now: Millis) -> bool {
    sent.is_some_and(|sent| now.abs_diff(sent) < ASK_MS.into())
}

impl Slot {
    pub(super) fn left_here(&self, now: Millis) -> u32 {
        self.held.iter().fold(0, |sum, held| sum.saturating_add(held.left(now)))
    }

    pub(super) fn has_some_to_give_back(&self, now: Millis) -> bool {
        !self.unsaid.is_empty() || self.held.iter().any(|held| now >= held.ends && held.used < held.tokens)
    }

    pub(super) fn stand(&self, now: Millis, wanted: &Wanted<'_>) -> Stand {
        // Of one lease, so that all of it can come back.
        if self.held.iter().any(|held| held.left(now) >= wanted.cost) {
            return Stand::Ready;
        }
        if now < self.pause_until && self.pause_until <= now.saturating_add(LONGEST_PAUSE_MS) {
            return Stand::Away;
        }
        match self.refused {
            // A refusal by another rule says nothing of this one.
            Some((until, free_at)) if now < until && self.rule == Some(wanted.rule) => {
                Stand::Refused(free_at.saturating_sub(now))
            }
            _ => Stand::Dry,
        }
    }

    /// Gives the lease that they are of. `is_open`: what it costs in truth is told later, to [`Slot::close`].
    pub(super) fn spend(&mut self, now: Millis, cost: u32, is_open: bool) -> Option<u64> {
        self.spent = self.spent.saturating_add(cost);
        let held = self.held.iter_mut().find(|held| held.left(now) >= cost)?;
        held.take(now, cost);
        held.open = held.open.saturating_add(is_open.into());
        Some(held.lease)
    }

    /// A request does not use what it has taken.
    pub(super) fn give_back(&mut self, cost: u32, lease: u64) {
        self.spent = self.spent.saturating_sub(cost);
        self.come_back(cost, lease);
    }

    /// So many tokens come back of a lease, if it is known.
    fn come_back(&mut self, count: u32, lease: u64) -> Option<&mut Held> {
        let lease = match lease {
            ALONE => {
                self.alone_out = self.alone_out.saturating_sub(count);
                self.alone.take_back(count);
                return None;
            }
            OWED if self.payer.is_none() => {
                self.debt = self.debt.saturating_sub(count);
                return None;
            }
            OWED => self.payer?,
            lease => lease,
        };
        let held = self.held.iter_mut().find(|held| held.lease == lease)?;
        held.used = held.used.saturating_sub(count);
        Some(held)
    }

    /// Whether there is room without the object, within this share of the limit, in percent.
    pub(super) fn has_alone(&mut self, now: Millis, wanted: &Wanted<'_>, share: u32) -> bool {
        let most = u64::from(wanted.rule.most()).saturating_mul(share.into()).div_euclid(100);
        self.alone.forget(now.saturating_sub(wanted.rule.window_ms()));
        let out = self.alone.sum().saturating_add(self.alone_out.into());
        out.saturating_add(wanted.cost.into()) <= most
    }

    /// Spends without the object.
    pub(super) fn spend_alone(&mut self, now: Millis, wanted: &Wanted<'_>) {
        if wanted.rule.is_flight() {
            self.alone_out = self.alone_out.saturating_add(wanted.cost);
        } else {
            let width = wanted.rule.window_ms().div_euclid(60);
            self.alone.add(Span { from: now, to: now, count: wanted.cost }, width);
        }
    }

    /// A request has ended, or its cost is known: so many tokens come back. Gives when its lease ends.
    pub(super) fn close(&mut self, lease: u64, back: u32) -> Option<Millis> {
        // What this isolate was refused it may have itself now.
        self.refused = self.refused.filter(|_| back == 0);
        let held = self.come_back(back, lease)?;
        held.open = held.open.saturating_sub(1);
        Some(held.ends)
    }

    /// How many tokens a lease would be good for, by how many were spent lately.
    pub(super) fn expected(&self, now: Millis, rule: &Rule) -> u32 {
        if rule.is_flight() {
            let in_flight = self.held.iter().fold(0_u32, |sum, held| sum.saturating_add(held.used));
            return in_flight.min(rule.outstanding());
        }
        // One request says nothing about how many there will be.
        let passed = now.saturating_sub(self.since).max(rule.life(now).0.div_euclid(NEARLY.into())).max(1);
        let expected = u64::from(self.spent).saturating_mul(rule.life(now).0).div_euclid(passed);
        u32::try_from(expected).unwrap_or(u32::MAX).min(rule.outstanding())
    }

    /// Whether it is time to ask behind a response: somebody is going to need what is nearly gone.
    pub(super) fn is_low(&self, now: Millis, rule: &Rule) -> bool {
        let rests = self.refused.is_some_and(|(until, _)| now < until) || now < self.pause_until;
        let Some(newest) = self.held.last().filter(|_| !is_out(self.asked, now) && !rests) else { return false };
        let life = newest.ends.saturating_sub(newest.sent);
        let nearly_over = now.saturating_add(life.div_euclid(NEARLY.into())) >= newest.ends;
        let nearly_gone = self.left_here(now).saturating_mul(NEARLY) <= newest.tokens;
        self.expected(now, rule) > NEARLY && (nearly_over || nearly_gone)
    }

    /// Takes out what is used up or over; if more is needed at once than there is, all that is not in use.
    pub(super) fn settle(&mut self, now: Millis, rule: &Rule, is_needed: bool) -> Vec<Settlement> {
        if rule.is_flight() {
            return self.settle_permits(now, rule);
        }
        let is_over = |held: &Held| is_needed || held.left(now) == 0;
        let is_done = |held: &Held| is_over(held) && (held.open == 0 || now >= held.ends.saturating_add(OPEN_MS));
        let over = self.held.extract_if(.., |held| is_done(held));
        over.map(|held| held.settlement()).collect()
    }

    /// Gives back permits that are not in use: where they are few at once, for others wait for them.
    fn settle_permits(&mut self, now: Millis, rule: &Rule) -> Vec<Settlement> {
        let at_once = rule.outstanding() == 0;
        let mut settled = std::mem::take(&mut self.unsaid);
        for held in self.held.iter_mut().filter(|held| held.used < held.tokens && (at_once || now >= held.ends)) {
            held.tokens = held.used;
            settled.push(held.settlement());
        }
        self.held.retain(|held| held.tokens > 0);
        settled
    }

    /// A settlement did not arrive. Tokens then count as used; permits would be gone for long.
    pub(super) fn unsay(&mut self, settled: Vec<Settlement>, rule: &Rule) {
        if rule.is_flight() && self.unsaid.len() < MOST_UNSAID {
            self.unsaid.extend(settled);
        }
    }

    pub(super) fn absorb(&mut self, now: Millis, sent: Millis, verdict: Option<Verdict>) {
        self.asked = self.asked.filter(|asked| *asked != sent);
        let Some(verdict) = verdict else { return self.miss(now) };
        self.failures = 0;
        self.pause_until = 0;
        self.refused = None;
        match verdict {
            Verdict::Granted { lease, tokens, life_ms, left, reset_ms } => {
                let ends = sent.saturating_add(life_ms.into());
                self.payer = self.payer.or((self.debt > 0).then_some(lease));
                let used = std::mem::take(&mut self.debt).min(tokens);
                self.held.push(Held { lease, tokens, used, sent, ends, last_ms: 0, open: 0 });
                (self.left, self.reset_at) = (left, now.saturating_add(reset_ms));
                // What was longer ago counts for half.
                (self.spent, self.since) = (self.spent.div_euclid(2), now.midpoint(self.since));
            }
            Verdict::Refused { free_ms, again_ms, left } => {
                let at = |ms: Millis| now.saturating_add(ms);
                (self.left, self.reset_at) = (left, at(free_ms));
                self.refused = (!self.has_forgotten_since(sent)).then(|| (at(again_ms), at(free_ms)));
            }
            Verdict::Settled => {}
        }
    }

    /// Whether refusals were forgotten while a question that was sent then was on its way.
    fn has_forgotten_since(&self, sent: Millis) -> bool {
        let since = self.forgot_at.and_then(|at| at.checked_sub(sent));
        since.is_some_and(|since| (1..=ASK_MS.into()).contains(&since))
    }

    fn miss(&mut self, now: Millis) {
        self.failures = self.failures.saturating_add(1);
        let doubled = FIRST_PAUSE_MS.checked_shl(self.failures.saturating_sub(1).min(16)).unwrap_or(LONGEST_PAUSE_MS);
        self.pause_until = now.saturating_add(doubled.min(LONGEST_PAUSE_MS));
    }

    /// How long the object is not asked, for it did not answer, in milliseconds.
    pub(super) fn pause(&self, now: Millis) -> Millis {
        self.pause_until.saturating_sub(now).min(LONGEST_PAUSE_MS)
    }

    pub(super) fn told(&self, now: Millis) -> Told {
        let left = self.left.saturating_add(self.left_here(now));
        Told { left, reset_ms: self.reset_at.saturating_sub(now), lease: None }
    }
}
