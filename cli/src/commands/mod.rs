//! The commands, one file each: its table, and what it does. A new command is a file and a line here.

mod audit;
mod check;
mod compile;
mod completions;
mod diff;
mod explain;
mod explain_token;
mod help;
mod init;
mod routes;
mod token;
mod variables;
mod what_if;

use crate::{
    Failure,
    arguments::{self, did_you_mean},
    command::Command,
    help as texts,
    host::Host,
    output,
};

/// All of them, in the order in which one meets them.
pub(crate) const COMMANDS: &[&Command] = &[
    &init::COMMAND,
    &check::COMMAND,
    &routes::COMMAND,
    &variables::COMMAND,
    &explain::COMMAND,
    &diff::COMMAND,
    &what_if::COMMAND,
    &compile::COMMAND,
    &token::COMMAND,
    &explain_token::COMMAND,
    &audit::COMMAND,
    &completions::COMMAND,
    &help::COMMAND,
];

/// Finds the command, reads its arguments, runs it.
pub(crate) fn dispatch(words: Vec<String>, host: &dyn Host) -> Result<(), Failure> {
    let Some((first, rest)) = words.split_first() else {
        let names: Vec<&str> = COMMANDS.iter().map(|command| command.name).collect();
        return Err(wrong(format!("a command is missing: {}", names.join(", "))));
    };
    match first.as_str() {
        "-h" | "--help" => output::text(host, &texts::program()),
        "-V" | "--version" => output::line(host, concat!("ferrogate ", env!("CARGO_PKG_VERSION"))),
        option if option.starts_with('-') => {
            return Err(wrong(format!("there is no option {option}{}", did_you_mean(option, ["--help", "--version"]))));
        }
        name => return run(find(name)?, rest, host),
    }
    Ok(())
}

/// The command of a name.
pub(crate) fn find(name: &str) -> Result<&'static Command, Failure> {
    let found = COMMANDS.iter().copied().find(|command| command.name == name);
    found.ok_or_else(|| {
        let hint = did_you_mean(name, COMMANDS.iter().map(|command| command.name));
        wrong(format!("there is no command {name}{hint}"))
    })
}

fn run(command: &'static Command, words: &[String], host: &dyn Host) -> Result<(), Failure> {
    let given = arguments::parse(command, words)?;
    if given.asks_for_help() {
        output::text(host, &texts::command(command));
        return Ok(());
    }
    (command.run)(&given, host)
}

fn wrong(message: String) -> Failure {
    Failure::Usage(format!("{message}\ntry `ferrogate --help`"))
}
