//! What an isolate holds of the limits: leases, what it was refused, and how fast it spends. It spends in one step, without
//! asking, as long as it holds something. Lost with the isolate: then what it held counts as used.
//!
//! Not here: who carries questions to the object, and what becomes of a request that is refused.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
};

use super::{
    Ask, Key, Rule, Settlement, Verdict,
    adaptive::{Adapts, Pressure},
    mean,
    slot::{ALONE, NEARLY, OWED, Slot, is_out},
};
use crate::{
    http::Millis,
    ports::errands::{Errand, Returned},
};

/// How long the object is waited for, in milliseconds.
pub const ASK_MS: u32 = 1_000;

/// How soon permits that were given back in vain are given back again, in milliseconds.
const AGAIN_MS: Millis = 1_000;

/// Most keys of all limits together: some ten megabytes. Those that were not seen for longer than the others give way.
const MOST_KEYS: usize = 20_000;

/// Most keys in a second that were not known before: what comes beyond is not asked for, as if the object were away.
const MOST_NEW: u32 = 1_000;

/// Most keys of which more is to be asked for. Whoever needs it asks again.
const MOST_LOW: usize = 1_000;

/// A key of a limit of which a request takes so many tokens.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The number of the limit.
    pub limit: u64,
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
    /// The same, and nobody has come for this key before.
    New,
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
    /// The lease that the tokens of the request are of, if it has taken any.
    pub lease: Option<u64>,
}

/// A key of which more is to be asked for, behind a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Low {
    /// The number of its limit.
    pub limit: u64,
    /// Its rule.
    pub rule: Rule,
    /// What requests are counted under.
    pub key: Box<str>,
    /// What the object knows it by.
    pub hash: Key,
    /// How many tokens a request waits for.
    needs: u32,
}

impl Low {
    /// The same for [`Slices`].
    #[must_use]
    pub fn wanted(&self) -> Wanted<'_> {
        Wanted { limit: self.limit, rule: self.rule, key: &self.key, cost: 0 }
    }
}

/// All that an isolate holds.
#[derive(Debug, Default)]
pub struct Slices {
    /// By the number of the limit, then by key.
    limits: RefCell<BTreeMap<u64, BTreeMap<Box<str>, Slot>>>,
    /// Whose tokens will be gone before long, or who has some to give back.
    low: RefCell<Vec<Low>>,
    /// When the next lease ends of which something may be left.
    ends_at: Cell<Option<Millis>>,
    /// The questions behind responses that are out, the oldest first, and how many there have been.
    out: RefCell<VecDeque<Out>>,
    sent: Cell<u8>,
    /// Whether nothing is counted, as where there is no fleet: then there is room for all.
    is_open: Cell<bool>,
    /// The second in which keys came that were not known, and how many.
    fresh: Cell<(Millis, u32)>,
    /// The health that limits follow, by their numbers.
    pressures: RefCell<BTreeMap<u64, Pressure>>,
}

/// What a request has taken until it is over, or until its cost is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The number of the limit.
    pub limit: u64,
    /// What the request is counted under.
    pub key: String,
    /// The lease that it has taken it of.
    pub lease: u64,
    /// What comes back, if nobody says otherwise before.
    pub back: u32,
}

/// A question behind a response.
#[derive(Clone, Debug)]
struct Out {
    number: u8,
    sent: Millis,
    low: Low,
    settled: Vec<Settlement>,
}

/// Most questions behind responses whose answers are waited for.
const MOST_OUT: usize = 250;

impl Slices {
    /// From now on nothing is counted.
    pub fn count_nothing(&self) {
        self.is_open.set(true);
    }

    /// How a request stands to a limit now.
    #[must_use]
    pub fn stand(&self, now: Millis, wanted: &Wanted<'_>) -> Stand {
        if self.is_open.get() {
            return Stand::Ready;
        }
        let limits = self.limits.borrow();
        match limits.get(&wanted.limit).and_then(|slots| slots.get(wanted.key)) {
            Some(slot) => slot.stand(now, wanted),
            None if self.fresh.get() == (now.div_euclid(1_000), MOST_NEW) => Stand::Away,
            None => Stand::New,
        }
    }

    /// Takes the tokens of a request that stands ready. `hash` is what the object knows the key by. `is_open`: what it costs in
    /// truth is told later, to [`Slices::close`].
    pub fn spend(&self, now: Millis, wanted: &Wanted<'_>, is_open: bool, hash: impl FnOnce() -> Key) -> Told {
        if self.is_open.get() {
            return Told { left: wanted.rule.most(), reset_ms: 0, lease: None };
        }
        self.with(now, wanted, |slot| {
            let lease = slot.spend(now, wanted.cost, is_open);
            if slot.is_low(now, &wanted.rule) {
                slot.asked = Some(now);
                let (limit, rule) = (wanted.limit, wanted.rule);
                self.tell(Low { limit, rule, key: wanted.key.into(), hash: hash(), needs: 0 });
            }
            Told { lease, ..slot.told(now) }
        })
    }

    /// Lets in the first request for a key, and has its tokens asked for behind the response.
    pub fn begin(&self, now: Millis, wanted: &Wanted<'_>, hash: Key) -> Told {
        self.with(now, wanted, |slot| {
            (slot.debt, slot.lacked) = (wanted.cost, Some(now));
            let (limit, rule, needs) = (wanted.limit, wanted.rule, wanted.cost);
            self.tell(Low { limit, rule, key: wanted.key.into(), hash, needs });
            Told {
                left: wanted.rule.most().saturating_sub(wanted.cost),
                reset_ms: wanted.rule.window_ms(),
                lease: Some(OWED),
            }
        })
    }

    /// A request is over, or its cost is known: what it has taken too much comes back. For a limit that is not known any more
    /// it is lost.
    pub fn close(&self, hold: &Hold) {
        let mut limits = self.limits.borrow_mut();
        let slot = limits.get_mut(&hold.limit).and_then(|slots| slots.get_mut(&*hold.key));
        let Some(slot) = slot else { return };
        let Some(ends) = slot.close(hold.lease, hold.back) else { return };
        match slot.rule {
            Some(rule) if rule.is_flight() && rule.outstanding() == 0 => {
                let hash = super::place_of(hold.limit, &hold.key).0;
                self.tell(Low { limit: hold.limit, rule, key: (&*hold.key).into(), hash, needs: 0 });
            }
            _ => self.ends_by(ends),
        }
    }

    /// The part of a limit that holds now, of ten thousand.
    pub fn share(&self, now: Millis, limit: u64, adapts: Adapts) -> u32 {
        self.pressures.borrow_mut().entry(limit).or_default().share(now, adapts)
    }

    /// A call has ended for whose limit it matters.
    pub fn saw(&self, now: Millis, limit: u64, adapts: Adapts, is_bad: bool) {
        self.pressures.borrow_mut().entry(limit).or_default().saw(now, adapts, is_bad);
    }

    /// Has more asked for, for a request that waits, unless that is being asked already. `is_first`: it has not waited
    /// before, so nobody knows of it.
    pub fn lack(&self, now: Millis, wanted: &Wanted<'_>, is_first: bool, hash: Key) {
        self.with(now, wanted, |slot| {
            slot.lacking = slot.lacking.saturating_add(if is_first { wanted.cost } else { 0 });
            if !is_out(slot.lacked, now) {
                slot.lacked = Some(now);
                let (limit, rule, needs) = (wanted.limit, wanted.rule, wanted.cost);
                self.tell(Low { limit, rule, key: wanted.key.into(), hash, needs });
            }
        });
    }

    /// Gives back what a request has taken of a lease and does not use. Of one that has been settled it is lost.
    pub fn give_back(&self, now: Millis, wanted: &Wanted<'_>, lease: u64) {
        self.with(now, wanted, |slot| slot.give_back(wanted.cost, lease));
    }

    /// What a client is told who was refused.
    pub fn told(&self, now: Millis, wanted: &Wanted<'_>) -> Told {
        self.with(now, wanted, |slot| slot.told(now))
    }

    /// Whether there is room without the object: less than this share of the limit, in percent, was spent alone within the
    /// last window, or is in flight.
    pub fn has_alone(&self, now: Millis, wanted: &Wanted<'_>, share: u32) -> bool {
        self.with(now, wanted, |slot| slot.has_alone(now, wanted, share))
    }

    /// Spends without the object. There must be room: [`Slices::has_alone`].
    pub fn spend_alone(&self, now: Millis, wanted: &Wanted<'_>) -> Told {
        self.with(now, wanted, |slot| {
            slot.spend_alone(now, wanted);
            Told { lease: Some(ALONE), ..slot.told(now) }
        })
    }

    /// In how many milliseconds the object is asked again that did not answer.
    pub fn pause(&self, now: Millis, wanted: &Wanted<'_>) -> Millis {
        self.with(now, wanted, |slot| slot.pause(now))
    }

    /// What to ask the object about a key, for one request that needs so many tokens now.
    pub fn ask(&self, now: Millis, wanted: &Wanted<'_>, needs: u32, key: Key) -> Ask {
        Ask { waits: 0, ..self.ask_for_all(now, wanted, needs, key) }
    }

    /// The same for all who wait; for nobody, if no tokens are needed.
    fn ask_for_all(&self, now: Millis, wanted: &Wanted<'_>, needs: u32, key: Key) -> Ask {
        self.with(now, wanted, |slot| {
            let settled = slot.settle(now, &wanted.rule, needs > 0);
            let expected = Some(slot.expected(now, &wanted.rule)).filter(|expected| *expected > NEARLY);
            let wants = expected.map_or(0, |expected| expected.saturating_sub(slot.left_here(now)));
            let waits = if needs > 0 { std::mem::take(&mut slot.lacking).saturating_sub(needs) } else { 0 };
            slot.asked = Some(now);
            Ask { key, rule: wanted.rule, settled, needs, waits, wants }
        })
    }

    /// What the object has said to a question that was sent then.
    pub fn absorb(&self, now: Millis, sent: Millis, wanted: &Wanted<'_>, verdict: Option<Verdict>) {
        self.with(now, wanted, |slot| {
            slot.rule = Some(wanted.rule);
            slot.absorb(now, sent, verdict);
        });
        if let Some(Verdict::Granted { tokens, life_ms, .. }) = verdict
            && tokens > wanted.cost
        {
            self.ends_by(sent.saturating_add(life_ms.into()));
        }
    }

    /// The next question to be sent behind a response, with a number for [`Slices::heard`], until there is none.
    pub fn question(&self, now: Millis) -> Option<(u8, Errand)> {
        let low = self.low.borrow_mut().pop()?;
        let ask = self.ask_for_all(now, &low.wanted(), low.needs, low.hash);
        let settled = ask.settled.clone();
        let errand = super::errand(super::object_of(low.limit, &low.hash), ask);
        let number = self.sent.get().wrapping_add(1);
        self.sent.set(number);
        let mut out = self.out.borrow_mut();
        if out.len() >= MOST_OUT {
            out.pop_front();
        }
        out.push_back(Out { number, sent: now, low, settled });
        Some((number, errand))
    }

    /// What came of the question of a number.
    pub fn heard(&self, now: Millis, number: u8, returned: Returned) {
        let mut out = self.out.borrow_mut();
        let at = out.iter().position(|out| out.number == number);
        let Some(Out { sent, low, settled, .. }) = at.and_then(|at| out.remove(at)) else { return };
        drop(out);
        if low.needs > 0 {
            self.with(now, &low.wanted(), |slot| slot.lacked = None);
        }
        let verdict = super::verdict(returned);
        if verdict.is_none() && low.rule.is_flight() {
            self.with(now, &low.wanted(), |slot| slot.unsay(settled, &low.rule));
            self.ends_by(now.saturating_add(AGAIN_MS));
        }
        self.absorb(now, sent, &low.wanted(), verdict);
    }

    /// A response has left: whether a lease has ended meanwhile, of which something may be left to give back.
    pub fn served(&self, now: Millis) {
        if self.ends_at.get().is_none_or(|ends| now < ends) {
            return;
        }
        let mut next: Option<Millis> = None;
        for (limit, slots) in self.limits.borrow().iter() {
            for (key, slot) in slots {
                if slot.has_some_to_give_back(now)
                    && let Some(rule) = slot.rule
                {
                    let hash = super::place_of(*limit, key).0;
                    self.tell(Low { limit: *limit, rule, key: key.clone(), hash, needs: 0 });
                }
                let ends = slot.held.iter().map(|held| held.ends).filter(|ends| *ends > now).min();
                next = next.into_iter().chain(ends).min();
            }
        }
        self.ends_at.set(next);
    }

    /// At this time at the latest it is looked whether there is something to give back.
    fn ends_by(&self, ends: Millis) {
        self.ends_at.set(Some(self.ends_at.get().map_or(ends, |known| known.min(ends))));
    }

    /// Whether there is one.
    #[must_use]
    pub fn is_low(&self) -> bool {
        !self.low.borrow().is_empty()
    }

    /// What was counted of a key has been forgotten: a refusal says nothing any more, nor one that is on its way.
    pub fn forget_refusal(&self, now: Millis, limit: u64, key: &Key) {
        for (text, slot) in self.limits.borrow_mut().get_mut(&limit).into_iter().flatten() {
            let may_be_refused = slot.refused.is_some() || slot.asked.is_some() || slot.lacked.is_some();
            if may_be_refused && super::place_of(limit, text).0 == *key {
                (slot.refused, slot.forgot_at) = (None, Some(now));
            }
        }
    }

    /// The same of all keys: it is not known what was forgotten.
    pub fn forget_refusals(&self, now: Millis) {
        let mut limits = self.limits.borrow_mut();
        let slots = limits.values_mut().flat_map(BTreeMap::values_mut);
        slots.for_each(|slot| (slot.refused, slot.forgot_at) = (None, Some(now)));
    }

    fn tell(&self, low: Low) {
        let mut all = self.low.borrow_mut();
        if all.len() < MOST_LOW {
            all.push(low);
        }
    }

    fn with<T>(&self, now: Millis, wanted: &Wanted<'_>, f: impl FnOnce(&mut Slot) -> T) -> T {
        let mut limits = self.limits.borrow_mut();
        if let Some(slot) = limits.get_mut(&wanted.limit).and_then(|slots| slots.get_mut(wanted.key)) {
            slot.seen = now;
            return f(slot);
        }
        if limits.values().map(BTreeMap::len).sum::<usize>() >= MOST_KEYS {
            make_room(&mut limits);
        }
        let (second, known) = (now.div_euclid(1_000), self.fresh.get());
        self.fresh.set((second, if known.0 == second { known.1.saturating_add(1).min(MOST_NEW) } else { 1 }));
        f(limits.entry(wanted.limit).or_default().entry(wanted.key.into()).or_insert_with(|| Slot {
            seen: now,
            since: now,
            ..Slot::default()
        }))
    }
}

/// Forgets those that were not seen for longer than the others.
fn make_room(limits: &mut BTreeMap<u64, BTreeMap<Box<str>, Slot>>) {
    let mean = mean(limits.values().flat_map(BTreeMap::values).map(|slot| slot.seen));
    limits.values_mut().for_each(|slots| slots.retain(|_, slot| slot.seen > mean));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{
        limits::{Count, Limits, Question},
        message,
    };

    const RULE: Rule = Rule { limit: 60, count: Count::Sliding(60_000), exact: false };

    #[test]
    fn keys_give_way_when_there_are_too_many() {
        let slices = Slices::default();
        for number in 0..50_000_u64 {
            let key = number.to_string();
            slices.lack(number, &Wanted { limit: number % 3, rule: RULE, key: &key, cost: 1 }, true, [0; 16]);
        }
        let kept: usize = slices.limits.borrow().values().map(BTreeMap::len).sum();
        assert!((1..=MOST_KEYS).contains(&kept), "{kept}");
        assert_eq!(slices.low.borrow().len(), MOST_LOW);
        let newest = Wanted { limit: 49_999 % 3, rule: RULE, key: "49999", cost: 1 };
        assert!(slices.limits.borrow().get(&newest.limit).is_some_and(|slots| slots.contains_key(newest.key)));
    }

    fn asked(slices: &Slices, now: Millis) -> Ask {
        let (_, errand) = slices.question(now).unwrap();
        match message::read_question::<Limits>(&errand.message) {
            Some((Question::Lease(asks), _)) => asks[0].clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn who_waits_is_asked_for_once_even_while_more_is_on_its_way() {
        let slices = Slices::default();
        let wanted = Wanted { limit: 0, rule: RULE, key: "a", cost: 1 };
        let _ = slices.ask(0, &wanted, 1, [0; 16]);
        slices.lack(1, &wanted, true, [0; 16]);
        let first = asked(&slices, 1);
        assert_eq!((first.needs, first.waits), (1, 0), "a question that is out for another one is not waited for");
        for _ in 0..9 {
            slices.lack(2, &wanted, true, [0; 16]);
        }
        assert!(slices.question(2).is_none());
        slices.heard(3, 1, Err(crate::ports::dependencies::Trouble::Failed));
        for _ in 0..9 {
            slices.lack(4, &wanted, false, [0; 16]);
        }
        let second = asked(&slices, 4);
        assert_eq!((second.needs, second.waits), (1, 8));
        let third = slices.ask(5, &wanted, 1, [0; 16]);
        assert_eq!((third.needs, third.waits), (1, 0));
    }

    fn granted(lease: u64, tokens: u32) -> Option<Verdict> {
        Some(Verdict::Granted { lease, tokens, life_ms: 6_000, left: 0, reset_ms: 0 })
    }

    #[test]
    fn a_lease_waits_for_requests_whose_cost_is_not_known_yet() {
        let slices = Slices::default();
        let wanted = Wanted { limit: 0, rule: RULE, key: "a", cost: 10 };
        slices.absorb(0, 0, &wanted, granted(1, 10));
        let told = slices.spend(1, &wanted, true, || [0; 16]);
        assert_eq!(slices.ask(2, &wanted, 10, [0; 16]).settled, [], "what it costs may still come");
        slices.close(&Hold { limit: 0, key: "a".into(), lease: told.lease.unwrap(), back: 7 });
        let settled = slices.ask(3, &wanted, 10, [0; 16]).settled;
        assert_eq!(settled, [Settlement { lease: 1, used: 3, last_ms: 1 }]);
        slices.absorb(3, 3, &wanted, granted(2, 10));
        slices.spend(4, &wanted, true, || [0; 16]);
        let late = slices.ask(14_003, &wanted, 10, [0; 16]).settled;
        assert_eq!(late, [Settlement { lease: 2, used: 10, last_ms: 1 }], "who says nothing for long has cost it all");
    }

    #[test]
    fn who_waits_for_nobody_is_paid_for_by_the_next_lease() {
        let slices = Slices::default();
        let wanted = Wanted { limit: 0, rule: RULE, key: "a", cost: 1 };
        assert_eq!(slices.stand(0, &wanted), Stand::New);
        slices.begin(0, &wanted, [0; 16]);
        assert_eq!(slices.stand(0, &wanted), Stand::Dry, "only one is let in like this");
        let ask = asked(&slices, 0);
        assert_eq!((ask.needs, ask.waits), (1, 0));
        slices.absorb(5, 0, &wanted, granted(1, 2));
        slices.spend(6, &wanted, false, || [0; 16]);
        assert_eq!(slices.stand(6, &wanted), Stand::Dry);
    }

    #[test]
    fn a_flood_of_new_keys_is_not_asked_for() {
        let slices = Slices::default();
        let key = |number: u32| number.to_string();
        for number in 0..MOST_NEW {
            let key = key(number);
            let wanted = Wanted { limit: 0, rule: RULE, key: &key, cost: 1 };
            assert_eq!(slices.stand(5_000, &wanted), Stand::New);
            slices.lack(5_000, &wanted, true, [0; 16]);
        }
        let newest = Wanted { limit: 0, rule: RULE, key: "x", cost: 1 };
        assert_eq!(slices.stand(5_999, &newest), Stand::Away);
        assert_eq!(slices.stand(6_000, &newest), Stand::New);
        assert_ne!(slices.stand(5_999, &Wanted { key: "7", ..newest }), Stand::Away, "who was there is none");
    }

    #[test]
    fn permits_that_were_given_back_in_vain_are_given_back_again() {
        let slices = Slices::default();
        let rule = Rule { limit: 2, count: Count::Flight(30_000), exact: false };
        let wanted = Wanted { limit: 0, rule, key: "a", cost: 1 };
        slices.absorb(0, 0, &wanted, granted(1, 1));
        let told = slices.spend(1, &wanted, false, || [0; 16]);
        slices.close(&Hold { limit: 0, key: "a".into(), lease: told.lease.unwrap(), back: 1 });
        let back = [Settlement { lease: 1, used: 0, last_ms: 1 }];
        let (number, errand) = slices.question(2).unwrap();
        assert!(
            matches!(message::read_question::<Limits>(&errand.message), Some((Question::Lease(asks), _)) if asks[0].settled == back)
        );
        slices.heard(3, number, Err(crate::ports::dependencies::Trouble::Failed));
        slices.served(900);
        assert!(!slices.is_low());
        slices.served(1_003);
        assert_eq!(asked(&slices, 1_003).settled, back);
    }

    #[test]
    fn a_refusal_is_forgotten_and_one_on_its_way_is_not_believed() {
        let slices = Slices::default();
        let wanted = Wanted { limit: 7, rule: RULE, key: "a", cost: 1 };
        let key = super::super::place_of(7, "a").0;
        let refused = Some(Verdict::Refused { free_ms: 60_000, again_ms: 60_000, left: 0 });
        let _ = slices.ask(1_000, &wanted, 1, key);
        slices.absorb(1_010, 1_000, &wanted, refused);
        assert_eq!(slices.stand(1_020, &wanted), Stand::Refused(59_990));
        slices.forget_refusal(1_020, 8, &key);
        slices.forget_refusal(1_020, 7, &[0; 16]);
        assert_eq!(slices.stand(1_020, &wanted), Stand::Refused(59_990), "that was another one");
        slices.forget_refusal(1_020, 7, &key);
        assert_eq!(slices.stand(1_020, &wanted), Stand::Dry);
        for (sent, stand) in [(1_019, Stand::Dry), (1_020, Stand::Refused(59_980))] {
            let _ = slices.ask(sent, &wanted, 1, key);
            slices.absorb(1_040, sent, &wanted, refused);
            assert_eq!(slices.stand(1_060, &wanted), stand, "asked at {sent}");
        }
        let other = Wanted { rule: Rule { limit: 61, ..RULE }, ..wanted };
        assert_eq!(slices.stand(1_060, &other), Stand::Dry, "that was another rule");
        slices.forget_refusals(1_070);
        assert_eq!(slices.stand(1_070, &wanted), Stand::Dry);
    }

    #[test]
    fn what_is_given_back_is_of_the_lease_it_came_from() {
        let slices = Slices::default();
        let wanted = Wanted { limit: 0, rule: RULE, key: "a", cost: 1 };
        let granted = |lease| Verdict::Granted { lease, tokens: 1, life_ms: 6_000, left: 9, reset_ms: 0 };
        slices.absorb(0, 0, &wanted, Some(granted(1)));
        slices.absorb(0, 0, &wanted, Some(granted(2)));
        let told = slices.spend(1, &wanted, false, || [0; 16]);
        assert_eq!(told.lease, Some(1));
        slices.give_back(2, &wanted, 7);
        assert_eq!(slices.told(2, &wanted).left, 10, "there is no lease 7");
        slices.give_back(2, &wanted, 1);
        assert_eq!(slices.told(2, &wanted).left, 11);
    }
}
