//! Who is asking.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::http::problem::{Fault, Kind, Problem};

/// 401: nobody has proven who they are where somebody has to.
pub const TOKEN_MISSING: Kind =
    Kind { code: "token_missing", status: 401, title: "A token is needed", fault: Fault::Client };

/// What `Authorization` holds.
pub const FORM: &str = "Bearer, a blank and a token";

/// The refusal of a request without a token. Its challenge names no error: nothing of a token was wrong (RFC 6750
/// section 3.1).
#[must_use]
pub fn missing(realm: &str) -> Problem {
    Problem::new(&TOKEN_MISSING, "This needs a bearer token in the Authorization header.")
        .header("www-authenticate", format!("Bearer realm=\"{realm}\""))
        .field("authorization", FORM)
}

/// In which claims an issuer says what. Dots lead into claims inside claims.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimNames {
    /// Roles.
    pub roles: String,
    /// The customer that the caller belongs to.
    pub tenant: String,
    /// The plan that the caller has.
    pub plan: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self { roles: "roles".to_owned(), tenant: "tenant".to_owned(), plan: "plan".to_owned() }
    }
}

/// A verified caller. Made by `authn` from a token whose signature and claims have been checked.
#[derive(Clone, Debug)]
pub struct Principal {
    subject: Option<String>,
    scopes: Vec<String>,
    roles: Vec<String>,
    tenant: Option<String>,
    plan: Option<String>,
    claims: Map<String, Value>,
}

impl Principal {
    /// From the claims of a verified token: `sub` names the subject; scopes are the words of `scope`
    /// (RFC 8693 section 4.2), or the strings of `scope` or `scp` where an issuer sends a list. Roles are the same of the
    /// claim that the issuer is configured to hold them in.
    pub(crate) fn from_verified_claims(claims: Map<String, Value>, names: &ClaimNames) -> Self {
        let subject = claims.get("sub").and_then(Value::as_str).map(str::to_owned);
        let scopes = claims.get("scope").or_else(|| claims.get("scp")).map(words).unwrap_or_default();
        let roles = nested(&claims, &names.roles).map(words).unwrap_or_default();
        let said = |name: &str| text(nested(&claims, name)?).map(Cow::into_owned).filter(|text| !text.is_empty());
        let (tenant, plan) = (said(&names.tenant), said(&names.plan));
        Self { subject, scopes, roles, tenant, plan, claims }
    }

    /// The subject, if the token has one.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// Whether the token carries a scope.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|held| held == scope)
    }

    /// The scopes that the token carries.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// The roles that the token carries, without those that they include.
    #[must_use]
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// The customer that the caller belongs to, if the token says so.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// The plan that the token names.
    #[must_use]
    pub fn plan(&self) -> Option<&str> {
        self.plan.as_deref()
    }

    /// A claim as the token has it. A name with dots leads into claims inside claims.
    #[must_use]
    pub fn raw_claim(&self, name: &str) -> Option<&Value> {
        nested(&self.claims, name)
    }

    /// A claim as a text: a text as it is, a number or a boolean as JSON writes it, a list of texts joined by blanks. A
    /// list whose texts have blanks of their own would be read as another list, so it is none.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<Cow<'_, str>> {
        text(self.raw_claim(name)?)
    }
}

fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(text.into()),
        Value::Number(number) => Some(number.to_string().into()),
        Value::Bool(value) => Some(value.to_string().into()),
        Value::Array(list) => {
            let texts = list.iter().map(|value| value.as_str().filter(|text| is_word(text)));
            Some(texts.collect::<Option<Vec<&str>>>()?.join(" ").into())
        }
        Value::Null | Value::Object(_) => None,
    }
}

/// A claim by its name, or inside others by a name with dots. Names may have dots of their own, so the longest one that
/// is there is taken, and nothing else is tried: one text never stands for two claims.
fn nested<'c>(claims: &'c Map<String, Value>, path: &str) -> Option<&'c Value> {
    let (mut claims, mut path) = (claims, path);
    loop {
        if let Some(value) = claims.get(path) {
            return Some(value);
        }
        let mut dots = path.rmatch_indices('.').filter_map(|(at, _)| path.split_at_checked(at));
        let (inner, rest) = dots.find_map(|(name, rest)| Some((claims.get(name)?, rest)))?;
        claims = inner.as_object()?;
        path = rest.strip_prefix('.')?;
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_whitespace)
}

/// The words of a text, or the texts of a list.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(words) => words.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect(),
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(json: &str) -> Principal {
        Principal::from_verified_claims(serde_json::from_str(json).unwrap(), &ClaimNames::default())
    }

    #[test]
    fn scopes_are_whole_words() {
        let principal = principal(r#"{"scope":"items:read  items:write"}"#);
        assert!(principal.has_scope("items:read") && principal.has_scope("items:write"));
        assert!(!principal.has_scope("items") && !principal.has_scope(""));
    }

    #[test]
    fn a_list_of_scopes_counts_too() {
        assert!(principal(r#"{"scp":["a","b"]}"#).has_scope("b"));
        assert!(!principal(r#"{"scp":7}"#).has_scope("7"));
    }

    #[test]
    fn roles_are_found_wherever_the_issuer_puts_them() {
        let roles = |claim: &str, json: &str| {
            let names = ClaimNames { roles: claim.to_owned(), ..ClaimNames::default() };
            Principal::from_verified_claims(serde_json::from_str(json).unwrap(), &names).roles().join(",")
        };
        let cases = [
            ("role", r#"{"role":"exec"}"#, "exec"),
            ("roles", r#"{"roles":"a  b"}"#, "a,b"),
            ("roles", r#"{"roles":["a","b c",7]}"#, "a,b c"),
            ("realm_access.roles", r#"{"realm_access":{"roles":["a"]}}"#, "a"),
            ("https://a.example/app.roles", r#"{"https://a.example/app":{"roles":["a"]}}"#, "a"),
            ("https://a.example/roles", r#"{"https://a.example/roles":["a"]}"#, "a"),
            ("a.b", r#"{"a.b":"x","a":{"b":"y"}}"#, "x"),
            ("a.b.c", r#"{"a.b":{"d":"x"},"a":{"b":{"c":"y"}}}"#, ""),
            ("roles", r#"{"role":"exec"}"#, ""),
            ("roles", r#"{"roles":{"admin":true}}"#, ""),
            ("a.b", r#"{"a":"b"}"#, ""),
        ];
        for (claim, json, expected) in cases {
            assert_eq!(roles(claim, json), expected, "{claim} of {json}");
        }
    }

    #[test]
    fn tenant_and_plan_are_what_their_claims_say() {
        let said = principal(r#"{"tenant":7,"plan":"premium"}"#);
        assert_eq!((said.tenant(), said.plan()), (Some("7"), Some("premium")));
        let nothing = principal(r#"{"tenant":"","plan":{"name":"premium"}}"#);
        assert_eq!((nothing.tenant(), nothing.plan()), (None, None));
    }

    #[test]
    fn claims_are_given_out_as_texts() {
        let principal = principal(
            r#"{"sub":"u 1","n":5,"f":1.5,"b":true,"l":["a","b"],"e":[],"x":["a b"],"y":["a",1],"z":[""],"o":{"c":"de"},"u":null}"#,
        );
        let cases = [
            ("sub", Some("u 1")),
            ("n", Some("5")),
            ("f", Some("1.5")),
            ("b", Some("true")),
            ("l", Some("a b")),
            ("e", Some("")),
            ("x", None),
            ("y", None),
            ("z", None),
            ("o", None),
            ("o.c", Some("de")),
            ("o.d", None),
            ("u", None),
            ("missing", None),
        ];
        for (name, expected) in cases {
            assert_eq!(principal.claim(name).as_deref(), expected, "{name}");
        }
        assert_eq!(principal.subject(), Some("u 1"));
    }
}
