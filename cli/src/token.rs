//! `ferrogate token`: a token to try the gateway with, signed like the issuer of the file would sign it.
//!
//! For demos and tests. The secret comes from the environment: an argument would stand in the shell's history and
//! in the list of processes.

use std::path::PathBuf;

use gateway::{
    blueprint::Blueprint,
    config::text::{Piece, Text, Values},
    stages::authn::{Issuer, SHORTEST_SECRET},
};
use jwt_compact::{
    AlgorithmExt, Claims, Header,
    alg::{Hs256, Hs256Key},
};
use serde_json::{Map, Value};

use crate::{Failure, clock, configuration};

/// What the token is to say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// The `gateway.toml` with the issuer.
    pub(crate) config: PathBuf,
    /// Which issuer; the only one when absent.
    pub(crate) issuer: Option<String>,
    /// `sub`.
    pub(crate) subject: String,
    /// `scope`.
    pub(crate) scope: Option<String>,
    /// How long it is valid, in seconds.
    pub(crate) ttl_s: u32,
    /// `aud`; the issuer's own when absent.
    pub(crate) audience: Option<String>,
    /// More claims.
    pub(crate) claims: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            config: PathBuf::new(),
            issuer: None,
            subject: "demo".to_owned(),
            scope: None,
            ttl_s: 3_600,
            audience: None,
            claims: Vec::new(),
        }
    }
}

/// Prints a token.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let blueprint = configuration::blueprint(&options.config, None)?;
    let issuer = choose(&blueprint, options.issuer.as_deref())?;
    let values = values(&blueprint, issuer, |name| std::env::var(name).ok())?;
    let token = sign(issuer, &values, claims(issuer, &values, options, clock::now_s()))?;
    crate::output::line(&token);
    Ok(())
}

fn choose<'b>(blueprint: &'b Blueprint, name: Option<&str>) -> Result<&'b Issuer, Failure> {
    let names = || blueprint.issuers.iter().map(|issuer| issuer.name.as_str()).collect::<Vec<_>>().join(", ");
    match (name, blueprint.issuers.as_slice()) {
        (_, []) => Err(Failure::Findings("the file has no issuer".to_owned())),
        (None, [only]) => Ok(only),
        (None, _) => {
            Err(Failure::Usage(format!("the file has several issuers, choose one with --issuer: {}", names())))
        }
        (Some(name), issuers) => issuers
            .iter()
            .find(|issuer| issuer.name == name)
            .ok_or_else(|| Failure::Usage(format!("the file has no issuer `{name}`, it has: {}", names()))),
    }
}

/// The values of the variables that the issuer names. Those of other sections may be missing: they are not used.
fn values(
    blueprint: &Blueprint,
    issuer: &Issuer,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Values, Failure> {
    let texts = [&issuer.issuer, &issuer.audience, &issuer.secret];
    let is_named = |index: usize| texts.iter().any(|text| names(text, index));
    let value = |(index, known): (usize, &gateway::config::text::Variable)| {
        if is_named(index) { variable(&known.name) } else { Some(String::new()) }
    };
    let environment: Vec<Option<String>> = blueprint.variables.0.iter().enumerate().map(value).collect();
    blueprint
        .variables
        .resolve(&environment)
        .map_err(|missing| Failure::Findings(format!("set these environment variables: {}", missing.join(", "))))
}

fn names(text: &Text, variable: usize) -> bool {
    text.0.iter().any(|piece| matches!(piece, Piece::Variable(index) if usize::from(*index) == variable))
}

fn claims(issuer: &Issuer, values: &Values, options: &Options, now_s: u64) -> Map<String, Value> {
    let audience = options.audience.clone().unwrap_or_else(|| issuer.audience.resolve(values));
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), issuer.issuer.resolve(values).into());
    claims.insert("aud".to_owned(), audience.into());
    claims.insert("sub".to_owned(), options.subject.clone().into());
    claims.insert("iat".to_owned(), now_s.into());
    claims.insert("exp".to_owned(), now_s.saturating_add(u64::from(options.ttl_s)).into());
    if let Some(scope) = &options.scope {
        claims.insert("scope".to_owned(), scope.clone().into());
    }
    claims.extend(options.claims.iter().map(|(name, value)| (name.clone(), value.clone().into())));
    claims
}

fn sign(issuer: &Issuer, values: &Values, claims: Map<String, Value>) -> Result<String, Failure> {
    let secret = issuer.secret.resolve(values);
    if secret.len() < SHORTEST_SECRET {
        let message = format!(
            "the secret of issuer `{}` has {} bytes, the gateway wants {SHORTEST_SECRET}",
            issuer.name,
            secret.len()
        );
        return Err(Failure::Findings(message));
    }
    let header = Header::empty().with_token_type("JWT");
    let token = Hs256.token(&header, &Claims::new(claims), &Hs256Key::new(secret));
    token.map_err(|error| Failure::Findings(format!("the token cannot be made: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway::{blueprint::compile::compile, stages::authn::Verifier};

    const FILE: &str = r#"
        [gateway]
        name = "a"
        [upstreams.u]
        targets = ["${ELSEWHERE}"]
        [issuers.one]
        algorithm = "HS256"
        issuer = "https://${HOST:-one.example}/"
        audience = "api"
        secret = "${ONE}"
        [issuers.two]
        algorithm = "HS256"
        issuer = "two"
        audience = "api"
        secret = "${TWO}"
    "#;

    fn blueprint() -> Blueprint {
        compile("f", FILE).into_blueprint().unwrap()
    }

    #[test]
    fn only_the_variables_of_the_issuer_are_asked_for() {
        let blueprint = blueprint();
        let missing = values(&blueprint, &blueprint.issuers[0], |_| None).err();
        assert_eq!(missing, Some(Failure::Findings("set these environment variables: ONE".into())));
        let values = values(&blueprint, &blueprint.issuers[0], |name| (name == "ONE").then(|| "x".repeat(32))).unwrap();
        assert_eq!(blueprint.issuers[0].issuer.resolve(&values), "https://one.example/");
    }

    #[test]
    fn with_several_issuers_one_must_be_chosen() {
        let blueprint = blueprint();
        assert!(matches!(choose(&blueprint, None), Err(Failure::Usage(_))));
        assert!(matches!(choose(&blueprint, Some("three")), Err(Failure::Usage(_))));
        assert_eq!(choose(&blueprint, Some("two")).unwrap().name, "two");
    }

    #[test]
    fn the_claims_are_those_that_were_asked_for() {
        let blueprint = blueprint();
        let values = values(&blueprint, &blueprint.issuers[1], |_| Some("x".repeat(32))).unwrap();
        let options =
            Options { scope: Some("a b".into()), claims: vec![("role".into(), "admin".into())], ..Options::default() };
        let claims = claims(&blueprint.issuers[1], &values, &options, 1_000);
        let expected = serde_json::json!({
            "iss": "two", "aud": "api", "sub": "demo", "iat": 1_000, "exp": 4_600, "scope": "a b", "role": "admin",
        });
        assert_eq!(Value::Object(claims), expected);
    }

    #[test]
    fn the_gateway_believes_the_token_until_it_expires() {
        let blueprint = blueprint();
        let issuer = &blueprint.issuers[0];
        let values = values(&blueprint, issuer, |name| (name == "ONE").then(|| "x".repeat(32))).unwrap();
        let options = Options { scope: Some("a b".into()), ..Options::default() };
        let token = sign(issuer, &values, claims(issuer, &values, &options, 1_000)).unwrap();
        let verifier = Verifier::new(issuer, &values).unwrap();
        let answer = |now_s: u64| verifier.authenticate(Some(&format!("Bearer {token}")), now_s * 1_000, "a").ok();
        assert!(answer(1_000).is_some_and(|principal| principal.subject() == Some("demo") && principal.has_scope("b")));
        assert!(answer(1_000 + 3_600 + 31).is_none());
    }

    #[test]
    fn a_secret_that_the_gateway_would_refuse_signs_nothing() {
        let blueprint = blueprint();
        let values = values(&blueprint, &blueprint.issuers[0], |_| Some("short".into())).unwrap();
        let failure = sign(&blueprint.issuers[0], &values, Map::new());
        assert_eq!(
            failure,
            Err(Failure::Findings("the secret of issuer `one` has 5 bytes, the gateway wants 32".into()))
        );
    }
}
