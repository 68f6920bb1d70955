//! `ferrogate admin signals`: how far the isolate that answers knows the log of changes.

use gateway::stages::admin::Role;
use serde_json::Value;

use crate::{
    Failure,
    arguments::Given,
    command::Command,
    explaining::FORMAT,
    host::Host,
    operator::{Asked, CONFIG, ENV, EXITS, NOTES, Operator, URL, plain},
    output,
};

pub(crate) const COMMAND: Command = Command {
    name: "admin signals",
    about: "say how far the log of changes has come, as the gateway knows it",
    operands: &[],
    options: &[URL, CONFIG, ENV, FORMAT],
    notes: NOTES,
    examples: &["ferrogate admin signals", "ferrogate admin signals --url https://api.acme.example --format json"],
    exits: EXITS,
    run,
};

/// What is told, in this order.
const MEMBERS: [(&str, &str); 3] =
    [("log", "which log"), ("sequence", "changes so far"), ("switches", "switches thrown")];

fn run(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let operator = Operator::of(&COMMAND, given, host, Role::Viewer)?;
    let answer = operator.ask(Asked::get("/signals"))?;
    let document = operator.document(&answer)?;
    if given.value(FORMAT.long) == Some("json") {
        output::line(host, &document.to_string());
        return Ok(());
    }
    for (name, words) in MEMBERS {
        let value = match document.get(name) {
            Some(Value::String(text)) => plain(text),
            Some(Value::Number(number)) => number.to_string(),
            _ => return Err(operator.strange(&answer)),
        };
        output::line(host, &format!("{words:15}  {value}"));
    }
    Ok(())
}
