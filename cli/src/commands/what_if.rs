//! `ferrogate what-if --requests FILE OLD NEW`: which of these requests two files decide differently.

use gateway::explain::what_if;
use serde::Serialize;

use super::diff;
use crate::{
    Failure,
    arguments::Given,
    colours,
    command::{Command, Opt, Takes},
    explaining::{self, Setting},
    findings::json,
    host::{Host, Stream},
    output,
};

pub(super) const COMMAND: Command = Command {
    name: "what-if",
    about: "show which requests two gateway.toml decide differently",
    operands: &[diff::OLD, diff::NEW],
    options: &[
        Opt::value("requests", "FILE", Takes::File, "requests, one JSON object in each line, or a gateway's log lines")
            .required(),
        Opt::value("env", "NAME", Takes::Text, "both as they are in [env.NAME] (default: the files as they stand)"),
        explaining::NOW,
        explaining::VAR,
        explaining::FORMAT,
    ],
    notes: "\
A line is {\"method\": \"GET\", \"url\": \"/v1/x\"}, where \"headers\", \"body_length\", \"claims\" and \"answers\" may be added,
or a log line of a gateway. Nothing is called. Secrets that are not set are replaced and count as equal.
",
    examples: &[
        "ferrogate what-if --requests requests.jsonl gateway.old.toml gateway.toml",
        "ferrogate what-if --requests gateway.log old.toml new.toml --env production --format json",
    ],
    exits: &[
        (0, "every request is decided alike"),
        (1, "some are decided differently"),
        (2, "wrong usage, a file that cannot be used, or a gateway that cannot start"),
    ],
    run,
};

/// The last line in JSON.
#[derive(Serialize)]
struct Counts {
    requests: usize,
    different: usize,
}

fn run(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let setting = Setting::of(&COMMAND, given, host)?;
    let load = || {
        let requests = explaining::requests(host, given.value("requests").unwrap_or_default())?;
        Ok((requests, setting.start(host, diff::old_and_new(given))?))
    };
    let (requests, [old, new]) = explaining::or_trouble(load())?;
    let changed = what_if(&old, &new, &requests, setting.now);
    let counts = Counts { requests: requests.len(), different: changed.len() };
    if given.value("format") == Some("json") {
        let lines: String = changed.iter().map(json::line).collect::<Result<_, _>>()?;
        output::text(host, &[lines, json::line(&counts)?].concat());
    } else {
        let text: String = changed.iter().map(|it| format!("{it}\n\n")).collect();
        output::text(host, &colours::paint(&text, output::style(host, Stream::Out)));
        output::line(host, &in_words(&counts));
    }
    if changed.is_empty() { Ok(()) } else { Err(Failure::Findings(String::new())) }
}

fn in_words(counts: &Counts) -> String {
    let Counts { requests, different } = counts;
    let are = if *different == 1 { "is" } else { "are" };
    format!("{different} of {} {are} decided differently", output::count(*requests, "request"))
}
