//! The operator's own paths: what happens under them, in order. They belong to no route, so neither kill switch, drain nor
//! maintenance closes them.

use std::{pin::Pin, rc::Rc};

use serde::Serialize;

use crate::{
    config::size::Size,
    fleet::{
        audit::row::{Row, Status},
        isolate::{ASK_MS, refusal},
        signals::{
            Change, Known, Refusal,
            switch::{Kind, Lever, Scope, Switch, names_route},
        },
    },
    http::{problem::Problem, reply::Made},
    pipeline::{
        account::{self, Told},
        audit, auditors, blocks,
        exchange::Exchange,
        fleet,
        gateway::Gateway,
        limiters, run,
    },
    ports::{Ports, upstream::Failure},
    routing::select::{METHOD_NOT_ALLOWED, ROUTE_NOT_FOUND},
    stages::{
        admin::{
            self, Admin, FLEET_UNREACHABLE, PLACES, Place, Role, TOO_MANY_OVERRIDES, TOO_MANY_SWITCHES, json,
            switches::{self, Shown},
        },
        authn, authz, forward, freshness, guard,
    },
};

/// The most that the body of a request may have.
const LARGEST_BODY: Size = Size(switches::LARGEST_BODY);

/// How long the body of a request is waited for, in milliseconds.
const BODY_MS: u32 = 5_000;

/// The answer to one of the operator's paths; `None` for any other path.
pub(super) async fn answer<P: Ports>(exchange: &mut Exchange<'_>, ports: &P) -> Result<Option<Made>, Problem> {
    let Some(admin) = &exchange.gateway.admin else { return Ok(None) };
    let Some(rest) = admin.rest(exchange.head.host(), exchange.head.path()) else { return Ok(None) };
    // These paths have hosts and methods of their own; that they are asked in clear is no better than elsewhere.
    let https = exchange.gateway.before.as_ref().map(|before| before.https).unwrap_or_default();
    let before = guard::before::Config { https, ..guard::before::Config::default() };
    if let Some(elsewhere) = guard::before::check(&before, exchange.head).told_if_refused(ports, "guard")? {
        return Ok(Some(elsewhere));
    }
    // In a box, so that the future of every other request is no larger for it.
    let answered = super::boxed(serve(exchange, admin, rest, ports)).await;
    answered.told(ports, "admin", |_| account::operated()).map(Some)
}

async fn serve<P: Ports>(exchange: &mut Exchange<'_>, admin: &Admin, rest: &str, ports: &P) -> Result<Made, Problem> {
    let place = PLACES.into_iter().find(|(path, ..)| *path == rest);
    let method = exchange.head.method();
    let changes = matches!(method, "PUT" | "POST" | "PATCH" | "DELETE");
    // Whoever may not look learns nothing of what there is.
    let role = place.map_or(Role::Viewer, |(_, place, ..)| place.role(changes));
    admit(exchange, admin, role, ports).await?;
    let Some((_, place, methods, label)) = place else {
        return Err(Problem::new(&ROUTE_NOT_FOUND, "There is no such path for operators."));
    };
    exchange.built_in = Some(label);
    if !methods.split(", ").any(|known| known == method) {
        let detail = format!("This path is there for: {methods}.");
        return Err(Problem::new(&METHOD_NOT_ALLOWED, detail).header("allow", methods));
    }
    match place {
        Place::Index => Ok(index(exchange, admin)),
        Place::Signals => signals(exchange, ports).await,
        Place::Switches => list(exchange, ports).await,
        Place::Lever(kind) => lever(exchange, kind, ports).await,
        Place::Audit => auditors::rows(exchange, ports).await,
        Place::Chain => auditors::verify(exchange, ports).await,
        Place::Limits => limiters::list(exchange, ports).await,
        Place::LimitKey => limiters::key(exchange, ports).await,
        Place::Override => limiters::other(exchange, ports).await,
        Place::Abuse | Place::Blocks | Place::Suspicious => super::boxed(blocks::answer(exchange, place, ports)).await,
    }
}

/// Lets operators in, by the stages that routes have.
async fn admit<P: Ports>(exchange: &mut Exchange<'_>, admin: &Admin, role: Role, ports: &P) -> Result<(), Problem> {
    let who = authn::Config::Token(vec![admin.issuer]);
    let mut holders = admin.holders(role);
    holders.sort_unstable();
    let roles = authz::Roles { wanted: vec![role.word().to_owned()], satisfied_by: holders };
    run::admit(exchange, &who, &authz::Config { roles, ..authz::Config::default() }, ports).await
}

#[derive(Serialize)]
struct Index<'a> {
    gateway: &'a str,
    version: &'static str,
    environment: Option<&'a str>,
    release: String,
    paths: Vec<String>,
}

fn index(exchange: &Exchange<'_>, admin: &Admin) -> Made {
    let gateway = exchange.gateway;
    let document = Index {
        gateway: &gateway.name,
        version: env!("CARGO_PKG_VERSION"),
        environment: gateway.place.environment.as_deref(),
        release: format!("{:016x}", gateway.place.release),
        paths: PLACES.iter().map(|(path, ..)| [&admin.path, *path].concat()).collect(),
    };
    json(200, &document)
}

#[derive(Serialize)]
struct Signals {
    /// A text: a number of this size is none in JavaScript.
    log: String,
    sequence: u64,
    switches: usize,
}

/// How far the log is known here, a moment ago at most.
async fn signals<P: Ports>(exchange: &Exchange<'_>, ports: &P) -> Result<Made, Problem> {
    know(exchange, ports).await?;
    let Known { log, sequence } = exchange.gateway.fleet.position();
    let switches = exchange.gateway.fleet.switches(ports.now()).len();
    Ok(json(200, &Signals { log: log.to_string(), sequence, switches }))
}

#[derive(Serialize)]
struct Switches<'s> {
    switches: Vec<Shown<'s>>,
}

async fn list<P: Ports>(exchange: &Exchange<'_>, ports: &P) -> Result<Made, Problem> {
    know(exchange, ports).await?;
    let mut switches = exchange.gateway.fleet.switches(ports.now());
    switches.sort_by(|one, other| one.lever.cmp(&other.lever));
    let shown = switches.iter().map(|switch| Shown::new(switch, ports.now())).collect();
    Ok(json(200, &Switches { switches: shown }))
}

/// The operator insists on what is true now, or learns that nobody can say.
pub(super) async fn know<P: Ports>(exchange: &Exchange<'_>, ports: &P) -> Result<(), Problem> {
    if !exchange.gateway.fleet.is_member() {
        return Err(unreachable_fleet());
    }
    let insists = freshness::Config { when_away: freshness::WhenAway::Refuse, ..freshness::Config::STRICT };
    fleet::know(exchange, insists, ports).await
}

async fn lever<P: Ports>(exchange: &Exchange<'_>, kind: Kind, ports: &P) -> Result<Made, Problem> {
    let query = exchange.head.query();
    let query = query.strip_prefix('?').unwrap_or(query);
    let lever = switches::lever(kind, query, |scope| exists(exchange.gateway, scope))?;
    match exchange.head.method() {
        "PUT" => throw(exchange, lever, ports).await,
        "DELETE" => release(exchange, lever, ports).await,
        _ => {
            know(exchange, ports).await?;
            show(exchange, &lever, 200, ports)
        }
    }
}

fn show<P: Ports>(exchange: &Exchange<'_>, lever: &Lever, status: u16, ports: &P) -> Result<Made, Problem> {
    let now = ports.now();
    let thrown = exchange.gateway.fleet.switches(now).into_iter().find(|switch| switch.lever == *lever);
    let thrown = thrown.ok_or_else(|| Problem::new(&ROUTE_NOT_FOUND, "This switch is not thrown."))?;
    Ok(json(status, &Shown::new(&thrown, now)))
}

/// Whether the configuration has something of this name.
fn exists(gateway: &Gateway, scope: &Scope) -> bool {
    match scope {
        Scope::Gateway => true,
        Scope::Route(name) => gateway.route_keys().any(|key| names_route(name, key)),
        Scope::Tag(tag) => gateway.has_tag(tag),
        Scope::Upstream(name) => gateway.has_upstream(name),
    }
}

async fn throw<P: Ports>(exchange: &Exchange<'_>, lever: Lever, ports: &P) -> Result<Made, Problem> {
    let body = body(ports).await?;
    let switch = switches::switch(lever, &body, by(exchange), ports.now())?;
    let lever = switch.lever.clone();
    change(exchange, Change::Throw(switch), ports).await?;
    show(exchange, &lever, 200, ports)
}

async fn release<P: Ports>(exchange: &Exchange<'_>, lever: Lever, ports: &P) -> Result<Made, Problem> {
    change(exchange, Change::Release(lever), ports).await?;
    Ok(Made { status: 204, ..Made::default() })
}

/// The body of the request.
pub(super) async fn body<P: Ports>(ports: &P) -> Result<Vec<u8>, Problem> {
    ports.read(LARGEST_BODY, BODY_MS).await.map_err(unread)
}

async fn change<P: Ports>(exchange: &Exchange<'_>, change: Change, ports: &P) -> Result<(), Problem> {
    let action = match &change {
        Change::Throw(_) => "switch.throw",
        _ => "switch.release",
    };
    let note = Note { action, kind: "switch", id: resource(&change), details: details(&change) };
    on_record(exchange, note, super::boxed(make(exchange, change, ports)), ports).await
}

/// What rows say of a change.
pub(super) struct Note {
    /// What is done.
    pub action: &'static str,
    /// To what kind of thing, and to which.
    pub kind: &'static str,
    pub id: String,
    pub details: Option<String>,
}

/// Makes a change that is on record: that it is attempted before it is made, and how it went behind it. What cannot be put on
/// record is not attempted; should the second row fail, the first one stands and the log line tells the rest.
pub(super) async fn on_record<P: Ports>(
    exchange: &Exchange<'_>,
    note: Note,
    deed: Pin<Box<dyn Future<Output = Result<(), Problem>> + '_>>,
    ports: &P,
) -> Result<(), Problem> {
    let row = |status, error: Option<&str>| Row {
        resource_type: Some(note.kind.to_owned()),
        resource_id: Some(note.id.clone()),
        details: note.details.clone(),
        error_message: error.map(str::to_owned),
        ..audit::row(exchange, note.action, status, ports)
    };
    let gateway = exchange.gateway;
    audit::record(gateway, row(Status::Attempt, None), ports).await?;
    let made = deed.await;
    let outcome = match &made {
        Ok(()) => row(Status::Success, None),
        Err(problem) => row(Status::Failure, Some(problem.kind.code)),
    };
    if audit::record(gateway, outcome.clone(), ports).await.is_err() {
        gateway.fleet.events.log(&outcome);
    }
    made
}

/// What a change is about, as rows name it: `kill:gateway`.
fn resource(change: &Change) -> String {
    match change {
        Change::Throw(Switch { lever, .. }) | Change::Release(lever) => {
            [lever.kind.word(), ":", &lever.scope.text()].concat()
        }
        _ => String::new(),
    }
}

fn details(change: &Change) -> Option<String> {
    match change {
        Change::Throw(switch) => serde_json::to_string(&Shown::new(switch, switch.since)).ok(),
        _ => None,
    }
}

/// Makes a change and learns of it, so that it holds here at once.
pub(super) async fn make<P: Ports>(exchange: &Exchange<'_>, change: Change, ports: &P) -> Result<(), Problem> {
    let fleet = &exchange.gateway.fleet;
    let is_override = matches!(change, Change::Override(_));
    let errand = fleet.change(vec![change]).ok_or_else(unreachable_fleet)?;
    let sent = ports.now();
    let answer = ports.run(errand, ASK_MS).await.map_err(|_| unreachable_fleet())?;
    match refusal(&answer) {
        None => fleet.learn(ports.now(), sent, Ok(answer)).map_err(|_| unreachable_fleet()),
        Some(Refusal::TooMany) if is_override => {
            Err(Problem::new(&TOO_MANY_OVERRIDES, "Lift one that is no longer needed first."))
        }
        Some(Refusal::TooMany) => {
            let detail = "Release a switch that is no longer needed first.";
            Err(Problem::new(&TOO_MANY_SWITCHES, detail))
        }
        Some(Refusal::End) => Err(Problem::new(&FLEET_UNREACHABLE, "The clocks of the fleet differ by too much.")),
    }
}

fn unreachable_fleet() -> Problem {
    let detail = "The object that tells the fleet did not answer, or this gateway has none. Whether a change was made is \
                  not known: ask again.";
    Problem::new(&FLEET_UNREACHABLE, detail).header("retry-after", "1")
}

fn unread(failure: Failure) -> Problem {
    match failure {
        Failure::BodyTooLarge => guard::too_large(LARGEST_BODY),
        Failure::ClientGone => Problem::new(&forward::CLIENT_GONE, "The client left before the answer."),
        Failure::Timeout | Failure::Unreachable => {
            Problem::new(&admin::ADMIN_REQUEST_INVALID, "The body of the request did not come.")
        }
    }
}

/// Who asks; a token without a subject has no name.
pub(super) fn by<'e>(exchange: &'e Exchange<'_>) -> &'e str {
    exchange.principal.as_ref().and_then(|principal: &Rc<_>| principal.subject()).unwrap_or("-")
}
