//! Rate limits for operators: what there is, what was refused, how one key stands; and what they change about a key.

use std::net::IpAddr;

use serde::Serialize;

use crate::{
    config::{duration, rate::Key},
    facts::address,
    fleet::{
        isolate::ASK_MS,
        limits::{self, Answer, Calendar, Count, Limits, Looked, Question, Rule, overrides::Override},
        message,
        metrics::{Series, board::Board, family::Family, top},
        signals::Change,
    },
    http::{Millis, problem::Problem, reply::Made, timestamp::rfc3339},
    pipeline::{
        admin::{self, Note},
        auditors::{invalid, pairs},
        exchange::Exchange,
        gateway::Gateway,
        limit_names::{self as names, Values},
        metrics,
    },
    ports::Ports,
    stages::{
        admin::{
            FLEET_UNREACHABLE, json,
            overrides::{self, Shown},
        },
        metrics::merged,
        rate_limit::{Limit, OnError, Outcome},
    },
};

#[derive(Serialize)]
struct List<'a> {
    limits: Vec<Told<'a>>,
    /// Those that were refused most within the last hour; nothing where nobody counts.
    refused_keys: Vec<Refused>,
    /// By how much those numbers may be too high.
    refused_error: u64,
    overrides: Vec<Shown<'a>>,
    /// How many objects with counts did not answer.
    shards_missing: usize,
}

/// A limit, and where it is.
#[derive(Serialize)]
struct Told<'a> {
    id: String,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    plan: &'a str,
    limit: u32,
    window: Option<String>,
    algorithm: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    burst: Option<u32>,
    counted_by: Vec<String>,
    cost: u32,
    exact: bool,
    mode: &'static str,
    on_error: &'static str,
    routes: Vec<&'a str>,
    counts: Option<Counts>,
}

#[derive(Default, Serialize)]
struct Counts {
    passed: u64,
    refused: u64,
    shadow: u64,
    alone: u64,
    unavailable: u64,
}

#[derive(Serialize)]
struct Refused {
    limit: String,
    key: String,
    refused: u64,
    error: u64,
}

/// All limits of the configuration, and what has become of requests that met them.
pub(super) async fn list<P: Ports>(exchange: &Exchange<'_>, ports: &P) -> Result<Made, Problem> {
    know(exchange, ports).await?;
    let gateway = exchange.gateway;
    let readings = match &gateway.metrics {
        Some(metrics) => metrics::read(metrics.shards, ports).await,
        None => Vec::new(),
    };
    let mut board = Board::default();
    readings.iter().flatten().for_each(|reading| drop(board.add_all(&reading.series)));
    let top = merged(&readings);
    let refused_error = top.floor();
    let others = gateway.fleet.overrides(ports.now());
    let counted = gateway.metrics.as_ref().map(|_| board.of(Family::RateLimits));
    Ok(json(
        200,
        &List {
            limits: all(gateway).into_iter().map(|found| Told::new(found, counted)).collect(),
            refused_keys: top.highest(top::SHOWN).iter().map(Refused::new).collect(),
            refused_error,
            overrides: others.iter().map(Shown::new).collect(),
            shards_missing: readings.iter().filter(|reading| reading.is_none()).count(),
        },
    ))
}

/// Where there is a fleet, the operator insists on what it knows now.
async fn know<P: Ports>(exchange: &Exchange<'_>, ports: &P) -> Result<(), Problem> {
    if exchange.gateway.fleet.is_member() { admin::know(exchange, ports).await } else { Ok(()) }
}

/// A limit, its plan, and the routes that have it.
struct Found<'a> {
    limit: &'a Limit,
    plan: &'a str,
    routes: Vec<&'a str>,
}

/// Every limit once, with the routes that have it, in the order of routes.
fn all(gateway: &Gateway) -> Vec<Found<'_>> {
    let mut all: Vec<Found<'_>> = Vec::new();
    // Where each one is, by number.
    let mut known: Vec<(u64, usize)> = Vec::new();
    for (route, plan, limit) in gateway.limits() {
        match known.binary_search_by_key(&limit.id, |(id, _)| *id) {
            Ok(at) => {
                if let Some(found) = known.get(at).and_then(|(_, at)| all.get_mut(*at)) {
                    found.routes.push(route);
                }
            }
            Err(at) => {
                known.insert(at, (limit.id, all.len()));
                all.push(Found { limit, plan, routes: vec![route] });
            }
        }
    }
    all
}

impl<'a> Told<'a> {
    fn new(found: Found<'a>, counted: Option<&[Series]>) -> Self {
        let Found { limit, plan, routes } = found;
        let (algorithm, burst) = match limit.rule.count {
            Count::Sliding(_) => ("sliding_window", None),
            Count::Fixed(_) => ("fixed_window", None),
            Count::Bucket(_, burst) => ("token_bucket", Some(burst)),
            Count::Flight(_) => ("concurrency", None),
        };
        Self {
            id: id_of(limit),
            name: &limit.name,
            plan,
            limit: limit.rule.limit,
            window: window(&limit.rule),
            algorithm,
            burst,
            counted_by: limit.keys.iter().map(ToString::to_string).collect(),
            cost: limit.cost.most(),
            exact: limit.rule.exact,
            mode: if limit.is_shadow { "shadow" } else { "enforce" },
            on_error: match limit.on_error {
                OnError::Local(_) => "local",
                OnError::Open => "open",
                OnError::Closed => "closed",
            },
            counts: counted.map(|series| Counts::of([&limit.name, plan], &routes, series)),
            routes,
        }
    }
}

impl Counts {
    /// Those of a limit. One of the same name on the same route is the same limit to those who count.
    fn of(names: [&str; 2], routes: &[&str], series: &[Series]) -> Self {
        let mut counts = Self::default();
        for one in series {
            let [route, limit, plan, outcome] = one.labels.as_slice() else { continue };
            if [limit.as_str(), plan.as_str()] != names || !routes.contains(&route.as_str()) {
                continue;
            }
            let by_word = [
                (Outcome::Passed, &mut counts.passed),
                (Outcome::Refused, &mut counts.refused),
                (Outcome::Shadow, &mut counts.shadow),
                (Outcome::Alone, &mut counts.alone),
                (Outcome::Unavailable, &mut counts.unavailable),
            ];
            if let Some((_, count)) = by_word.into_iter().find(|(known, _)| known.word() == outcome) {
                *count = count.saturating_add(one.count());
            }
        }
        counts
    }
}

impl Refused {
    fn new(key: &Series) -> Self {
        let (refused, error) = top::numbers(key);
        let label = |at: usize| key.labels.get(at).cloned().unwrap_or_default();
        Self { limit: label(0), key: label(1), refused, error }
    }
}

fn id_of(limit: &Limit) -> String {
    format!("{:016x}", limit.id)
}

/// Requests at once have no window.
fn window(rule: &Rule) -> Option<String> {
    match rule.count {
        Count::Fixed(Calendar::Month) => Some("month".to_owned()),
        Count::Flight(_) => None,
        _ => Some(duration::show(rule.window_ms())),
    }
}

/// A key of a limit, as a query names it.
struct Named<'g> {
    limit: &'g Limit,
    hash: limits::Key,
    shown: String,
}

impl Named<'_> {
    /// The rule that holds for it: its own, or what an operator has said.
    fn rule(&self, other: Option<&Override>) -> Rule {
        other.map_or(self.limit.rule, |other| other.rule(self.limit.rule))
    }

    fn note(&self, action: &'static str, details: Option<String>) -> Note {
        Note { action, kind: "limit", id: [&self.limit.name, " ", &self.shown].concat(), details }
    }
}

#[derive(Serialize)]
struct Stands<'a> {
    id: String,
    name: &'a str,
    key: &'a str,
    limit: u32,
    window: Option<String>,
    used: u64,
    leased: u64,
    left: u32,
    /// When a request has room, if there is none now.
    free_at: Option<String>,
    /// When all is there again.
    reset_at: Option<String>,
    r#override: Option<Shown<'a>>,
}

/// How a key stands; or what was counted of it is forgotten.
pub(super) async fn key<P: Ports>(exchange: &Exchange<'_>, ports: &P) -> Result<Made, Problem> {
    let named = named(exchange)?;
    know(exchange, ports).await?;
    let other = exchange.gateway.fleet.override_of(ports.now(), named.limit.id, &named.hash);
    let rule = named.rule(other.as_ref());
    if exchange.head.method() == "DELETE" {
        let deed = super::boxed(reset(exchange, &named, rule, ports));
        admin::on_record(exchange, named.note("limit.reset", None), deed, ports).await?;
        return Ok(Made { status: 204, ..Made::default() });
    }
    let Answer::Looked(looked) = ask(&named, Question::Look(named.hash, rule), ports).await? else {
        return Err(unreachable_limits());
    };
    Ok(json(200, &Stands::new(&named, &rule, looked, other.as_ref(), ports.now())))
}

impl<'a> Stands<'a> {
    fn new(named: &'a Named<'_>, rule: &Rule, looked: Looked, other: Option<&'a Override>, now: Millis) -> Self {
        let Looked { used, leased, left, free_ms, reset_ms } = looked;
        let moment = |ms: Millis| (ms > 0).then(|| rfc3339(now.saturating_add(ms)).as_str().to_owned());
        Self {
            id: id_of(named.limit),
            name: &named.limit.name,
            key: &named.shown,
            limit: rule.limit,
            window: window(rule),
            used,
            leased,
            left,
            free_at: moment(free_ms),
            reset_at: moment(reset_ms),
            r#override: other.map(Shown::new),
        }
    }
}

/// The object forgets first: whoever is told to ask anew finds it so.
async fn reset<P: Ports>(exchange: &Exchange<'_>, named: &Named<'_>, rule: Rule, ports: &P) -> Result<(), Problem> {
    match ask(named, Question::Forget(named.hash, rule), ports).await? {
        Answer::Forgotten => admin::make(exchange, Change::Reset(named.limit.id, named.hash), ports).await,
        Answer::Leased(_) | Answer::Looked(_) => Err(unreachable_limits()),
    }
}

/// Another limit for a key, or its own again.
pub(super) async fn other<P: Ports>(exchange: &Exchange<'_>, ports: &P) -> Result<Made, Problem> {
    let named = named(exchange)?;
    let (limit, hash) = (named.limit.id, named.hash);
    if exchange.head.method() == "DELETE" {
        let deed = super::boxed(admin::make(exchange, Change::Lift(limit, hash), ports));
        admin::on_record(exchange, named.note("limit.lift", None), deed, ports).await?;
        return Ok(Made { status: 204, ..Made::default() });
    }
    let body = admin::body(ports).await?;
    let names = (named.limit.name.clone(), named.shown.clone());
    let place = overrides::place(limit, hash, names, admin::by(exchange), ports.now());
    let other = overrides::read(place, &body, named.limit.cost.most())?;
    let shown = Shown::new(&other);
    let note = named.note("limit.override", serde_json::to_string(&shown).ok());
    let deed = super::boxed(admin::make(exchange, Change::Override(other.clone()), ports));
    admin::on_record(exchange, note, deed, ports).await?;
    Ok(json(200, &shown))
}

async fn ask<P: Ports>(named: &Named<'_>, question: Question, ports: &P) -> Result<Answer, Problem> {
    let returned = ports.run(limits::about(named.limit.id, &named.hash, &question), ASK_MS).await;
    returned.ok().and_then(message::read_answer::<Limits>).ok_or_else(unreachable_limits)
}

fn unreachable_limits() -> Problem {
    let detail =
        "The object that counts this key did not answer, or this gateway has none. Ask again: it does no harm.";
    Problem::new(&FLEET_UNREACHABLE, detail).header("retry-after", "1")
}

type Pairs = [(String, String)];

fn value<'p>(pairs: &'p Pairs, name: &str) -> Option<&'p str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The key that the query names: `limit`, perhaps `route`, and each part that the limit counts by.
fn named<'g>(exchange: &Exchange<'g>) -> Result<Named<'g>, Problem> {
    let pairs = pairs(exchange)?;
    let limit = find(exchange.gateway, &pairs)?;
    check(limit, &pairs)?;
    let gateway = exchange.gateway;
    let address = address(gateway, &pairs)?;
    let text = |name: &str| value(&pairs, name).map(str::to_owned);
    let of = |key: &Key| match key {
        Key::Address => address.clone(),
        _ => text(&key.to_string()).unwrap_or_default(),
    };
    let (subject, number) = (text("principal"), text("api_key"));
    let issuer = issuer(gateway, &pairs, subject.is_some() || number.is_some())?;
    let values = Values { issuer, subject, number, logging: &gateway.logging, of: &of };
    let hash = limits::place_of(limit.id, &names::counted(limit, &values)).0;
    Ok(Named { limit, hash, shown: names::shown(limit, &values) })
}

/// The limit of a name or an id, on the route if one is named.
fn find<'g>(gateway: &'g Gateway, pairs: &Pairs) -> Result<&'g Limit, Problem> {
    let name = value(pairs, "limit").ok_or_else(|| invalid("limit", "the name of a limit, or its id"))?;
    let is_meant = |limit: &Limit| limit.name == name || id_of(limit) == name;
    let route = value(pairs, "route");
    let mut found: Option<&Limit> = None;
    let on_route = |key: &str| route.is_none_or(|route| route == key);
    for (_, _, limit) in gateway.limits().filter(|(key, _, limit)| is_meant(limit) && on_route(key)) {
        if found.is_some_and(|found| found.id != limit.id) {
            return Err(invalid("limit", "one limit: there are several of this name, tell them apart by route or id"));
        }
        found = Some(limit);
    }
    let expected = "a limit of this gateway, and of the route if one is named, as the path /limits lists them";
    found.ok_or_else(|| invalid("limit", expected))
}

/// All that the limit counts by is named, and nothing else.
fn check(limit: &Limit, pairs: &Pairs) -> Result<(), Problem> {
    let has = |name: &str| value(pairs, name).is_some();
    let mut known = vec!["limit".to_owned(), "route".to_owned()];
    for key in &limit.keys {
        let name = key.to_string();
        match key {
            Key::Global => {}
            Key::Principal | Key::ApiKey if has("address") => {}
            Key::ApiKey if has("principal") => known.push("principal".to_owned()),
            _ if has(&name) => {}
            _ => return Err(invalid(name, "a value: this limit counts by it")),
        }
        if matches!(key, Key::Principal | Key::ApiKey) {
            known.extend(["issuer".to_owned(), "address".to_owned()]);
        }
        known.push(name);
    }
    match pairs.iter().find(|(name, _)| !known.contains(name)) {
        Some((name, _)) => Err(invalid(name.clone(), format!("nothing: the query takes {}", known.join(", ")))),
        None => Ok(()),
    }
}

/// The address as requests are counted under it; nothing where none is known.
fn address(gateway: &Gateway, pairs: &Pairs) -> Result<String, Problem> {
    let Some(text) = value(pairs, "address").filter(|text| !text.is_empty()) else { return Ok(String::new()) };
    let bare = text.split_once('/').map_or(text, |(address, _)| address);
    let parsed: Option<IpAddr> = bare.parse().ok();
    let network = parsed.map(|parsed| address::network(parsed, gateway.ipv6_prefix));
    network.ok_or_else(|| invalid("address", "an address, or nothing"))
}

/// Whose the caller is. Where there is one issuer it need not be said.
fn issuer(gateway: &Gateway, pairs: &Pairs, is_needed: bool) -> Result<Option<String>, Problem> {
    match (value(pairs, "issuer"), gateway.issuers()) {
        (Some(issuer), _) => Ok(Some(issuer.to_owned())),
        (None, [only]) => Ok(Some(only.issuer().to_owned())),
        (None, _) if is_needed => Err(invalid("issuer", "whose the caller is: there are several issuers")),
        (None, _) => Ok(None),
    }
}
