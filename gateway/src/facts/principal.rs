//! Who is asking.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// A verified caller. Made by `authn` from a token whose signature and claims have been checked.
#[derive(Clone, Debug)]
pub struct Principal {
    subject: Option<String>,
    scopes: Vec<String>,
    claims: Map<String, Value>,
}

impl Principal {
    /// From the claims of a verified token: `sub` names the subject; scopes are the words of `scope`
    /// (RFC 8693 section 4.2), or the strings of `scope` or `scp` where an issuer sends a list.
    pub(crate) fn from_verified_claims(claims: Map<String, Value>) -> Self {
        let subject = claims.get("sub").and_then(Value::as_str).map(str::to_owned);
        let scopes = claims.get("scope").or_else(|| claims.get("scp")).map(scope_words).unwrap_or_default();
        Self { subject, scopes, claims }
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

    /// A claim, if it is a string.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<Cow<'_, str>> {
        self.claims.get(name).and_then(Value::as_str).map(Cow::from)
    }
}

fn scope_words(value: &Value) -> Vec<String> {
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
        Principal::from_verified_claims(serde_json::from_str(json).unwrap())
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
    fn only_string_claims_are_given_out() {
        let principal = principal(r#"{"sub":"u1","n":5}"#);
        assert_eq!((principal.subject(), principal.claim("sub").as_deref()), (Some("u1"), Some("u1")));
        assert_eq!(principal.claim("n"), None);
    }
}
