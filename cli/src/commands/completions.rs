//! `ferrogate completions SHELL`: what a shell needs to complete command lines, made from the table of commands.

use std::fmt::Write as _;

use super::{COMMANDS, GROUPS, listed, members, starts};
use crate::{
    Failure,
    arguments::Given,
    command::{Command, HELP, Operand, Opt, Takes},
    host::Host,
    output,
};

const SHELLS: Takes = Takes::Words(&["bash", "zsh", "fish"]);

pub(super) const COMMAND: Command = Command {
    name: "completions",
    about: "print completions for a shell",
    operands: &[Operand {
        name: "SHELL",
        about: "bash, zsh or fish",
        takes: SHELLS,
        is_required: true,
        is_repeated: false,
    }],
    options: &[],
    notes: "\
Where they go:
  bash   a line in ~/.bashrc: source <(ferrogate completions bash)
  zsh    a file _ferrogate in a folder of $fpath
  fish   ~/.config/fish/completions/ferrogate.fish
",
    examples: &[
        "source <(ferrogate completions bash)",
        "ferrogate completions fish > ~/.config/fish/completions/ferrogate.fish",
    ],
    exits: &[(0, "done"), (2, "there is no such shell")],
    run,
};

fn run(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let text = match given.operand() {
        Some("bash") => bash(),
        Some("zsh") => zsh(),
        _ => fish(),
    };
    output::text(host, &text);
    Ok(())
}

/// The options of a command, the help among them.
fn options(command: &'static Command) -> impl Iterator<Item = &'static Opt> {
    command.options.iter().chain([&HELP])
}

fn names() -> String {
    starts().join(" ")
}

/// The second words of a group.
fn names_in(group: &str) -> String {
    members(group).map(|(member, _)| member).collect::<Vec<_>>().join(" ")
}

/// The words that can stand somewhere; `None` when they are not from a list.
fn words(takes: Takes) -> Option<String> {
    match takes {
        Takes::Words(words) => Some(words.join(" ")),
        Takes::Command => Some(names()),
        Takes::File | Takes::Folder | Takes::Text => None,
    }
}

// ---- bash ----------------------------------------------------------------------------------------------------------

/// Without `mapfile`: macOS still brings bash 3.2. Names of files are separated by line breaks, words by blanks.
const BASH_START: &str = r#"# Completions of ferrogate for bash.
_ferrogate_words() {
    COMPREPLY=($(compgen -W "$1" -- "$current"))
}
_ferrogate_paths() {
    local IFS=$'\n'
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen "$1" -- "$current"))
}
_ferrogate() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}
    COMPREPLY=()
"#;

fn bash() -> String {
    let mut text = String::from(BASH_START);
    text.push_str("    if [[ $COMP_CWORD -eq 1 ]]; then\n");
    let _ = writeln!(text, "        _ferrogate_words '{} --help --version'\n        return\n    fi", names());
    for (group, _) in GROUPS {
        let _ = writeln!(text, "    if [[ $command == {group} ]]; then");
        let _ = writeln!(text, "        if [[ $COMP_CWORD -eq 2 ]]; then");
        let _ =
            writeln!(text, "            _ferrogate_words '{} --help'\n            return\n        fi", names_in(group));
        text.push_str("        command=\"$command ${COMP_WORDS[2]}\"\n    fi\n");
    }
    text.push_str("    case \"$command $previous\" in\n");
    for command in COMMANDS {
        for option in options(command) {
            let Some((_, takes)) = option.value else { continue };
            let short = option.short.map(|letter| format!("|'{} -{letter}'", command.name)).unwrap_or_default();
            let words = bash_words(takes);
            let _ = writeln!(text, "        '{} --{}'{short}) {words}; return ;;", command.name, option.long);
        }
    }
    text.push_str("    esac\n    if [[ $current == -* ]]; then\n        case \"$command\" in\n");
    for command in COMMANDS {
        let longs: Vec<String> = options(command).map(|option| format!("--{}", option.long)).collect();
        let _ = writeln!(text, "            '{}') _ferrogate_words '{}' ;;", command.name, longs.join(" "));
    }
    text.push_str("        esac\n        return\n    fi\n    case \"$command\" in\n");
    for command in COMMANDS {
        if let Some(operand) = command.operands.first() {
            let _ = writeln!(text, "        '{}') {} ;;", command.name, bash_words(operand.takes));
        }
    }
    text.push_str("    esac\n}\ncomplete -F _ferrogate ferrogate\n");
    text
}

fn bash_words(takes: Takes) -> String {
    match takes {
        Takes::File => "_ferrogate_paths -f".to_owned(),
        Takes::Folder => "_ferrogate_paths -d".to_owned(),
        Takes::Text => ":".to_owned(),
        Takes::Words(_) | Takes::Command => format!("_ferrogate_words '{}'", words(takes).unwrap_or_default()),
    }
}

// ---- zsh -----------------------------------------------------------------------------------------------------------

fn zsh() -> String {
    let mut text = String::from(
        "#compdef ferrogate\n# Completions of ferrogate for zsh.\n_ferrogate() {\n    local -a commands\n    \
         commands=(\n",
    );
    for (name, about) in listed() {
        let _ = writeln!(text, "        '{name}:{}'", quoted(about));
    }
    text.push_str(
        "    )\n    if (( CURRENT == 2 )); then\n        _describe command commands\n        return\n    fi\n",
    );
    text.push_str("    local command=$words[2]\n    shift words\n    (( CURRENT-- ))\n");
    for (group, _) in GROUPS {
        text.push_str(&zsh_group(group));
    }
    text.push_str("    case $command in\n");
    for command in COMMANDS {
        let mut specs: Vec<String> = options(command).map(zsh_option).collect();
        specs.extend(command.operands.iter().map(zsh_operand));
        let _ = writeln!(text, "        '{}') _arguments {} ;;", command.name, specs.join(" "));
    }
    // From a folder of $fpath zsh calls the file itself; elsewhere somebody has sourced it.
    text.push_str("    esac\n}\nif [[ $funcstack[1] == _ferrogate ]]; then _ferrogate \"$@\"\n");
    text.push_str("else compdef _ferrogate ferrogate; fi\n");
    text
}

/// The second word of a group, and from then on both words as the name of the command.
fn zsh_group(group: &str) -> String {
    let mut text = format!("    if [[ $command == {group} ]]; then\n        commands=(\n");
    for (member, command) in members(group) {
        let _ = writeln!(text, "            '{member}:{}'", quoted(command.about));
    }
    text.push_str("        )\n        if (( CURRENT == 2 )); then\n            _describe command commands\n");
    text.push_str("            return\n        fi\n        command=\"$command $words[2]\"\n        shift words\n");
    text.push_str("        (( CURRENT-- ))\n    fi\n");
    text
}

fn zsh_option(option: &Opt) -> String {
    let about = zsh_about(option.about);
    let value = option.value.map(|(name, takes)| format!(":{name}:{}", zsh_words(takes))).unwrap_or_default();
    let repeated = if option.is_repeated { "*" } else { "" };
    let spec = |name: String| format!("'{repeated}{name}[{about}]{value}'");
    let short = option.short.map(|letter| spec(format!("-{letter}")) + " ").unwrap_or_default();
    format!("{short}{}", spec(format!("--{}", option.long)))
}

fn zsh_operand(operand: &Operand) -> String {
    let place = if operand.is_repeated { "*" } else { "1" };
    format!("'{place}:{}:{}'", operand.name, zsh_words(operand.takes))
}

fn zsh_words(takes: Takes) -> String {
    match takes {
        Takes::File => "_files".to_owned(),
        Takes::Folder => "_files -/".to_owned(),
        Takes::Text => String::new(),
        Takes::Words(_) | Takes::Command => format!("({})", words(takes).unwrap_or_default()),
    }
}

/// A description that `_arguments` does not read as part of its own language.
fn zsh_about(text: &str) -> String {
    quoted(text).replace('[', "\\[").replace(']', "\\]").replace(':', "\\:")
}

// ---- fish ----------------------------------------------------------------------------------------------------------

const FISH_START: &str = r#"# Completions of ferrogate for fish.
function __ferrogate_runs
    set -l words (commandline -opc)
    set -e words[1]
    test (count $words) -ge (count $argv); and test "$words[1..(count $argv)]" = "$argv"
end
function __ferrogate_awaits
    set -l words (commandline -opc)
    set -e words[1]
    test "$words" = "$argv"
end
complete -c ferrogate -f
"#;

fn fish() -> String {
    let mut text = String::from(FISH_START);
    for (name, about) in listed() {
        let about = quoted(about);
        let _ = writeln!(text, "complete -c ferrogate -n __fish_use_subcommand -a {name} -d '{about}'");
    }
    for (group, _) in GROUPS {
        for (member, command) in members(group) {
            let about = quoted(command.about);
            let _ = writeln!(text, "complete -c ferrogate -n '__ferrogate_awaits {group}' -a {member} -d '{about}'");
        }
    }
    text.push_str("complete -c ferrogate -n __fish_use_subcommand -l help -s h -d 'print the help'\n");
    text.push_str("complete -c ferrogate -n __fish_use_subcommand -l version -s V -d 'print the version'\n");
    for command in COMMANDS {
        let when = format!("complete -c ferrogate -n '__ferrogate_runs {}'", command.name);
        for option in options(command) {
            let short = option.short.map(|letter| format!(" -s {letter}")).unwrap_or_default();
            let value = option.value.map(|(_, takes)| fish_value(takes)).unwrap_or_default();
            let _ = writeln!(text, "{when} -l {}{short}{value} -d '{}'", option.long, quoted(option.about));
        }
        for operand in command.operands {
            let _ = writeln!(text, "{when}{}", fish_words(operand.takes));
        }
    }
    text
}

/// Something must stand behind the option: a path, or nothing but these words.
fn fish_value(takes: Takes) -> String {
    let how = if matches!(takes, Takes::File | Takes::Folder) { "-r" } else { "-x" };
    format!(" {how}{}", fish_words(takes))
}

fn fish_words(takes: Takes) -> String {
    match takes {
        Takes::File => " -F".to_owned(),
        Takes::Folder => " -a '(__fish_complete_directories)'".to_owned(),
        Takes::Text => String::new(),
        Takes::Words(_) | Takes::Command => format!(" -a '{}'", words(takes).unwrap_or_default()),
    }
}

/// For between single quotes: an apostrophe would end them, and plain texts do without.
fn quoted(text: &str) -> String {
    text.replace('\'', "\u{2019}")
}
