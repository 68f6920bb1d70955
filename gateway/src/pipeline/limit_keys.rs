//! What a request is counted under, and by which rule. Not here: its way through its limits (`limits`).

use std::borrow::Cow;

use crate::{
    blueprint::Action,
    config::rate::Key,
    facts::principal::Principal,
    fleet::limits::{self, Count, Rule},
    http::Millis,
    pipeline::{exchange::Exchange, gateway::ReadyRoute},
    stages::rate_limit::{ANONYMOUS, AUTHENTICATED, Limit, Plan, Until},
};

/// The longest key that is kept as it is, in bytes.
const LONGEST_KEY: usize = 128;

/// How long a body may be on its way that has no deadline and is counted as in flight, in milliseconds. Afterwards it is not
/// counted any more.
const LONGEST_BODY_MS: Millis = 300_000;

/// What a request may take before it is sent on, and for what comes behind the head of its answer, in milliseconds.
const AROUND_MS: Millis = 5_000;

/// The limits that are due at this point of its way: before it is known who asks, or behind.
pub(super) fn due<'g>(
    exchange: &Exchange<'g>,
    route: ReadyRoute<'g>,
    is_late: bool,
) -> impl Iterator<Item = &'g Limit> + use<'g> {
    let config = &route.policy().rate_limit;
    let own = config.limits.iter().filter(move |limit| limit.is_late() == is_late);
    let plan = if is_late && config.by_plan { plan(exchange) } else { None };
    let quota = if is_late { quota(exchange, route) } else { None };
    own.chain(plan.into_iter().flat_map(|plan| &plan.limits)).chain(quota)
}

/// Whether there are any.
pub(super) fn has_some(exchange: &Exchange<'_>, route: ReadyRoute<'_>, is_late: bool) -> bool {
    route.policy().rate_limit.has_some(is_late) || is_late && quota(exchange, route).is_some()
}

fn quota<'g>(exchange: &Exchange<'g>, route: ReadyRoute<'g>) -> Option<&'g Limit> {
    match route.route.action {
        Action::Forward(index) => exchange.gateway.target(index).ok()?.quota.as_ref(),
        _ => None,
    }
}

/// The plan of the caller.
fn plan<'g>(exchange: &Exchange<'g>) -> Option<&'g Plan> {
    let plans = &exchange.gateway.plans;
    let find = |name: &str| plans.iter().find(|plan| plan.name == name);
    match &exchange.principal {
        None => find(ANONYMOUS),
        Some(principal) => principal.plan().and_then(find).or_else(|| find(AUTHENTICATED)),
    }
}

/// The name of the plan that a limit of the caller is of; empty for none.
pub(super) fn plan_of<'e>(exchange: &'e Exchange<'_>, limit: &Limit) -> &'e str {
    let by_plan = exchange.route.is_some_and(|route| route.policy().rate_limit.by_plan);
    let plan = plan(exchange).filter(|plan| by_plan && plan.limits.iter().any(|own| std::ptr::eq(own, limit)));
    plan.map_or("", |plan| plan.name.as_str())
}

/// The rule as it holds for this request.
pub(super) fn rule(exchange: &Exchange<'_>, limit: &Limit, key: &str, now: Millis) -> Rule {
    let rule = match limit.rule.count {
        Count::Flight(_) => Rule { count: Count::Flight(longest(exchange, limit.until)), ..limit.rule },
        _ => limit.rule,
    };
    // What an operator says of a key gives way to nothing.
    if let Some(other) = exchange.gateway.fleet.rule_of(now, limit.id, key, rule) {
        return other;
    }
    match limit.adapts {
        Some(adapts) => rule.scaled(exchange.gateway.fleet.limits.share(now, limit.id, adapts)),
        None => rule,
    }
}

/// How long a request can be in flight, whoever loses sight of it.
fn longest(exchange: &Exchange<'_>, until: Until) -> Millis {
    let timeouts = exchange.timeouts();
    let head = Millis::from(timeouts.head_ms()).saturating_mul(2).saturating_add(AROUND_MS);
    match until {
        Until::Head => head,
        Until::Body => timeouts.body_ms().map_or(LONGEST_BODY_MS, Millis::from).max(head),
    }
}

/// What a request is counted under, of each key with its length in front: no value can pass for two.
pub(super) fn key(exchange: &Exchange<'_>, limit: &Limit) -> String {
    composed(limit.keys.iter().map(|key| part(exchange, key)))
}

/// The same of parts that are known.
pub(super) fn composed<'p>(parts: impl Iterator<Item = Cow<'p, str>>) -> String {
    let mut text = String::with_capacity(32);
    for part in parts {
        text.push_str(itoa::Buffer::new().format(part.len()));
        text.push(':');
        text.push_str(&part);
    }
    // What a client sends may be long, and is kept for many.
    if text.len() > LONGEST_KEY { limits::digest_of(&text) } else { text }
}

pub(super) fn part<'e>(exchange: &'e Exchange<'_>, key: &Key) -> Cow<'e, str> {
    let principal = exchange.principal.as_deref();
    match key {
        Key::Address => address(exchange).into(),
        // Who names nobody is counted by where he comes from.
        Key::Principal => principal.and_then(subject).unwrap_or_else(|| address(exchange)).into(),
        Key::ApiKey => {
            let credential = principal.and_then(|principal| credential(principal).or_else(|| subject(principal)));
            credential.unwrap_or_else(|| address(exchange)).into()
        }
        Key::Tenant => principal.and_then(Principal::tenant).unwrap_or_default().into(),
        Key::Plan => plan(exchange).map(|plan| plan.name.as_str()).unwrap_or_default().into(),
        Key::Route => exchange.label().into(),
        Key::Global => "".into(),
        Key::Header(name) => exchange.sent(name).unwrap_or_default().into(),
        Key::Path(name) => {
            let value = exchange.parameters().find(|(known, _)| known == name).map(|(_, value)| value);
            value.unwrap_or_default().into()
        }
        Key::Claim(name) => principal.and_then(|principal| principal.claim(name)).unwrap_or_default(),
    }
}

/// Who somebody is, with the length of the issuer, so that no subject of one is one of another.
fn subject(principal: &Principal) -> Option<String> {
    let issuer = principal.claim("iss").unwrap_or_default();
    Some(of_issuer(&issuer, ' ', principal.subject()?))
}

/// What an issuer says, by its kind.
pub(super) fn of_issuer(issuer: &str, kind: char, said: &str) -> String {
    format!("{} {issuer}{kind}{said}", issuer.len())
}

/// What the caller has shown: a token by its number (RFC 7519 section 4.1.7), which is one of its issuer.
fn credential(principal: &Principal) -> Option<String> {
    let (number, issuer) = (principal.claim("jti")?, principal.claim("iss").unwrap_or_default());
    Some(of_issuer(&issuer, '#', &number))
}

/// The address of the client; of IPv6 the network that one customer has. All whose address is not known share a count.
pub(super) fn address(exchange: &Exchange<'_>) -> String {
    let address = exchange.address().map(|address| address.network(exchange.gateway.ipv6_prefix));
    address.unwrap_or_default()
}
