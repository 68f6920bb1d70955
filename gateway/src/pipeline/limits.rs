//! The way of a request through its limits: those that need no caller before anybody is asked for a token, the others
//! behind `authz`. Either all have room for it, or it takes from none.

pub(super) mod keys;
pub(super) mod told;

use std::net::IpAddr;

use crate::{
    config::rate::Key,
    fleet::limits::{
        self, Rule,
        slices::{ASK_MS, Stand, Wanted},
    },
    http::{Millis, problem::Problem},
    pipeline::{
        account::{self, Told as _},
        exchange::Exchange,
        gateway::ReadyRoute,
    },
    ports::Ports,
    stages::rate_limit::{self, Limit, OnError, Outcome, Reading},
};

/// How often a request asks together with others who lack the same, and how often at all: an answer may come too late to be
/// used, or others may have been quicker.
const TOGETHER: u32 = 4;
const ROUNDS: u32 = 6;

/// The longest key that is kept as it is, in bytes.
const LONGEST_KEY: usize = 128;

/// What a request is counted under, of one limit.
struct Counted<'g> {
    limit: &'g Limit,
    key: String,
    /// Its own, or what an operator has said of this key.
    rule: Rule,
}

impl<'g> Counted<'g> {
    fn new(exchange: &Exchange<'_>, limit: &'g Limit, now: Millis) -> Self {
        let key = key_of(exchange, limit);
        let rule = exchange.gateway.fleet.rule_of(now, limit.id, &key, limit.rule);
        Self { limit, key, rule }
    }

    fn wanted(&self) -> Wanted<'_> {
        let Limit { id, cost, .. } = self.limit;
        Wanted { limit: *id, rule: self.rule, key: &self.key, cost: *cost }
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
    let limits = &route.policy().rate_limit;
    if !limits.iter().any(|limit| limit.is_late() == is_late) {
        return Ok(());
    }
    let due = limits.iter().filter(|limit| limit.is_late() == is_late);
    let counted: Vec<Counted<'g>> = due.map(|limit| Counted::new(exchange, limit, ports.now())).collect();
    let taken = match at_once(exchange, &counted, ports.now()) {
        Some(taken) => taken,
        // In a box, so that the future of a request that need not ask is no larger for it.
        None => super::boxed(take(exchange, &counted, ports)).await,
    };
    let taken = taken.map_err(|refusal| {
        give_back(exchange, ports.now());
        exchange.limits = met(exchange, &counted, &refusal, ports.now());
        refusal.problem
    });
    let readings = taken.told(ports, "rate_limit", |readings| account::limited(readings))?;
    exchange.limits.extend(readings);
    Ok(())
}

/// The result if nobody must be asked; `None` if somebody must.
fn at_once<'g>(
    exchange: &Exchange<'_>,
    counted: &[Counted<'g>],
    now: Millis,
) -> Option<Result<Vec<Reading<'g>>, Refusal<'g>>> {
    let slices = &exchange.gateway.fleet.limits;
    let stands = || counted.iter().map(|counted| (counted, slices.stand(now, &counted.wanted())));
    let mut refused = stands().filter(|(counted, _)| !counted.limit.is_shadow);
    let refused = refused.find_map(|(counted, stand)| match stand {
        Stand::Refused(free_ms) => Some((counted, free_ms)),
        Stand::Ready | Stand::Dry | Stand::Away => None,
    });
    if let Some((counted, free_ms)) = refused {
        return Some(Err(Refusal::full(counted.limit, free_ms)));
    }
    if stands().any(|(_, stand)| matches!(stand, Stand::Dry | Stand::Away)) {
        return None;
    }
    Some(Ok(spend(exchange, counted, now)))
}

/// Takes what there is of each; of one that only looks there may be nothing.
fn spend<'g>(exchange: &Exchange<'_>, counted: &[Counted<'g>], now: Millis) -> Vec<Reading<'g>> {
    let slices = &exchange.gateway.fleet.limits;
    let spent = counted.iter().map(|counted| {
        let wanted = counted.wanted();
        let (outcome, told) = match slices.stand(now, &wanted) {
            Stand::Ready => {
                let told = slices.spend(now, &wanted, || limits::place_of(wanted.limit, wanted.key).0);
                (Outcome::Passed, told)
            }
            Stand::Refused(_) => (Outcome::Shadow, slices.told(now, &wanted)),
            Stand::Dry | Stand::Away => (Outcome::Alone, slices.told(now, &wanted)),
        };
        Reading { limit: counted.limit, rule: counted.rule, told, outcome }
    });
    spent.collect()
}

/// Asks the objects whose tokens are lacking, until all are there or one has none.
async fn take<'g, P: Ports>(
    exchange: &Exchange<'_>,
    counted: &[Counted<'g>],
    ports: &P,
) -> Result<Vec<Reading<'g>>, Refusal<'g>> {
    let slices = &exchange.gateway.fleet.limits;
    for round in 0..ROUNDS {
        for counted in counted {
            if slices.stand(ports.now(), &counted.wanted()) == Stand::Dry {
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
        slices.lack(sent, &wanted, round == 0, hash);
        return ports.replenish(format!("{:x}:{}", wanted.limit, wanted.key), ASK_MS).await;
    }
    let ask = slices.ask(sent, &wanted, wanted.cost, hash);
    let returned = ports.run(limits::errand(object, ask), ASK_MS).await;
    slices.absorb(ports.now(), sent, &wanted, limits::verdict(returned));
}

/// Somebody does not answer: each limit decides for itself what becomes of the request.
fn alone<'g>(exchange: &Exchange<'_>, counted: &[Counted<'g>], now: Millis) -> Result<Vec<Reading<'g>>, Refusal<'g>> {
    let slices = &exchange.gateway.fleet.limits;
    let lacking = |counted: &&Counted<'_>| slices.stand(now, &counted.wanted()) != Stand::Ready;
    for counted in counted.iter().filter(lacking).filter(|counted| !counted.limit.is_shadow) {
        match counted.limit.on_error {
            OnError::Closed => return Err(Refusal::unavailable(counted.limit)),
            OnError::Local(share) if !slices.spend_alone(now, &counted.wanted(), share.into()) => {
                return Err(Refusal::full(counted.limit, counted.limit.rule.window_ms()));
            }
            OnError::Local(_) | OnError::Open => {}
        }
    }
    Ok(spend(exchange, counted, now))
}

/// What is left of each, for the answer to a request that takes nothing.
fn met<'g>(exchange: &Exchange<'_>, counted: &[Counted<'g>], refusal: &Refusal<'_>, now: Millis) -> Vec<Reading<'g>> {
    let reading = |counted: &Counted<'g>| {
        let told = exchange.gateway.fleet.limits.told(now, &counted.wanted());
        let has_refused = std::ptr::eq(counted.limit, refusal.limit);
        let outcome = if has_refused { refusal.outcome } else { Outcome::Spared };
        Reading { limit: counted.limit, rule: counted.rule, told, outcome }
    };
    counted.iter().map(reading).collect()
}

/// What the request has taken before goes back: it was refused by another limit.
fn give_back(exchange: &mut Exchange<'_>, now: Millis) {
    for reading in std::mem::take(&mut exchange.limits) {
        let counted = Counted { limit: reading.limit, key: key_of(exchange, reading.limit), rule: reading.rule };
        if let Some(lease) = reading.told.lease {
            exchange.gateway.fleet.limits.give_back(now, &counted.wanted(), lease);
        }
    }
}

/// What a request is counted under, of each key with its length in front: no value can pass for two.
fn key_of(exchange: &Exchange<'_>, limit: &Limit) -> String {
    composed(limit.keys.iter().map(|key| part(exchange, key)))
}

fn composed(parts: impl Iterator<Item = String>) -> String {
    let mut text = String::new();
    for part in parts {
        text.push_str(&part.len().to_string());
        text.push(':');
        text.push_str(&part);
    }
    // What a client sends may be long, and is kept for many.
    if text.len() > LONGEST_KEY { limits::digest_of(&text) } else { text }
}

fn part(exchange: &Exchange<'_>, key: &Key) -> String {
    let claim = |name: &str| {
        exchange.principal.as_ref().and_then(|principal| principal.claim(name)).map(|value| value.into_owned())
    };
    match key {
        Key::Address => address(exchange),
        // Who names nobody is counted by where he comes from.
        Key::Principal => match (claim("iss").unwrap_or_default(), claim("sub")) {
            (issuer, Some(subject)) => principal(&issuer, &subject),
            (_, None) => address(exchange),
        },
        Key::Route => exchange.label().to_owned(),
        Key::Global => String::new(),
        Key::Header(name) => exchange.sent(name).unwrap_or_default().to_owned(),
        Key::Path(name) => exchange
            .parameters()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.to_owned())
            .unwrap_or_default(),
        Key::Claim(name) => claim(name).unwrap_or_default(),
        // The compiler refuses them.
        Key::Tenant | Key::ApiKey | Key::Plan => String::new(),
    }
}

/// With the length of the issuer, so that no subject of one issuer is one of another.
fn principal(issuer: &str, subject: &str) -> String {
    format!("{} {issuer} {subject}", issuer.len())
}

/// The address of the client. All whose address is not known share a count.
fn address(exchange: &Exchange<'_>) -> String {
    exchange.address().map(|address| network(address.ip())).unwrap_or_default()
}

/// An address; of IPv6 the network that one customer has.
pub(super) fn network(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}
