//! Which requests get their log line, and what of their paths it holds.
//!
//! The line itself is in `line.rs`. Not here: what the platform adds to it, and lines about the gateway itself.

#[cfg(feature = "compiler")]
pub mod keys;
pub mod line;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::config::{
    percent::Percent,
    text::{Text, Values},
};

/// The key `log` of `[gateway]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// The least important lines that are written, one of [`Level::WORDS`].
    pub level: Text,
    /// The share of `info` lines that are written, a [`Percent`].
    pub sample: Text,
    /// Names of path parameters whose values are not written.
    pub redact: Vec<String>,
    /// Whether a line says that a route refuses much for the same reason.
    pub errors: bool,
}

/// Parameters that are not written where the file says nothing: their names promise secrets.
pub const REDACTED: [&str; 5] = ["code", "key", "password", "secret", "token"];

impl Default for Config {
    fn default() -> Self {
        let redact = REDACTED.map(str::to_owned).to_vec();
        Self { level: Text::literal("info"), sample: Text::literal("100%"), redact, errors: true }
    }
}

/// How important a line is, the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// None is: nothing is written.
    Off,
    /// The gateway or an upstream failed.
    Error,
    /// The client was refused.
    Warn,
    /// Everything is well.
    Info,
}

impl Level {
    /// Every level by its name. `debug` is `info`: there is nothing beyond it.
    pub const WORDS: [(&'static str, Self); 5] =
        [("off", Self::Off), ("error", Self::Error), ("warn", Self::Warn), ("info", Self::Info), ("debug", Self::Info)];

    /// The level of a name, whatever its case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::WORDS.into_iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, level)| level)
    }

    /// Its name in a line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
        }
    }
}

/// What is written, for an isolate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    level: Level,
    sample: Percent,
    redact: Vec<String>,
    errors: bool,
}

/// What a variable brought that is no level or no share; the key that it stands behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unusable(pub &'static str);

impl Logging {
    /// Resolves the configuration.
    ///
    /// # Errors
    /// Names the key whose variable has a value that it cannot take.
    pub fn new(config: &Config, values: &Values) -> Result<Self, Unusable> {
        let level = Level::parse(&config.level.resolve(values)).ok_or(Unusable("log.level"))?;
        let sample = Percent::parse(&config.sample.resolve(values)).ok_or(Unusable("log.sample"))?;
        Ok(Self { level, sample, redact: config.redact.clone(), errors: config.errors })
    }

    /// Whether the line of a request is written. Refusals are not sampled. The id decides, so that others who sample by
    /// it keep the same requests.
    #[must_use]
    pub fn writes(&self, level: Level, request_id: &str) -> bool {
        level <= self.level
            && (level < Level::Info || self.sample == Percent::WHOLE || in_sample(request_id, self.sample))
    }

    /// Whether the values of a parameter are not for logs.
    #[must_use]
    pub fn hides(&self, parameter: &str) -> bool {
        self.redact.iter().any(|known| known == parameter)
    }

    /// Whether it is written that a route refuses much for the same reason.
    #[must_use]
    pub fn warns_of_errors(&self) -> bool {
        self.errors && self.level >= Level::Warn
    }

    /// A path without the values of parameters that are not for logs.
    #[must_use]
    pub fn redacted<'p>(&self, path: &'p str, parameters: impl Iterator<Item = (&'p str, &'p str)>) -> Cow<'p, str> {
        let hidden = parameters.filter(|(name, value)| !value.is_empty() && self.hides(name));
        // Wherever the same characters stand: rather too much than too little.
        hidden.fold(path.into(), |path: Cow<'p, str>, (_, value)| path.replace(value, "***").into())
    }
}

/// Whether an id falls into a share (FNV-1a, spread once more so that ids that differ at their end fall anywhere).
fn in_sample(id: &str, share: Percent) -> bool {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325, mix);
    let spread = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    spread.checked_rem(10_000).is_some_and(|point| point < u64::from(share.basis_points()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logging(level: &str, sample: &str) -> Logging {
        let config = Config { level: Text::literal(level), sample: Text::literal(sample), ..Config::default() };
        Logging::new(&config, &Values::default()).unwrap()
    }

    #[test]
    fn a_level_lets_the_more_important_lines_through() {
        let written = |level: &str| {
            let logging = logging(level, "100%");
            [Level::Error, Level::Warn, Level::Info].map(|line| logging.writes(line, "r"))
        };
        assert_eq!(written("off"), [false, false, false]);
        assert_eq!(written("ERROR"), [true, false, false]);
        assert_eq!(written("Warn"), [true, true, false]);
        assert_eq!((written("info"), written("debug")), ([true; 3], [true; 3]));
    }

    #[test]
    fn a_share_of_the_requests_that_went_well_is_written() {
        let share = |sample: &str| {
            let logging = logging("info", sample);
            (0..10_000).filter(|number| logging.writes(Level::Info, &format!("request-{number}"))).count()
        };
        assert_eq!((share("0%"), share("100%")), (0, 10_000));
        assert!((900..1_100).contains(&share("10%")), "{}", share("10%"));
        assert!(logging("info", "0%").writes(Level::Warn, "r"));
        let tenth = logging("info", "10%");
        assert_eq!(tenth.writes(Level::Info, "r-1"), tenth.writes(Level::Info, "r-1"));
    }

    #[test]
    fn what_a_variable_brings_must_be_a_level_or_a_share() {
        let config = |level: &str, sample: &str| {
            let config =
                Config { level: Text::literal(level), sample: Text::literal(sample), redact: Vec::new(), errors: true };
            Logging::new(&config, &Values::default()).err()
        };
        assert_eq!(config("loud", "1%"), Some(Unusable("log.level")));
        assert_eq!(config("info", "1"), Some(Unusable("log.sample")));
    }

    #[test]
    fn parameters_that_promise_secrets_are_not_written() {
        let logging = logging("info", "100%");
        let redacted = |path, parameters: &[(&'static str, &'static str)]| {
            logging.redacted(path, parameters.iter().copied()).into_owned()
        };
        assert_eq!(redacted("/reset/abc", &[("token", "abc")]), "/reset/***");
        assert_eq!(redacted("/users/abc", &[("id", "abc")]), "/users/abc");
        assert_eq!(redacted("/reset/", &[("token", "")]), "/reset/");
    }
}
