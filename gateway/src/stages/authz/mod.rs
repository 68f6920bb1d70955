//! What a caller may do: scopes, roles, then conditions. Who the caller is has been settled by `authn`.

#[cfg(feature = "compiler")]
pub mod keys;

use serde::{Deserialize, Serialize};

use crate::{
    config::condition::{Condition, Facts},
    facts::{
        authorized::Authorized,
        principal::{Principal, missing},
    },
    http::problem::{Fault, Kind, Problem},
};

/// The keys of this stage: `scopes`, `roles`, `condition`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Config {
    /// Scopes that the token must carry, all of them.
    pub scopes: Vec<String>,
    /// Roles of which the caller must hold one.
    pub roles: Roles,
    /// What must be true of the request, all of it.
    pub conditions: Vec<Condition>,
}

/// Roles of which one is enough; none asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Roles {
    /// As the route names them.
    pub wanted: Vec<String>,
    /// Those and all that include one of them, in order: a request is asked for membership and nothing else.
    pub satisfied_by: Vec<String>,
}

/// 403: the token is good, its scopes are not enough.
pub const SCOPE_MISSING: Kind =
    Kind { code: "scope_missing", status: 403, title: "The token does not allow this", fault: Fault::Client };

/// 403: the token is good, its roles are not enough.
pub const ROLE_MISSING: Kind =
    Kind { code: "role_missing", status: 403, title: "The caller's roles do not allow this", fault: Fault::Client };

/// 403: the request is not one that the caller may make.
pub const CONDITION_FAILED: Kind = Kind {
    code: "condition_failed",
    status: 403,
    title: "The request does not meet a condition of the route",
    fault: Fault::Client,
};

/// Lets a request go on, or says what is missing. `principal` is absent on public routes only. The compiler of the
/// configuration refuses scopes and roles on a public route; should one ever get here, nobody holds them.
///
/// # Errors
/// [`SCOPE_MISSING`], [`ROLE_MISSING`] or [`CONDITION_FAILED`], the first that applies, with the challenge of RFC 6750
/// section 3.1; [`missing`] where a token is optional and a condition wants one.
pub fn authorize(
    config: &Config,
    principal: Option<&Principal>,
    facts: &impl Facts,
    realm: &str,
) -> Result<Authorized, Problem> {
    let has_scope = |scope: &String| principal.is_some_and(|principal| principal.has_scope(scope));
    if !config.scopes.iter().all(has_scope) {
        return Err(scope_missing(&config.scopes, realm));
    }
    if !config.roles.are_met_by(principal) {
        return Err(role_missing(&config.roles.wanted, realm));
    }
    if let Some(failed) = config.failed(facts) {
        return Err(condition_failed(failed, principal, realm));
    }
    Ok(match principal {
        _ if !config.conditions.is_empty() => Authorized::on_conditions(),
        None => Authorized::public(),
        Some(_) if !config.roles.wanted.is_empty() => Authorized::with_roles(),
        Some(_) => Authorized::with_scopes(),
    })
}

impl Config {
    /// The first condition that a request does not meet.
    #[must_use]
    pub fn failed(&self, facts: &impl Facts) -> Option<&Condition> {
        self.conditions.iter().find(|condition| !condition.holds(facts))
    }
}

impl Roles {
    fn are_met_by(&self, principal: Option<&Principal>) -> bool {
        let satisfies = |role: &String| self.satisfied_by.binary_search(role).is_ok();
        self.wanted.is_empty() || principal.is_some_and(|principal| principal.roles().iter().any(satisfies))
    }
}

fn scope_missing(scopes: &[String], realm: &str) -> Problem {
    let scopes = scopes.join(" ");
    let challenge = format!(r#"Bearer realm="{realm}", error="insufficient_scope", scope="{scopes}""#);
    Problem::new(&SCOPE_MISSING, format!("This needs a token with the scope: {scopes}."))
        .header("www-authenticate", challenge)
}

/// The roles are named, as scopes are: who must ask an administrator for one has to know which.
fn role_missing(wanted: &[String], realm: &str) -> Problem {
    let detail = format!("This needs one of the roles: {}.", wanted.join(", "));
    Problem::new(&ROLE_MISSING, detail).header("www-authenticate", insufficient(realm))
}

/// Which condition it was is the operator's affair: it may name what the caller should not know of. Where a token is
/// optional, there is none and the condition reads it, one might help, so that is what is missing.
fn condition_failed(failed: &Condition, principal: Option<&Principal>, realm: &str) -> Problem {
    let detail = "The caller may not make this request: a condition of the route does not hold.";
    match principal {
        _ if !failed.reads_claims() => Problem::new(&CONDITION_FAILED, detail),
        Some(_) => Problem::new(&CONDITION_FAILED, detail).header("www-authenticate", insufficient(realm)),
        None => missing(realm),
    }
}

/// The challenge where more scopes would not help. RFC 6750 section 3 wants one for every token that does not enable
/// access, and section 3.1 has this error for one whose privileges are too low; `scope`, which is optional there, would
/// promise that a token with it gets through.
fn insufficient(realm: &str) -> String {
    format!(r#"Bearer realm="{realm}", error="insufficient_scope""#)
}

/// What is told of this stage where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(Config { scopes, roles, conditions }: &Config, teller: &mut crate::config::told::Teller<'_>) {
    use crate::config::told::{Value, sorted};
    teller.put("scopes", sorted(scopes));
    let above: Vec<&String> = roles.satisfied_by.iter().filter(|role| !roles.wanted.contains(role)).collect();
    let above = if above.is_empty() { String::new() } else { format!(", above them {}", sorted(above)) };
    // What a role is worth is decided in `[roles]`, so that counts and not the name.
    let shown = sorted(&roles.wanted) + &above;
    teller.put("roles", Value { shown, meaning: Some(sorted(&roles.satisfied_by)) });
    let by_place = |condition: &Condition| condition.with_parameters(&|name| teller.place_of(name));
    let meaning = sorted(conditions.iter().map(by_place));
    teller.put("condition", Value { shown: sorted(conditions), meaning: Some(meaning) });
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::config::condition::{Field, Operand, Operator};

    fn principal(scope: &str, roles: &str) -> Principal {
        let claims = serde_json::json!({ "sub": "u", "scope": scope, "roles": roles });
        Principal::from_verified_claims(
            claims.as_object().unwrap().clone(),
            &crate::facts::principal::ClaimNames::default(),
        )
    }

    /// A request that says nothing but its method.
    struct Nothing;

    impl Facts for Nothing {
        fn is_suspicious(&self) -> Option<bool> {
            None
        }

        fn claim(&self, _: &str) -> Option<&serde_json::Value> {
            None
        }

        fn parameter(&self, _: &str) -> Option<&str> {
            None
        }

        fn request(&self, _: Field) -> Cow<'_, str> {
            "GET".into()
        }
    }

    fn authorize(config: &Config, principal: Option<&Principal>, realm: &str) -> Result<Authorized, Problem> {
        super::authorize(config, principal, &Nothing, realm)
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn config(scopes: &[&str], wanted: &[&str], satisfied_by: &[&str]) -> Config {
        let roles = Roles { wanted: texts(wanted), satisfied_by: texts(satisfied_by) };
        Config { scopes: texts(scopes), roles, conditions: Vec::new() }
    }

    #[test]
    fn every_scope_must_be_held() {
        let wanted = config(&["a", "b"], &[], &[]);
        assert!(authorize(&wanted, Some(&principal("b c a", "")), "r").is_ok());
        let problem = authorize(&wanted, Some(&principal("a", "")), "r").unwrap_err();
        assert_eq!(problem.kind.code, "scope_missing");
        assert_eq!(
            problem.headers.value("www-authenticate"),
            Some(r#"Bearer realm="r", error="insufficient_scope", scope="a b""#)
        );
    }

    #[test]
    fn one_role_is_enough_and_scopes_come_first() {
        let wanted = config(&["s"], &["engineer", "auditor"], &["auditor", "engineer", "exec"]);
        let refused = |scope: &str, roles: &str| {
            authorize(&wanted, Some(&principal(scope, roles)), "r").err().map(|problem| problem.kind.code)
        };
        for roles in ["engineer", "exec", "x auditor"] {
            assert_eq!(refused("s", roles), None, "{roles}");
            assert_eq!(refused("", roles), Some("scope_missing"), "{roles}");
        }
        for roles in ["", "viewer", "Engineer", "engineers"] {
            assert_eq!(refused("s", roles), Some("role_missing"), "{roles}");
        }
    }

    #[test]
    fn a_missing_role_is_named_and_no_scope_is_promised() {
        let problem = authorize(&config(&[], &["b", "a"], &["a", "b"]), Some(&principal("", "")), "r").unwrap_err();
        assert_eq!(problem.detail, "This needs one of the roles: b, a.");
        let challenge = problem.headers.value("www-authenticate");
        assert_eq!(challenge, Some(r#"Bearer realm="r", error="insufficient_scope""#));
    }

    #[test]
    fn what_is_asked_for_without_a_principal_is_never_met() {
        assert!(authorize(&config(&[], &[], &[]), None, "r").is_ok());
        assert!(authorize(&config(&["a"], &[], &[]), None, "r").is_err());
        assert!(authorize(&config(&[], &["a"], &["a"]), None, "r").is_err());
    }

    #[test]
    fn a_challenge_comes_where_a_token_would_help() {
        let method = Operand::Request(Field::Method);
        let other = Condition::Compare(method.clone(), Operator::Unequal, method.clone());
        let same = Condition::Compare(method.clone(), Operator::Equal, method);
        let refused = |conditions: Vec<Condition>, principal: Option<&Principal>| {
            let problem = authorize(&Config { conditions, ..Config::default() }, principal, "r").err()?;
            let challenge = problem.headers.value("www-authenticate").unwrap_or_default().to_owned();
            Some((problem.kind.code, challenge))
        };
        let (principal, has) = (principal("", ""), Condition::Has("sub".into()));
        let insufficient = r#"Bearer realm="r", error="insufficient_scope""#;
        assert_eq!(refused(vec![same.clone()], None), None);
        let failed = |challenge: &str| Some(("condition_failed", challenge.to_owned()));
        assert_eq!(refused(vec![same.clone(), other.clone()], Some(&principal)), failed(""));
        assert_eq!(refused(vec![other], None), failed(""));
        assert_eq!(refused(vec![same, has.clone()], Some(&principal)), failed(insufficient));
        assert_eq!(refused(vec![has], None), Some(("token_missing", r#"Bearer realm="r""#.to_owned())));
    }
}
