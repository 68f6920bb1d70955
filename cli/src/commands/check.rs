//! `ferrogate check FILE...`: the findings of the compiler, and nothing written.

use gateway::{
    blueprint::compile::Compiled,
    config::diagnostics::{Diagnostic, has_errors},
};

use crate::{
    Failure,
    arguments::Given,
    command::{Command, Operand, Opt, Takes},
    configuration,
    findings::{json, sarif},
    host::Host,
    output, variables,
};

pub(super) const COMMAND: Command = Command {
    name: "check",
    about: "report what is wrong with a gateway.toml, write nothing",
    operands: &[Operand {
        name: "FILE",
        about: "the gateway.toml, or several of them",
        takes: Takes::File,
        is_required: true,
        is_repeated: true,
    }],
    options: &[
        Opt::value(
            "format",
            "FORMAT",
            Takes::Words(&["text", "json", "sarif"]),
            "how findings are told (default: text)",
        ),
        Opt::value(
            "vars",
            "FILE",
            Takes::File,
            "one more file with variables, like .dev.vars or wrangler.toml; may be repeated",
        )
        .repeated(),
        Opt::flag("deny-warnings", "end with 1 when there are warnings, too"),
    ],
    notes: "\
Formats:
  text   for people: findings on standard error, a line about each good file on standard output
  json   one object in one line for each finding, on standard output
  sarif  one SARIF 2.1.0 log on standard output, for code scanning

When .dev.vars, .dev.vars.example or wrangler.toml stands beside FILE, a variable that none of them names is a
warning. Only names are read.
",
    examples: &[
        "ferrogate check gateway.toml",
        "ferrogate check gateway.toml --deny-warnings",
        "ferrogate check --format sarif gateway.toml > ferrogate.sarif",
    ],
    exits: &[
        (0, "every file compiles; there may be warnings"),
        (1, "some file has errors, or warnings with --deny-warnings"),
        (2, "wrong usage, or a file that cannot be read"),
    ],
    run,
};

/// Checks files.
fn run(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let more: Vec<&str> = given.values("vars").collect();
    let checked: Vec<Checked<'_>> = given.operands().iter().map(|file| Checked::of(host, file, &more)).collect();
    match given.value("format") {
        Some("json") => output::text(host, &json::lines(&all(&checked))?),
        Some("sarif") => output::text(host, &json::line(&sarif::log(&all(&checked)))?),
        _ => checked.iter().for_each(|it| it.tell(host)),
    }
    conclude(host, &checked, given.has("deny-warnings"), given.value("format").is_none_or(|it| it == "text"))
}

/// A file, and what became of it.
struct Checked<'f> {
    file: &'f str,
    compiled: Result<Compiled, Failure>,
}

impl<'f> Checked<'f> {
    fn of(host: &dyn Host, file: &'f str, more: &[&str]) -> Self {
        let around = variables::around(host, file, more);
        Self { file, compiled: around.and_then(|around| configuration::compile(host, file, &around)) }
    }

    /// What there is to say about it to people.
    fn tell(&self, host: &dyn Host) {
        let Ok(compiled) = &self.compiled else { return };
        output::diagnostics(host, &compiled.diagnostics);
        if compiled.environments.is_empty() {
            output::error(host, &format!("ferrogate: {}", configuration::does_not_compile(self.file, compiled)));
        } else {
            output::line(host, &format!("{}: {}", self.file, configuration::summary(&compiled.environments)));
        }
    }
}

fn all(checked: &[Checked<'_>]) -> Vec<Diagnostic> {
    let compiled = checked.iter().filter_map(|it| it.compiled.as_ref().ok());
    compiled.flat_map(|compiled| compiled.diagnostics.clone()).collect()
}

/// The exit code of all files together: the worst of theirs.
fn conclude(host: &dyn Host, checked: &[Checked<'_>], denies: bool, for_people: bool) -> Result<(), Failure> {
    let mut worst = Ok(());
    for failure in checked.iter().filter_map(|it| it.compiled.as_ref().err()) {
        let (Failure::Findings(message) | Failure::Usage(message) | Failure::Files(message)) = failure;
        output::error(host, &format!("ferrogate: {message}"));
        worst = match failure {
            Failure::Findings(_) if worst.is_ok() => Err(Failure::Findings(String::new())),
            Failure::Findings(_) => worst,
            _ => Err(Failure::Files(String::new())),
        };
    }
    let found = all(checked);
    if worst.is_ok() && has_errors(&found) {
        worst = Err(Failure::Findings(String::new()));
    }
    if worst.is_ok() && denies && !found.is_empty() {
        let message = if for_people { "there are warnings, and --deny-warnings is given" } else { "" };
        worst = Err(Failure::Findings(message.to_owned()));
    }
    worst
}
