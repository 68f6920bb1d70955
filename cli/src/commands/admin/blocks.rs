//! `ferrogate admin block`, `unblock`, `blocked` and `suspicious`: who is not listened to, and who is strange.

use gateway::{
    http::{Millis, timestamp::rfc3339},
    stages::admin::{Place, Role, switches},
};
use serde_json::{Map, Value};

use super::throw::{FOR, REASON, UNTIL};
use crate::{
    Failure,
    arguments::{Given, wrong},
    command::{Command, Operand, Takes},
    explaining::FORMAT,
    host::Host,
    operator::{Asked, CONFIG, ENV, EXITS, NOTES, Operator, URL, escaped, plain},
    output, table, time,
};

const ADDRESS: &[Operand] = &[Operand {
    name: "ADDRESS",
    about: "an address, or a network: 203.0.113.0/24",
    takes: Takes::Text,
    is_required: true,
    is_repeated: false,
}];

pub(crate) const BLOCK: Command = Command {
    name: "admin block",
    about: "refuse all requests of an address or a network for a while",
    operands: ADDRESS,
    options: &[REASON, FOR, UNTIL, URL, CONFIG, ENV, FORMAT],
    notes: NOTES,
    examples: &[
        "ferrogate admin block 192.0.2.66 --reason \"It guesses passwords.\"",
        "ferrogate admin block 203.0.113.0/24 --reason \"Scans.\" --for 1d --url https://api.acme.example",
    ],
    exits: EXITS,
    run: block,
};

pub(crate) const UNBLOCK: Command = Command {
    name: "admin unblock",
    about: "take a block back, and forget what led to it",
    operands: ADDRESS,
    options: &[URL, CONFIG, ENV, FORMAT],
    notes: NOTES,
    examples: &["ferrogate admin unblock 192.0.2.66"],
    exits: EXITS,
    run: unblock,
};

pub(crate) const BLOCKED: Command = Command {
    name: "admin blocked",
    about: "list who is blocked, with reasons and ends",
    operands: &[],
    options: &[URL, CONFIG, ENV, FORMAT],
    notes: NOTES,
    examples: &["ferrogate admin blocked", "ferrogate admin blocked --format json"],
    exits: EXITS,
    run: |given, host| list(&BLOCKED, &BLOCKS, given, host),
};

pub(crate) const SUSPICIOUS: Command = Command {
    name: "admin suspicious",
    about: "list addresses and users that are suspicious",
    operands: &[],
    options: &[URL, CONFIG, ENV, FORMAT],
    notes: NOTES,
    examples: &["ferrogate admin suspicious"],
    exits: EXITS,
    run: |given, host| list(&SUSPICIOUS, &SUSPECTS, given, host),
};

/// A list of the gateway.
struct List {
    path: &'static str,
    /// The member that holds it.
    name: &'static str,
    /// What is said when it is empty.
    none: &'static str,
    heads: [&'static str; 5],
    /// The members in those columns; the last ones are moments.
    members: [&'static str; 5],
}

const BLOCKS: List = List {
    path: "/blocks",
    name: "blocked",
    none: "nobody is blocked",
    heads: ["ADDRESS", "BY", "REASON", "SINCE", "UNTIL"],
    members: ["name", "by", "reason", "since", "until"],
};

const SUSPECTS: List = List {
    path: "/suspicious",
    name: "suspicious",
    none: "nobody is suspicious",
    heads: ["TYPE", "NAME", "REASON", "SINCE", "UNTIL"],
    members: ["type", "name", "reason", "since", "until"],
};

/// As many as the gateway gives at once.
const PAGE: &str = "limit=1000";

fn block(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let body = body(given, host)?;
    let operator = Operator::of(&BLOCK, given, host, Role::Operator)?;
    let answer = operator.ask(Asked { method: "PUT", below: below(given), body: Some(body), near: String::new() })?;
    let document = operator.document(&answer)?;
    if given.value(FORMAT.long) == Some("json") {
        output::line(host, &document.to_string());
        return Ok(());
    }
    let [address, until] = ["name", "until"].map(|name| document.get(name).and_then(Value::as_str));
    let (Some(address), Some(until)) = (address, until) else { return Err(operator.strange(&answer)) };
    let until = moment(until, host.now_s().saturating_mul(1_000));
    output::line(host, &format!("{} is blocked until {until}", plain(address)));
    Ok(())
}

fn unblock(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let operator = Operator::of(&UNBLOCK, given, host, Role::Operator)?;
    operator.ask(Asked { method: "DELETE", below: below(given), body: None, near: String::new() })?;
    let address = given.operand().unwrap_or_default();
    let line = match given.value(FORMAT.long) {
        Some("json") => serde_json::json!({ "address": address, "blocked": false }).to_string(),
        _ => format!("{} is not blocked", plain(address)),
    };
    output::line(host, &line);
    Ok(())
}

fn below(given: &Given) -> String {
    format!("/blocks?address={}", escaped(given.operand().unwrap_or_default()))
}

/// The body of the request, held against the gateway's own rules before anything is sent.
fn body(given: &Given, host: &dyn Host) -> Result<String, Failure> {
    let Some(reason) = given.value(REASON.long) else {
        return Err(wrong(&BLOCK, "`ferrogate admin block` needs --reason TEXT"));
    };
    if given.has(FOR.long) && given.has(UNTIL.long) {
        return Err(wrong(&BLOCK, "expected one of --for and --until"));
    }
    let mut body: Map<String, Value> = Map::new();
    body.insert("reason".to_owned(), reason.into());
    body.extend(given.value(FOR.long).map(|value| ("for".to_owned(), value.into())));
    if let Some(text) = given.value(UNTIL.long) {
        let moment = time::parse(text).map_or_else(|| text.to_owned(), |moment| rfc3339(moment).as_str().to_owned());
        body.insert("until".to_owned(), moment.into());
    }
    let body = Value::Object(body).to_string();
    let Err(problem) = switches::term(body.as_bytes(), host.now_s().saturating_mul(1_000)) else { return Ok(body) };
    let wrongs: Vec<String> = problem
        .errors
        .iter()
        .map(|error| {
            let option = error.field.trim_start_matches('/');
            let found = given.value(option).unwrap_or_default().escape_debug();
            format!("--{option} takes {}; found {found}", error.expected)
        })
        .collect();
    Err(wrong(&BLOCK, wrongs.join("\n")))
}

fn list(command: &'static Command, list: &List, given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let operator = Operator::of(command, given, host, Place::Blocks.role(false))?;
    let all = pages(&operator, list)?;
    if given.value(FORMAT.long) == Some("json") {
        let lines: String = all.iter().map(|one| format!("{one}\n")).collect();
        output::text(host, &lines);
        return Ok(());
    }
    let now = host.now_s().saturating_mul(1_000);
    let text = |one: &Value, name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let cells = |one: &Value| {
        let [first, second, third, since, until] = list.members.map(|name| text(one, name));
        [plain(&first), plain(&second), plain(&third), moment(&since, now), moment(&until, now)]
    };
    match all.iter().map(cells).collect::<Vec<_>>() {
        none if none.is_empty() => output::line(host, list.none),
        rows => output::text(host, &table::text(&list.heads, &rows)),
    }
    Ok(())
}

/// All pages of a list.
fn pages(operator: &Operator<'_>, list: &List) -> Result<Vec<Value>, Failure> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let answer = operator.ask(Asked::get(&format!("{}?{PAGE}{after}", list.path)))?;
        let document = operator.document(&answer)?;
        let some = document.get(list.name).and_then(Value::as_array).ok_or_else(|| operator.strange(&answer))?;
        all.extend(some.iter().cloned());
        let Some(next) = document.get("next").and_then(Value::as_str) else { return Ok(all) };
        let next = format!("&after={}", escaped(next));
        if next == after {
            // What stands still would be asked for ever.
            return Err(operator.strange(&answer));
        }
        after = next;
    }
}

fn moment(text: &str, now: Millis) -> String {
    time::parse(text).map_or_else(|| plain(text), |moment| time::told(moment, now))
}
