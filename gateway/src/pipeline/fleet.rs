//! What a request makes of what the fleet knows: whether that is known well enough, and whether an operator has stopped it.

use crate::{
    blueprint::Action,
    fleet::{
        isolate::{ASK_MS, Standing},
        signals::switch::{Kind, Scope, Switch, names_route},
    },
    http::{Millis, problem::Problem},
    pipeline::{
        account::{self, Told},
        exchange::Exchange,
        gateway::ReadyRoute,
    },
    ports::Ports,
    stages::{
        drain,
        freshness::{self, Verdict},
        kill_switch, maintenance,
    },
};

/// Waits, if it must, until it is known well enough what holds.
pub(super) async fn know<P: Ports>(
    exchange: &Exchange<'_>,
    config: freshness::Config,
    ports: &P,
) -> Result<(), Problem> {
    match freshness::judge(config, exchange.gateway.fleet.standing(ports.now()))? {
        Verdict::Go => Ok(()),
        // In a box, so that the future of a request that need not wait is no larger for it.
        Verdict::Wait => super::boxed(wait(exchange, config, ports)).await,
    }
}

/// Twice: others may have asked a moment too early for this request.
async fn wait<P: Ports>(exchange: &Exchange<'_>, config: freshness::Config, ports: &P) -> Result<(), Problem> {
    let fleet = &exchange.gateway.fleet;
    fleet.wants(config.freshness_ms);
    for _ in 0..2 {
        ports.refresh(ASK_MS).await;
        if freshness::judge(config, since(exchange, fleet.standing(ports.now()), ports))? == Verdict::Go {
            return Ok(());
        }
    }
    fleet.missed(ports.now());
    freshness::judge(config, since(exchange, fleet.standing(ports.now()), ports)).map(drop)
}

/// How old what is known was when the request began: what is promised counts from there, so a log that takes longer to
/// answer than a route is strict keeps no request waiting for ever.
fn since<P: Ports>(exchange: &Exchange<'_>, standing: Standing, ports: &P) -> Standing {
    let waited = ports.now().saturating_sub(exchange.started);
    match standing {
        Standing::Knows(age) => Standing::Knows(age.saturating_sub(waited)),
        Standing::CutOff(Some(age)) => Standing::CutOff(Some(age.saturating_sub(waited))),
        other => other,
    }
}

/// Whether an operator has stopped the gateway or this route.
pub(super) fn check<P: Ports>(exchange: &Exchange<'_>, route: ReadyRoute<'_>, ports: &P) -> Result<(), Problem> {
    let now = ports.now();
    let killed = thrown(exchange, route, Kind::Kill, now);
    kill_switch::check(killed.as_ref(), now).told_if_refused(ports, "kill_switch")?;
    drained(exchange, now).told_if_refused(ports, "drain")
}

/// Whether the gateway takes new requests.
pub(super) fn drained(exchange: &Exchange<'_>, now: Millis) -> Result<(), Problem> {
    match exchange.gateway.fleet.switch(Kind::Drain, now, |scope| *scope == Scope::Gateway) {
        Some(switch) => Err(kill_switch::stopped(&drain::DRAINING, &switch, now)),
        None => drain::check(exchange.gateway.draining()),
    }
}

/// Whether the route is open.
pub(super) fn open<P: Ports>(exchange: &Exchange<'_>, route: ReadyRoute<'_>, ports: &P) -> Result<(), Problem> {
    let now = ports.now();
    let open = match thrown(exchange, route, Kind::Maintenance, now) {
        Some(switch) => Err(kill_switch::stopped(&maintenance::MAINTENANCE, &switch, now)),
        None => maintenance::check(route.closed()),
    };
    open.told(ports, "maintenance", |()| account::open())
}

fn thrown(exchange: &Exchange<'_>, route: ReadyRoute<'_>, kind: Kind, now: Millis) -> Option<Switch> {
    exchange.gateway.fleet.switch(kind, now, |scope| match scope {
        Scope::Gateway => true,
        Scope::Tag(tag) => route.route.tags.contains(tag),
        Scope::Route(name) => names_route(name, route.key()),
        Scope::Upstream(name) => match route.route.action {
            Action::Forward(index) => exchange.gateway.target(index).is_ok_and(|target| target.name == *name),
            _ => false,
        },
    })
}
