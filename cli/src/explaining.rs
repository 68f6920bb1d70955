//! What the commands that put requests through a gateway share: its options, its variables, the hour, and files of
//! requests.

use gateway::{
    blueprint::Blueprint,
    explain::{
        Started,
        recorded::{self, Recorded},
    },
    http::Millis,
};
use serde_json::{Map, Value};

use crate::{
    Failure,
    arguments::{Given, did_you_mean, wrong},
    command::{Command, Opt, Takes},
    configuration, files,
    host::Host,
    output, time,
    values::{self, Found, Sources},
};

/// `--now TIME`.
pub(crate) const NOW: Opt =
    Opt::value("now", "TIME", Takes::Text, "the hour: RFC 3339, or milliseconds since 1970 (default: the clock)");

/// `--var NAME=VALUE`.
pub(crate) const VAR: Opt = Opt::value(
    "var",
    "NAME=VALUE",
    Takes::Text,
    "a variable, before the environment, .dev.vars and wrangler.toml; may be repeated",
)
.repeated();

/// `--format FORMAT`.
pub(crate) const FORMAT: Opt = Opt::value(
    "format",
    "FORMAT",
    Takes::Words(&["text", "json"]),
    "for people, or one object in one line for each (default: text)",
);

/// What somebody says about the gateways that a command starts.
pub(crate) struct Setting<'g> {
    environment: Option<&'g str>,
    given: Vec<(String, String)>,
    /// The hour.
    pub(crate) now: Millis,
}

impl<'g> Setting<'g> {
    /// By the options `--env`, `--var` and `--now`.
    pub(crate) fn of(command: &Command, given: &'g Given, host: &dyn Host) -> Result<Self, Failure> {
        let now = match given.value(NOW.long) {
            None => host.now_s().saturating_mul(1_000),
            Some(text) => time::parse(text).ok_or_else(|| {
                let expected = "2026-11-21T08:00:00Z or milliseconds since 1970";
                wrong(command, format!("--now takes a time like {expected}; found {text}"))
            })?,
        };
        let given_variables = given.values(VAR.long).map(|text| variable(command, text)).collect::<Result<_, _>>()?;
        Ok(Self { environment: given.value("env"), given: given_variables, now })
    }

    /// Starts the gateways of these files, each with the variables that it would have, and says which secrets are
    /// missing. What stands beside one of them counts for the others where nothing else says a value: a draft in
    /// another folder is meant for the same Worker.
    pub(crate) fn start<const N: usize>(&self, host: &dyn Host, all: [&str; N]) -> Result<[Started; N], Failure> {
        let mut ready = Vec::new();
        let (mut placeholders, mut known) = (Vec::new(), Vec::new());
        let around = |file: &&str| Sources::of(host, file, self.environment, &self.given);
        let sources: Vec<Sources<'_>> = all.iter().map(around).collect::<Result<_, _>>()?;
        for (file, own) in all.into_iter().zip(&sources) {
            let blueprint = configuration::environment(host, file, self.environment)?.blueprint;
            known.extend(blueprint.variables.0.iter().map(|variable| variable.name.clone()));
            let elsewhere = |name: &str| sources.iter().find_map(|source| source.value(name));
            let found = values::find(&blueprint, |name| own.value(name).or_else(|| elsewhere(name)));
            placeholders.extend(found.placeholders.clone());
            ready.push((file, blueprint, found));
        }
        self.tell_unknown(host, &known);
        tell_placeholders(host, placeholders);
        let started: Vec<Started> = ready
            .into_iter()
            .map(|(file, blueprint, found)| start(file, blueprint, found))
            .collect::<Result<_, _>>()?;
        // There is one for each file.
        started.try_into().map_err(|_| Failure::Findings("a gateway is missing".to_owned()))
    }

    /// A misspelt name would go unnoticed where there is a default.
    fn tell_unknown(&self, host: &dyn Host, known: &[String]) {
        for (name, _) in self.given.iter().filter(|(name, _)| !known.contains(name)) {
            let hint = did_you_mean(name, known.iter().map(String::as_str));
            output::error(host, &format!("ferrogate: no variable is named {}{hint}", name.escape_debug()));
        }
    }
}

/// What stands before `=`. What stands behind it may be a secret: no message repeats it.
fn variable(command: &Command, text: &str) -> Result<(String, String), Failure> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(wrong(command, "--var takes NAME=VALUE")),
    }
}

const HOW_TO_GIVE: &str = "with --var NAME=VALUE, in the environment, or in .dev.vars beside the file";

fn tell_placeholders(host: &dyn Host, mut names: Vec<String>) {
    names.sort();
    names.dedup();
    if !names.is_empty() {
        let message = format!(
            "ferrogate: placeholders stand in for secrets that are not set: {}\n  tokens that were signed with \
             the real ones are refused; give them {HOW_TO_GIVE}",
            names.join(", ")
        );
        output::error(host, &message);
    }
}

fn start(file: &str, blueprint: Blueprint, found: Found) -> Result<Started, Failure> {
    let Found { values, mut missing, .. } = found;
    missing.dedup();
    if !missing.is_empty() {
        let names = missing.join(", ");
        return Err(Failure::Findings(format!(
            "{file} names variables that are not set: {names}\n  give them {HOW_TO_GIVE}"
        )));
    }
    Started::new(blueprint, &values)
        .map_err(|why| Failure::Findings(format!("the gateway of {file} cannot start: {}", why.message())))
}

/// The requests of a file. All lines that are none are named.
pub(crate) fn requests(host: &dyn Host, file: &str) -> Result<Vec<Recorded>, Failure> {
    recorded::parse(&or_trouble(files::read(host, file))?).map_err(|lines| {
        for wrong in &lines {
            output::error(host, &format!("{file}:{}: {}", wrong.line, wrong.message));
        }
        Failure::Files(format!("{file} has {} that cannot be used", output::count(lines.len(), "line")))
    })
}

/// Comparing ends with 1 when something differs, so whatever keeps it from comparing ends with 2.
pub(crate) fn or_trouble<T>(result: Result<T, Failure>) -> Result<T, Failure> {
    result.map_err(|failure| match failure {
        Failure::Findings(message) => Failure::Files(message),
        other => other,
    })
}

/// The object behind `--claims`. Claims are nobody's business, so no message repeats them.
pub(crate) fn claims_object(command: &Command, text: &str) -> Result<Map<String, Value>, Failure> {
    let wrong = |why: String| wrong(command, format!("--claims takes a JSON object like {{\"sub\": \"ada\"}}{why}"));
    match serde_json::from_str(text) {
        Ok(Value::Object(claims)) => Ok(claims),
        Ok(_) => Err(wrong("; this is another value".to_owned())),
        Err(error) => {
            Err(wrong(format!("; this cannot be read from line {}, column {}", error.line(), error.column())))
        }
    }
}
