//! Tokens as an issuer of a `gateway.toml` would sign them, for whoever has its secret: demos, and operators on their own
//! machine.
//!
//! Not here: what they say beyond what all of them say.

use gateway::{
    blueprint::Blueprint,
    config::text::{Text, Values},
    stages::authn::{Issuer, Keys, SHORTEST_SECRET},
};
use jwt_compact::{
    AlgorithmExt, Claims, Header,
    alg::{Hs256, Hs256Key},
};
use serde_json::{Map, Value};

use crate::{Failure, values};

/// The values of the variables that the issuer names. Those of other sections may be missing: they are not used.
pub(crate) fn values(
    blueprint: &Blueprint,
    issuer: &Issuer,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Values, Failure> {
    let texts = [&issuer.issuer].into_iter().chain(issuer.audiences.first()).chain(secret(issuer));
    let is_named = |index: usize| texts.clone().any(|text| values::names(text, index));
    let value = |(index, known): (usize, &gateway::config::text::Variable)| {
        if is_named(index) { variable(&known.name) } else { Some(String::new()) }
    };
    let environment: Vec<Option<String>> = blueprint.variables.0.iter().enumerate().map(value).collect();
    blueprint.variables.resolve(&environment).map_err(|missing| Failure::Findings(values::unset(&missing)))
}

/// The newest secret of an issuer, if it has secrets.
fn secret(issuer: &Issuer) -> Option<&Text> {
    match &issuer.keys {
        Keys::Secrets(secrets) => secrets.first(),
        Keys::Public(_) => None,
    }
}

/// What every token of an issuer says.
pub(crate) fn claims(issuer: &Issuer, values: &Values, subject: &str, now_s: u64, ttl_s: u32) -> Map<String, Value> {
    let audience = issuer.audiences.first().map(|audience| audience.resolve(values)).unwrap_or_default();
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), issuer.issuer.resolve(values).into());
    claims.insert("aud".to_owned(), audience.into());
    claims.insert("sub".to_owned(), subject.into());
    claims.insert("iat".to_owned(), now_s.into());
    claims.insert("exp".to_owned(), now_s.saturating_add(u64::from(ttl_s)).into());
    claims
}

/// Signs claims with the newest secret of an issuer.
pub(crate) fn sign(issuer: &Issuer, values: &Values, claims: Map<String, Value>) -> Result<String, Failure> {
    let Some(secret) = secret(issuer).map(|secret| secret.resolve(values)) else {
        let (name, algorithm) = (&issuer.name, issuer.algorithm.name());
        return Err(Failure::Findings(format!(
            "issuer `{name}` signs with {algorithm}, and the file has only its public keys: its own server makes its tokens"
        )));
    };
    if secret.len() < SHORTEST_SECRET {
        let message = format!(
            "the secret of issuer `{}` has {} bytes, the gateway wants {SHORTEST_SECRET}",
            issuer.name,
            secret.len()
        );
        return Err(Failure::Findings(message));
    }
    let header = Header::empty().with_token_type(issuer.rules.types.first().map_or("JWT", String::as_str));
    let token = Hs256.token(&header, &Claims::new(claims), &Hs256Key::new(secret));
    token.map_err(|error| Failure::Findings(format!("the token cannot be made: {error}")))
}

/// Two issuers, for tests of whoever signs.
#[cfg(test)]
pub(crate) mod example {
    use gateway::blueprint::{Blueprint, compile::compile};

    pub(crate) const FILE: &str = r#"
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

    pub(crate) fn blueprint() -> Blueprint {
        compile("f", FILE).into_blueprint().unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        example::{FILE, blueprint},
        *,
    };
    use gateway::blueprint::compile::compile;

    #[test]
    fn only_the_variables_of_the_issuer_are_asked_for() {
        let blueprint = blueprint();
        let missing = super::values(&blueprint, &blueprint.issuers[0], |_| None).err();
        assert_eq!(missing, Some(Failure::Findings(values::unset(&["ONE"]))));
        let values = values(&blueprint, &blueprint.issuers[0], |name| (name == "ONE").then(|| "x".repeat(32))).unwrap();
        assert_eq!(blueprint.issuers[0].issuer.resolve(&values), "https://one.example/");
    }

    #[test]
    fn an_issuer_with_public_keys_makes_its_tokens_itself() {
        let file = FILE.replace(
            "algorithm = \"HS256\"\n        issuer = \"two\"",
            "algorithm = \"ES256\"\n        issuer = \"two\"",
        );
        let blueprint =
            compile("f", &file.replace("secret = \"${TWO}\"", "keys = [\"${TWO}\"]")).into_blueprint().unwrap();
        let issuer = &blueprint.issuers[1];
        let values = values(&blueprint, issuer, |_| None).unwrap();
        let Err(Failure::Findings(message)) = sign(issuer, &values, Map::new()) else { panic!() };
        assert!(message.starts_with("issuer `two` signs with ES256"), "{message}");
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
