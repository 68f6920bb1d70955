//! `log`: which requests get their log line. A key of `[gateway]` alone: a line is written whatever becomes of a request.

use super::{Config, Level, REDACTED};
use crate::config::{
    diagnostics::Code,
    keys::keys,
    kinds::{self, Kind},
    model::Grammar,
    text::Text,
    values::{Fault, listed, percent, quoted},
};

keys! {
    /// The table of `log`.
    pub struct Table {
        /// The least important lines that are written: `error` (the gateway or an upstream failed), `warn` (the client was
        /// refused), `info` (all requests) or `off`.
        /// Example: `level = "${LOG_LEVEL:-info}"`
        level: Text [Default("\"info\"")] = level(),
        /// The share of the requests that went well whose lines are written; the request id decides. Refusals are always
        /// written, as far as `level` lets them.
        /// Example: `sample = "${LOG_SAMPLE:-10%}"`
        sample: Text [Default("\"100%\"")] = sample(),
        /// Parameters of paths whose values are written as `***`.
        /// Example: `redact = ["token", "email"]`
        redact: Vec<String> [Default("[\"code\", \"key\", \"password\", \"secret\", \"token\"]")] = kinds::list(parameter()),
        /// Whether a line warns when more than ten requests to a route in a minute get the same problem, as each isolate sees
        /// it.
        errors: bool [Default("true")] = kinds::boolean(),
    }
}

/// The table of `log`.
#[must_use]
pub fn log() -> Kind<'static, Config> {
    kinds::table::<Table, Config>(|keys| {
        let default = Config::default();
        let redact = keys.redact.or(REDACTED.map(str::to_owned).to_vec())?;
        Some(Config {
            level: keys.level.or(default.level)?,
            sample: keys.sample.or(default.sample)?,
            redact,
            errors: keys.errors.or(true)?,
        })
    })
}

fn level() -> Kind<'static, Text> {
    let grammar = Grammar {
        name: "log level",
        sentence: "`error`, `warn`, `info`, `debug` (the same as `info`) or `off`, in any case; it may name variables",
        example: "${LOG_LEVEL:-info}",
        pattern: Some(r"^[A-Za-z0-9_${}:-]+$"),
    };
    kinds::text(grammar, |written| {
        let known = || Level::WORDS.map(|(word, _)| word);
        let Some(text) = written.sample().filter(|text| Level::parse(text).is_none()) else { return Ok(()) };
        let fault = Fault::new(Code::UnknownWord, format!("{} is no level", quoted(&text)));
        Err(fault.expected(listed(known())).nearest(&text, known()))
    })
}

fn sample() -> Kind<'static, Text> {
    let grammar = Grammar {
        name: "share with variables",
        sentence: "0% to 100% with at most two decimals; it may name variables",
        example: "${LOG_SAMPLE:-10%}",
        pattern: Some(r"^[A-Za-z0-9_${}:.%-]+$"),
    };
    kinds::text(grammar, |written| {
        let Some(text) = written.sample() else { return Ok(()) };
        percent::parse(&text).map(drop).map_err(|fault| Fault { part: None, ..fault })
    })
}

fn parameter() -> Kind<'static, String> {
    let grammar = Grammar {
        name: "parameter",
        sentence: "the name of a path parameter, without braces",
        example: "token",
        pattern: Some("^[A-Za-z_][A-Za-z0-9_]*$"),
    };
    kinds::parsed(grammar, |text| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !text.is_empty() && !text.starts_with(|c: char| c.is_ascii_digit()) && text.bytes().all(inner) {
            return Ok(text.to_owned());
        }
        let fault = Fault::new(Code::BadName, format!("{} is not the name of a parameter", quoted(text)));
        Err(fault.expected("letters, digits and underscores, not a digit first"))
    })
}
