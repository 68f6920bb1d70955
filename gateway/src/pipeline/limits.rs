//! The way of a request through its limits: those that need no caller before anybody is asked for a token, the others
//! behind `authz`. Either all have room for it, or it takes from none. What it holds comes back when it is over. Not here:
//! what it is counted under (`limit_keys`).

use crate::{
    fleet::limits::{
        self, Rule,
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

/// What a request is counted under, of one limit.
struct Counted<'g> {
    limit: &'g Limit,
    rule: Rule,
    key: String,
}

impl<'g> Counted<'g> {
    fn new(exchange: &Exchange<'_>, limit: &'g Limit, now: Millis) -> Self {
        let key = keys::key(exchange, limit);
        Self { limit, rule: keys::rule(exchange, limit, &key, now), key }
    }

    fn wanted(&self) -> Wanted<'_> {
        // A limit that has shrunk below the cost of a request still has room for one.
        let cost = self.limit.cost.most().min(self.rule.most());
        Wanted { limit: self.limit.id, rule: self.rule, key: &self.key, cost }
    }

    fn reading(self, told: Told, outcome: Outcome) -> Reading<'g> {
        let cost = self.wanted().cost;
        Reading { limit: self.limit, told, outcome, key: self.key, rule: self.rule, cost }
    }
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

/// What a request has taken of each limit, in their order.
type Taken = Vec<(Told, Outcome)>;

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
    let counted: Vec<Counted<'g>> = due.map(|limit| Counted::new(exchange, limit, ports.now())).collect();
    let taken = match at_once(exchange, &counted, ports.now()) {
        Some(taken) => taken,
        // In a box, so that the future of a request that need not ask is no larger for it.
        None => super::boxed(take(exchange, &counted, ports)).await,
    };
    let taken: Result<Vec<Reading<'g>>, Problem> = match taken {
        Ok(taken) => {
            Ok(counted.into_iter().zip(taken).map(|(one, (told, outcome))| one.reading(told, outcome)).collect())
        }
        Err(refusal) => {
            give_back(exchange, ports.now());
            let met = met(exchange, counted, &refusal, ports.now());
            exchange.limits.extend(met);
            Err(refusal.problem)
        }
    };
    let readings = taken.told(ports, "rate_limit", |readings| account::limited(readings))?;
    readings.iter().for_each(|reading| exchange.holds.open(reading));
    exchange.limits.extend(readings);
    Ok(())
}

/// The result if nobody must be asked; `None` if somebody must.
fn at_once<'g>(exchange: &Exchange<'_>, counted: &[Counted<'g>], now: Millis) -> Option<Result<Taken, Refusal<'g>>> {
    let slices = &exchange.gateway.fleet.limits;
    let stands: Vec<Stand> = counted.iter().map(|counted| slices.stand(now, &counted.wanted())).collect();
    let mut lacks = false;
    for (counted, stand) in counted.iter().zip(&stands) {
        match stand {
            Stand::Refused(free_ms) if !counted.limit.is_shadow => {
                return Some(Err(Refusal::full(counted.limit, *free_ms)));
            }
            Stand::Ready | Stand::Refused(_) => {}
            Stand::New => lacks |= !counted.limit.is_eager,
            Stand::Dry | Stand::Away => lacks = true,
        }
    }
    if lacks { None } else { Some(Ok(spend(exchange, counted, &stands, now))) }
}

/// Takes what there is of each; of one that only looks there may be nothing.
fn spend(exchange: &Exchange<'_>, counted: &[Counted<'_>], stands: &[Stand], now: Millis) -> Taken {
    let slices = &exchange.gateway.fleet.limits;
    let spent = counted.iter().zip(stands).map(|(counted, stand)| {
        let wanted = counted.wanted();
        let hash = || limits::place_of(wanted.limit, wanted.key).0;
        let is_open = !matches!(counted.limit.cost, Cost::Fixed(_));
        match stand {
            Stand::Ready => (slices.spend(now, &wanted, is_open, hash), Outcome::Passed),
            Stand::New if counted.limit.is_eager => (slices.begin(now, &wanted, hash()), Outcome::Passed),
            Stand::Refused(_) => (slices.told(now, &wanted), Outcome::Shadow),
            _ if share(counted).is_some() => (slices.spend_alone(now, &wanted), Outcome::Alone),
            Stand::Dry | Stand::New | Stand::Away => (slices.told(now, &wanted), Outcome::Alone),
        }
    });
    spent.collect()
}

/// Asks the objects whose tokens are lacking, until all are there or one has none.
async fn take<'g, P: Ports>(exchange: &Exchange<'_>, counted: &[Counted<'g>], ports: &P) -> Result<Taken, Refusal<'g>> {
    let slices = &exchange.gateway.fleet.limits;
    let lacks =
        |counted: &&Counted<'_>| matches!(slices.stand(ports.now(), &counted.wanted()), Stand::Dry | Stand::New);
    for round in 0..ROUNDS {
        // All are told of before the first is waited for: so all are asked at once.
        for counted in counted.iter().filter(lacks).filter(|_| round < TOGETHER) {
            let wanted = counted.wanted();
            slices.lack(ports.now(), &wanted, round == 0, limits::place_of(wanted.limit, wanted.key).0);
        }
        for counted in counted {
            if lacks(&counted) {
                ask(exchange, counted, round, ports).await;
            }
        }
        if let Some(taken) = at_once(exchange, counted, ports.now()) {
            return taken;
        }
        let is_away = |counted: &Counted<'_>| slices.stand(ports.now(), &counted.wanted()) == Stand::Away;
        if counted.iter().any(is_away) {
            break;
        }
    }
    alone(exchange, counted, ports.now())
}

/// With the others, or at last for itself: what it is given then nobody else takes.
async fn ask<P: Ports>(exchange: &Exchange<'_>, counted: &Counted<'_>, round: u32, ports: &P) {
    let (slices, wanted, sent) = (&exchange.gateway.fleet.limits, counted.wanted(), ports.now());
    let (hash, object) = limits::place_of(wanted.limit, wanted.key);
    if round < TOGETHER {
        return ports.replenish([&object, "/", wanted.key].concat(), ASK_MS).await;
    }
    let ask = slices.ask(sent, &wanted, wanted.cost, hash);
    let returned = ports.run(limits::errand(object, ask), ASK_MS).await;
    slices.absorb(ports.now(), sent, &wanted, limits::verdict(returned));
}

/// Somebody does not answer: each limit decides for itself what becomes of the request.
fn alone<'g>(exchange: &Exchange<'_>, counted: &[Counted<'g>], now: Millis) -> Result<Taken, Refusal<'g>> {
    let slices = &exchange.gateway.fleet.limits;
    let lacks = |counted: &&Counted<'_>| match slices.stand(now, &counted.wanted()) {
        Stand::Ready => false,
        Stand::New if counted.limit.is_eager => false,
        _ => !counted.limit.is_shadow,
    };
    let closed = |counted: &&Counted<'_>| counted.limit.on_error == OnError::Closed;
    if let Some(counted) = counted.iter().filter(lacks).find(closed) {
        return Err(Refusal::unavailable(counted.limit));
    }
    // All are looked at before anything is taken from one.
    let is_full = |one: &&Counted<'_>| {
        let share = share(one).filter(|_| lacks(one));
        share.is_some_and(|share| !slices.has_alone(now, &one.wanted(), share))
    };
    if let Some(full) = counted.iter().find(is_full) {
        return Err(Refusal::full(full.limit, slices.pause(now, &full.wanted())));
    }
    let stands: Vec<Stand> = counted.iter().map(|counted| slices.stand(now, &counted.wanted())).collect();
    Ok(spend(exchange, counted, &stands, now))
}

/// Which part of a limit, in percent, each isolate lets in while nobody answers.
fn share(counted: &Counted<'_>) -> Option<u32> {
    match counted.limit.on_error {
        OnError::Local(share) if !counted.limit.is_shadow => Some(share.into()),
        _ => None,
    }
}

/// What is left of each, for the answer to a request that takes nothing.
fn met<'g>(exchange: &Exchange<'_>, counted: Vec<Counted<'g>>, refusal: &Refusal<'_>, now: Millis) -> Vec<Reading<'g>> {
    let reading = |counted: Counted<'g>| {
        let told = exchange.gateway.fleet.limits.told(now, &counted.wanted());
        let has_refused = std::ptr::eq(counted.limit, refusal.limit);
        counted.reading(told, if has_refused { refusal.outcome } else { Outcome::Spared })
    };
    counted.into_iter().map(reading).collect()
}

/// What the request has taken before goes back: it was refused by another limit.
fn give_back(exchange: &mut Exchange<'_>, now: Millis) {
    exchange.holds.close(|_| Some(0));
    let slices = &exchange.gateway.fleet.limits;
    for reading in &mut exchange.limits {
        let Reading { limit, rule, cost, .. } = reading;
        let wanted = Wanted { limit: limit.id, rule: *rule, key: &reading.key, cost: *cost };
        let is_held = limit.counts_flight() || !matches!(limit.cost, Cost::Fixed(_));
        if let Some(lease) = reading.told.lease.filter(|_| !is_held) {
            slices.give_back(now, &wanted, lease);
        }
        reading.told = slices.told(now, &wanted);
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
