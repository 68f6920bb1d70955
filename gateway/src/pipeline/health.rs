//! The paths under `/health`, which belong to no route: neither maintenance nor a drain closes them.

use crate::{
    fleet::signals::switch::Kind,
    http::{Millis, problem::Problem, reply::Made},
    pipeline::{
        account::{self, Told},
        exchange::Exchange,
        fleet,
        gateway::{Gateway, Inconsistent},
        run::{self, inconsistent},
    },
    ports::{Ports, statements},
    routing::select::{METHOD_NOT_ALLOWED, ROUTE_NOT_FOUND},
    stages::{
        authn, authz, freshness,
        health::{self, About, Watched, migrations},
    },
};

/// What the health paths need, made ready for an isolate.
pub(super) struct Health {
    /// What they ask.
    pub(super) components: Vec<Watched>,
    /// How long.
    pub(super) within_ms: u32,
    /// Whose tokens, and which of them, see the details; `None`: nobody's.
    pub(super) operator: Option<(authn::Config, authz::Config)>,
}

/// The answer to a health path; `None` for any other path.
pub(super) async fn answer<P: Ports>(exchange: &mut Exchange<'_>, ports: &P) -> Result<Option<Made>, Problem> {
    let Some(path) = health::path(exchange.head.path()) else { return Ok(None) };
    // In a box, so that the future of every other request is no larger for it.
    let answered = super::boxed(serve(exchange, path, ports)).await;
    answered.told(ports, "health", |_| account::healthy()).map(Some)
}

async fn serve<P: Ports>(exchange: &mut Exchange<'_>, path: &'static str, ports: &P) -> Result<Made, Problem> {
    let gateway = exchange.gateway;
    let operator = gateway.health.operator.as_ref();
    if path == health::DETAILED && operator.is_none() {
        return Err(Problem::new(&ROUTE_NOT_FOUND, "No route of this gateway has this path."));
    }
    exchange.built_in = Some(path);
    if !matches!(exchange.head.method(), "GET" | "HEAD") {
        let allowed = "GET, HEAD";
        return Err(Problem::new(&METHOD_NOT_ALLOWED, "This path is there for: GET, HEAD.").header("allow", allowed));
    }
    match path {
        health::READY => {
            // A gateway that drains is not ready, whoever has said so. That nobody can say so keeps none from being ready.
            let _ = fleet::know(exchange, freshness::Config::STRICT, ports).await;
            fleet::drained(exchange, ports.now())?;
            #[cfg(feature = "faults")]
            crate::pipeline::faults::strike("park", exchange, ports).await;
            health::ready(&health::ask(&gateway.health.components, true, gateway.health.within_ms, ports).await)
        }
        health::SUMMARY => {
            let measured = health::ask(&gateway.health.components, false, gateway.health.within_ms, ports).await;
            Ok(health::summary(&about(gateway, ports.now()), &measured, ports.now()))
        }
        health::DETAILED => {
            admit(exchange, ports).await?;
            let measured = health::ask(&gateway.health.components, false, gateway.health.within_ms, ports).await;
            Ok(health::detailed(&about(gateway, ports.now()), &measured, ports.now()))
        }
        health::MIGRATIONS => migrations(gateway.health.within_ms, ports).await,
        // It lives and has started: else nobody were here.
        _ => Ok(health::passes()),
    }
}

/// How far the database is. The table that says so is not there before the first migration, and a batch that names it would
/// fail as a whole: so it takes two questions.
async fn migrations<P: Ports>(within_ms: u32, ports: &P) -> Result<Made, Problem> {
    let ask = async |statement| {
        let answer = ports.run(statements::run(&[statement]), within_ms).await;
        let rows = answer.ok().and_then(|answer| statements::rows(&answer)).ok_or_else(migrations::unknown)?;
        Ok::<_, Problem>(rows.iter().filter_map(|row| row.text("name")).collect::<Vec<_>>())
    };
    let tables = ask(migrations::table()).await?;
    let applied = if tables.is_empty() { Vec::new() } else { ask(migrations::applied()).await? };
    Ok(migrations::answer(&applied))
}

/// Lets the operator in, by the stages that routes have.
async fn admit<P: Ports>(exchange: &mut Exchange<'_>, ports: &P) -> Result<(), Problem> {
    let (who, may) = exchange.gateway.health.operator.as_ref().ok_or_else(|| inconsistent(Inconsistent))?;
    run::admit(exchange, who, may, ports).await
}

fn about(gateway: &Gateway, now: Millis) -> About<'_> {
    About {
        name: &gateway.name,
        environment: gateway.place.environment.as_deref(),
        release: gateway.place.release,
        started: gateway.place.now,
        is_draining: gateway.draining().is_some() || gateway.fleet.is_thrown(Kind::Drain, now),
    }
}
