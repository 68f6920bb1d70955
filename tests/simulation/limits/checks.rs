//! What must hold, by the true time of every use, and by a second account of what the object has granted.

use std::collections::BTreeMap;

use gateway::{
    fleet::{
        limits::{Answer, Count, Limits, Question, Rule, Settlement, Verdict},
        message,
    },
    http::Millis,
};

use super::World;
use crate::kit::{Clock, Time};

/// What has really happened.
#[derive(Default)]
pub(super) struct Truth {
    /// When tokens of leases were used, with the object's clock, and how many.
    uses: Vec<(Time, Millis, u32)>,
    /// How many of them have not come back.
    out: u32,
    /// When isolates went on alone, by isolate.
    alone: BTreeMap<usize, Vec<Time>>,
    /// What the object has granted, by number.
    leases: BTreeMap<u64, Lease>,
    /// Whether nothing goes wrong.
    pub(super) is_calm: bool,
}

#[derive(Clone, Copy)]
struct Lease {
    to: Millis,
    tokens: u32,
    /// How many of them no request waited for.
    extra: u32,
    is_settled: bool,
}

/// By how much clocks differ over so much time, and two roundings.
fn drift(ms: Millis) -> Millis {
    (ms * 2 * Clock::MOST_DRIFT_PPM).div_ceil(1_000_000) + 3
}

/// G1: no window that ends with this use holds more than the limit. Gives the number of the use.
pub(super) fn used(sim: &mut World) -> usize {
    sim.counts.add("admitted");
    let at = (sim.now(), sim.clock(sim.world.object), sim.world.cost);
    sim.world.truth.uses.push(at);
    sim.world.truth.out += at.2;
    let rule = larger(sim);
    let uses = &sim.world.truth.uses;
    let held = match rule.count {
        Count::Sliding(window) => {
            let begins = (at.0 + drift(window)).saturating_sub(window);
            sum(uses.iter().rev().take_while(|(time, ..)| *time > begins)) <= rule.limit
        }
        Count::Fixed(calendar) => {
            let window = calendar.window(at.1).0;
            sum(uses.iter().rev().take_while(|(_, clock, _)| calendar.window(*clock).0 == window)) <= rule.limit
        }
        Count::Bucket(window, burst) => has_place(uses, window, burst, rule.limit),
        Count::Flight(_) => sim.world.truth.out <= rule.limit,
    };
    if !held {
        sim.fail(format!("G1: more were admitted than {rule:?} allows"));
    }
    sim.world.truth.uses.len() - 1
}

/// G3: an isolate that is alone, and to which nothing goes wrong, refuses nobody while it has not used the whole limit itself,
/// but for the time that a lease may have been used in.
pub(super) fn refused_here(sim: &mut World) {
    sim.counts.add("refused");
    let world = &sim.world;
    let is_plain = world.truth.is_calm && world.cost == 1 && !world.is_eager && world.rule == world.next;
    let (now, rule) = (sim.now(), world.rule);
    let Count::Sliding(window) = rule.count else { return };
    if !is_plain || world.isolates.len() > 1 {
        return;
    }
    let begins = now.saturating_sub(window + rule.life(now).0 + drift(window));
    let used = sum(world.truth.uses.iter().rev().take_while(|(time, ..)| *time >= begins));
    sim.counts.add("refused with nobody else");
    if used < rule.limit {
        sim.fail(format!("G3: refused with {used} of {} used", rule.limit));
    }
}

/// While two versions run, each grants by its own limit: the larger of both holds.
fn larger(sim: &World) -> Rule {
    let (rule, next) = (sim.world.rule, sim.world.next);
    let count = match (rule.count, next.count) {
        (Count::Bucket(window, burst), Count::Bucket(_, other)) => Count::Bucket(window, burst.max(other)),
        (count, _) => count,
    };
    Rule { limit: rule.limit.max(next.limit), count, ..rule }
}

fn sum<'u>(uses: impl Iterator<Item = &'u (Time, Millis, u32)>) -> u32 {
    uses.map(|(.., cost)| cost).sum()
}

/// A request is over: so much of what it took was too much, or a place in flight.
pub(super) fn ended(sim: &mut World, number: usize, back: u32) {
    sim.world.truth.uses[number].2 -= back;
    sim.world.truth.out -= back;
}

/// The same of one that an isolate let in alone.
pub(super) fn landed_alone(sim: &mut World, index: usize) {
    sim.world.truth.alone.entry(index).or_default().pop();
}

/// Whether a bucket of so many that leaks at this rate takes all of them: so between any two moments there are no more
/// than it holds and what has leaked out meanwhile.
fn has_place(uses: &[(Time, Millis, u32)], window: Time, burst: u32, limit: u32) -> bool {
    let rate = f64::from(limit) / window as f64 * 1.0005;
    let (mut level, mut last) = (0.0_f64, 0);
    uses.iter().all(|(time, _, cost)| {
        level = (level - (time - last) as f64 * rate).max(0.0) + f64::from(*cost);
        last = *time;
        // A few milliseconds of rounding.
        level <= f64::from(burst) + 4.0 * rate + 0.01
    })
}

/// Alone, an isolate admits no more than its share in any window.
pub(super) fn used_alone(sim: &mut World, index: usize) {
    let (now, rule) = (sim.now(), larger(sim));
    let alone = sim.world.truth.alone.entry(index).or_default();
    alone.push(now);
    let window = rule.window_ms();
    let begins = (now + drift(window)).saturating_sub(window);
    let is_flight = rule.is_flight();
    let count = alone.iter().filter(|time| is_flight || **time > begins).count() as u64 * u64::from(sim.world.cost);
    if count * 4 > rule.most().into() {
        sim.fail(format!("alone an isolate has admitted {count} of {rule:?}"));
    }
}

/// Who has lost its memory may go on alone as if it had not.
pub(super) fn isolate_lost(sim: &mut World, index: usize) {
    sim.world.truth.alone.remove(&index);
}

/// G2 and the bound of what is out: the object has answered, by its own clock.
pub(super) fn object_has_answered(sim: &mut World, question: &[u8], answer: &[u8]) {
    let Some((Question::Lease(asks), _)) = message::read_question::<Limits>(question) else { return };
    let Some(Answer::Leased(verdicts)) = message::read_answer::<Limits>(answer.to_vec()) else { return };
    let now = sim.clock(sim.world.object);
    for (ask, verdict) in asks.iter().zip(verdicts) {
        sim.note(|_| format!("asked {ask:?}: {verdict:?}"));
        for settlement in &ask.settled {
            sim.counts.add(if settlement.used > 0 { "settled" } else { "given back" });
            settle(&mut sim.world.truth.leases, *settlement, ask.rule.is_flight());
        }
        match verdict {
            Verdict::Granted { lease, tokens, .. } => {
                let to = ask.rule.life(now).1;
                let extra = tokens.saturating_sub(ask.needs + ask.waits);
                let lease_of = Lease { to, tokens, extra, is_settled: false };
                if sim.world.truth.leases.insert(lease, lease_of).is_some() {
                    sim.fail(format!("two leases have the number {lease}"));
                }
                outstanding(sim, now, lease);
            }
            Verdict::Refused { .. } if sim.world.truth.is_calm => refused(sim, now, &ask.rule, ask.needs),
            Verdict::Refused { .. } | Verdict::Settled => {}
        }
    }
}

fn settle(leases: &mut BTreeMap<u64, Lease>, settlement: Settlement, is_flight: bool) {
    if let Some(lease) = leases.get_mut(&settlement.lease).filter(|lease| !lease.is_settled) {
        lease.is_settled = !is_flight || settlement.used == 0;
        lease.tokens = settlement.used.min(lease.tokens);
        lease.extra = lease.extra.min(lease.tokens);
    }
}

/// No more is out unsettled than a quarter, but for what requests wait for; since the object has been made anew.
fn outstanding(sim: &mut World, now: Millis, newest: u64) {
    let leases = sim.world.truth.leases.iter();
    let out = leases.filter(|(number, lease)| **number >> 32 == newest >> 32 && !lease.is_settled && lease.to >= now);
    let out: u32 = out.map(|(_, lease)| lease.extra).sum();
    if out > larger(sim).outstanding() {
        sim.fail(format!("{out} tokens are out unsettled"));
    }
}

/// Who is refused while nothing goes wrong has met a limit that was reached, by what was used and what is out.
fn refused(sim: &mut World, now: Millis, rule: &Rule, needs: u32) {
    sim.counts.add("refused by the object");
    let begins = match rule.count {
        // As much too early as a lease lives.
        Count::Sliding(window) => now.saturating_sub(window + rule.life(now).0 + drift(window)),
        Count::Fixed(calendar) => calendar.window(now).0,
        Count::Flight(_) => now,
        Count::Bucket(..) => return,
    };
    let leases = sim.world.truth.leases.values().filter(|lease| lease.to >= begins);
    let taken: u64 = leases.map(|lease| u64::from(lease.tokens)).sum();
    if taken + u64::from(needs.max(1)) <= rule.limit.into() {
        sim.fail(format!("G2: refused with {taken} of {} taken", rule.limit));
    }
}

/// When nobody has come for a while, nothing is left but the number of the object's life.
pub(super) fn at_rest(sim: &mut World) {
    let object = sim.world.object;
    let stored = sim.store_of(object).0.len();
    if stored > 1 && sim.world.defect == super::Defect::None {
        sim.fail(format!("{} records are left", stored - 1));
    }
}
