//! What a request has to do with abuse: whether its client is blocked, whether somebody about it is suspicious, and what it
//! leaves behind that counts.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::{
    fleet::{
        abuse::{self, Answer, Kind, Mark, Question, Who, mark_of, networks_mark},
        message,
        metrics::family::Family,
    },
    http::{Millis, cidr::Cidr, problem::Problem},
    pipeline::{
        account::{self, Told},
        exchange::Exchange,
        finish::Log,
        gateway::{Gateway, ReadyRoute},
    },
    ports::{Ports, entropy::Entropy},
    stages::abuse as stage,
};

/// How long an object is waited for that knows how somebody stands, in milliseconds. Then the request goes on.
const LOOK_MS: u32 = 500;

/// The lengths of networks that can be blocked, besides those of clients.
pub(super) const LENGTHS_OF_V4: [u8; 3] = [24, 16, 8];
/// See [`LENGTHS_OF_V4`].
pub(super) const LENGTHS_OF_V6: [u8; 4] = [64, 56, 48, 32];

impl Gateway {
    /// From now on takes note of abuse, where the file says so.
    pub fn watch(&self, entropy: &impl Entropy) {
        let Some(settings) = &self.abuse else { return };
        let mut seed = [0; 8];
        entropy.fill(&mut seed);
        self.fleet.abuse.open(settings.rule.clone(), u64::from_le_bytes(seed));
    }
}

/// Refuses a request whose client is blocked.
pub(super) async fn check<P: Ports>(exchange: &Exchange<'_>, ports: &P) -> Result<(), Problem> {
    let gateway = exchange.gateway;
    let Some(settings) = &gateway.abuse else { return Ok(()) };
    // Nearly always nobody is marked. In a box, so that the future of other requests is no larger for it.
    let until = if gateway.fleet.has_marks() { super::boxed(blocked(exchange, ports)).await } else { 0 };
    let now = ports.now();
    let is_blocked = now < until;
    if is_blocked {
        let mode = if settings.is_shadow { "shadow" } else { "enforce" };
        gateway.fleet.outbox.add(Family::Blocked, None, [mode, ""], 1);
    }
    let checked = if is_blocked && !settings.is_shadow { Err(stage::blocked(until, now)) } else { Ok(()) };
    checked.told(ports, "abuse", |()| account::not_blocked(is_blocked))
}

/// Until when the client is blocked, by itself or by a network that it is in; 0: it is not.
async fn blocked<P: Ports>(exchange: &Exchange<'_>, ports: &P) -> Millis {
    let Some(client) = client(exchange) else { return 0 };
    let own = marked(exchange, Mark::Blocked, &Who::network(client), ports).await.unwrap_or_default();
    if own > 0 || !may_be_marked(exchange, networks_mark(), ports.now()) {
        return own;
    }
    let lengths: &[u8] = if client.address().is_ipv4() { &LENGTHS_OF_V4 } else { &LENGTHS_OF_V6 };
    for length in lengths.iter().filter(|length| **length < client.length()) {
        let Some(network) = Cidr::around(client.address(), *length) else { continue };
        let until = marked(exchange, Mark::Blocked, &Who::network(network), ports).await.unwrap_or_default();
        if until > 0 {
            return until;
        }
    }
    0
}

fn may_be_marked(exchange: &Exchange<'_>, hash: u64, now: Millis) -> bool {
    let fleet = &exchange.gateway.fleet;
    fleet.abuse.known(hash).map_or_else(|| fleet.may_be_marked(hash), |until| now < until)
}

/// Until when somebody is marked; 0: not at all; `None`: nobody could be asked. A mark in the log has no end, and one in a
/// thousand that are found in its table is that of somebody else: so the object is asked once.
async fn marked<P: Ports>(exchange: &Exchange<'_>, mark: Mark, who: &Who, ports: &P) -> Option<Millis> {
    let (fleet, hash, now) = (&exchange.gateway.fleet, mark_of(mark, who), ports.now());
    if let Some(until) = fleet.abuse.known(hash) {
        return Some(if now < until { until } else { 0 });
    }
    if !fleet.may_be_marked(hash) {
        return Some(0);
    }
    if fleet.abuse.is_away(now) {
        return None;
    }
    let errand = abuse::errand(abuse::object_of(who), &Question::Look(who.clone()));
    let answer = ports.run(errand, LOOK_MS).await.ok().and_then(message::read_answer::<abuse::Abuse>);
    let Some(Answer::Stands(stands)) = answer else {
        fleet.abuse.missed(ports.now());
        return None;
    };
    fleet.abuse.learn(mark_of(Mark::Blocked, who), stands.blocked);
    fleet.abuse.learn(mark_of(Mark::Suspicious, who), stands.suspicious);
    Some(if mark == Mark::Blocked { stands.blocked } else { stands.suspicious })
}

/// Finds out whether somebody about the request is suspicious, where a condition of its route wants to know.
pub(super) async fn suspect<P: Ports>(exchange: &mut Exchange<'_>, route: ReadyRoute<'_>, ports: &P) {
    if route.reads_suspicious() && exchange.gateway.abuse.is_some() {
        let found = super::boxed(suspicious(exchange, route, ports)).await;
        exchange.suspicious = found;
    }
}

async fn suspicious<P: Ports>(exchange: &Exchange<'_>, route: ReadyRoute<'_>, ports: &P) -> Option<bool> {
    if !exchange.gateway.fleet.has_marks() {
        return Some(false);
    }
    let address = client(exchange).map(Who::network);
    let user = principal(exchange).map(|(issuer, subject)| Who::user(issuer, subject));
    let mut is_known = true;
    for who in [address, user, login(exchange, route)].into_iter().flatten() {
        match marked(exchange, Mark::Suspicious, &who, ports).await {
            Some(0) => {}
            Some(_) => return Some(true),
            None => is_known = false,
        }
    }
    is_known.then_some(false)
}

/// Takes note of what a request was that has been answered.
#[inline(always)]
pub(super) fn note<P: Ports>(exchange: &Exchange<'_>, log: Log, ports: &P) {
    if exchange.gateway.abuse.is_some() {
        seen(exchange, log, ports);
    }
}

#[inline(never)]
fn seen<P: Ports>(exchange: &Exchange<'_>, log: Log, ports: &P) {
    let (fleet, now) = (&exchange.gateway.fleet, ports.now());
    let refused = log.code().and_then(|code| stage::event(code, log.status()));
    let refused = refused.filter(|kind| exchange.gateway.abuse.as_ref().is_some_and(|abuse| abuse.rule.counts(*kind)));
    let failed = has_failed(exchange, log);
    let user = principal(exchange).filter(|_| fleet.abuse.watches_users());
    if refused.is_none() && failed.is_none() && user.is_none() {
        return;
    }
    let Some(client) = client(exchange) else { return };
    // Whoever operates the gateway, and has proven it, may mistype.
    let refused = refused.filter(|_| exchange.principal.is_none() || exchange.built_in.is_none());
    for kind in refused.into_iter().chain(failed.map(|_| Kind::FailedLogin)) {
        fleet.outbox.add(Family::Threats, None, [kind.word(), ""], 1);
        fleet.abuse.note(now, Who::network(client), kind);
    }
    if let Some(who) = failed.and_then(|route| login(exchange, route)) {
        fleet.abuse.note(now, who, Kind::FailedLogin);
    }
    if let Some((issuer, subject)) = user {
        let mut pair = DefaultHasher::new();
        (issuer, subject, client).hash(&mut pair);
        let from = || (Who::user(issuer, subject), mark_of(Mark::Suspicious, &Who::network(client)));
        fleet.abuse.came(now, pair.finish(), from);
    }
}

/// The route, if one logs in there and the upstream has said no.
fn has_failed<'g>(exchange: &Exchange<'g>, log: Log) -> Option<ReadyRoute<'g>> {
    let route = exchange.route.filter(|route| route.policy().abuse.is_some())?;
    let status = log.upstream_status().unwrap_or(log.status());
    let has_answered = log.code().is_none() && exchange.upstream_ms.is_some();
    (has_answered && matches!(status, 401 | 403)).then_some(route)
}

/// The client, unless it is not known or exempt.
pub(super) fn client(exchange: &Exchange<'_>) -> Option<Cidr> {
    let settings = exchange.gateway.abuse.as_ref()?;
    let address = exchange.address()?;
    let is_exempt = settings.exempt.iter().any(|network| network.contains(address.ip()));
    (!is_exempt).then(|| address.client(exchange.gateway.ipv6_prefix))
}

/// Who asks, and who vouches for them.
fn principal<'e>(exchange: &'e Exchange<'_>) -> Option<(&'e str, &'e str)> {
    let principal = exchange.principal.as_ref()?;
    let issuer = principal.raw_claim("iss").and_then(|issuer| issuer.as_str()).unwrap_or_default();
    Some((issuer, principal.subject()?))
}

/// Who logs in, if the route says where that stands and the request has it.
fn login(exchange: &Exchange<'_>, route: ReadyRoute<'_>) -> Option<Who> {
    let template = route.policy().abuse.as_ref()?.user.as_ref()?;
    let name = template.fill(|slot| exchange.fact(slot)).filter(|name| !name.is_empty())?;
    Some(Who::login(&name))
}
