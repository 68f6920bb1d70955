//! What is counted of each request, and the paths where it is read, which belong to no route.

use std::pin::Pin;

use crate::{
    blueprint::Action,
    config::text::Values,
    fleet::{
        message,
        metrics::{
            self, Answer, Question, Reading,
            tally::{NO_ROUTE, Names, Outcome, Place, Seen, Tally},
        },
    },
    http::{
        Millis,
        problem::Problem,
        reply::{Made, Reply},
        request::Header,
    },
    pipeline::{
        account::{self, Told},
        exchange::Exchange,
        finish::Closed,
        gateway::{self, Gateway, ReadyRoute},
        run,
    },
    ports::{
        Ports,
        clock::Clock,
        entropy::Entropy,
        errands::{Class, Destination, Errand, Errands},
    },
    routing::select::METHOD_NOT_ALLOWED,
    stages::{
        authn, authz,
        metrics::{About, Config, DOCUMENT, PATH, Token, answer as made, bearer, document, page},
    },
};

/// How long all objects together are waited for, in milliseconds.
const READ_MS: u32 = 2_000;

/// What the paths of metrics need, made ready for an isolate.
pub(super) struct Metrics {
    path: String,
    token: Option<Token>,
    operator: Option<(authn::Config, authz::Config)>,
    pub(super) shards: u16,
}

impl Metrics {
    /// `None` when the token is too short.
    pub(super) fn new(config: Config, values: &Values) -> Option<Self> {
        let Config { path, token, operator, shards } = config;
        let token = match &token {
            Some(text) => Some(Token::new(text, values)?),
            None => None,
        };
        Some(Self { path, token, operator: operator.map(gateway::operator), shards })
    }
}

/// Answers that JavaScript makes where wasm cannot: their codes and statuses, as in `src/entry/plain.mjs`.
const WITHOUT_US: [(&str, u16); 9] = [
    ("body_too_large", 413),
    ("cannot_start", 503),
    ("dependency_timeout", 504),
    ("headers_too_large", 431),
    ("internal", 500),
    ("restarting", 503),
    ("upstream_timeout", 504),
    ("upstream_unreachable", 502),
    ("url_too_long", 414),
];

impl Gateway {
    /// From now on counts requests, where the file says that somebody may read it.
    pub fn count(&self, entropy: &impl Entropy) {
        let Some(metrics) = &self.metrics else { return };
        let (routes, upstreams) = self.sizes();
        let mut isolate = [0; 8];
        entropy.fill(&mut isolate);
        self.fleet.outbox.count(Tally::new(routes, upstreams), u64::from_le_bytes(isolate), metrics.shards);
    }

    /// The next message of what there is to tell; see [`Isolate::flush`](crate::fleet::isolate::Isolate::flush).
    #[must_use]
    pub fn flush(&self, now: Millis) -> Option<(u8, Errand)> {
        self.fleet.flush(now, self)
    }

    /// So many requests have been answered without the gateway, with a problem of this code.
    pub fn count_others(&self, code: &str, more: u32) {
        let Some((code, status)) = WITHOUT_US.into_iter().find(|(known, _)| *known == code) else { return };
        let (place, outcome) = (Place::Path(NO_ROUTE), Outcome::Refused("entry", code));
        self.fleet.outbox.note(&Seen { place, status, outcome, took_ms: None, upstream: None, awaits: 0 }, more.into());
    }
}

/// The names of routes and upstreams.
impl Names for Gateway {
    fn route(&self, index: u16) -> &str {
        self.route_key(index).unwrap_or(NO_ROUTE)
    }

    fn upstream(&self, index: u16) -> &str {
        self.target(index).map_or(NO_ROUTE, |target| target.name.as_str())
    }
}

/// What is counted of a request.
pub(super) fn seen(exchange: &Exchange<'_>, closed: &Closed, ports: &(impl Errands + Clock)) -> Seen {
    let built_in = exchange.built_in.unwrap_or(NO_ROUTE);
    let upstream = exchange.route.and_then(|route| match route.route.action {
        Action::Forward(index) => Some((index, exchange.upstream_ms?)),
        _ => None,
    });
    let outcome = match (&closed.reply, closed.log.refused()) {
        (_, Some((stage, code))) => Outcome::Refused(stage, code),
        (Reply::Relay(_), None) => Outcome::Forwarded,
        (Reply::Made(_), None) => Outcome::Answered,
    };
    Seen {
        place: exchange.route.map_or(Place::Path(built_in), |route| Place::Route(ReadyRoute::index(route))),
        status: closed.log.status(),
        outcome,
        took_ms: Some(ports.now().saturating_sub(exchange.started)),
        upstream,
        awaits: ports.awaits(),
    }
}

/// Which of the two a path is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Text,
    Document,
}

/// The answer to a path of metrics, to be waited for; `None` for any other path.
pub(super) fn answer<'e, P: Ports>(exchange: &'e mut Exchange<'_>, ports: &'e P) -> Option<Answering<'e>> {
    let metrics = exchange.gateway.metrics.as_ref()?;
    let asked = match exchange.head.path() {
        path if path == metrics.path => Asked::Text,
        DOCUMENT => Asked::Document,
        _ => return None,
    };
    Some(super::boxed(async move {
        serve(exchange, metrics, asked, ports).await.told(ports, "metrics", |_| account::measured())
    }))
}

/// An answer that is on its way.
type Answering<'e> = Pin<Box<dyn Future<Output = Result<Made, Problem>> + 'e>>;

async fn serve<P: Ports>(
    exchange: &mut Exchange<'_>,
    metrics: &Metrics,
    asked: Asked,
    ports: &P,
) -> Result<Made, Problem> {
    exchange.built_in = Some(if asked == Asked::Text { PATH } else { DOCUMENT });
    if !matches!(exchange.head.method(), "GET" | "HEAD") {
        let allowed = "GET, HEAD";
        return Err(Problem::new(&METHOD_NOT_ALLOWED, "This path is there for: GET, HEAD.").header("allow", allowed));
    }
    admit(exchange, metrics, ports).await?;
    let readings = read(metrics.shards, ports).await;
    let about = about(exchange.gateway);
    Ok(match asked {
        Asked::Text => page(&about, &readings, exchange.header(Header::Accept)),
        Asked::Document => made("application/json", document(&about, &readings, ports.now())),
    })
}

/// Lets in whoever has the token, and the operator by the stages that routes have.
async fn admit<P: Ports>(exchange: &mut Exchange<'_>, metrics: &Metrics, ports: &P) -> Result<(), Problem> {
    let sent = exchange.header(Header::Authorization);
    if metrics.token.as_ref().zip(bearer(sent)).is_some_and(|(token, bearer)| token.is(bearer)) {
        return Ok(());
    }
    // Nobody's token is right where there is no operator: the stage still tells what is wrong with what was sent.
    let nobody = (authn::Config::Token(Vec::new()), authz::Config::default());
    let (who, may) = metrics.operator.as_ref().unwrap_or(&nobody);
    run::admit(exchange, who, may, ports).await
}

/// Asks all objects, one after another. Each has its share of the time that is left, so that one that hangs does not take
/// that of the others.
pub(super) async fn read<P: Ports>(shards: u16, ports: &P) -> Vec<Option<Reading>> {
    let end = ports.now().saturating_add(READ_MS.into());
    let mut readings = Vec::new();
    for shard in 0..shards {
        let left = end.saturating_sub(ports.now()).checked_div(u64::from(shards.saturating_sub(shard)));
        let within_ms = left.and_then(|left| u32::try_from(left).ok()).filter(|left| *left > 0);
        readings.push(match within_ms {
            Some(within_ms) => reading(shard, within_ms, ports).await,
            None => None,
        });
    }
    readings
}

async fn reading<P: Ports>(shard: u16, within_ms: u32, ports: &P) -> Option<Reading> {
    let question = message::question::<metrics::Metrics>(&Question::Read);
    let to = Destination::Object(Class::Metrics, metrics::name_of(shard.into()));
    let answer = ports.run(Errand { to, message: question }, within_ms).await.ok()?;
    match message::read_answer::<metrics::Metrics>(answer)? {
        Answer::Reading(reading) => Some(reading),
        Answer::Added | Answer::Known => None,
    }
}

fn about(gateway: &Gateway) -> About<'_> {
    About { name: &gateway.name, environment: gateway.place.environment.as_deref(), release: gateway.place.release }
}
