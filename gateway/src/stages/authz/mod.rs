//! What a caller may do: scopes. Who the caller is has been settled by `authn`.

#[cfg(feature = "compiler")]
pub mod keys;

use serde::{Deserialize, Serialize};

use crate::{
    facts::{authorized::Authorized, principal::Principal},
    http::problem::{Fault, Kind, Problem},
};

/// The keys of this stage: `scopes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Config {
    /// Scopes that the token must carry, all of them.
    pub scopes: Vec<String>,
}

/// 403: the token is good, its scopes are not enough.
pub const SCOPE_MISSING: Kind =
    Kind { code: "scope_missing", status: 403, title: "The token does not allow this", fault: Fault::Client };

/// Lets a request go on, or says which scope is missing. `principal` is absent on public routes only.
///
/// # Errors
/// [`SCOPE_MISSING`] with the challenge of RFC 6750 section 3.1.
pub fn authorize(config: &Config, principal: Option<&Principal>, realm: &str) -> Result<Authorized, Problem> {
    let Some(principal) = principal else {
        // No principal and no scopes: the route is public. The compiler of the configuration refuses scopes on
        // a public route; should one ever get here, nobody holds its scopes.
        return if config.scopes.is_empty() { Ok(Authorized::public()) } else { Err(missing(config, realm)) };
    };
    if config.scopes.iter().all(|scope| principal.has_scope(scope)) {
        Ok(Authorized::with_scopes())
    } else {
        Err(missing(config, realm))
    }
}

fn missing(config: &Config, realm: &str) -> Problem {
    let scopes = config.scopes.join(" ");
    let challenge = format!(r#"Bearer realm="{realm}", error="insufficient_scope", scope="{scopes}""#);
    Problem::new(&SCOPE_MISSING, format!("This needs a token with the scope: {scopes}."))
        .header("www-authenticate", challenge)
}

/// What is told of this stage where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(Config { scopes }: &Config, teller: &mut crate::config::told::Teller<'_>) {
    teller.put("scopes", crate::config::told::sorted(scopes));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(scope: &str) -> Principal {
        let claims = serde_json::json!({ "sub": "u", "scope": scope });
        Principal::from_verified_claims(claims.as_object().unwrap().clone())
    }

    fn config(scopes: &[&str]) -> Config {
        Config { scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect() }
    }

    #[test]
    fn every_scope_must_be_held() {
        assert!(authorize(&config(&["a", "b"]), Some(&principal("b c a")), "r").is_ok());
        let problem = authorize(&config(&["a", "b"]), Some(&principal("a")), "r").unwrap_err();
        assert_eq!(problem.kind.code, "scope_missing");
        assert_eq!(
            problem.headers.value("www-authenticate"),
            Some(r#"Bearer realm="r", error="insufficient_scope", scope="a b""#)
        );
    }

    #[test]
    fn scopes_without_a_principal_are_never_met() {
        assert!(authorize(&config(&[]), None, "r").is_ok());
        assert!(authorize(&config(&["a"]), None, "r").is_err());
    }
}
