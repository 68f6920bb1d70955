//! `ferrogate admin limits`: which rate limits there are and whom they refuse; how one key stands; and what is changed about
//! that: it is forgotten what was counted, or there is another limit for a time.

use gateway::{http::timestamp::rfc3339, stages::admin::Place};
use serde_json::{Map, Value};

use crate::{
    Failure,
    arguments::{Given, wrong},
    command::{Command, Operand, Opt, Takes},
    explaining::FORMAT,
    host::Host,
    operator::{Asked, CONFIG, ENV, EXITS, NOTES, Operator, URL, escaped, near, plain},
    output, table, time,
};

const ACTIONS: &[&str] = &["list", "show", "reset", "override"];

const LIMIT: Opt = Opt::value("limit", "NAME", Takes::Text, "which limit, by its name or its id");
const ROUTE: Opt = Opt::value(
    "route",
    "ROUTE",
    Takes::Text,
    "on which route, where several limits have that name, or it is counted by: \"GET /v1/orders\"",
);
const KEY: Opt = Opt::value(
    "key",
    "NAME=VALUE",
    Takes::Text,
    "what the limit counts by: address=192.0.2.7, principal=ada, path.id=12, header:x-shop=lamps",
)
.repeated();
const TO: Opt = Opt::value("to", "N", Takes::Text, "override: how many instead");
const REASON: Opt = Opt::value("reason", "TEXT", Takes::Text, "override: why, in a sentence");
const FOR: Opt = Opt::value("for", "DURATION", Takes::Text, "override: for how long: 1s to 30d (default: 1h)");
const UNTIL: Opt = Opt::value("until", "MOMENT", Takes::Text, "override: until when, as in RFC 3339, instead of --for");
const OFF: Opt = Opt::flag("off", "override: take it back now, whether there is one or not");

pub(crate) const COMMAND: Command = Command {
    name: "admin limits",
    about: "list rate limits and whom they refuse; show, reset or override one key",
    operands: &[Operand {
        name: "ACTION",
        about: "list, show, reset or override (default: list)",
        takes: Takes::Words(ACTIONS),
        is_required: false,
        is_repeated: false,
    }],
    options: &[LIMIT, ROUTE, KEY, TO, REASON, FOR, UNTIL, OFF, URL, CONFIG, ENV, FORMAT],
    notes: NOTES,
    examples: &[
        "ferrogate admin limits",
        "ferrogate admin limits show --limit login --key address=192.0.2.7",
        "ferrogate admin limits reset --limit \"60/min per principal\" --route \"GET /v1/orders\" --key principal=ada",
        "ferrogate admin limits override --limit login --key address=192.0.2.7 --to 100 --for 2h --reason \"A training.\"",
    ],
    exits: EXITS,
    run,
};

fn run(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let action = given.operand().unwrap_or("list");
    match action {
        "list" => {
            useless(given, action, &[LIMIT, ROUTE, KEY, TO, REASON, FOR, UNTIL, OFF])?;
            list(given, host)
        }
        "show" | "reset" => {
            useless(given, action, &[TO, REASON, FOR, UNTIL, OFF])?;
            let below = format!("/limits/key?{}", query(given)?);
            if action == "show" { show(given, host, &below) } else { reset(given, host, &below) }
        }
        "override" => other(given, host),
        unknown => {
            Err(wrong(&COMMAND, format!("ACTION is one of {}; found {}", ACTIONS.join(", "), unknown.escape_debug())))
        }
    }
}

fn useless(given: &Given, action: &str, options: &[Opt]) -> Result<(), Failure> {
    match options.iter().find(|option| given.has(option.long)) {
        Some(option) => Err(wrong(&COMMAND, format!("`{action}` takes no --{}", option.long))),
        None => Ok(()),
    }
}

/// The key in question, as the gateway's own query names it.
fn query(given: &Given) -> Result<String, Failure> {
    let Some(limit) = given.value(LIMIT.long) else { return Err(wrong(&COMMAND, "expected --limit NAME")) };
    let mut query = format!("limit={}", escaped(limit));
    if let Some(route) = given.value(ROUTE.long) {
        query.push_str(&format!("&route={}", escaped(route)));
    }
    for pair in given.values(KEY.long) {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(wrong(&COMMAND, format!("--key takes NAME=VALUE; found {}", pair.escape_debug())));
        };
        query.push_str(&format!("&{}={}", escaped(name), escaped(value)));
    }
    Ok(query)
}

fn ask(
    given: &Given,
    host: &dyn Host,
    method: &'static str,
    below: String,
    body: Option<String>,
) -> Result<Option<Value>, Failure> {
    let operator = Operator::of(&COMMAND, given, host, Place::Limits.role(true))?;
    let answer = operator.ask(Asked { method, below, body, near: meant(&operator, given) })?;
    if method == "DELETE" { Ok(None) } else { operator.document(&answer).map(Some) }
}

/// The nearest name of a limit in the file that the gateway is said to run.
fn meant(operator: &Operator<'_>, given: &Given) -> String {
    let (Some(blueprint), Some(name)) = (operator.configuration(), given.value(LIMIT.long)) else {
        return String::new();
    };
    let of_routes = blueprint.policies.iter().flat_map(|policy| &policy.rate_limit.limits);
    let of_plans = blueprint.plans.iter().flat_map(|plan| &plan.limits);
    near(name, of_routes.chain(of_plans).map(|limit| limit.name.as_str()))
}

fn is_json(given: &Given) -> bool {
    given.value(FORMAT.long) == Some("json")
}

fn list(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let Some(document) = ask(given, host, "GET", "/limits".to_owned(), None)? else { return Ok(()) };
    if is_json(given) {
        output::line(host, &document.to_string());
        return Ok(());
    }
    let now = host.now_s().saturating_mul(1_000);
    let rows = |name: &str| of(&document, name).as_array().cloned().unwrap_or_default();
    let limits: Vec<[String; 6]> = rows("limits").iter().map(cells).collect();
    if limits.is_empty() {
        output::line(host, "no route has a limit");
        return Ok(());
    }
    output::text(host, &table::text(&["LIMIT", "RATE", "COUNTED BY", "ROUTES", "PASSED", "REFUSED"], &limits));
    let refused: Vec<[String; 3]> =
        rows("refused_keys").iter().map(|key| ["refused", "limit", "key"].map(|name| word(of(key, name)))).collect();
    if !refused.is_empty() {
        let error = word(of(&document, "refused_error"));
        output::text(host, &format!("\nrefused most within the last hour, each up to {error} less:\n"));
        output::text(host, &table::text(&["REFUSED", "LIMIT", "KEY"], &refused));
    }
    let others: Vec<[String; 6]> = rows("overrides").iter().map(|other| override_cells(other, now)).collect();
    if !others.is_empty() {
        output::text(host, "\n");
        output::text(host, &table::text(&["OVERRIDDEN", "KEY", "TO", "UNTIL", "BY", "REASON"], &others));
    }
    Ok(())
}

/// A member of a document; nothing where there is none.
fn of<'v>(document: &'v Value, name: &str) -> &'v Value {
    document.get(name).unwrap_or(&Value::Null)
}

/// A member as a word: texts without quotes, nothing as a hyphen.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => plain(text),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

fn cells(limit: &Value) -> [String; 6] {
    let mode = if of(limit, "mode") == "shadow" { " (shadow)" } else { "" };
    let rate = format!("{} in {}{mode}", word(of(limit, "limit")), word(of(limit, "window")));
    let texts = |name: &str| {
        of(limit, name).as_array().map(|list| list.iter().map(word).collect::<Vec<_>>()).unwrap_or_default()
    };
    let routes = match texts("routes").as_slice() {
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        [] => "-".to_owned(),
    };
    let counts = of(limit, "counts");
    let refused = if of(limit, "mode") == "shadow" { of(counts, "shadow") } else { of(counts, "refused") };
    [
        word(of(limit, "name")),
        rate,
        texts("counted_by").join(" and "),
        routes,
        word(of(counts, "passed")),
        word(refused),
    ]
}

fn moment(value: &Value, now: u64) -> String {
    let text = word(value);
    time::parse(&text).map_or(text, |moment| time::told(moment, now))
}

fn override_cells(other: &Value, now: u64) -> [String; 6] {
    let [name, key, limit, by, reason] = ["name", "key", "limit", "by", "reason"].map(|name| word(of(other, name)));
    [name, key, limit, moment(of(other, "until"), now), by, reason]
}

fn show(given: &Given, host: &dyn Host, below: &str) -> Result<(), Failure> {
    let Some(document) = ask(given, host, "GET", below.to_owned(), None)? else { return Ok(()) };
    if is_json(given) {
        output::line(host, &document.to_string());
        return Ok(());
    }
    let now = host.now_s().saturating_mul(1_000);
    let [name, key, limit, window, used, leased, left] =
        ["name", "key", "limit", "window", "used", "leased", "left"].map(|name| word(of(&document, name)));
    output::line(host, &format!("{name} of {key}: {left} of {limit} left in {window}, {used} used, {leased} held"));
    if !of(&document, "free_at").is_null() {
        output::line(host, &format!("the next request has room at {}", moment(of(&document, "free_at"), now)));
    }
    let other = of(&document, "override");
    if !other.is_null() {
        let [.., by, reason] = override_cells(other, now);
        output::line(host, &format!("overridden until {} by {by}: {reason}", moment(of(other, "until"), now)));
    }
    Ok(())
}

fn reset(given: &Given, host: &dyn Host, below: &str) -> Result<(), Failure> {
    ask(given, host, "DELETE", below.to_owned(), None)?;
    let said = if is_json(given) { "{\"reset\":true}" } else { "what was counted is forgotten" };
    output::line(host, said);
    Ok(())
}

fn other(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let below = format!("/limits/override?{}", query(given)?);
    if given.has(OFF.long) {
        useless(given, "override --off", &[TO, REASON, FOR, UNTIL])?;
        ask(given, host, "DELETE", below, None)?;
        output::line(host, if is_json(given) { "{\"lifted\":true}" } else { "the limit is its own again" });
        return Ok(());
    }
    let Some(document) = ask(given, host, "PUT", below, Some(body(given)?))? else { return Ok(()) };
    let now = host.now_s().saturating_mul(1_000);
    let [name, key, limit, until, _, reason] = override_cells(&document, now);
    let line = format!("{name} of {key} is {limit} until {until}: {reason}");
    output::line(host, &if is_json(given) { document.to_string() } else { line });
    Ok(())
}

/// The body of the request; the gateway says what is wrong with a value.
fn body(given: &Given) -> Result<String, Failure> {
    let limit = given.value(TO.long).and_then(|text| text.parse::<u32>().ok()).filter(|limit| *limit > 0);
    let Some(limit) = limit else {
        return Err(wrong(&COMMAND, "`override` needs --to N, a whole number from 1 on, or --off"));
    };
    let Some(reason) = given.value(REASON.long) else {
        return Err(wrong(&COMMAND, "`override` needs --reason TEXT, or --off"));
    };
    if given.has(FOR.long) && given.has(UNTIL.long) {
        return Err(wrong(&COMMAND, "expected one of --for and --until"));
    }
    let mut body: Map<String, Value> = Map::new();
    body.insert("limit".to_owned(), limit.into());
    body.insert("reason".to_owned(), reason.into());
    body.extend(given.value(FOR.long).map(|text| ("for".to_owned(), text.into())));
    if let Some(text) = given.value(UNTIL.long) {
        let moment = time::parse(text).map_or_else(|| text.to_owned(), |moment| rfc3339(moment).as_str().to_owned());
        body.insert("until".to_owned(), moment.into());
    }
    Ok(Value::Object(body).to_string())
}
