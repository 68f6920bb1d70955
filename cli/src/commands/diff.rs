//! `ferrogate diff OLD NEW`: what two files mean differently. What is compared, and what makes no difference, is
//! decided by `gateway::explain::diff`.

use gateway::explain::diff;

use crate::{
    Failure,
    arguments::Given,
    colours,
    command::{Command, Operand, Opt, Takes},
    configuration, explaining,
    findings::json,
    host::{Host, Stream},
    output,
};

pub(super) const COMMAND: Command = Command {
    name: "diff",
    about: "show what differs in meaning between two gateway.toml",
    operands: &[OLD, NEW],
    options: &[
        Opt::value("env", "NAME", Takes::Text, "as both are in [env.NAME] (default: the files as they stand)"),
        explaining::FORMAT,
    ],
    notes: "\
Shown is what a request would notice and what the Worker must be given. The order in the file, the names of policies,
issuers and parameters, tags and comments make no difference. Values of variables are not known and not needed.
+ was added, - was removed, ~ has changed.
",
    examples: &[
        "ferrogate diff gateway.old.toml gateway.toml",
        "git show main:gateway.toml > /tmp/main.toml; ferrogate diff /tmp/main.toml gateway.toml --env production",
    ],
    exits: &[
        (0, "nothing differs in meaning"),
        (1, "something does"),
        (2, "wrong usage, a file that cannot be used, or one that does not compile"),
    ],
    run,
};

/// The gateway.toml that holds now.
pub(super) const OLD: Operand = Operand {
    name: "OLD",
    about: "the gateway.toml as it was",
    takes: Takes::File,
    is_required: true,
    is_repeated: false,
};

/// The gateway.toml that is to hold.
pub(super) const NEW: Operand = Operand {
    name: "NEW",
    about: "the gateway.toml as it is to be",
    takes: Takes::File,
    is_required: true,
    is_repeated: false,
};

fn run(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let [old, new] = old_and_new(given);
    let load = |file| explaining::or_trouble(configuration::environment(host, file, given.value("env")));
    let (old, new) = (load(old)?, load(new)?);
    let differences = diff(&old.blueprint, &new.blueprint);
    if given.value("format") == Some("json") {
        let lines: String = differences.iter().map(json::line).collect::<Result<_, _>>()?;
        output::text(host, &lines);
    } else if differences.is_empty() {
        output::line(host, "nothing differs in meaning");
    } else {
        let text: String = differences.iter().map(|it| format!("{it}\n")).collect();
        output::text(host, &colours::paint(&text, output::style(host, Stream::Out)));
    }
    if differences.is_empty() { Ok(()) } else { Err(Failure::Findings(String::new())) }
}

/// The files to compare; the table requires both.
pub(super) fn old_and_new(given: &Given) -> [&str; 2] {
    let operand = |index: usize| given.operands().get(index).map(String::as_str).unwrap_or_default();
    [operand(0), operand(1)]
}
