//! `ferrogate routes [FILE]`: which requests go where, the most specific routes first.
//!
//! The order is for reading: which route a request gets is decided by the table of the gateway, never by this list.

use std::cmp::Reverse;

use gateway::{
    blueprint::{
        Action, Blueprint, Policy, Route,
        compile::{Environment, resolved::Resolved},
    },
    config::diagnostics::render::Style,
    http::{host::HostPattern, method::Method},
    routing::{
        pattern::{Pattern, Segment},
        types::Type,
    },
    stages::{authn, respond},
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
    scopes: &'e [String],
    tags: &'e [String],
    resolved: &'e Resolved,
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
            scopes: policy.map_or(&[], |policy| &policy.authz.scopes),
            tags: &route.tags,
            resolved,
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
        let scopes = self.scopes.join(" ");
        let auth = if scopes.is_empty() { self.auth.clone() } else { format!("{} ({scopes})", self.auth) };
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
            scopes: self.scopes,
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
    scopes: &'r [String],
    tags: &'r [String],
    file: &'r str,
    line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<Vec<Key<'r>>>,
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
