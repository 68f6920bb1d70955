//! The commands, one file each: its table, and what it does. A new command is a file and a line here. One of a group has
//! two words for its name, the first of which is that of the group.

mod admin;
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
    &admin::KILL,
    &admin::DRAIN,
    &admin::MAINTENANCE,
    &admin::SWITCHES,
    &admin::SIGNALS,
    &admin::LIMITS,
    &admin::BLOCK,
    &admin::UNBLOCK,
    &admin::BLOCKED,
    &admin::SUSPICIOUS,
    &admin::AUDIT,
    &audit::COMMAND,
    &completions::COMMAND,
    &help::COMMAND,
];

/// The groups of commands, and what theirs do.
pub(crate) const GROUPS: &[(&str, &str)] = &[
    (
        "admin",
        "ask a gateway that runs, as its operator: stop requests, see what is stopped, who is refused and who did what",
    ),
    ("audit", "check that nobody has changed an audit log"),
];

/// What the first words of a command line name.
enum Named<'w> {
    /// A command, and what follows its name.
    Command(&'static Command, &'w [String]),
    /// A group: it is asked what is in it.
    Group(&'static str),
}

/// Finds the command, reads its arguments, runs it.
pub(crate) fn dispatch(words: Vec<String>, host: &dyn Host) -> Result<(), Failure> {
    let Some(first) = words.first() else {
        return Err(wrong(format!("a command is missing: {}", starts().join(", "))));
    };
    match first.as_str() {
        "-h" | "--help" => output::text(host, &texts::program()),
        "-V" | "--version" => output::line(host, concat!("ferrogate ", env!("CARGO_PKG_VERSION"))),
        option if option.starts_with('-') => {
            return Err(wrong(format!("there is no option {option}{}", did_you_mean(option, ["--help", "--version"]))));
        }
        _ => match named(&words)? {
            Named::Command(command, rest) => return run(command, rest, host),
            Named::Group(group) => output::text(host, &texts::group(group)),
        },
    }
    Ok(())
}

/// What commands begin with: names of commands and of groups, each once.
pub(crate) fn starts() -> Vec<&'static str> {
    let mut names: Vec<&str> = COMMANDS.iter().map(|command| command.start()).collect();
    names.dedup();
    names
}

/// What commands begin with, and what those do.
pub(crate) fn listed() -> impl Iterator<Item = (&'static str, &'static str)> {
    let alone = |name: &str| COMMANDS.iter().find(|command| command.name == name).map(|command| command.about);
    let group = |name: &str| GROUPS.iter().find(|(group, _)| *group == name).map(|(_, about)| *about);
    starts().into_iter().filter_map(move |name| Some((name, alone(name).or_else(|| group(name))?)))
}

/// The commands of a group.
pub(crate) fn members(group: &str) -> impl Iterator<Item = (&'static str, &'static Command)> {
    COMMANDS.iter().filter_map(move |command| {
        let (of, member) = command.name.split_once(' ')?;
        (of == group).then_some((member, *command))
    })
}

/// The command that some words begin with, and what follows its name.
pub(crate) fn find(words: &[String]) -> Result<(&'static Command, &[String]), Failure> {
    match named(words)? {
        Named::Command(command, rest) => Ok((command, rest)),
        Named::Group(group) => Err(missing(group)),
    }
}

/// What the program says of a command or a group, by its words.
pub(crate) fn help_of(words: &[String]) -> Result<String, Failure> {
    if let [group] = words
        && members(group).next().is_some()
    {
        return Ok(texts::group(group));
    }
    match find(words)? {
        (command, []) => Ok(texts::command(command)),
        (command, [word, ..]) => Err(wrong(format!("`{}` is a command by itself, without {word}", command.name))),
    }
}

fn named(words: &[String]) -> Result<Named<'_>, Failure> {
    let (first, rest) = words.split_first().map_or(("", words), |(first, rest)| (first.as_str(), rest));
    if let Some(command) = COMMANDS.iter().find(|command| command.name == first) {
        return Ok(Named::Command(command, rest));
    }
    let Some((group, _)) = GROUPS.iter().find(|(group, _)| *group == first) else {
        return Err(wrong(format!("there is no command {first}{}", did_you_mean(first, starts()))));
    };
    let Some((second, rest)) = rest.split_first() else { return Err(missing(group)) };
    if second == "-h" || second == "--help" {
        return Ok(Named::Group(group));
    }
    let found = members(group).find(|(member, _)| member == second);
    found.map(|(_, command)| Named::Command(command, rest)).ok_or_else(|| {
        let hint = did_you_mean(second, members(group).map(|(member, _)| member));
        Failure::Usage(format!("there is no command {group} {second}{hint}\ntry `ferrogate {group} --help`"))
    })
}

fn missing(group: &str) -> Failure {
    let names: Vec<&str> = members(group).map(|(member, _)| member).collect();
    let names = names.join(", ");
    Failure::Usage(format!("a command is missing behind {group}: {names}\ntry `ferrogate {group} --help`"))
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
