//! One key: what was used of it, what is leased, and whether there is more. No IO, no clock.
//!
//! **G1.** A lease counts whole from its grant to its end, in every window that meets that time; a settlement makes it what
//! was used, until the last use. A grant is made only if the sum over all that still counts stays within the limit. So no
//! window ever holds more than the limit, whatever becomes of messages.
//!
//! Of requests at once nothing is used up: a lease of permits counts as what may still be in flight under it, until all that
//! was begun under it must have ended.

use serde::{Deserialize, Serialize};

use super::{
    Ask, Count, LONGEST_LIFE_MS, Looked, Rule, Settlement, Verdict, drifted,
    span::{Span, Spans},
};
use crate::http::Millis;

/// How long after its end a lease may be settled, in milliseconds.
const GRACE_MS: Millis = 10_000;

/// Into how many parts a window is divided by the spans of what was used, at least and at most.
const FINEST: Millis = 60;
const COARSEST: Millis = 360;

/// The part of what is left that one lease gets beyond what is needed: near the limit it is nothing.
const SHARE: u32 = 8;

/// How soon others may have given something back, in milliseconds; and a permit, of which nobody knows when.
const AGAIN_MS: Millis = 500;
const PERMIT_AGAIN_MS: Millis = 100;
const PERMIT_FREE_MS: Millis = 1_000;

/// Tokens that an isolate holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lease {
    number: u64,
    span: Span,
    /// How many of them no request waits for.
    extra: u32,
}

/// Most leases of a key that are told apart.
const MOST_LEASES: usize = 1_000;

/// The number of leases whose numbers are not known any more.
const UNSETTLED: u64 = 0;

/// What is known of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    used: Spans,
    leases: Vec<Lease>,
    level: Option<Level>,
}

/// What is in a bucket. A token has as many parts as the window has milliseconds: so in each of them there are `limit`
/// parts more, and nothing is ever rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    parts: u64,
    /// How many make a token.
    each: u64,
    /// When that was.
    at: Millis,
}

impl Level {
    fn full(burst: u32, window: Millis, at: Millis) -> Self {
        Self { parts: window.saturating_mul(burst.into()), each: window.max(1), at }
    }

    fn tokens(&self) -> u32 {
        u32::try_from(self.parts.checked_div(self.each).unwrap_or_default()).unwrap_or(u32::MAX)
    }

    /// With so many tokens less.
    #[must_use]
    pub fn without(self, tokens: u32) -> Self {
        Self { parts: self.parts.saturating_sub(self.each.saturating_mul(tokens.into())), ..self }
    }

    /// With so many tokens more, if it may hold as many.
    fn with(self, tokens: u64, most: u64) -> Self {
        let parts = self.parts.saturating_add(self.each.saturating_mul(tokens));
        Self { parts: parts.min(self.each.saturating_mul(most)), ..self }
    }

    /// At a later moment, at this rate.
    fn at(self, now: Millis, limit: u32, most: u64) -> Self {
        let added = now.saturating_sub(self.at).saturating_mul(limit.into());
        let parts = self.parts.saturating_add(added).min(self.each.saturating_mul(most));
        Self { parts, at: self.at.max(now), ..self }
    }

    /// As many tokens of a bucket with another window.
    fn of(self, window: Millis) -> Self {
        let scaled = u128::from(self.parts).saturating_mul(window.into()).checked_div(self.each.into());
        let parts = scaled.and_then(|parts| u64::try_from(parts).ok()).unwrap_or(u64::MAX);
        Self { parts, each: window.max(1), ..self }
    }
}

impl Account {
    /// Decides one ask. A lease gets this number.
    pub fn apply(&mut self, now: Millis, ask: &Ask, number: u64) -> Verdict {
        self.move_to(now, &ask.rule);
        ask.settled.iter().for_each(|settlement| self.settle(now, *settlement, &ask.rule));
        if ask.needs == 0 && ask.wants == 0 {
            return Verdict::Settled;
        }
        let room = self.room(now, &ask.rule);
        match room.checked_sub(ask.needs) {
            Some(left) if ask.needs > 0 || left > 0 => self.grant(now, ask, left, number),
            _ => self.refuse(now, ask, room),
        }
    }

    /// How it stands.
    pub fn look(&mut self, now: Millis, rule: &Rule) -> Looked {
        self.move_to(now, rule);
        let (left, leased) = (self.room(now, rule), self.leased_since(now));
        let used = match self.level {
            Some(_) => u64::from(rule.most()).saturating_sub(left.into()).saturating_sub(leased),
            None => self.used.sum().saturating_add(self.leased_since(horizon(now, rule))).saturating_sub(leased),
        };
        let free_ms = if left > 0 { 0 } else { self.free_in(now, 1, rule) };
        let reset_ms = if used == 0 && leased == 0 { 0 } else { self.free_in(now, u32::MAX, rule) };
        Looked { used, leased, left, free_ms, reset_ms }
    }

    /// Forgets what was used: what has been settled, what requests waited for, and what nobody can use any more. What
    /// isolates hold besides can still be used, and goes on to count.
    pub fn forget(&mut self, now: Millis, rule: &Rule) {
        self.move_to(now, rule);
        self.used = Spans::default();
        self.leases.iter_mut().for_each(|lease| lease.span.count = lease.extra);
        self.leases.retain(|lease| lease.extra > 0 && lease.span.to >= now);
        if let Count::Bucket(window, burst) = rule.count {
            let leased = u32::try_from(self.leased_since(now)).unwrap_or(u32::MAX);
            self.level = Some(Level::full(burst, window, now).without(leased));
        }
    }

    /// All that counts, leases whole: what must be on record.
    #[must_use]
    pub fn everything(&self) -> Vec<Span> {
        let leased = self.leases.iter().map(|lease| lease.span);
        self.used.iter().chain(leased).collect()
    }

    /// Of permits: the numbers of their leases, in the order of [`Account::everything`].
    #[must_use]
    pub fn numbers(&self, rule: &Rule) -> Vec<u64> {
        self.leases.iter().filter(|_| rule.is_flight()).map(|lease| lease.number).collect()
    }

    /// Of a bucket: what is in it.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        self.level
    }

    /// The account of which this is on record. What was leased is not settled any more.
    #[must_use]
    pub fn restored(now: Millis, rule: &Rule, spans: &[Span], numbers: &[u64], level: Option<Level>) -> Self {
        let mut account = Self { level, ..Self::default() };
        if level.is_some() || rule.is_flight() {
            // Permits may be out for long, so it stays known whose they are.
            let numbers = numbers.iter().copied().chain(std::iter::repeat(UNSETTLED));
            let lease = |(span, number): (&Span, u64)| Lease { number, span: *span, extra: 0 };
            account.leases = spans.iter().zip(numbers).map(lease).collect();
        } else {
            spans.iter().for_each(|span| account.count(*span, horizon(now, rule), rule));
        }
        account
    }

    /// When nothing of this counts any more, so that it may be forgotten.
    #[must_use]
    pub fn idle_at(&self, rule: &Rule) -> Millis {
        let last = self.everything().iter().map(|span| span.to).max().unwrap_or_default();
        match rule.count {
            Count::Sliding(window) => last.saturating_add(window).saturating_add(1),
            Count::Fixed(calendar) => calendar.window(last).1,
            Count::Flight(_) => last.saturating_add(1),
            Count::Bucket(window, burst) => {
                let since = self.level.map_or(last, |level| level.at.max(last));
                let fills = u64::from(burst).saturating_mul(window).checked_div(rule.limit.into()).unwrap_or_default();
                since.saturating_add(fills).saturating_add(1)
            }
        }
    }

    fn move_to(&mut self, now: Millis, rule: &Rule) {
        self.fill(now, rule);
        let horizon = horizon(now, rule);
        let is_over = |lease: &mut Lease| lease.span.to.saturating_add(GRACE_MS) < now;
        let over: Vec<Lease> = self.leases.extract_if(.., is_over).collect();
        self.used.forget(horizon);
        over.iter().for_each(|lease| self.count(lease.span, horizon, rule));
    }

    fn count(&mut self, span: Span, horizon: Millis, rule: &Rule) {
        // Of a bucket all is in its level, and permits are not used up.
        if span.to >= horizon && !matches!(rule.count, Count::Bucket(..) | Count::Flight(_)) {
            self.used.add(span, width(rule));
        }
    }

    /// Takes what an isolate says that it has used. What is not known, or was settled before, is ignored.
    fn settle(&mut self, now: Millis, settlement: Settlement, rule: &Rule) {
        let is_meant = |lease: &Lease| lease.number == settlement.lease && lease.number != UNSETTLED;
        let Some(at) = self.leases.iter().position(is_meant) else { return };
        if rule.is_flight() {
            return self.shrink(at, settlement.used);
        }
        let is_bucket = matches!(rule.count, Count::Bucket(..));
        if is_bucket && self.leases.get(at).is_some_and(|lease| lease.span.to < now) {
            // Its place in the bucket has been filled.
            return;
        }
        let Lease { span, .. } = self.leases.remove(at);
        let used = settlement.used.min(span.count);
        let last_ms = Millis::from(settlement.last_ms);
        let to = span.from.saturating_add(last_ms).saturating_add(drifted(last_ms)).min(span.to);
        self.count(Span { to, count: used, ..span }, horizon(now, rule), rule);
        let (most, back) = (self.most(now, rule), u64::from(span.count.saturating_sub(used)));
        self.level = self.level.map(|level| level.with(back, most));
    }

    /// So many permits of a lease are still in use. Whatever comes late or again, it never grows.
    fn shrink(&mut self, at: usize, used: u32) {
        if used == 0 {
            self.leases.remove(at);
        } else if let Some(lease) = self.leases.get_mut(at) {
            lease.span.count = lease.span.count.min(used);
            lease.extra = lease.extra.min(used);
        }
    }

    /// How many tokens may be granted.
    fn room(&self, now: Millis, rule: &Rule) -> u32 {
        if let Some(level) = self.level {
            return level.tokens();
        }
        let taken = self.used.sum().saturating_add(self.leased_since(horizon(now, rule)));
        u32::try_from(u64::from(rule.limit).saturating_sub(taken)).unwrap_or(u32::MAX)
    }

    /// How many tokens are leased that may be used at a moment or later.
    fn leased_since(&self, moment: Millis) -> u64 {
        let leases = self.leases.iter().filter(|lease| lease.span.to >= moment);
        leases.fold(0, |sum, lease| sum.saturating_add(lease.span.count.into()))
    }

    fn grant(&mut self, now: Millis, ask: &Ask, left: u32, number: u64) -> Verdict {
        let out = self.leases.iter().fold(0_u32, |sum, lease| sum.saturating_add(lease.extra));
        let free = ask.rule.outstanding().saturating_sub(out);
        let waits = ask.waits.min(left);
        let left = left.saturating_sub(waits);
        let extra = ask.wants.min(free).min(left.checked_div(SHARE).unwrap_or_default());
        let tokens = ask.needs.saturating_add(waits).saturating_add(extra);
        if tokens == 0 {
            // A request that comes may still have one; nobody waits for this.
            return Verdict::Settled;
        }
        let (life_ms, to) = ask.rule.life(now);
        let span = Span { from: now, to, count: tokens };
        self.leases.push(Lease { number, span, extra });
        self.join_oldest();
        self.level = self.level.map(|level| level.without(tokens));
        let reset_ms = self.free_in(now, u32::MAX, &ask.rule);
        let life_ms = u32::try_from(life_ms).unwrap_or(u32::MAX);
        Verdict::Granted { lease: number, tokens, life_ms, left: left.saturating_sub(extra), reset_ms }
    }

    /// Of too many leases the two oldest become one that nobody settles: it counts whole, to its end.
    fn join_oldest(&mut self) {
        if self.leases.len() > MOST_LEASES {
            let oldest = self.leases.remove(0);
            if let Some(next) = self.leases.first_mut() {
                let (span, extra) = (next.span.with(oldest.span), next.extra.saturating_add(oldest.extra));
                *next = Lease { number: UNSETTLED, span, extra };
            }
        }
    }

    fn refuse(&self, now: Millis, ask: &Ask, room: u32) -> Verdict {
        if ask.rule.is_flight() {
            return Verdict::Refused { free_ms: PERMIT_FREE_MS, again_ms: PERMIT_AGAIN_MS, left: room };
        }
        let free_ms = self.free_in(now, ask.needs.max(1).saturating_sub(room), &ask.rule);
        let others = self.leases.iter().any(|lease| lease.extra > 0 && lease.span.to >= now);
        let again_ms = if others { free_ms.min(AGAIN_MS) } else { free_ms };
        Verdict::Refused { free_ms, again_ms, left: room }
    }

    /// In how many milliseconds so many tokens are free, if nobody takes or gives back any; of more than there are: all.
    fn free_in(&self, now: Millis, wanted: u32, rule: &Rule) -> Millis {
        match rule.count {
            Count::Flight(_) => 0,
            Count::Bucket(window, burst) => self.filled_in(wanted.min(burst), window, rule),
            Count::Fixed(calendar) => calendar.window(now).1.saturating_sub(now),
            Count::Sliding(window) => {
                // In the order of their ends.
                let mut spans = self.used.clone();
                self.leases.iter().for_each(|lease| spans.add(lease.span, 0));
                spans.forget(horizon(now, rule));
                let mut freed = 0_u32;
                let mut last = 0;
                let enough = spans.iter().find(|span| {
                    last = span.to;
                    freed = freed.saturating_add(span.count);
                    freed >= wanted
                });
                let last = enough.map_or(last, |span| span.to);
                // The moment after it has left the window.
                last.saturating_add(window).saturating_add(1).saturating_sub(now)
            }
        }
    }

    /// In how many milliseconds so many more tokens are in the bucket.
    fn filled_in(&self, wanted: u32, window: Millis, rule: &Rule) -> Millis {
        let started = self.level.and_then(|level| level.parts.checked_rem(level.each)).unwrap_or_default();
        let lacking = u64::from(wanted).saturating_mul(window).saturating_sub(started);
        lacking.div_ceil(rule.limit.max(1).into())
    }

    /// Fills the bucket for the time that has passed. What is leased keeps its place until the lease ends: a bucket never
    /// gives more than it holds, even if all that is out is used at once.
    fn fill(&mut self, now: Millis, rule: &Rule) {
        let Count::Bucket(window, burst) = rule.count else {
            self.level = None;
            return;
        };
        let level = self.level.map_or_else(|| Level::full(burst, window, now), |level| level.of(window));
        let (mut level, mut from) = (level, level.at);
        loop {
            let ended = |end: &Millis| *end >= from && *end < now;
            let moment = self.leases.iter().map(|lease| lease.span.to).filter(ended).min().unwrap_or(now);
            level = level.at(moment, rule.limit, self.most(moment, rule));
            if moment >= now {
                break;
            }
            from = moment.saturating_add(1);
        }
        self.level = Some(level);
    }

    /// How many tokens the bucket may hold at a moment.
    fn most(&self, moment: Millis, rule: &Rule) -> u64 {
        u64::from(rule.most()).saturating_sub(self.leased_since(moment))
    }
}

/// What ended before this counts no more.
fn horizon(now: Millis, rule: &Rule) -> Millis {
    match rule.count {
        Count::Sliding(window) => now.saturating_sub(window),
        Count::Fixed(calendar) => calendar.window(now).0,
        // What was used is in the level, or has come back.
        Count::Bucket(..) | Count::Flight(_) => now,
    }
}

/// How long a span may be that holds several uses: no longer than a lease lives, or a part of the window where that is
/// long, for what is remembered must have a limit.
fn width(rule: &Rule) -> Millis {
    match rule.count {
        Count::Sliding(window) => {
            let finest = window.div_euclid(FINEST).min(LONGEST_LIFE_MS);
            finest.max(window.div_euclid(COARSEST))
        }
        Count::Fixed(_) | Count::Bucket(..) | Count::Flight(_) => Millis::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Rule = Rule { limit: 1_000_000, count: Count::Sliding(60_000), exact: true };

    fn ask(rule: Rule, needs: u32) -> Ask {
        Ask { key: [0; 16], rule, settled: Vec::new(), needs, waits: 0, wants: 0 }
    }

    #[test]
    fn of_very_many_leases_the_oldest_become_one_and_nothing_is_lost() {
        let mut account = Account::default();
        for number in 1..=1_500 {
            account.apply(number, &ask(LONG, 1), number);
        }
        assert_eq!(account.leases.len(), MOST_LEASES);
        assert_eq!(account.room(1_500, &LONG), LONG.limit - 1_500);
        assert_eq!(account.room(1_500 + 60_000 + 6_010, &LONG), LONG.limit);
    }

    #[test]
    fn what_is_forgotten_counts_no_more_but_what_isolates_hold_does() {
        let rule = Rule { limit: 100, count: Count::Sliding(60_000), exact: false };
        let bucket = Rule { limit: 100, count: Count::Bucket(60_000, 100), exact: false };
        for rule in [rule, bucket] {
            let mut account = Account::default();
            account.apply(0, &Ask { wants: 10, ..ask(rule, 60) }, 1);
            assert_eq!(account.look(1, &rule), Looked { leased: 65, left: 35, ..account.look(1, &rule) });
            account.forget(2, &rule);
            let held = account.look(2, &rule);
            assert_eq!((held.used, held.leased, held.left, held.free_ms), (0, 5, 95, 0), "{rule:?}");
            // Its settlement still comes, and can say no more than that.
            let settled = vec![Settlement { lease: 1, used: 62, last_ms: 5 }];
            account.apply(10, &Ask { settled, ..ask(rule, 0) }, 2);
            assert_eq!(account.look(10, &rule).left, 95);
            account.forget(11, &rule);
            assert_eq!(account.look(11, &rule), Looked { left: 100, ..Looked::default() });
        }
    }

    #[test]
    fn what_nobody_can_use_any_more_is_forgotten_too() {
        let rule = Rule { limit: 2, count: Count::Sliding(60_000), exact: false };
        let mut account = Account::default();
        account.apply(0, &ask(rule, 2), 1);
        let full = account.look(10_000, &rule);
        assert_eq!((full.used, full.leased, full.left), (2, 0, 0), "the lease has ended");
        assert_eq!((full.free_ms, full.reset_ms), (56_009, 56_009));
        account.forget(10_000, &rule);
        assert_eq!(account, Account::default());
    }

    #[test]
    fn permits_come_back_when_they_are_settled_or_when_nothing_can_be_in_flight_any_more() {
        let rule = Rule { limit: 2, count: Count::Flight(30_000), exact: false };
        let settled = |lease, used| vec![Settlement { lease, used, last_ms: 0 }];
        let mut account = Account::default();
        account.apply(0, &ask(rule, 2), 1);
        assert!(matches!(account.apply(1, &ask(rule, 1), 2), Verdict::Refused { left: 0, .. }));
        let freed = Ask { settled: settled(1, 1), ..ask(rule, 1) };
        assert!(matches!(account.apply(2, &freed, 3), Verdict::Granted { tokens: 1, .. }));
        let again = Ask { settled: settled(1, 2), ..ask(rule, 1) };
        assert!(matches!(account.apply(3, &again, 4), Verdict::Refused { .. }), "a late settlement takes nothing back");
        let anew = Account::restored(4, &rule, &account.everything(), &account.numbers(&rule), None);
        assert_eq!(
            anew,
            Account {
                leases: account.leases.iter().map(|lease| Lease { extra: 0, ..*lease }).collect(),
                ..anew.clone()
            }
        );
        assert!(matches!(account.apply(35_037, &ask(rule, 1), 5), Verdict::Refused { .. }));
        assert!(matches!(account.apply(35_041, &ask(rule, 2), 6), Verdict::Granted { tokens: 2, .. }));
    }

    #[test]
    fn a_refusal_says_when_there_is_room() {
        let rule = Rule { limit: 2, count: Count::Sliding(60_000), exact: false };
        let mut account = Account::default();
        account.apply(0, &ask(rule, 1), 1);
        account.apply(10_000, &ask(rule, 1), 2);
        let refused = account.apply(15_000, &ask(rule, 1), 3);
        // The first lease ends after 6 s, and what clocks may differ by.
        let free_ms = 6_008 + 60_001 - 15_000;
        assert_eq!(refused, Verdict::Refused { free_ms, again_ms: free_ms, left: 0 });
        let settled = vec![Settlement { lease: 1, used: 1, last_ms: 10 }];
        let refused = account.apply(15_000, &Ask { settled, ..ask(rule, 1) }, 4);
        assert!(matches!(refused, Verdict::Refused { free_ms: 45_014, .. }), "{refused:?}");
        assert!(matches!(account.apply(60_014, &ask(rule, 1), 5), Verdict::Granted { .. }));
    }
}
