//! The way of a request through its limits: those that need no caller before anybody is asked for a token, the others
//! behind `authz`. Either all have room for it, or it takes from none. What it holds comes back when it is over. Not here:
//! what it is counted under (`limit_keys`).

use crate::{
    fleet::limits::{
        self,
        adaptive::Adapts,
        slices::{ASK_MS, Hold, Slices, Stand, Told, Wanted},
    },
    http::{
        Millis,
        problem::{Fault, Problem},
    },
    pipeline::{
        account::{self, Told as _},
        exchange::Exchange,
        gateway::ReadyRoute,
        limit_keys as keys,
    },
    ports::{Ports, upstream::Head},
    stages::rate_limit::{self, Cost, Limit, OnError, Outcome, Reading, Until},
};

/// How often a request asks together with others who lack the same, and how often at all: an answer may come too late to be
/// used, or others may have been quicker.
const TOGETHER: u32 = 4;
const ROUNDS: u32 = 6;

/// What a request wants of a limit, of which nothing is taken yet.
fn wants<'g>(exchange: &Exchange<'_>, limit: &'g Limit, now: Millis) -> Reading<'g> {
    let key = keys::key(exchange, limit);
    let rule = keys::rule(exchange, limit, &key, now);
    // A limit that has shrunk below the cost of a request still has room for one.
    let cost = limit.cost.most().min(rule.most());
    Reading { limit, told: Told::default(), outcome: Outcome::Spared, key, rule, cost }
}

fn wanted<'r>(reading: &'r Reading<'_>) -> Wanted<'r> {
    Wanted { limit: reading.limit.id, rule: reading.rule, key: &reading.key, cost: reading.cost }
}

/// What a request has taken until it is over: whatever ends it, that comes back. Plain memory only, so that it may be dropped
/// anywhere.
pub(super) struct Holds<'g> {
    slices: &'g Slices,
    open: Vec<Open<'g>>,
}

/// So many tokens, of which some come back.
struct Open<'g> {
    limit: &'g Limit,
    taken: u32,
    hold: Hold,
}

impl<'g> Holds<'g> {
    /// Nothing yet.
    #[must_use]
    pub(super) fn new(slices: &'g Slices) -> Self {
        Self { slices, open: Vec::new() }
    }

    /// Remembers what comes back of a reading: a place in flight, or what was taken beyond a cost that is not known yet.
    fn open(&mut self, reading: &Reading<'g>) {
        let Reading { limit, told, key, cost, .. } = reading;
        let is_flight = limit.counts_flight();
        let Some(lease) = told.lease.filter(|_| is_flight || !matches!(limit.cost, Cost::Fixed(_))) else { return };
        let back = if is_flight { *cost } else { 0 };
        self.open.push(Open { limit, taken: *cost, hold: Hold { limit: limit.id, key: key.clone(), lease, back } });
    }

    /// Closes those of which `cost` says what they cost in truth: the rest of what was taken comes back.
    fn close(&mut self, cost: impl Fn(&Limit) -> Option<u32>) {
        let slices = self.slices;
        self.open.retain_mut(|open| {
            let cost = cost(open.limit);
            if let Some(cost) = cost {
                open.hold.back = open.taken.saturating_sub(cost);
                slices.close(&open.hold);
            }
            cost.is_none()
        });
    }
}

impl Drop for Holds<'_> {
    fn drop(&mut self) {
        self.open.iter().for_each(|open| self.slices.close(&open.hold));
    }
}

/// A limit has refused the request.
struct Refusal<'g> {
    limit: &'g Limit,
    outcome: Outcome,
    problem: Problem,
}

impl<'g> Refusal<'g> {
    fn full(limit: &'g Limit, free_ms: Millis) -> Self {
        Self { limit, outcome: Outcome::Refused, problem: rate_limit::refusal(limit, free_ms) }
    }

    fn unavailable(limit: &'g Limit) -> Self {
        Self { limit, outcome: Outcome::Unavailable, problem: rate_limit::unavailable(limit) }
    }
}

/// Takes the request from the limits that are due at this point of its way: before it is known who asks, or behind.
pub(super) async fn check<'g, P: Ports>(
    exchange: &mut Exchange<'g>,
    route: ReadyRoute<'g>,
    is_late: bool,
    ports: &P,
) -> Result<(), Problem> {
    if !keys::has_some(exchange, route, is_late) {
        return Ok(());
    }
    let due = keys::due(exchange, route, is_late);
    let mut due: Vec<Reading<'g>> = due.map(|limit| wants(exchange, limit, ports.now())).collect();
    let taken = match at_once(exchange, &mut due, ports.now()) {
        Some(taken) => taken,
        // In a box, so that the future of a request that need not ask is no larger for it.
        None => super::boxed(take(exchange, &mut due, ports)).await,
    };
    let taken = match taken {
        Ok(()) => Ok(due),
        Err(refusal) => {
            give_back(exchange, ports.now());
            meet(exchange, due, &refusal, ports.now());
            Err(refusal.problem)
        }
    };
    let due = taken.told(ports, "rate_limit", |due| account::limited(due))?;
    due.iter().for_each(|reading| exchange.holds.open(reading));
    keep(&mut exchange.limits, due);
    Ok(())
}

fn keep<'g>(kept: &mut Vec<Reading<'g>>, mut more: Vec<Reading<'g>>) {
    if kept.is_empty() { *kept = more } else { kept.append(&mut more) }
}

/// The result if nobody must be asked; `None` if somebody must.
fn at_once<'g>(exchange: &Exchange<'_>, due: &mut [Reading<'g>], now: Millis) -> Option<Result<(), Refusal<'g>>> {
    let slices = &exchange.gateway.fleet.limits;
    let mut lacks = false;
    for reading in &*due {
        match slices.stand(now, &wanted(reading)) {
            Stand::Refused(free_ms) if !reading.limit.is_shadow => {
                return Some(Err(Refusal::full(reading.limit, free_ms)));
            }
            Stand::Ready | Stand::Refused(_) => {}
            Stand::New => lacks |= !reading.limit.is_eager,
            Stand::Dry | Stand::Away => lacks = true,
        }
    }
    if lacks {
        return None;
    }
    spend(exchange, due, now);
    Some(Ok(()))
}

/// Takes what there is of each; of one that only looks there may be nothing.
fn spend(exchange: &Exchange<'_>, due: &mut [Reading<'_>], now: Millis) {
    let slices = &exchange.gateway.fleet.limits;
    for reading in due {
        let wanted = wanted(reading);
        let hash = || limits::place_of(wanted.limit, wanted.key).0;
        let is_open = !matches!(reading.limit.cost, Cost::Fixed(_));
        let taken = match slices.stand(now, &wanted) {
            Stand::Ready => (slices.spend(now, &wanted, is_open, hash), Outcome::Passed),
            Stand::New if reading.limit.is_eager => (slices.begin(now, &wanted, hash()), Outcome::Passed),
            Stand::Refused(_) => (slices.told(now, &wanted), Outcome::Shadow),
            _ if share(reading.limit).is_some() => (slices.spend_alone(now, &wanted), Outcome::Alone),
            Stand::Dry | Stand::New | Stand::Away => (slices.told(now, &wanted), Outcome::Alone),
        };
        (reading.told, reading.outcome) = taken;
    }
}

/// Asks the objects whose tokens are lacking, until all are there or one has none.
async fn take<'g, P: Ports>(exchange: &Exchange<'_>, due: &mut [Reading<'g>], ports: &P) -> Result<(), Refusal<'g>> {
    let slices = &exchange.gateway.fleet.limits;
    let lacks = |reading: &&Reading<'_>| matches!(slices.stand(ports.now(), &wanted(reading)), Stand::Dry | Stand::New);
    for round in 0..ROUNDS {
        // All are told of before the first is waited for: so all are asked at once.
        for reading in due.iter().filter(lacks).filter(|_| round < TOGETHER) {
            let wanted = wanted(reading);
            slices.lack(ports.now(), &wanted, round == 0, limits::place_of(wanted.limit, wanted.key).0);
        }
        for reading in &*due {
            if lacks(&reading) {
                ask(exchange, &wanted(reading), round, ports).await;
            }
        }
        if let Some(taken) = at_once(exchange, due, ports.now()) {
            return taken;
        }
        if due.iter().any(|reading| slices.stand(ports.now(), &wanted(reading)) == Stand::Away) {
            break;
        }
    }
    alone(exchange, due, ports.now())
}

/// With the others, or at last for itself: what it is given then nobody else takes.
async fn ask<P: Ports>(exchange: &Exchange<'_>, wanted: &Wanted<'_>, round: u32, ports: &P) {
    let (slices, sent) = (&exchange.gateway.fleet.limits, ports.now());
    let (hash, object) = limits::place_of(wanted.limit, wanted.key);
    if round < TOGETHER {
        return ports.replenish([&object, "/", wanted.key].concat(), ASK_MS).await;
    }
    let ask = slices.ask(sent, wanted, wanted.cost, hash);
    let returned = ports.run(limits::errand(object, ask), ASK_MS).await;
    slices.absorb(ports.now(), sent, wanted, limits::verdict(returned));
}

/// Somebody does not answer: each limit decides for itself what becomes of the request.
fn alone<'g>(exchange: &Exchange<'_>, due: &mut [Reading<'g>], now: Millis) -> Result<(), Refusal<'g>> {
    let slices = &exchange.gateway.fleet.limits;
    let lacking = due.iter().filter(|reading| match slices.stand(now, &wanted(reading)) {
        Stand::Ready => false,
        Stand::New if reading.limit.is_eager => false,
        _ => !reading.limit.is_shadow,
    });
    if let Some(closed) = lacking.clone().find(|reading| reading.limit.on_error == OnError::Closed) {
        return Err(Refusal::unavailable(closed.limit));
    }
    // All are looked at before anything is taken from one.
    let is_full = |reading: &&Reading<'_>| {
        share(reading.limit).is_some_and(|share| !slices.has_alone(now, &wanted(reading), share))
    };
    if let Some(full) = lacking.clone().find(is_full) {
        return Err(Refusal::full(full.limit, slices.pause(now, &wanted(full))));
    }
    spend(exchange, due, now);
    Ok(())
}

/// Which part of a limit, in percent, each isolate lets in while nobody answers.
fn share(limit: &Limit) -> Option<u32> {
    match limit.on_error {
        OnError::Local(share) if !limit.is_shadow => Some(share.into()),
        _ => None,
    }
}

/// Tells what is left of each, for the answer to a request that takes nothing.
fn meet<'g>(exchange: &mut Exchange<'g>, mut due: Vec<Reading<'g>>, refusal: &Refusal<'_>, now: Millis) {
    for reading in &mut due {
        reading.told = exchange.gateway.fleet.limits.told(now, &wanted(reading));
        if std::ptr::eq(reading.limit, refusal.limit) {
            reading.outcome = refusal.outcome;
        }
    }
    keep(&mut exchange.limits, due);
}

/// What the request has taken before goes back: it was refused by another limit.
fn give_back(exchange: &mut Exchange<'_>, now: Millis) {
    exchange.holds.close(|_| Some(0));
    let slices = &exchange.gateway.fleet.limits;
    for reading in &mut exchange.limits {
        let is_held = reading.limit.counts_flight() || !matches!(reading.limit.cost, Cost::Fixed(_));
        if let Some(lease) = reading.told.lease.filter(|_| !is_held) {
            slices.give_back(now, &wanted(reading), lease);
        }
        reading.told = slices.told(now, &wanted(reading));
        if reading.outcome == Outcome::Passed {
            reading.outcome = Outcome::Spared;
        }
    }
}

/// The header in which the upstream says what the request costs; empty if it does not.
pub(super) fn asks(exchange: &Exchange<'_>) -> String {
    let name = |reading: &Reading<'_>| match &reading.limit.cost {
        Cost::Header { name, .. } => Some(name.clone()),
        Cost::Fixed(_) | Cost::Body { .. } => None,
    };
    exchange.limits.iter().find_map(name).unwrap_or_default()
}

/// The head of the answer is there, or none comes: what that settles.
pub(super) fn answered(exchange: &mut Exchange<'_>, answer: &Result<Head, Problem>, now: Millis) {
    if exchange.limits.is_empty() {
        return;
    }
    let told = answer.as_ref().ok().and_then(|head| head.told);
    exchange.holds.close(|limit| match &limit.cost {
        Cost::Header { .. } => Some(limit.cost.of_header(told)),
        _ if limit.counts_flight() && limit.until == Until::Head => Some(0),
        Cost::Fixed(_) | Cost::Body { .. } => None,
    });
    for reading in &mut exchange.limits {
        let cost = reading.limit.cost.of_header(told);
        reading.told.left = reading.told.left.saturating_add(reading.cost.saturating_sub(cost));
        reading.cost = cost.min(reading.cost);
    }
    judge(exchange, answer, now);
}

/// Tells the limits that follow the health of the upstream. That a client leaves or sends too much says nothing of it.
fn judge(exchange: &Exchange<'_>, answer: &Result<Head, Problem>, now: Millis) {
    let took = exchange.upstream_ms.unwrap_or_default();
    let is_bad = |adapts: Adapts| match answer {
        Ok(head) => head.status >= 500 || adapts.slow_ms.is_some_and(|slow| took > slow.into()),
        Err(_) => true,
    };
    if answer.as_ref().is_err_and(|problem| problem.kind.fault == Fault::Client) {
        return;
    }
    for limit in exchange.limits.iter().map(|reading| reading.limit) {
        if let Some(adapts) = limit.adapts {
            exchange.gateway.fleet.limits.saw(now, limit.id, adapts, is_bad(adapts));
        }
    }
}

/// Whether the end of the answer's body settles something.
pub(super) fn needs_end(exchange: &Exchange<'_>) -> bool {
    exchange.limits.iter().any(|reading| reading.limit.needs_end())
}

/// Whether the bytes of the answer's body settle something.
pub(super) fn counts_body(exchange: &Exchange<'_>) -> bool {
    exchange.limits.iter().any(|reading| matches!(reading.limit.cost, Cost::Body { .. }))
}

/// The body of the answer has ended after so many bytes.
pub(super) fn ended(exchange: &mut Exchange<'_>, bytes: u32) {
    exchange.holds.close(|limit| match &limit.cost {
        Cost::Body { .. } => Some(limit.cost.of_body(bytes)),
        Cost::Fixed(_) | Cost::Header { .. } => limit.counts_flight().then_some(0),
    });
}
