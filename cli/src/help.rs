//! What `--help` prints, made from the table of commands.

use std::fmt::Write as _;

use crate::{
    command::{Command, HELP, Opt, Takes},
    commands::{COMMANDS, GROUPS, listed, members},
};

/// Of the whole program.
pub(crate) fn program() -> String {
    let mut text = String::from(
        "Ferrogate: an API gateway in one Cloudflare Worker.\n\nUsage:\n  ferrogate COMMAND [ARGUMENTS]\n\nCommands:\n",
    );
    let rows: Vec<(String, &str)> = listed().map(|(name, about)| (name.to_owned(), about)).collect();
    text.push_str(&columns(&rows));
    text.push_str("\nOptions:\n");
    let rows = [
        ("-h, --help".to_owned(), "print this; behind a command, what the command does"),
        ("-V, --version".to_owned(), "print the version"),
    ];
    text.push_str(&columns(&rows));
    text.push_str("\nExamples:\n");
    for (name, _) in listed() {
        let first = COMMANDS.iter().find(|command| command.start() == name);
        if let Some(example) = first.and_then(|command| command.examples.first()) {
            let _ = writeln!(text, "  {example}");
        }
    }
    text.push_str(
        "\nExit codes:\n  0  done\n  1  something is wrong with the configuration or the environment, or a gateway refuses\n  \
         2  wrong usage, a file that cannot be used, or a gateway that does not answer\n\nColours are for terminals; NO_COLOR=1 switches them off.\n",
    );
    text
}

/// Of a group of commands.
pub(crate) fn group(name: &str) -> String {
    let about = GROUPS.iter().find(|(group, _)| *group == name).map_or("", |(_, about)| about);
    let mut text =
        format!("ferrogate {name}: {about}\n\nUsage:\n  ferrogate {name} COMMAND [ARGUMENTS]\n\nCommands:\n");
    let rows: Vec<(String, &str)> = members(name).map(|(member, it)| (member.to_owned(), it.about)).collect();
    text.push_str(&columns(&rows));
    text.push_str("\nOptions:\n");
    text.push_str(&columns(&[("-h, --help".to_owned(), "print this; behind a command, what the command does")]));
    text.push_str("\nExamples:\n");
    for example in members(name).filter_map(|(_, command)| command.examples.first()) {
        let _ = writeln!(text, "  {example}");
    }
    text
}

/// Of one command.
pub(crate) fn command(command: &Command) -> String {
    let mut text = format!("ferrogate {}: {}\n\nUsage:\n  {}\n", command.name, command.about, usage(command));
    let operands: Vec<(String, &str)> = command.operands.iter().map(|it| (it.name.to_owned(), it.about)).collect();
    if !operands.is_empty() {
        text.push_str("\nArguments:\n");
        text.push_str(&columns(&operands));
    }
    text.push_str("\nOptions:\n");
    let options: Vec<(String, &str)> =
        command.options.iter().chain([&HELP]).map(|option| (option_column(option), option.about)).collect();
    text.push_str(&columns(&options));
    if !command.notes.is_empty() {
        text.push('\n');
        text.push_str(command.notes);
    }
    text.push_str("\nExamples:\n");
    for example in command.examples {
        let _ = writeln!(text, "  {example}");
    }
    text.push_str("\nExit codes:\n");
    for (code, meaning) in command.exits {
        let _ = writeln!(text, "  {code}  {meaning}");
    }
    text
}

fn usage(command: &Command) -> String {
    let mut words = vec!["ferrogate".to_owned(), command.name.to_owned()];
    words.extend(command.operands.iter().map(|operand| operand.shown()));
    words.extend(command.options.iter().filter(|option| option.is_required).map(Opt::shown));
    if command.options.iter().any(|option| !option.is_required) {
        words.push("[OPTIONS]".to_owned());
    }
    words.join(" ")
}

fn option_column(option: &Opt) -> String {
    let short = option.short.map(|letter| format!("-{letter}, ")).unwrap_or_default();
    match option.value {
        Some((_, Takes::Words(words))) => format!("{short}--{} {}", option.long, words.join("|")),
        _ => format!("{short}{}", option.shown()),
    }
}

fn columns(rows: &[(String, &str)]) -> String {
    let width = rows.iter().map(|(left, _)| left.chars().count()).max().unwrap_or_default();
    rows.iter().map(|(left, right)| format!("  {left:width$}  {right}\n")).collect()
}
