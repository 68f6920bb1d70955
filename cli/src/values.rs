//! The values of the variables that a `gateway.toml` names, for commands that start a gateway: from the command line,
//! the environment, `.dev.vars` and `wrangler.toml`, in this order.
//!
//! Nothing here prints a value. Which names there are, without values, is asked in `variables`.

use gateway::{
    blueprint::Blueprint,
    config::text::{Piece, Text},
    stages::{authn::Keys, forward::upstream::Credentials},
};
use toml::de::{DeTable, DeValue};

use crate::{Failure, files, host::Host, variables};

/// Stands in for a secret that is not set. As long as the gateway wants a key to be, and allowed in every header.
const PLACEHOLDER: &str = "a-placeholder-for-a-secret-that-is-not-set";

/// Where values come from.
pub(crate) struct Sources<'h> {
    host: &'h dyn Host,
    given: &'h [(String, String)],
    local: Vec<(String, String)>,
    deployed: Vec<(String, String)>,
}

/// Values in the order of the variables, and what had none.
pub(crate) struct Found {
    /// `None` where the default holds.
    pub(crate) values: Vec<Option<String>>,
    /// Secrets that are not set and have a placeholder.
    pub(crate) placeholders: Vec<String>,
    /// Others that are not set.
    pub(crate) missing: Vec<String>,
}

impl<'h> Sources<'h> {
    /// The sources for one `gateway.toml`, in one of its environments.
    pub(crate) fn of(
        host: &'h dyn Host,
        file: &str,
        environment: Option<&str>,
        given: &'h [(String, String)],
    ) -> Result<Self, Failure> {
        let read = |name| files::read_optional(host, &files::beside(file, name));
        let local = read(variables::LOCAL)?.map(|text| listed(&text)).unwrap_or_default();
        let deployed = read(variables::WRANGLER)?.map(|text| deployed(&text, environment)).unwrap_or_default();
        Ok(Self { host, given, local, deployed })
    }

    /// The value of a variable, if anything says one.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        self.found(name).map(|(value, _)| value)
    }

    /// Where a variable has its value from.
    pub(crate) fn origin(&self, name: &str) -> Option<&'static str> {
        self.found(name).map(|(_, origin)| origin)
    }

    fn found(&self, name: &str) -> Option<(String, &'static str)> {
        let in_list = |list: &[(String, String)], origin: &'static str| {
            // The last line of a name counts, as for whoever reads such files elsewhere.
            list.iter().rev().find(|(known, _)| known == name).map(|(_, value)| (value.clone(), origin))
        };
        in_list(self.given, "--var")
            .or_else(|| self.host.variable(name).map(|value| (value, "environment")))
            .or_else(|| in_list(&self.local, variables::LOCAL))
            .or_else(|| in_list(&self.deployed, variables::WRANGLER))
    }

    /// The values for a gateway.
    pub(crate) fn find(&self, blueprint: &Blueprint) -> Found {
        find(blueprint, |name| self.value(name))
    }
}

/// The values for a gateway, from wherever they come.
pub(crate) fn find(blueprint: &Blueprint, value: impl Fn(&str) -> Option<String>) -> Found {
    let mut found = Found { values: Vec::new(), placeholders: Vec::new(), missing: Vec::new() };
    for (index, variable) in blueprint.variables.0.iter().enumerate() {
        let mut value = value(&variable.name);
        if value.is_none() && variable.default.is_none() {
            if matches!(role(blueprint, index), Role::Plain) {
                found.missing.push(variable.name.clone());
            } else {
                value = Some(PLACEHOLDER.to_owned());
                found.placeholders.push(variable.name.clone());
            }
        }
        found.values.push(value);
    }
    found
}

/// What a variable is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role<'b> {
    /// A part of the credentials for this upstream, a user included: somebody else has chosen it.
    Credentials(&'b str),
    /// A part of a key with which this issuer signs and the gateway checks.
    Issuer(&'b str),
    /// A part of the key for explanations.
    Explain,
    /// A part of the token with which metrics are read.
    Metrics,
    /// Another secret.
    Secret,
    /// Anything else.
    Plain,
}

/// What a variable is for. Where it is several things, what others have chosen comes first.
pub(crate) fn role(blueprint: &Blueprint, variable: usize) -> Role<'_> {
    let is_part = |text: &Text| names(text, variable);
    let of_upstream = |credentials: &Credentials| match credentials {
        Credentials::Bearer(text) | Credentials::Header(_, text) => is_part(text),
        Credentials::Basic(user, password) => is_part(user) || is_part(password),
        Credentials::Hmac { secret, .. } => is_part(secret),
    };
    let of_issuer = |keys: &Keys| matches!(keys, Keys::Secrets(secrets) if secrets.iter().any(is_part));
    let upstream = blueprint.upstreams.iter().find(|it| it.credentials.as_ref().is_some_and(of_upstream));
    let issuer = || blueprint.issuers.iter().find(|it| of_issuer(&it.keys));
    if let Some(upstream) = upstream {
        Role::Credentials(&upstream.name)
    } else if let Some(issuer) = issuer() {
        Role::Issuer(&issuer.name)
    } else if blueprint.explain.as_ref().is_some_and(|config| is_part(&config.secret)) {
        Role::Explain
    } else if blueprint.metrics.as_ref().and_then(|config| config.token.as_ref()).is_some_and(is_part) {
        Role::Metrics
    } else if blueprint.variables.0.get(variable).is_some_and(|it| it.is_secret) {
        Role::Secret
    } else {
        Role::Plain
    }
}

/// That variables have no value, and where one is looked for.
pub(crate) fn unset(names: &[impl AsRef<str>]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    format!("set these environment variables, or write them into .dev.vars beside the file: {}", names.join(", "))
}

/// Whether a text names a variable.
pub(crate) fn names(text: &Text, variable: usize) -> bool {
    text.0.iter().any(|piece| matches!(piece, Piece::Variable(index) if usize::from(*index) == variable))
}

/// `NAME=value` in lines, with or without `export`, quotes and comments. What is no such line is skipped.
fn listed(text: &str) -> Vec<(String, String)> {
    let line = |line: &str| {
        let name = variables::assigned(line)?;
        let (_, value) = line.split_once('=')?;
        Some((name, unquoted(value.trim())))
    };
    text.lines().filter_map(line).collect()
}

fn unquoted(value: &str) -> String {
    let quote = value.chars().next().filter(|first| ['"', '\'', '`'].contains(first));
    let quoted = quote.and_then(|quote| Some((quote, value.strip_prefix(quote)?.split_once(quote)?.0)));
    match quoted {
        Some(('"', inside)) => inside.replace("\\n", "\n").replace("\\r", "\r"),
        Some((_, inside)) => inside.to_owned(),
        None => value.split('#').next().unwrap_or_default().trim_end().to_owned(),
    }
}

/// The texts of `[vars]`; for an environment, of the `[env.*.vars]` whose `FERROGATE_ENV` names it, or else of the one
/// of its name. Wrangler inherits no variables, so neither does this. Nothing where the file cannot be understood.
fn deployed(text: &str, environment: Option<&str>) -> Vec<(String, String)> {
    let Ok(root) = DeTable::parse(text) else { return Vec::new() };
    let root = root.into_inner();
    let Some(environment) = environment else { return texts(&root) };
    let all = root.get("env").and_then(|env| env.get_ref().as_table());
    let named = |(name, value): (String, &DeValue<'_>)| Some((name, texts(value.as_table()?)));
    let all: Vec<(String, Vec<(String, String)>)> = all
        .into_iter()
        .flat_map(|all| all.iter())
        .filter_map(|(name, value)| named((name.get_ref().to_string(), value.get_ref())))
        .collect();
    let says_so =
        |texts: &[(String, String)]| texts.iter().any(|(name, value)| name == "FERROGATE_ENV" && value == environment);
    let found = all.iter().find(|(_, texts)| says_so(texts));
    let found = found.or_else(|| all.iter().find(|(name, _)| name == environment));
    found.map(|(_, texts)| texts.clone()).unwrap_or_default()
}

fn texts(table: &DeTable<'_>) -> Vec<(String, String)> {
    let Some(DeValue::Table(vars)) = table.get("vars").map(|value| value.get_ref()) else { return Vec::new() };
    let text = |value: &DeValue<'_>| value.as_str().map(str::to_owned);
    vars.iter().filter_map(|(name, value)| Some((name.get_ref().to_string(), text(value.get_ref())?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn lines_name_values_with_quotes_and_comments() {
        let text = "# A=1\nB = 2 # two\nexport C='x # y'\nD=\"a\\nb\" # c\nE=\nF=a=b\nnot a line\nG='open\nH=`t`\n";
        let expected = [("B", "2"), ("C", "x # y"), ("D", "a\nb"), ("E", ""), ("F", "a=b"), ("G", "'open"), ("H", "t")];
        assert_eq!(listed(text), pairs(&expected));
    }

    #[test]
    fn wrangler_has_values_for_each_environment() {
        let text = "[vars]\nA = '1'\nN = 1\n[env.a.vars]\nA = '2'\n[env.b.vars]\nFERROGATE_ENV = 'staging'\nA = '3'\n";
        assert_eq!(deployed(text, None), pairs(&[("A", "1")]));
        assert_eq!(deployed(text, Some("a")), pairs(&[("A", "2")]));
        assert_eq!(deployed(text, Some("staging")), pairs(&[("A", "3"), ("FERROGATE_ENV", "staging")]));
        assert_eq!(deployed(text, Some("c")), []);
        assert_eq!((deployed("= 1", None), deployed("vars = 1\nenv = 2", Some("a"))), (Vec::new(), Vec::new()));
    }

    #[test]
    fn the_placeholder_is_long_enough_for_a_key() {
        assert!(PLACEHOLDER.len() >= gateway::stages::authn::SHORTEST_SECRET);
    }
}
