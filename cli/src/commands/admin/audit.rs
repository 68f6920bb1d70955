//! `ferrogate admin audit`: who did what, the newest first; for people, or as an export.

use std::ops::ControlFlow;

use gateway::{
    config::values::duration,
    fleet::audit::reading::{Filters, MOST},
    http::timestamp::rfc3339,
    stages::admin::Place,
};
use serde_json::Value;

use crate::{
    Failure,
    arguments::{Given, wrong},
    command::{Command, Opt, Takes},
    host::Host,
    http::Answer,
    operator::{Asked, CONFIG, ENV, EXITS, NOTES, Operator, URL, escaped, plain},
    output, table, time,
};

const FORMAT: Opt = Opt::value(
    "format",
    "FORMAT",
    Takes::Words(&["table", "json", "csv"]),
    "for people, JSON in lines as `audit verify` takes it, or RFC 4180 (default: table)",
);

pub(crate) const COMMAND: Command = Command {
    name: "admin audit",
    about: "list who did what, the newest first, or export it",
    operands: &[],
    options: &[
        Opt::value("user", "SUBJECT", Takes::Text, "only what this user did"),
        Opt::value("action", "ACTION", Takes::Text, "only this action, or all that begin so: \"order.*\""),
        Opt::value("status", "STATUS", Takes::Words(&["attempt", "success", "failure"]), "only what went so"),
        Opt::value("request", "ID", Takes::Text, "only what this request did"),
        Opt::value(
            "since",
            "TIME",
            Takes::Text,
            "not before: a duration back from now, 1h, or a moment as in RFC 3339",
        ),
        Opt::value("limit", "N", Takes::Text, "at most so many rows (default: 100)"),
        Opt::flag("all", "all rows, however many"),
        FORMAT,
        URL,
        CONFIG,
        ENV,
    ],
    notes: NOTES,
    examples: &[
        "ferrogate admin audit --since 1h",
        "ferrogate admin audit --user ada --action \"switch.*\" --limit 20",
        "ferrogate admin audit --all --format json --url https://api.acme.example > audit.jsonl",
    ],
    exits: EXITS,
    run,
};

/// Rows when nobody says how many.
const DEFAULT_ROWS: u64 = 100;

/// The options that are filters, by their names there.
const FILTERS: [(&str, &str); 4] =
    [("user", "user_id"), ("action", "action"), ("status", "status"), ("request", "request_id")];

fn run(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let filters = filters(given, host)?;
    let most = most(given)?;
    let operator = Operator::of(&COMMAND, given, host, Place::Audit.role(false))?;
    let is_csv = given.value(FORMAT.long) == Some("csv");
    let asked = Pages { filters, form: if is_csv { "csv" } else { "jsonl" }, most };
    let has_more = match given.value(FORMAT.long) {
        Some("csv") => asked.each(&operator, |answer, is_first| print_csv(host, answer, is_first))?,
        Some("json") => asked.each(&operator, |answer, _| print_lines(&operator, host, answer))?,
        _ => {
            let mut cells = Vec::new();
            let has_more = asked.each(&operator, |answer, _| {
                cells.extend(rows(&operator, answer)?.iter().map(shown));
                Ok(())
            })?;
            if cells.is_empty() {
                output::line(host, "there is no such row; a new one can take ten seconds to get through the queue");
            } else {
                output::text(host, &table::text(&HEADS, &cells));
            }
            has_more
        }
    };
    if has_more {
        output::error(host, "ferrogate: there are more; --limit N or --all shows them");
    }
    Ok(())
}

/// The filters as names and values, held against the gateway's own rules.
fn filters(given: &Given, host: &dyn Host) -> Result<Vec<(&'static str, String)>, Failure> {
    let value = |(option, name): &(&str, &'static str)| Some((*name, given.value(option)?.to_owned()));
    let mut filters: Vec<(&'static str, String)> = FILTERS.iter().filter_map(value).collect();
    if let Some(text) = given.value("since") {
        filters.push(("from", since(text, host)?));
    }
    match Filters::read(filters.iter().map(|(name, value)| (*name, value.as_str()))) {
        Ok(_) => Ok(filters),
        Err(unusable) => {
            let option = FILTERS.iter().find(|(_, name)| *name == unusable.name).map_or("since", |(option, _)| option);
            let found = given.value(option).unwrap_or_default().escape_debug();
            Err(wrong(&COMMAND, format!("--{option} takes {}; found {found}", unusable.expected)))
        }
    }
}

fn since(text: &str, host: &dyn Host) -> Result<String, Failure> {
    let now = host.now_s().saturating_mul(1_000);
    let back = duration::parse(text).ok().map(|ms| now.saturating_sub(ms));
    let moment = back.or_else(|| time::parse(text)).ok_or_else(|| {
        let found = text.escape_debug();
        wrong(
            &COMMAND,
            format!("--since takes a duration like 1h or a moment like 2026-11-21T18:00:00Z; found {found}"),
        )
    })?;
    Ok(rfc3339(moment).as_str().to_owned())
}

/// How many rows are wanted; `None`: all.
fn most(given: &Given) -> Result<Option<u64>, Failure> {
    match (given.has("all"), given.value("limit")) {
        (true, Some(_)) => Err(wrong(&COMMAND, "expected one of --all and --limit")),
        (true, None) => Ok(None),
        (false, None) => Ok(Some(DEFAULT_ROWS)),
        (false, Some(text)) => text.parse().ok().filter(|limit| *limit > 0).map(Some).ok_or_else(|| {
            wrong(&COMMAND, format!("--limit takes a whole number from 1 on; found {}", text.escape_debug()))
        }),
    }
}

/// Rows in pages, as the gateway gives them.
struct Pages {
    filters: Vec<(&'static str, String)>,
    form: &'static str,
    most: Option<u64>,
}

impl Pages {
    /// Takes one page after the other, until there is no more or there are enough. Says whether there are more.
    fn each(
        &self,
        operator: &Operator<'_>,
        mut take: impl FnMut(&Answer, bool) -> Result<(), Failure>,
    ) -> Result<bool, Failure> {
        let (mut left, mut cursor, mut is_first) = (self.most, None::<String>, true);
        loop {
            let limit = left.map_or(MOST, |left| left.min(MOST));
            let answer = operator.ask(Asked::get(&self.path(limit, cursor.as_deref())))?;
            take(&answer, is_first)?;
            is_first = false;
            left = left.map(|left| left.saturating_sub(limit));
            match self.next(operator, &answer, left, cursor.as_deref())? {
                ControlFlow::Continue(next) => cursor = Some(next),
                ControlFlow::Break(has_more) => return Ok(has_more),
            }
        }
    }

    fn next(
        &self,
        operator: &Operator<'_>,
        answer: &Answer,
        left: Option<u64>,
        cursor: Option<&str>,
    ) -> Result<ControlFlow<bool, String>, Failure> {
        match answer.header("x-next-cursor") {
            None => Ok(ControlFlow::Break(false)),
            Some(_) if left == Some(0) => Ok(ControlFlow::Break(true)),
            // What stands still would be asked for ever.
            Some(next) if Some(next) == cursor => Err(operator.strange(answer)),
            Some(next) => Ok(ControlFlow::Continue(next.to_owned())),
        }
    }

    fn path(&self, limit: u64, cursor: Option<&str>) -> String {
        let mut path = format!("/audit?format={}&limit={limit}", self.form);
        for (name, value) in &self.filters {
            path.push_str(&format!("&{name}={}", escaped(value)));
        }
        cursor.map_or(path.clone(), |cursor| format!("{path}&cursor={}", escaped(cursor)))
    }
}

/// Pages of CSV have a head each, and an export has one.
fn print_csv(host: &dyn Host, answer: &Answer, is_first: bool) -> Result<(), Failure> {
    let rest = || answer.body.split_once("\r\n").map_or("", |(_, rest)| rest);
    let text = if is_first { answer.body.as_str() } else { rest() };
    let is_shown = |character: char| !character.is_control() || "\r\n\t".contains(character);
    let text: String = text.chars().map(|it| if is_shown(it) { it } else { char::REPLACEMENT_CHARACTER }).collect();
    output::text(host, &text);
    Ok(())
}

fn print_lines(operator: &Operator<'_>, host: &dyn Host, answer: &Answer) -> Result<(), Failure> {
    rows(operator, answer)?;
    for line in answer.body.lines() {
        output::line(host, &plain(line));
    }
    Ok(())
}

/// The rows of an answer in lines of JSON.
fn rows(operator: &Operator<'_>, answer: &Answer) -> Result<Vec<Value>, Failure> {
    let row = |line: &str| serde_json::from_str(line).ok().filter(Value::is_object);
    let rows: Option<Vec<Value>> = answer.body.lines().map(row).collect();
    rows.ok_or_else(|| operator.strange(answer))
}

const HEADS: [&str; 7] = ["TIME", "ACTION", "STATUS", "USER", "ADDRESS", "RESOURCE", "ERROR"];

fn shown(row: &Value) -> [String; 7] {
    let text = |name: &str| row.get(name).and_then(Value::as_str).map(plain).unwrap_or_default();
    let resource = [text("resource_type"), text("resource_id")];
    let resource = resource.iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ");
    let names = ["timestamp", "action", "status", "user_id", "ip_address"];
    let [time, action, status, user, address] = names.map(text);
    [time, action, status, user, address, resource, text("error_message")]
}
