//! The claims of a token whose signature has been checked: read once and strictly.
//!
//! `jwt-compact` reads claims too, into a structure with the rest flattened behind it, which cost a new token as much as
//! its signature. Not here: what claims must say.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::{Map, Value};

/// All claims of a token.
pub(super) type AllClaims = Map<String, Value>;

/// The claims of a compact token (RFC 7515 section 3.1). `None` when they are no object, or name a claim twice: two
/// readers of such a token could take it for two different ones (RFC 7519 section 4).
pub(super) fn of(token: &str) -> Option<AllClaims> {
    let payload = token.split('.').nth(1)?;
    let json = Base64UrlUnpadded::decode_vec(payload).ok()?;
    serde_json::from_slice::<Unique>(&json).ok().map(|claims| claims.0)
}

/// When a token is good, in seconds since 1970 (RFC 7519 sections 4.1.4 and 4.1.5).
pub(super) struct Times {
    /// `exp`.
    pub(super) expires_s: Option<i64>,
    /// `nbf`.
    pub(super) starts_s: Option<i64>,
}

impl Times {
    /// `None` when a claim about time is no date.
    pub(super) fn of(claims: &AllClaims) -> Option<Self> {
        let expires_s = date(claims, "exp")?;
        let starts_s = date(claims, "nbf")?;
        date(claims, "iat")?;
        Some(Self { expires_s, starts_s })
    }
}

/// A NumericDate (RFC 7519 section 2), fractions dropped. The outer `None` stands for something that is no number.
fn date(claims: &AllClaims, name: &str) -> Option<Option<i64>> {
    let Some(value) = claims.get(name) else { return Some(None) };
    let fraction = || value.as_f64().filter(|date| date.is_finite()).map(|date| date as i64);
    value.as_i64().or_else(fraction).map(Some)
}

struct Unique(AllClaims);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UniqueVisitor)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Unique;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object in which every name stands once")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
        let mut claims = AllClaims::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if claims.insert(name, value).is_some() {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        Ok(Unique(claims))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<AllClaims> {
        of(&format!("e30.{}.x", Base64UrlUnpadded::encode_string(json.as_bytes())))
    }

    #[test]
    fn claims_are_one_object_with_every_name_once() {
        assert!(read(r#"{"a":1,"b":{"a":2}}"#).is_some());
        for json in [r#"{"a":1,"a":1}"#, "[]", "1", "", r#"{"a":1} x"#, r#"{"a":1"#] {
            assert_eq!(read(json), None, "{json}");
        }
        assert_eq!(of("e30"), None);
        assert_eq!(of("e30.=.x"), None);
    }

    #[test]
    fn dates_are_numbers() {
        let times = |json: &str| Times::of(&read(json).unwrap()).map(|times| (times.expires_s, times.starts_s));
        assert_eq!(times(r#"{"exp":5.9,"nbf":-1}"#), Some((Some(5), Some(-1))));
        assert_eq!(times("{}"), Some((None, None)));
        for json in [r#"{"exp":"5"}"#, r#"{"nbf":null}"#, r#"{"iat":[]}"#] {
            assert_eq!(times(json), None, "{json}");
        }
        assert_eq!(times(r#"{"exp":1e300}"#), Some((Some(i64::MAX), None)));
    }
}
