//! `ferrogate routes [FILE]`: which requests go where, the most specific routes first.
//!
//! The order is for reading: which route a request gets is decided by the table of the gateway, never by this list.

use std::cmp::Reverse;

use gateway::{
    blueprint::{
        Action, Blueprint, Policy, Route,
        compile::{Environment, resolved::Resolved},
    },
    config::{condition::Condition, diagnostics::render::Style, told},
    http::{host::HostPattern, method::Method},
    routing::{
        pattern::{Pattern, Segment},
        types::Type,
    },
    stages::{authn, authz, cors, respond},
};
use serde::Serialize;

use crate::{
    Failure,
    arguments::Given,
    command::{Command, EXITS, Operand, Opt, Takes},
    configuration,
    findings::json,
    host::{Host, Stream},
    output,
};

pub(super) const COMMAND: Command = Command {
    name: "routes",
    about: "list the routes of a gateway.toml, the most specific first",
    operands: &[Operand {
        name: "FILE",
        about: "the gateway.toml (default: gateway.toml)",
        takes: Takes::File,
        is_required: false,
        is_repeated: false,
    }],
    options: &[
        Opt::value("env", "NAME", Takes::Text, "as they are in [env.NAME] (default: the file as it stands)"),
        Opt::flag("resolved", "under each route, every key that holds for it, and which layer says so where"),
        Opt::value(
            "format",
            "FORMAT",
            Takes::Words(&["text", "json"]),
            "a table, or one object in one line for each (default: text)",
        ),
    ],
    notes: "\
Routes that name hosts come before those for any host. In a path, a literal comes before a parameter, and among
parameters int, uuid, slug, any, and last what takes all that is left. Columns without content are left out.
AUTH names whose tokens are taken, and behind that what else callers must show: scopes, all of them; one of the roles;
conditions, all of them.
",
    examples: &[
        "ferrogate routes",
        "ferrogate routes gateway.toml --resolved",
        "ferrogate routes --env production --format json",
    ],
    exits: EXITS,
    run,
};

const DEFAULT_FILE: &str = "gateway.toml";

/// Lists the routes of a file.
fn run(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let file = given.operand().unwrap_or(DEFAULT_FILE);
    let environment = configuration::environment(host, file, given.value("env"))?;
    let rows = rows(&environment);
    let resolved = given.has("resolved");
    if given.value("format") == Some("json") {
        let lines: String = rows.iter().map(|row| json::line(&row.listed(resolved))).collect::<Result<_, _>>()?;
        output::text(host, &lines);
    } else {
        output::text(host, &table(&rows, resolved, output::style(host, Stream::Out)));
    }
    Ok(())
}

/// A route with all that is said about it.
struct Row<'e> {
    method: &'e str,
    path: &'e str,
    action: Listed,
    auth: String,
    policy: Option<&'e Policy>,
    tags: &'e [String],
    resolved: &'e Resolved,
    blueprint: &'e Blueprint,
}

/// What becomes of requests: `upstream shop`.
#[derive(Serialize)]
struct Listed {
    kind: &'static str,
    to: String,
}

fn rows(environment: &Environment) -> Vec<Row<'_>> {
    let blueprint = &environment.blueprint;
    let routes = blueprint.routes.iter().zip(&environment.resolved);
    let mut rows: Vec<Row<'_>> = routes.map(|(route, resolved)| Row::of(route, resolved, blueprint)).collect();
    rows.sort_by_cached_key(Row::order);
    rows
}

impl<'e> Row<'e> {
    fn of(route: &'e Route, resolved: &'e Resolved, blueprint: &'e Blueprint) -> Self {
        let (method, path) = route.key.split_once(' ').unwrap_or(("", &route.key));
        let policy = blueprint.policies.get(usize::from(route.policy));
        Self {
            method,
            path,
            action: listed(&route.action, blueprint),
            auth: policy.map_or_else(String::new, |policy| auth(policy, blueprint)),
            policy,
            tags: &route.tags,
            resolved,
            blueprint,
        }
    }

    /// What it is sorted by.
    fn order(&self) -> impl Ord + use<> {
        let patterns = self.resolved.hosts.iter().filter_map(|host| HostPattern::new(host));
        let host = patterns.map(|pattern| order_of(&pattern)).min();
        let segments: Vec<(u8, String)> =
            Pattern::parse(self.path).map(|pattern| pattern.0.iter().map(rank).collect()).unwrap_or_default();
        let method = Method::ALL.iter().position(|method| method.name() == self.method);
        (host.is_none(), host, segments, method, self.resolved.version.clone())
    }

    fn cells(&self) -> [String; 7] {
        let to = if self.action.to.is_empty() {
            self.action.kind.to_owned()
        } else {
            format!("{} {}", self.action.kind, self.action.to)
        };
        let asked = self.policy.map_or_else(String::new, |policy| asked(&policy.authz));
        let auth = if asked.is_empty() { self.auth.clone() } else { format!("{} ({asked})", self.auth) };
        let version = self.resolved.version.clone().unwrap_or_default();
        [
            self.method.to_owned(),
            self.resolved.hosts.join(","),
            self.path.to_owned(),
            version,
            to,
            auth,
            self.tags.join(","),
        ]
    }

    fn listed(&self, resolved: bool) -> Object<'_> {
        Object {
            method: self.method,
            hosts: &self.resolved.hosts,
            path: self.path,
            version: self.resolved.version.as_deref(),
            action: &self.action,
            auth: &self.auth,
            issuers: self.policy.map_or_else(Vec::new, |policy| issuers(policy, self.blueprint)),
            scopes: self.policy.map_or(&[], |policy| &policy.authz.scopes),
            roles: self.policy.map_or(&[], |policy| &policy.authz.roles.wanted),
            conditions: self.policy.map_or_else(Vec::new, |policy| written(&policy.authz.conditions)),
            cors: self.policy.and_then(|policy| policy.cors.as_ref()).map(|cors| shared(cors, self.blueprint)),
            body_limit: self.policy.and_then(|policy| policy.guard.body_limit).map(|limit| limit.0),
            pass_through: self.policy.is_some_and(|policy| policy.forward.pass_through),
            tags: self.tags,
            file: &self.resolved.place.file,
            line: self.resolved.place.line,
            keys: resolved.then(|| self.keys().collect()),
        }
    }

    fn keys(&self) -> impl Iterator<Item = Key<'_>> {
        self.resolved.keys.iter().map(|key| Key {
            name: key.name,
            // A value over several lines is told in one.
            value: key.value.split_whitespace().collect::<Vec<_>>().join(" "),
            from: &key.from,
            file: &key.place.file,
            line: key.place.line,
        })
    }
}

/// A route in JSON. The names of the members are a promise; new ones may come.
#[derive(Serialize)]
struct Object<'r> {
    method: &'r str,
    hosts: &'r [String],
    path: &'r str,
    version: Option<&'r str>,
    action: &'r Listed,
    auth: &'r str,
    issuers: Vec<Believed<'r>>,
    scopes: &'r [String],
    roles: &'r [String],
    conditions: Vec<String>,
    cors: Option<Shared<'r>>,
    /// In bytes.
    body_limit: Option<u64>,
    pass_through: bool,
    tags: &'r [String],
    file: &'r str,
    line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<Vec<Key<'r>>>,
}

/// Whose tokens a route takes; variables stand in it by their names.
#[derive(Serialize)]
struct Believed<'r> {
    name: &'r str,
    algorithm: &'static str,
    issuer: String,
    audiences: Vec<String>,
}

/// Which pages may ask; variables stand in it by their names.
#[derive(Serialize)]
struct Shared<'r> {
    origins: Vec<String>,
    methods: Vec<&'static str>,
    headers: &'r [String],
    credentials: bool,
}

#[derive(Serialize)]
struct Key<'r> {
    name: &'r str,
    value: String,
    from: &'r str,
    file: &'r str,
    line: u32,
}

fn order_of(host: &HostPattern) -> (bool, Reverse<usize>, String) {
    let (first, second, name) = host.order();
    (first, second, name.to_owned())
}

/// How specific a segment is, the most specific first; literals by their text.
fn rank(segment: &Segment) -> (u8, String) {
    let rank = match segment {
        Segment::Literal(text) => return (0, text.clone()),
        Segment::Parameter { takes: Type::Int, .. } => 1,
        Segment::Parameter { takes: Type::Uuid, .. } => 2,
        Segment::Parameter { takes: Type::Slug, .. } => 3,
        Segment::Parameter { takes: Type::Any, .. } => 4,
        Segment::Rest(_) => 5,
    };
    (rank, String::new())
}

fn listed(action: &Action, blueprint: &Blueprint) -> Listed {
    let (kind, to) = match action {
        Action::Forward(index) => {
            ("upstream", blueprint.upstreams.get(usize::from(*index)).map(|it| it.name.clone()).unwrap_or_default())
        }
        Action::Assets(binding) => ("assets", binding.clone()),
        Action::Respond(respond::Config::Fixed(fixed)) => ("respond", fixed.status.to_string()),
        Action::Respond(respond::Config::Redirect(redirect)) => {
            ("redirect", format!("{} {}", redirect.status, redirect.to))
        }
        Action::Closed => ("closed", String::new()),
    };
    Listed { kind, to }
}

/// The issuers whose tokens are taken, and `none` where requests without one are.
fn auth(policy: &Policy, blueprint: &Blueprint) -> String {
    let issuers = policy.authn.issuers().iter().filter_map(|index| blueprint.issuers.get(usize::from(*index)));
    let none = (!matches!(policy.authn, authn::Config::Token(_))).then_some("none");
    issuers.map(|issuer| issuer.name.as_str()).chain(none).collect::<Vec<_>>().join(" or ")
}

/// What callers must show besides a token that is believed, as the column AUTH has it: `orders:read; role admin or
/// auditor; if claims.tenant == path.tenant`.
fn asked(authz: &authz::Config) -> String {
    let mut asked: Vec<String> = Vec::new();
    if !authz.scopes.is_empty() {
        asked.push(authz.scopes.join(" "));
    }
    if !authz.roles.wanted.is_empty() {
        asked.push(format!("role {}", authz.roles.wanted.join(" or ")));
    }
    asked.extend(written(&authz.conditions).into_iter().map(|condition| format!("if {condition}")));
    asked.join("; ")
}

fn written(conditions: &[Condition]) -> Vec<String> {
    conditions.iter().map(ToString::to_string).collect()
}

fn issuers<'b>(policy: &Policy, blueprint: &'b Blueprint) -> Vec<Believed<'b>> {
    let issuers = policy.authn.issuers().iter().filter_map(|index| blueprint.issuers.get(usize::from(*index)));
    let variables = &blueprint.variables;
    let believed = |issuer: &'b authn::Issuer| Believed {
        name: &issuer.name,
        algorithm: issuer.algorithm.name(),
        issuer: told::text(&issuer.issuer, variables),
        audiences: issuer.audiences.iter().map(|audience| told::text(audience, variables)).collect(),
    };
    issuers.map(believed).collect()
}

fn shared<'b>(cors: &'b cors::Config, blueprint: &Blueprint) -> Shared<'b> {
    Shared {
        origins: cors.origins.iter().map(|origin| told::text(origin, &blueprint.variables)).collect(),
        methods: cors.methods.iter().map(|method| method.name()).collect(),
        headers: &cors.headers,
        credentials: cors.credentials,
    }
}

const HEADS: [&str; 7] = ["METHOD", "HOST", "PATH", "VERSION", "WHERE TO", "AUTH", "TAGS"];

/// The rows under their heads; columns in which nothing stands are left out.
fn table(rows: &[Row<'_>], resolved: bool, style: Style) -> String {
    let cells: Vec<[String; 7]> = rows.iter().map(Row::cells).collect();
    let width = |column: usize| {
        let width = |cells: &[String; 7]| cells.get(column).map_or(0, |cell| cell.chars().count());
        let widest = cells.iter().map(width).max().unwrap_or_default();
        if widest == 0 { 0 } else { widest.max(HEADS.get(column).map_or(0, |head| head.len())) }
    };
    let widths: Vec<usize> = (0..HEADS.len()).map(width).collect();
    let mut text = match style {
        Style::Plain => line(&HEADS.map(str::to_owned), &widths),
        Style::Coloured => format!("\x1b[1m{}\x1b[0m\n", line(&HEADS.map(str::to_owned), &widths).trim_end()),
    };
    for (row, cells) in rows.iter().zip(&cells) {
        text.push_str(&line(cells, &widths));
        if resolved {
            text.push_str(&under(row));
        }
    }
    text
}

fn line(cells: &[String; 7], widths: &[usize]) -> String {
    let shown = cells.iter().zip(widths).filter(|(_, width)| **width > 0);
    let padded: Vec<String> = shown.map(|(cell, width)| format!("{cell:width$}")).collect();
    format!("{}\n", padded.join("  ").trim_end())
}

/// The keys that hold for a route, each with its layer and place.
fn under(row: &Row<'_>) -> String {
    let keys: Vec<Key<'_>> = row.keys().collect();
    let said: Vec<String> = keys.iter().map(|key| format!("{} = {}", key.name, key.value)).collect();
    // One long value must not push all the places off the screen.
    const WIDEST: usize = 60;
    let width = said.iter().map(|text| text.chars().count()).filter(|width| *width <= WIDEST).max().unwrap_or_default();
    let line =
        |(key, said): (&Key<'_>, &String)| format!("    {said:width$}  # {}, {}:{}\n", key.from, key.file, key.line);
    keys.iter().zip(&said).map(line).collect()
}
