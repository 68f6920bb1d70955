//! Switches as operators write and read them: which one, in the query; how, in the body.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::ADMIN_REQUEST_INVALID;
use crate::{
    config::duration,
    fleet::signals::switch::{Kind, Lever, Scope, Switch},
    http::{
        Millis,
        problem::Problem,
        query,
        timestamp::{self, rfc3339},
    },
};

/// How long a switch holds where the body says nothing: an hour.
const DEFAULT_MS: Millis = 3_600_000;
/// How long it can hold: thirty days.
const LONGEST_MS: Millis = 30 * 24 * 3_600_000;
/// The longest reason, in characters.
const LONGEST_REASON: usize = 200;
/// Callers need not wait for longer than this before they ask again, in seconds: seven days.
const LONGEST_RETRY_S: u64 = 604_800;

/// The most bytes that a body may have.
pub const LARGEST_BODY: u64 = 4_096;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    pub reason: Option<String>,
    pub r#for: Option<String>,
    pub until: Option<String>,
    pub retry_after: Option<String>,
    /// Of those that are about a limit.
    pub limit: Option<u64>,
}

/// A switch in a document.
#[derive(Serialize)]
pub struct Shown<'s> {
    kind: &'static str,
    scope: String,
    reason: &'s str,
    by: &'s str,
    since: String,
    until: String,
    retry_after: u64,
}

impl<'s> Shown<'s> {
    /// As it is now.
    #[must_use]
    pub fn new(switch: &'s Switch, now: Millis) -> Self {
        Self {
            kind: switch.lever.kind.word(),
            scope: switch.lever.scope.text(),
            reason: &switch.reason,
            by: &switch.by,
            since: rfc3339(switch.since).as_str().to_owned(),
            until: rfc3339(switch.until).as_str().to_owned(),
            retry_after: switch.retry_after_s(now),
        }
    }
}

/// Which switch a query names: `route=METHOD%20/path`, `tag=NAME`, `upstream=NAME`, or nothing for the whole gateway.
/// `exists` says whether there is such a thing.
///
/// # Errors
/// [`ADMIN_REQUEST_INVALID`]: two of them, one that is not there, or something else.
pub fn lever(kind: Kind, query: &str, exists: impl Fn(&Scope) -> bool) -> Result<Lever, Problem> {
    let mut named = query::pieces(query).filter(|piece| !piece.is_empty());
    let scope = match (named.next(), named.next()) {
        (None, _) => Scope::Gateway,
        (Some(piece), None) => one(piece)?,
        _ => return Err(invalid("query", "one of route, tag and upstream, or nothing for the whole gateway")),
    };
    if kind == Kind::Drain && scope != Scope::Gateway {
        return Err(invalid("query", "nothing: only the whole gateway drains"));
    }
    if !exists(&scope) {
        return Err(invalid("query", "a route, tag or upstream of this gateway, as its gateway.toml names it"));
    }
    Ok(Lever { kind, scope })
}

fn one(piece: &str) -> Result<Scope, Problem> {
    let (name, value) = query::pair(piece);
    let value = query::decode(value).filter(|value| !value.is_empty());
    let value = value.ok_or_else(|| invalid("query", "a name behind the `=`"))?;
    match name {
        "route" => Ok(Scope::Route(value)),
        "tag" => Ok(Scope::Tag(value)),
        "upstream" => Ok(Scope::Upstream(value)),
        _ => Err(invalid("query", "route, tag or upstream")),
    }
}

/// The switch that a body describes: `{"reason": "…", "for": "10m"}`, or `"until"` a moment, and perhaps `"retry_after"`.
///
/// # Errors
/// [`ADMIN_REQUEST_INVALID`] with the member that is wrong.
pub fn switch(lever: Lever, body: &[u8], by: &str, now: Millis) -> Result<Switch, Problem> {
    let (body, reason, until) = read(body, now)?;
    let retry_after_s = match body.retry_after.as_deref().map(duration::parse) {
        None => 0,
        Some(Some(ms)) if (1_000..=LONGEST_RETRY_S.saturating_mul(1_000)).contains(&ms) => {
            u32::try_from(ms.div_ceil(1_000)).unwrap_or_default()
        }
        Some(_) => return Err(invalid("/retry_after", "1s to 7d")),
    };
    Ok(Switch { lever, reason, retry_after_s, by: by.to_owned(), since: now, until })
}

/// Why and until when something else holds, by a body of the same form, without `retry_after`.
///
/// # Errors
/// [`ADMIN_REQUEST_INVALID`] with the member that is wrong.
pub fn term(body: &[u8], now: Millis) -> Result<(String, Millis), Problem> {
    let (body, reason, until) = read(body, now)?;
    if body.retry_after.is_some() {
        return Err(invalid("/retry_after", "nothing"));
    }
    Ok((reason, until))
}

fn read(body: &[u8], now: Millis) -> Result<(Body, String, Millis), Problem> {
    let expected = r#"{"reason": "…", "for": "10m"}, perhaps with "until" in place of "for", and "retry_after""#;
    let body: Option<Body> = serde_json::from_slice(body).ok();
    let mut body = body.filter(|body| body.limit.is_none()).ok_or_else(|| invalid("", expected))?;
    let reason = body.reason.take().filter(|reason| is_sentence(reason));
    let reason = reason.ok_or_else(|| invalid("/reason", "1 to 200 printable characters; callers read it"))?;
    let until = until(body.r#for.as_deref(), body.until.as_deref(), now)?;
    Ok((body, reason, until))
}

pub(super) fn until(length: Option<&str>, moment: Option<&str>, now: Millis) -> Result<Millis, Problem> {
    let latest = now.saturating_add(LONGEST_MS);
    match (length, moment) {
        (Some(_), Some(_)) => Err(invalid("/until", "nothing beside `for`")),
        (None, None) => Ok(now.saturating_add(DEFAULT_MS)),
        (Some(length), None) => duration::parse(length)
            .filter(|ms| (1_000..=LONGEST_MS).contains(ms))
            .map(|ms| now.saturating_add(ms))
            .ok_or_else(|| invalid("/for", "1s to 30d")),
        (None, Some(moment)) => timestamp::parse(moment)
            .filter(|until| (now..=latest).contains(until) && *until > now)
            .ok_or_else(|| invalid("/until", "a moment like 2026-11-21T18:00:00Z, at most 30 days ahead")),
    }
}

pub(super) fn is_sentence(reason: &str) -> bool {
    let length = reason.chars().count();
    (1..=LONGEST_REASON).contains(&length) && !reason.chars().any(char::is_control) && !reason.trim().is_empty()
}

pub(super) fn invalid(field: &'static str, expected: impl Into<Cow<'static, str>>) -> Problem {
    Problem::new(&ADMIN_REQUEST_INVALID, "The request names or says something that this path does not take.")
        .field(field, expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_800_000_000_000;

    fn lever_of(query: &str) -> Result<Scope, String> {
        let found = lever(Kind::Kill, query, |scope| *scope != Scope::Tag("other".into()));
        found.map(|lever| lever.scope).map_err(|problem| problem.errors[0].expected.to_string())
    }

    fn switched(body: &str) -> Result<Switch, String> {
        let lever = Lever { kind: Kind::Kill, scope: Scope::Gateway };
        switch(lever, body.as_bytes(), "ada", NOW).map_err(|problem| problem.errors[0].field.to_string())
    }

    #[test]
    fn a_query_names_one_thing_that_is_there_or_none() {
        assert_eq!(lever_of(""), Ok(Scope::Gateway));
        assert_eq!(lever_of("route=GET%20/items/%7Bid%7D"), Ok(Scope::Route("GET /items/{id}".into())));
        assert_eq!(lever_of("route=GET+/items"), Ok(Scope::Route("GET /items".into())));
        assert_eq!(lever_of("tag=orders"), Ok(Scope::Tag("orders".into())));
        assert_eq!(lever_of("upstream=shop"), Ok(Scope::Upstream("shop".into())));
        for bad in ["tag=", "tag", "tags=a", "tag=a&tag=b", "tag=other", "tag=%ff"] {
            assert!(lever_of(bad).is_err(), "{bad}");
        }
        assert!(lever(Kind::Drain, "tag=orders", |_| true).is_err());
    }

    #[test]
    fn a_body_says_why_and_for_how_long() {
        let switch = switched(r#"{"reason":"leak","for":"10m","retry_after":"90s"}"#).unwrap();
        assert_eq!((switch.until, switch.retry_after_s, &*switch.by), (NOW + 600_000, 90, "ada"));
        assert_eq!(switched(r#"{"reason":"leak"}"#).unwrap().until, NOW + DEFAULT_MS);
        let until = rfc3339(NOW + 5_000);
        let body = format!(r#"{{"reason":"leak","until":"{}"}}"#, until.as_str());
        assert_eq!((switched(&body).unwrap().until, switched(&body)), (NOW + 5_000, switched(&body)));
    }

    #[test]
    fn what_is_wrong_with_a_body_is_named() {
        for (body, field) in [
            ("", ""),
            ("[]", ""),
            (r#"{"reason":"x","form":"10m"}"#, ""),
            ("{}", "/reason"),
            (r#"{"reason":" "}"#, "/reason"),
            (r#"{"reason":"a\nb"}"#, "/reason"),
            (r#"{"reason":"x","for":"0s"}"#, "/for"),
            (r#"{"reason":"x","for":"31d"}"#, "/for"),
            (r#"{"reason":"x","for":"soon"}"#, "/for"),
            (r#"{"reason":"x","for":"1h","until":"2027-01-15T08:00:05Z"}"#, "/until"),
            (r#"{"reason":"x","until":"2020-01-01T00:00:00Z"}"#, "/until"),
            (r#"{"reason":"x","until":"tomorrow"}"#, "/until"),
            (r#"{"reason":"x","retry_after":"8d"}"#, "/retry_after"),
        ] {
            assert_eq!(switched(body).map(|_| ()), Err(field.to_owned()), "{body}");
        }
        let long = format!(r#"{{"reason":"{}"}}"#, "x".repeat(201));
        assert_eq!(switched(&long).map(|_| ()), Err("/reason".to_owned()));
    }
}
