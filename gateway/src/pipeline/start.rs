//! Why a gateway cannot start, and what to do about it. Every request gets 503 until it is mended.
//!
//! Reasons hold names, never values. They are for the operator's log; callers learn none of them.

use crate::{
    config::{
        switch,
        text::{Values, Variable, Variables},
        weak,
    },
    http::Millis,
    stages::{authn, explain, forward::signature::SHORTEST_KEY, metrics},
};

/// Where and what a gateway is started as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The environment (`FERROGATE_ENV`); `None` on a developer's machine.
    pub environment: Option<String>,
    /// The hash of the configuration.
    pub release: u64,
    /// Now.
    pub now: Millis,
}

/// Why a gateway cannot start: everything that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CannotStart {
    /// At least one.
    pub reasons: Vec<Reason>,
    environment: Option<String>,
}

/// One reason why a gateway cannot start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A variable has neither a value nor a default.
    Missing(String),
    /// A secret has neither.
    MissingSecret(String),
    /// A secret is one that stands in examples, or as easily guessed.
    ExampleSecret(String),
    /// The variable of a switch says neither on nor off.
    Switch(String),
    /// The variable behind this key of `[gateway]` has a value that the key cannot take.
    Unusable(&'static str),
    /// This issuer has secrets or keys that cannot be used.
    Issuer(String, authn::Unfit),
    /// The key that signs requests to this upstream is too short.
    ShortKey(String),
    /// The secret of `explain` is too short.
    ShortExplainSecret,
    /// The token of `[metrics]` is too short.
    ShortMetricsToken,
    /// The URL of this upstream is not `http://…` or `https://…`.
    Target(String),
    /// The credentials for this upstream cannot stand in a header.
    Credentials(String),
}

impl CannotStart {
    /// Of everything that was found.
    #[must_use]
    pub fn new(reasons: Vec<Reason>, place: &Place) -> Self {
        Self { reasons, environment: place.environment.clone() }
    }

    /// Each reason in a sentence, with what to do.
    #[must_use]
    pub fn messages(&self) -> Vec<String> {
        self.reasons.iter().map(|reason| reason.message(self.environment.as_deref())).collect()
    }

    /// All reasons in one line.
    #[must_use]
    pub fn message(&self) -> String {
        self.messages().join("; ")
    }
}

impl Reason {
    /// The reason in a sentence, with what to do in this environment.
    #[must_use]
    pub fn message(&self, environment: Option<&str>) -> String {
        match self {
            Self::Missing(name) => {
                let section =
                    environment.map_or_else(|| "vars".to_owned(), |environment| format!("env.{environment}.vars"));
                format!("the variable {name} is not set: put it under [{section}] of wrangler.toml")
            }
            Self::MissingSecret(name) => format!("the secret {name} is not set: {}", how_to_set(name, environment)),
            Self::ExampleSecret(name) => {
                format!(
                    "the secret {name} is one of an example, or as easily guessed: {}",
                    how_to_set(name, environment)
                )
            }
            Self::Switch(name) => {
                format!("the variable {name} switches something and says none of {}", switch::WORDS.join(", "))
            }
            Self::Unusable(key) => format!("the variable behind `{key}` of [gateway] has a value that it cannot have"),
            Self::Issuer(issuer, unfit) => unfit.message(issuer),
            Self::ShortKey(upstream) => {
                format!("the key that signs requests to upstream `{upstream}` is shorter than {SHORTEST_KEY} bytes")
            }
            Self::ShortExplainSecret => {
                format!("the secret of `explain` is shorter than {} bytes", explain::SHORTEST_SECRET)
            }
            Self::ShortMetricsToken => {
                format!("the token of [metrics] is shorter than {} bytes", metrics::SHORTEST_TOKEN)
            }
            Self::Target(upstream) => format!("the target of upstream `{upstream}` is no absolute http or https URL"),
            Self::Credentials(upstream) => {
                format!("the credentials for upstream `{upstream}` hold characters that they may not have, or nothing")
            }
        }
    }
}

/// The command that gives a secret a random value; what another party has chosen goes the same way.
fn how_to_set(name: &str, environment: Option<&str>) -> String {
    match environment {
        Some(environment) => {
            format!("openssl rand -base64 48 | npx wrangler secret put {name} --env {environment}")
        }
        None => format!("echo {name}=$(openssl rand -base64 48) >> .dev.vars"),
    }
}

/// What is wrong with variables that have or lack a value.
pub(super) fn check(variables: &Variables, values: &Values) -> Vec<Reason> {
    variables.with(values).filter_map(|(variable, value)| wrong_with(variable, value)).collect()
}

fn wrong_with(variable: &Variable, value: Option<&str>) -> Option<Reason> {
    let name = || variable.name.clone();
    match value {
        None if variable.is_secret => Some(Reason::MissingSecret(name())),
        None => Some(Reason::Missing(name())),
        Some(value) if variable.is_secret && weak::is_example(value) => Some(Reason::ExampleSecret(name())),
        Some(value) if variable.is_switch && switch::parse(value).is_none() => Some(Reason::Switch(name())),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        let mut variables = Variables::default();
        for name in ["URL", "JWT_SECRET", "API_KEY", "DRAIN"] {
            variables.intern(name, None);
        }
        variables.0[1].is_secret = true;
        variables.0[2].is_secret = true;
        variables.0[3].is_switch = true;
        variables
    }

    fn wrong(values: [Option<&str>; 4]) -> Vec<Reason> {
        let variables = variables();
        check(&variables, &variables.values(&values.map(|value| value.map(str::to_owned))))
    }

    #[test]
    fn everything_that_is_wrong_is_found_at_once() {
        let found = wrong([None, None, Some("changeme"), Some("maybe")]);
        let named = |make: fn(String) -> Reason, name: &str| make(name.to_owned());
        let expected = [
            named(Reason::Missing, "URL"),
            named(Reason::MissingSecret, "JWT_SECRET"),
            named(Reason::ExampleSecret, "API_KEY"),
            named(Reason::Switch, "DRAIN"),
        ];
        assert_eq!(found, expected);
        let random = "3kF1c0m2S5n8vQxZ7yTtWqLpR4uJ6hGdEaBsYwNiOeM=";
        assert_eq!(wrong([Some("changeme"), Some(random), Some(random), Some("on")]), []);
    }

    #[test]
    fn a_reason_says_how_to_mend_it_and_no_value() {
        let secret = Reason::ExampleSecret("JWT_SECRET".into());
        let production = secret.message(Some("production"));
        assert!(production.ends_with("openssl rand -base64 48 | npx wrangler secret put JWT_SECRET --env production"));
        assert!(secret.message(None).ends_with("echo JWT_SECRET=$(openssl rand -base64 48) >> .dev.vars"));
        let variable = Reason::Missing("SHOP_URL".into());
        assert!(variable.message(Some("staging")).contains("[env.staging.vars]"));
        assert!(variable.message(None).contains("[vars]"));
    }
}
