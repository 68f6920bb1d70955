//! What the claims of a token must say. They count for nothing until its signature has been checked.
//!
//! Not here: how they are read (`http::strict`), and the time of the request, which is compared at every use.

use serde_json::Value;

use super::Rules;
use crate::http::strict::Object;

/// When a token is good, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    /// From then on it is not: `exp`, or earlier where tokens may not grow old (RFC 7519 section 4.1.4).
    pub(super) end_s: i64,
    /// Before it is not: `nbf` or `iat`, the later one (RFC 7519 sections 4.1.5 and 4.1.6).
    pub(super) start_s: Option<i64>,
}

/// What is wrong, for the caller.
pub(super) type Wrong = std::borrow::Cow<'static, str>;

impl Times {
    /// What the claims say about time, under the rules of their issuer.
    pub(super) fn of(claims: &Object, rules: &Rules) -> Result<Self, Wrong> {
        let date = |name: &str| date(claims, name).ok_or("A claim about time is no number.");
        let (expires_s, starts_s, issued_s) = (date("exp")?, date("nbf")?, date("iat")?);
        let expires_s = expires_s.ok_or("The token has no expiry (`exp`).")?;
        let end_s = match (rules.max_age_s, issued_s) {
            (None, _) => expires_s,
            (Some(age), Some(issued)) => expires_s.min(issued.saturating_add(i64::from(age))),
            (Some(_), None) => return Err("The token does not say when it was issued (`iat`).".into()),
        };
        Ok(Self { end_s, start_s: starts_s.max(issued_s) })
    }
}

/// A NumericDate (RFC 7519 section 2), fractions dropped. The outer `None` stands for something that is no number.
fn date(claims: &Object, name: &str) -> Option<Option<i64>> {
    let Some(value) = claims.get(name) else { return Some(None) };
    let fraction = || value.as_f64().filter(|date| date.is_finite()).map(|date| date as i64);
    value.as_i64().or_else(fraction).map(Some)
}

/// Checks from whom a token is, for whom, and that it says what it must.
pub(super) fn check(claims: &Object, issuer: &str, audiences: &[String], rules: &Rules) -> Result<(), Wrong> {
    if issuer_of(claims) != Some(issuer) {
        return Err(OTHER_ISSUER.into());
    }
    let is_meant = |audience: &Value| audience.as_str().is_some_and(|it| audiences.iter().any(|own| own == it));
    let addressed = match claims.get("aud") {
        Some(Value::Array(list)) => list.iter().any(is_meant),
        Some(one) => is_meant(one),
        None => false,
    };
    if !addressed {
        return Err("The token is for another audience (`aud`).".into());
    }
    match rules.require.iter().find(|name| claims.get(*name).is_none_or(says_nothing)) {
        Some(name) => Err(format!("The token lacks a claim that is needed here: `{name}`.").into()),
        None => Ok(()),
    }
}

/// What is said of a token whose issuer is not asked here.
pub(super) const OTHER_ISSUER: &str = "The token is from another issuer (`iss`).";

/// Who claims to have issued the token.
pub(super) fn issuer_of(claims: &Object) -> Option<&str> {
    claims.get("iss").and_then(Value::as_str)
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claims(value: Value) -> Object {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn dates_are_numbers() {
        let times =
            |value: Value| Times::of(&claims(value), &Rules::default()).map(|times| (times.end_s, times.start_s));
        assert_eq!(times(json!({ "exp": 5.9, "nbf": -1 })), Ok((5, Some(-1))));
        assert_eq!(times(json!({ "exp": 1e300 })), Ok((i64::MAX, None)));
        assert_eq!(times(json!({ "exp": 9, "nbf": 3, "iat": 4 })), Ok((9, Some(4))));
        for value in
            [json!({}), json!({ "exp": "5" }), json!({ "exp": 5, "nbf": null }), json!({ "exp": 5, "iat": [] })]
        {
            assert!(times(value.clone()).is_err(), "{value}");
        }
    }

    #[test]
    fn a_token_that_may_not_grow_old_says_when_it_was_issued() {
        let rules = Rules { max_age_s: Some(60), ..Rules::default() };
        let end = |value: Value| Times::of(&claims(value), &rules).map(|times| times.end_s).ok();
        assert_eq!(end(json!({ "exp": 1_000, "iat": 100 })), Some(160));
        assert_eq!(end(json!({ "exp": 130, "iat": 100 })), Some(130));
        assert_eq!(end(json!({ "exp": 1_000, "iat": 1e300 })), Some(1_000));
        assert_eq!(end(json!({ "exp": 1_000 })), None);
    }

    #[test]
    fn every_claim_that_is_needed_is_there_and_says_something() {
        let rules = Rules { require: vec!["tenant".into(), "n".into()], ..Rules::default() };
        let checked = |tenant: Value| {
            let claims = claims(json!({ "iss": "i", "aud": ["x", "b"], "n": 0, "tenant": tenant }));
            check(&claims, "i", &["a".into(), "b".into()], &rules)
        };
        for tenant in [json!("t"), json!(false), json!(0), json!(["a"]), json!({ "a": null })] {
            assert_eq!(checked(tenant.clone()), Ok(()), "{tenant}");
        }
        for tenant in [json!(""), json!(null), json!([]), json!({})] {
            assert_eq!(
                checked(tenant.clone()).unwrap_err(),
                "The token lacks a claim that is needed here: `tenant`.",
                "{tenant}"
            );
        }
    }

    #[test]
    fn issuer_and_audience_are_texts_that_are_the_same() {
        let checked = |value: Value| check(&claims(value), "i", &["a".into()], &Rules::default()).is_ok();
        assert!(checked(json!({ "iss": "i", "aud": "a" })));
        for value in [
            json!({ "iss": "I", "aud": "a" }),
            json!({ "iss": ["i"], "aud": "a" }),
            json!({ "aud": "a" }),
            json!({ "iss": "i" }),
            json!({ "iss": "i", "aud": [] }),
            json!({ "iss": "i", "aud": [["a"]] }),
            json!({ "iss": "i", "aud": { "a": 1 } }),
        ] {
            assert!(!checked(value.clone()), "{value}");
        }
    }
}
