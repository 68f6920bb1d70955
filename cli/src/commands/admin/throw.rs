//! `ferrogate admin kill`, `drain` and `maintenance`: throws a switch for a time, or releases it.

use gateway::{
    fleet::signals::switch::{Kind, Lever, Scope, names_route},
    http::timestamp::rfc3339,
    stages::admin::{Role, switches},
};
use serde_json::{Map, Value};

use super::switches::{Switch, scope};
use crate::{
    Failure,
    arguments::{Given, wrong},
    command::{Command, Opt, Takes},
    explaining::FORMAT,
    host::Host,
    operator::{Asked, CONFIG, ENV, EXITS, NOTES, Operator, URL, escaped, near},
    output, time,
};

pub(super) const REASON: Opt = Opt::value("reason", "TEXT", Takes::Text, "why, in a sentence; callers read it");
pub(super) const FOR: Opt = Opt::value("for", "DURATION", Takes::Text, "for how long: 1s to 30d (default: 1h)");
pub(super) const UNTIL: Opt =
    Opt::value("until", "MOMENT", Takes::Text, "until when, as in RFC 3339, instead of --for");
const RETRY_AFTER: Opt = Opt::value(
    "retry-after",
    "DURATION",
    Takes::Text,
    "when callers are to ask again: 1s to 7d (default: when it ends)",
);
const OFF: Opt = Opt::flag("off", "release it now, whether it is thrown or not");
const TAG: Opt = Opt::value("tag", "NAME", Takes::Text, "only the routes with this tag");
const UPSTREAM: Opt = Opt::value("upstream", "NAME", Takes::Text, "only the routes that go to this upstream");
const ROUTE: Opt =
    Opt::value("route", "ROUTE", Takes::Text, "only this route, by method and path: \"GET /v1/orders/{id}\"");

/// Of those that can be about a part of the gateway.
const SCOPED: &[Opt] = &[REASON, FOR, UNTIL, RETRY_AFTER, TAG, UPSTREAM, ROUTE, OFF, URL, CONFIG, ENV, FORMAT];

pub(crate) const KILL: Command = Command {
    name: "admin kill",
    about: "refuse all requests for a while: something is wrong",
    operands: &[],
    options: SCOPED,
    notes: NOTES,
    examples: &[
        "ferrogate admin kill --reason \"A leak is being closed.\" --for 10m",
        "ferrogate admin kill --tag orders --reason \"Orders are being repaired.\" --until 2026-11-21T18:00:00Z",
        "ferrogate admin kill --route \"POST /v1/orders\" --off --url https://api.acme.example",
    ],
    exits: EXITS,
    run: kill,
};

pub(crate) const DRAIN: Command = Command {
    name: "admin drain",
    about: "take no new requests for a while: another gateway takes over",
    operands: &[],
    options: &[REASON, FOR, UNTIL, RETRY_AFTER, OFF, URL, CONFIG, ENV, FORMAT],
    notes: NOTES,
    examples: &[
        "ferrogate admin drain --reason \"This gateway moves.\" --for 30m --retry-after 5s",
        "ferrogate admin drain --off",
    ],
    exits: EXITS,
    run: drain,
};

pub(crate) const MAINTENANCE: Command = Command {
    name: "admin maintenance",
    about: "close the gateway or a part of it for a while, on purpose",
    operands: &[],
    options: SCOPED,
    notes: NOTES,
    examples: &[
        "ferrogate admin maintenance --upstream shop --reason \"Back at six.\" --until 2026-11-21T18:00:00Z",
        "ferrogate admin maintenance --upstream shop --off",
    ],
    exits: EXITS,
    run: maintenance,
};

fn kill(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    switch(&KILL, Kind::Kill, given, host)
}

fn drain(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    switch(&DRAIN, Kind::Drain, given, host)
}

fn maintenance(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    switch(&MAINTENANCE, Kind::Maintenance, given, host)
}

fn switch(command: &'static Command, kind: Kind, given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let lever = Lever { kind, scope: scope_of(command, given)? };
    let body = if given.has(OFF.long) { release(command, given)? } else { Some(body(command, &lever, given, host)?) };
    let operator = Operator::of(command, given, host, Role::Operator)?;
    let method = if body.is_some() { "PUT" } else { "DELETE" };
    let below = format!("/switches/{}{}", kind.word(), query(&lever.scope));
    let answer = operator.ask(Asked { method, below, body, near: meant(&operator, &lever.scope) })?;
    let is_json = given.value(FORMAT.long) == Some("json");
    if method == "DELETE" {
        let text = lever.scope.text();
        let released = serde_json::json!({ "kind": kind.word(), "scope": text, "released": true });
        output::line(
            host,
            &if is_json { released.to_string() } else { format!("{} of {} is released", kind.word(), scope(&text)) },
        );
        return Ok(());
    }
    let document = operator.document(&answer)?;
    let thrown = Switch::of(&document).ok_or_else(|| operator.strange(&answer))?;
    let line = if is_json { document.to_string() } else { thrown.line(host.now_s().saturating_mul(1_000)) };
    output::line(host, &line);
    Ok(())
}

/// What it is about: one thing, or the whole gateway.
fn scope_of(command: &'static Command, given: &Given) -> Result<Scope, Failure> {
    let value = |option: &Opt| given.value(option.long).map(str::to_owned);
    let route = value(&ROUTE).map(|key| route(command, key)).transpose()?;
    let named = [value(&TAG).map(Scope::Tag), value(&UPSTREAM).map(Scope::Upstream), route];
    let mut named = named.into_iter().flatten();
    match (named.next(), named.next()) {
        (_, Some(_)) => {
            Err(wrong(command, "expected one of --tag, --upstream and --route, or none for the whole gateway"))
        }
        (Some(Scope::Tag(name) | Scope::Upstream(name)), _) if name.is_empty() => {
            Err(wrong(command, "--tag and --upstream take a name; found none"))
        }
        (scope, None) => Ok(scope.unwrap_or(Scope::Gateway)),
    }
}

/// Methods and a path as the file has them: `GET,POST /v1/orders` names two routes, `ANY /v1/orders` all of that path.
fn route(command: &'static Command, key: String) -> Result<Scope, Failure> {
    let is_method = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase());
    match key.split_once(' ') {
        Some((methods, path)) if methods.split(',').all(is_method) && path.starts_with('/') => Ok(Scope::Route(key)),
        _ => {
            let found = key.escape_debug();
            let expected = "a method and a path like \"GET /v1/orders/{id}\"";
            Err(wrong(command, format!("--route takes {expected}; found {found}")))
        }
    }
}

/// Nothing: what is released needs no more words.
fn release(command: &'static Command, given: &Given) -> Result<Option<String>, Failure> {
    let useless = [REASON, FOR, UNTIL, RETRY_AFTER].into_iter().find(|option| given.has(option.long));
    useless.map_or(Ok(None), |option| Err(wrong(command, format!("--off releases at once, without --{}", option.long))))
}

/// The body of the request, held against the gateway's own rules before anything is sent.
fn body(command: &'static Command, lever: &Lever, given: &Given, host: &dyn Host) -> Result<String, Failure> {
    let Some(reason) = given.value(REASON.long) else {
        return Err(wrong(command, format!("`ferrogate {}` needs --reason TEXT, or --off", command.name)));
    };
    if given.has(FOR.long) && given.has(UNTIL.long) {
        return Err(wrong(command, "expected one of --for and --until"));
    }
    let mut body: Map<String, Value> = Map::new();
    body.insert("reason".to_owned(), reason.into());
    for (member, option) in [("for", FOR), ("retry_after", RETRY_AFTER)] {
        body.extend(given.value(option.long).map(|value| (member.to_owned(), value.into())));
    }
    if let Some(text) = given.value(UNTIL.long) {
        // The gateway reads UTC alone. What is no moment is left as it is, for the rules to refuse it.
        let moment = time::parse(text).map_or_else(|| text.to_owned(), |moment| rfc3339(moment).as_str().to_owned());
        body.insert("until".to_owned(), moment.into());
    }
    let body = Value::Object(body).to_string();
    let now = host.now_s().saturating_mul(1_000);
    let Err(problem) = switches::switch(lever.clone(), body.as_bytes(), "", now) else { return Ok(body) };
    let wrongs: Vec<String> =
        problem.errors.iter().map(|error| refusal(&error.field, &error.expected, given)).collect();
    Err(wrong(command, wrongs.join("\n")))
}

/// That an option is wrong, by the member of the body that it becomes.
fn refusal(field: &str, expected: &str, given: &Given) -> String {
    let option = field.trim_start_matches('/').replace('_', "-");
    let found = given.value(&option).unwrap_or_default().escape_debug();
    format!("--{option} takes {expected}; found {found}")
}

/// Which switch it is, in a query.
fn query(scope: &Scope) -> String {
    let (name, value) = match scope {
        Scope::Gateway => return String::new(),
        Scope::Tag(name) => ("tag", name),
        Scope::Upstream(name) => ("upstream", name),
        Scope::Route(key) => ("route", key),
    };
    format!("?{name}={}", escaped(value))
}

/// The nearest name in the file that the gateway is said to run. Only the gateway knows what it has, so this is said
/// when it does not know the name, and not before.
fn meant(operator: &Operator<'_>, scope: &Scope) -> String {
    let Some(blueprint) = operator.configuration() else { return String::new() };
    let (routes, upstreams) = (blueprint.routes.iter(), blueprint.upstreams.iter());
    match scope {
        Scope::Gateway => String::new(),
        Scope::Tag(name) => near(name, routes.flat_map(|route| &route.tags).map(String::as_str)),
        Scope::Upstream(name) => near(name, upstreams.map(|upstream| upstream.name.as_str())),
        Scope::Route(name) if blueprint.routes.iter().any(|route| names_route(name, &route.key)) => String::new(),
        Scope::Route(key) => near(key, routes.map(|route| route.key.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_a_scope_as_the_gateway_reads_it() {
        let scopes = [
            (Scope::Gateway, ""),
            (Scope::Tag("orders".into()), "?tag=orders"),
            (Scope::Upstream("a&b=c".into()), "?upstream=a%26b%3Dc"),
            (Scope::Route("GET /v1/{id}".into()), "?route=GET%20/v1/%7Bid%7D"),
            (Scope::Tag("\u{fc} +%".into()), "?tag=%C3%BC%20%2B%25"),
        ];
        for (scope, expected) in scopes {
            assert_eq!(query(&scope), expected);
            let read = switches::lever(Kind::Kill, expected.trim_start_matches('?'), |_| true);
            assert_eq!(read.ok().map(|lever| lever.scope), Some(scope));
        }
    }
}
