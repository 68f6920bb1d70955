//! `ferrogate admin switches`: what is stopped, by whom, why and until when. Also how a switch is told.

use gateway::{http::Millis, stages::admin::Role};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    Failure,
    arguments::Given,
    command::Command,
    explaining::FORMAT,
    host::Host,
    operator::{Asked, CONFIG, ENV, EXITS, NOTES, Operator, URL, plain},
    output, table, time,
};

pub(crate) const COMMAND: Command = Command {
    name: "admin switches",
    about: "list the switches that are thrown, with reasons and ends",
    operands: &[],
    options: &[URL, CONFIG, ENV, FORMAT],
    notes: NOTES,
    examples: &["ferrogate admin switches", "ferrogate admin switches --url https://api.acme.example --format json"],
    exits: EXITS,
    run,
};

/// A switch as the gateway tells it.
#[derive(Deserialize)]
pub(super) struct Switch {
    kind: String,
    scope: String,
    reason: String,
    by: String,
    since: String,
    until: String,
}

fn run(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let operator = Operator::of(&COMMAND, given, host, Role::Viewer)?;
    let answer = operator.ask(Asked::get("/switches"))?;
    let document = operator.document(&answer)?;
    let thrown = document.get("switches").and_then(Value::as_array).ok_or_else(|| operator.strange(&answer))?;
    if given.value(FORMAT.long) == Some("json") {
        let lines: String = thrown.iter().map(|switch| format!("{switch}\n")).collect();
        output::text(host, &lines);
        return Ok(());
    }
    let now = host.now_s().saturating_mul(1_000);
    let rows: Option<Vec<[String; 6]>> = thrown.iter().map(|switch| Some(Switch::of(switch)?.cells(now))).collect();
    match rows.ok_or_else(|| operator.strange(&answer))? {
        none if none.is_empty() => output::line(host, "no switch is thrown"),
        rows => output::text(host, &table::text(&HEADS, &rows)),
    }
    Ok(())
}

impl Switch {
    /// From the document that the gateway sends.
    pub(super) fn of(document: &Value) -> Option<Self> {
        Self::deserialize(document).ok()
    }

    /// In a line: `kill of the whole gateway until 2026-11-21T18:00:00Z, in 10 min: A leak.`
    pub(super) fn line(&self, now: Millis) -> String {
        let (kind, scope, reason) = (plain(&self.kind), scope(&self.scope), plain(&self.reason));
        format!("{kind} of {scope} until {}: {reason}", moment(&self.until, now))
    }

    fn cells(&self, now: Millis) -> [String; 6] {
        [
            plain(&self.kind),
            plain(&self.scope),
            moment(&self.since, now),
            moment(&self.until, now),
            plain(&self.by),
            plain(&self.reason),
        ]
    }
}

/// `tag:orders` as part of a sentence.
pub(super) fn scope(text: &str) -> String {
    match text.split_once(':') {
        Some((kind, name)) => format!("{} {}", plain(kind), plain(name)),
        None => "the whole gateway".to_owned(),
    }
}

fn moment(text: &str, now: Millis) -> String {
    time::parse(text).map_or_else(|| plain(text), |moment| time::told(moment, now))
}

const HEADS: [&str; 6] = ["SWITCH", "SCOPE", "SINCE", "UNTIL", "BY", "REASON"];
