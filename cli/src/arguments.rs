//! Reads the words of a command line by the table of a command.
//!
//! Nothing is guessed: an option that the command does not have is an error that names the nearest one it has.

use gateway::config::diagnostics::nearest::nearest;
use lexopt::{Arg, Parser, ValueExt};

use crate::{
    Failure,
    command::{Command, HELP, Opt, Takes},
};

/// What somebody has given a command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Given {
    operands: Vec<String>,
    options: Vec<(&'static str, String)>,
    asks_for_help: bool,
}

impl Given {
    /// Whether it is asked what the command does.
    pub(crate) fn asks_for_help(&self) -> bool {
        self.asks_for_help
    }

    /// The operands in their order.
    pub(crate) fn operands(&self) -> &[String] {
        &self.operands
    }

    /// The first operand; a command that requires one has it.
    pub(crate) fn operand(&self) -> Option<&str> {
        self.operands.first().map(String::as_str)
    }

    /// Whether an option is there.
    pub(crate) fn has(&self, long: &str) -> bool {
        self.value(long).is_some()
    }

    /// The value of an option.
    pub(crate) fn value(&self, long: &str) -> Option<&str> {
        self.values(long).next()
    }

    /// The values of an option that may be repeated.
    pub(crate) fn values(&self, long: &str) -> impl Iterator<Item = &str> {
        self.options.iter().filter(move |(name, _)| *name == long).map(|(_, value)| value.as_str())
    }
}

/// Reads what follows the name of a command.
pub(crate) fn parse(command: &'static Command, words: &[String]) -> Result<Given, Failure> {
    let mut parser = Parser::from_args(words);
    let mut given = Given::default();
    while let Some(argument) = parser.next().map_err(|error| wrong(command, error.to_string()))? {
        let option = match argument {
            Arg::Value(word) => {
                given.operands.push(operand(command, &given, word)?);
                continue;
            }
            Arg::Long(name) => find(command, |option| option.long == name).ok_or_else(|| unknown_long(command, name)),
            Arg::Short(letter) => find(command, |option| option.short == Some(letter))
                .ok_or_else(|| wrong(command, format!("there is no option -{letter}"))),
        }?;
        if option.long == HELP.long {
            return Ok(Given { asks_for_help: true, ..Given::default() });
        }
        if given.has(option.long) && !option.is_repeated {
            return Err(wrong(command, format!("--{} stands here twice", option.long)));
        }
        let value = value(command, option, &mut parser)?;
        given.options.push((option.long, value));
    }
    complete(command, given)
}

fn find(command: &'static Command, fits: impl Fn(&Opt) -> bool) -> Option<&'static Opt> {
    command.options.iter().chain([&HELP]).find(|option| fits(option))
}

fn operand(command: &Command, given: &Given, word: std::ffi::OsString) -> Result<String, Failure> {
    let word = word.string().map_err(|error| wrong(command, error.to_string()))?;
    let repeated = command.operands.last().filter(|last| last.is_repeated);
    let Some(operand) = command.operands.get(given.operands.len()).or(repeated) else {
        return Err(wrong(command, format!("unexpected argument {word}")));
    };
    check(command, operand.name, operand.takes, &word)?;
    Ok(word)
}

fn value(command: &Command, option: &Opt, parser: &mut Parser) -> Result<String, Failure> {
    let Some((_, takes)) = option.value else { return Ok(String::new()) };
    let word = parser.value().and_then(|value| value.string());
    let word = word.map_err(|error| wrong(command, error.to_string()))?;
    check(command, &format!("--{}", option.long), takes, &word)?;
    Ok(word)
}

/// Whether a word is one of those that can stand there.
fn check(command: &Command, what: &str, takes: Takes, word: &str) -> Result<(), Failure> {
    let Takes::Words(known) = takes else { return Ok(()) };
    if known.contains(&word) {
        return Ok(());
    }
    let hint = did_you_mean(word, known.iter().copied());
    Err(wrong(command, format!("{what} takes {}; found {word}{hint}", known.join(", "))))
}

/// What a command cannot do without is there.
fn complete(command: &Command, given: Given) -> Result<Given, Failure> {
    let operands = command.operands.iter().enumerate().filter(|(_, operand)| operand.is_required);
    let mut lacking =
        operands.filter(|(index, _)| given.operands.len() <= *index).map(|(_, operand)| operand.name.to_owned());
    let mut options = command.options.iter().filter(|option| option.is_required && !given.has(option.long));
    match lacking.next().or_else(|| options.next().map(Opt::shown)) {
        Some(what) => Err(wrong(command, format!("`ferrogate {}` needs {what}", command.name))),
        None => Ok(given),
    }
}

/// Wrong usage of a command.
pub(crate) fn wrong(command: &Command, message: impl AsRef<str>) -> Failure {
    Failure::Usage(format!("{}\ntry `ferrogate {} --help`", message.as_ref(), command.name))
}

fn unknown_long(command: &'static Command, name: &str) -> Failure {
    let found = format!("--{name}");
    let known: Vec<String> = command.options.iter().chain([&HELP]).map(|option| format!("--{}", option.long)).collect();
    let hint = did_you_mean(&found, known.iter().map(String::as_str));
    wrong(command, format!("there is no option {found}{hint}"))
}

/// The nearest of the words that exist, as the end of a message; empty when none is near.
pub(crate) fn did_you_mean<'k>(found: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    nearest(found, known).map(|name| format!("; did you mean {name}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands;

    fn parsed(line: &str) -> Result<Given, Failure> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let (command, rest) = commands::find(&words)?;
        parse(command, rest)
    }

    fn refused(line: &str) -> String {
        match parsed(line) {
            Err(Failure::Usage(message)) => message,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn options_and_operands_come_in_any_order() {
        for line in ["compile a.toml --out b.bin", "compile --out=b.bin a.toml", "compile -o b.bin -- a.toml"] {
            let given = parsed(line).unwrap();
            assert_eq!((given.operand(), given.value("out")), (Some("a.toml"), Some("b.bin")), "{line}");
        }
    }

    #[test]
    fn what_may_be_repeated_is_kept_in_order() {
        let given = parsed("check a --vars x b --deny-warnings --vars=y").unwrap();
        assert_eq!(given.operands(), ["a", "b"]);
        assert_eq!(given.values("vars").collect::<Vec<_>>(), ["x", "y"]);
        assert!(given.has("deny-warnings") && !given.has("format"));
    }

    #[test]
    fn help_is_given_wherever_it_is_asked_for() {
        for line in ["compile --help", "check -h", "token --help", "check a --format json -h"] {
            assert!(parsed(line).unwrap().asks_for_help(), "{line}");
        }
    }

    #[test]
    fn wrong_usage_is_explained() {
        let cases = [
            ("chek", "did you mean check?"),
            ("check", "needs FILE"),
            ("routes a b", "unexpected argument b"),
            ("compile a", "needs --out PATH"),
            ("compile a --output b", "there is no option --output"),
            ("compile a --oot b", "did you mean --out?"),
            ("compile a --out b -o c", "--out stands here twice"),
            ("compile a --out", "--out"),
            ("check a -x", "there is no option -x"),
            ("check a --format jsn", "--format takes text, json, sarif; found jsn; did you mean json?"),
            ("check a --deny-warnings=yes", "--deny-warnings"),
            ("token", "needs --config FILE"),
            ("token --config a --tll 1h", "did you mean --ttl?"),
            ("token --config a --secret x", "there is no option --secret"),
            ("completions zhs", "SHELL takes bash, zsh, fish; found zhs; did you mean zsh?"),
        ];
        for (line, message) in cases {
            assert!(refused(line).contains(message), "{line}: {}", refused(line));
        }
    }
}
