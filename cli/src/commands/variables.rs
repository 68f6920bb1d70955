//! `ferrogate variables [FILE]`: which variables a gateway needs, what for, and where each has its value from.
//!
//! It prints no value: some are secrets.

use gateway::blueprint::Blueprint;
use serde::Serialize;

use crate::{
    Failure,
    arguments::Given,
    command::{Command, EXITS, Operand, Opt, Takes},
    configuration, explaining,
    findings::json,
    host::Host,
    output,
    values::{self, Role, Sources},
};

pub(super) const COMMAND: Command = Command {
    name: "variables",
    about: "list the variables and secrets of a gateway.toml, and which of them have a value",
    operands: &[Operand {
        name: "FILE",
        about: "the gateway.toml (default: gateway.toml)",
        takes: Takes::File,
        is_required: false,
        is_repeated: false,
    }],
    options: &[
        Opt::value("env", "NAME", Takes::Text, "those of [env.NAME] (default: of the file as it stands)"),
        explaining::FORMAT,
    ],
    notes: "\
The value comes from the environment, .dev.vars or wrangler.toml beside the file, or is the default of the file.
No value is printed.
",
    examples: &["ferrogate variables", "ferrogate variables gateway.toml --env production --format json"],
    exits: EXITS,
    run,
};

const DEFAULT_FILE: &str = "gateway.toml";

fn run(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let (file, environment) = (given.operand().unwrap_or(DEFAULT_FILE), given.value("env"));
    let blueprint = configuration::environment(host, file, environment)?.blueprint;
    let sources = Sources::of(host, file, environment, &[])?;
    let rows = rows(&blueprint, &sources);
    if given.value("format") == Some("json") {
        let lines: String = rows.iter().map(json::line).collect::<Result<_, _>>()?;
        output::text(host, &lines);
    } else if rows.is_empty() {
        output::line(host, "the file names no variable");
    } else {
        output::text(host, &table(&rows));
    }
    Ok(())
}

/// A variable. The names of the members are a promise; new ones may come.
#[derive(Serialize)]
struct Row<'b> {
    name: &'b str,
    /// `issuer`, `explain`, `metrics`, `credentials`, `secret` or `plain`.
    role: &'static str,
    /// The name of the issuer or upstream.
    of: Option<&'b str>,
    has_default: bool,
    /// `environment`, `.dev.vars` or `wrangler.toml`.
    value_from: Option<&'static str>,
}

fn rows<'b>(blueprint: &'b Blueprint, sources: &Sources<'_>) -> Vec<Row<'b>> {
    let row = |(index, variable): (usize, &'b gateway::config::text::Variable)| {
        let (role, of) = match values::role(blueprint, index) {
            Role::Credentials(upstream) => ("credentials", Some(upstream)),
            Role::Issuer(issuer) => ("issuer", Some(issuer)),
            Role::Explain => ("explain", None),
            Role::Metrics => ("metrics", None),
            Role::Secret => ("secret", None),
            Role::Plain => ("plain", None),
        };
        let value_from = sources.origin(&variable.name);
        Row { name: &variable.name, role, of, has_default: variable.default.is_some(), value_from }
    };
    blueprint.variables.0.iter().enumerate().map(row).collect()
}

impl Row<'_> {
    fn what_for(&self) -> String {
        match (self.role, self.of) {
            ("credentials", Some(upstream)) => format!("credentials of upstream {upstream}"),
            ("issuer", Some(issuer)) => format!("key of issuer {issuer}"),
            ("explain", _) => "key of explain".to_owned(),
            ("metrics", _) => "token for metrics".to_owned(),
            ("secret", _) => "secret".to_owned(),
            _ => "no secret".to_owned(),
        }
    }

    fn value_is(&self) -> &str {
        match self.value_from {
            Some(origin) => origin,
            None if self.has_default => "its default",
            None => "missing",
        }
    }
}

fn table(rows: &[Row<'_>]) -> String {
    let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or_default();
    let names = width(&mut rows.iter().map(|row| row.name.len()).chain(["VARIABLE".len()]));
    let reasons = width(&mut rows.iter().map(|row| row.what_for().chars().count()).chain(["WHAT FOR".len()]));
    let line = |name: &str, what: &str, from: &str| format!("{name:names$}  {what:reasons$}  {from}\n");
    let lines: String = rows.iter().map(|row| line(row.name, &row.what_for(), row.value_is())).collect();
    line("VARIABLE", "WHAT FOR", "VALUE FROM") + &lines
}
