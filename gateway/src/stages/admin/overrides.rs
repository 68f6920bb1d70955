//! Other limits for single keys as operators write and read them.

use serde::Serialize;

use super::switches::{Body, invalid, is_sentence, until};
use crate::{
    fleet::limits::overrides::Override,
    http::{Millis, problem::Problem, timestamp::rfc3339},
};

/// The highest limit.
const HIGHEST: u32 = 1_000_000_000;

/// An override in a document.
#[derive(Serialize)]
pub struct Shown<'o> {
    name: &'o str,
    key: &'o str,
    limit: u32,
    reason: &'o str,
    by: &'o str,
    since: String,
    until: String,
}

impl<'o> Shown<'o> {
    /// As it is.
    #[must_use]
    pub fn new(other: &'o Override) -> Self {
        Self {
            name: &other.names.0,
            key: &other.names.1,
            limit: other.tokens,
            reason: &other.reason,
            by: &other.by,
            since: rfc3339(other.since).as_str().to_owned(),
            until: rfc3339(other.until).as_str().to_owned(),
        }
    }
}

/// The override that a body describes, `{"limit": 500, "reason": "…", "for": "1h"}`, of which the place is known. No request
/// may cost more than there is.
///
/// # Errors
/// [`ADMIN_REQUEST_INVALID`](super::ADMIN_REQUEST_INVALID) with the member that is wrong.
pub fn read(place: Override, body: &[u8], cost: u32) -> Result<Override, Problem> {
    let expected = r#"{"limit": 500, "reason": "…", "for": "1h"}, perhaps with "until" in place of "for""#;
    let body: Body = serde_json::from_slice(body).map_err(|_| invalid("", expected))?;
    if body.retry_after.is_some() {
        return Err(invalid("/retry_after", "nothing: a limit says it by itself"));
    }
    let limit = body.limit.and_then(|limit| u32::try_from(limit).ok());
    let limit = limit.filter(|limit| (cost.max(1)..=HIGHEST).contains(limit));
    let tokens = limit.ok_or_else(|| {
        invalid("/limit", format!("a whole number from {} on, the cost of a request, to {HIGHEST}", cost.max(1)))
    })?;
    let reason = body.reason.filter(|reason| is_sentence(reason));
    let reason = reason.ok_or_else(|| invalid("/reason", "1 to 200 printable characters"))?;
    let until = until(body.r#for.as_deref(), body.until.as_deref(), place.since)?;
    Ok(Override { tokens, reason, until, ..place })
}

/// Where an override is to stand, before it is read.
#[must_use]
pub fn place(limit: u64, key: [u8; 16], names: (String, String), by: &str, since: Millis) -> Override {
    let (by, until) = (by.to_owned(), since);
    Override { limit, key, names, tokens: 0, reason: String::new(), by, since, until }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_800_000_000_000;

    fn read_of(body: &str) -> Result<Override, String> {
        let place = place(7, [1; 16], ("5/min".into(), "address=192.0.2.7".into()), "ada", NOW);
        read(place, body.as_bytes(), 3).map_err(|problem| problem.errors[0].field.to_string())
    }

    #[test]
    fn a_body_says_how_many_why_and_for_how_long() {
        let other = read_of(r#"{"limit":500,"reason":"a sale","for":"2h"}"#).unwrap();
        assert_eq!((other.tokens, other.until, &*other.reason, &*other.by), (500, NOW + 7_200_000, "a sale", "ada"));
        assert_eq!(read_of(r#"{"limit":3,"reason":"x"}"#).unwrap().until, NOW + 3_600_000, "an hour");
        let shown = serde_json::to_value(Shown::new(&other)).unwrap();
        assert_eq!((&shown["limit"], &shown["key"]), (&500.into(), &"address=192.0.2.7".into()));
    }

    #[test]
    fn what_is_wrong_with_a_body_is_named() {
        for (body, field) in [
            ("", ""),
            (r#"{"limit":"5","reason":"x"}"#, ""),
            (r#"{"limit":-5,"reason":"x"}"#, ""),
            (r#"{"limit":5.5,"reason":"x"}"#, ""),
            (r#"{"limit":5,"reason":"x","seconds":60}"#, ""),
            (r#"{"reason":"x"}"#, "/limit"),
            (r#"{"limit":2,"reason":"x"}"#, "/limit"),
            (r#"{"limit":1000000001,"reason":"x"}"#, "/limit"),
            (r#"{"limit":18446744073709551615,"reason":"x"}"#, "/limit"),
            (r#"{"limit":5}"#, "/reason"),
            (r#"{"limit":5,"reason":"x","for":"31d"}"#, "/for"),
            (r#"{"limit":5,"reason":"x","until":"2020-01-01T00:00:00Z"}"#, "/until"),
            (r#"{"limit":5,"reason":"x","retry_after":"5s"}"#, "/retry_after"),
        ] {
            assert_eq!(read_of(body).map(|_| ()), Err(field.to_owned()), "{body}");
        }
    }
}
