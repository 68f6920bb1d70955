//! What is refused by its size before anything is done with it, and by where it comes from (`origins`). What is refused before there is a route stands in
//! `before`.

pub mod before;
#[cfg(feature = "compiler")]
pub mod before_keys;
#[cfg(feature = "compiler")]
pub mod keys;
pub mod origins;
#[cfg(feature = "compiler")]
pub mod origins_keys;

use serde::{Deserialize, Serialize};

use crate::{
    config::size::Size,
    http::problem::{Fault, Kind, Problem},
};

/// The keys of this stage in policies and routes: `body_limit`, `url_limit`, `query_limit`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Config {
    /// The most bytes that a URL may have; `None` for what the entry takes.
    pub url_limit: Option<Size>,
    /// The most bytes that a query may have, without its `?`; `None` for what the URL may have.
    pub query_limit: Option<Size>,
    /// The most bytes that a request's body may have; `None` for any number.
    pub body_limit: Option<Size>,
    /// Where requests may come from; `None` for everywhere.
    pub origins: Option<Box<origins::Config>>,
}

/// What holds when the file says nothing: 1 MiB.
pub const DEFAULT_BODY_LIMIT: Size = Size(1_048_576);

/// The same for URLs: 8 KiB, a little more than RFC 9110 section 4.1 wants everybody to take.
pub const DEFAULT_URL_LIMIT: Size = Size(8_192);

/// The same for queries: 4 KiB.
pub const DEFAULT_QUERY_LIMIT: Size = Size(4_096);

/// The longest URL that the entry takes (`src/entry/pack.mjs`).
pub const LONGEST_URL: Size = Size(16_384);

impl Default for Config {
    fn default() -> Self {
        Self {
            url_limit: Some(DEFAULT_URL_LIMIT),
            query_limit: Some(DEFAULT_QUERY_LIMIT),
            body_limit: Some(DEFAULT_BODY_LIMIT),
            origins: None,
        }
    }
}

/// 414: the URL is longer than the route takes.
pub const URL_TOO_LONG: Kind =
    Kind { code: "url_too_long", status: 414, title: "The URL is too long", fault: Fault::Client };

/// 414: the query is longer than the route takes.
pub const QUERY_TOO_LONG: Kind =
    Kind { code: "query_too_long", status: 414, title: "The query is too long", fault: Fault::Client };

/// 413: the body is larger than the route takes.
pub const BODY_TOO_LARGE: Kind =
    Kind { code: "body_too_large", status: 413, title: "The body is too large", fault: Fault::Client };

/// 400: `Content-Length` is no number, or several.
pub const LENGTH_MALFORMED: Kind =
    Kind { code: "length_malformed", status: 400, title: "The length of the body is malformed", fault: Fault::Client };

/// Refuses a URL by its length, or by that of its query, which is given with its `?`.
///
/// # Errors
/// [`URL_TOO_LONG`] or [`QUERY_TOO_LONG`].
pub fn check_url(config: &Config, url: &str, query: &str) -> Result<(), Problem> {
    let query = query.strip_prefix('?').unwrap_or(query);
    let is_longer = |text: &str, limit: Size| u64::try_from(text.len()).is_ok_and(|length| length > limit.0);
    if let Some(limit) = config.url_limit.filter(|limit| is_longer(url, *limit)) {
        let problem = Problem::new(&URL_TOO_LONG, format!("The URL of a request to this route may have {limit}."));
        return Err(problem.field("url", format!("at most {limit}")));
    }
    if let Some(limit) = config.query_limit.filter(|limit| is_longer(query, *limit)) {
        let problem = Problem::new(&QUERY_TOO_LONG, format!("The query of a request to this route may have {limit}."));
        return Err(problem.field("query", format!("at most {limit}")));
    }
    Ok(())
}

/// Refuses a body by the length that it announces. What is left to count while the body passes: the limit, or nothing
/// when the length is known or no body is announced. `length` is `Content-Length` (RFC 9110 section 8.6).
///
/// # Errors
/// [`BODY_TOO_LARGE`] or [`LENGTH_MALFORMED`].
pub fn check_body(config: &Config, length: Option<&str>) -> Result<Option<Size>, Problem> {
    let Some(limit) = config.body_limit else { return Ok(None) };
    let Some(length) = length else { return Ok(Some(limit)) };
    let digits = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    // More digits than fit are too large whatever they say.
    let length = length.parse::<u64>().ok().or_else(|| digits.then_some(u64::MAX)).filter(|_| digits);
    match length {
        Some(length) if length <= limit.0 => Ok(None),
        Some(_) => Err(too_large(limit)),
        None => Err(Problem::new(&LENGTH_MALFORMED, "The length of the body is not a number.")
            .field("content-length", "one whole number")),
    }
}

/// The refusal of a body that is larger than `limit`.
#[must_use]
pub fn too_large(limit: Size) -> Problem {
    Problem::new(&BODY_TOO_LARGE, format!("The body of a request to this route may have {limit}."))
        .field("body", format!("at most {limit}"))
}

/// What is told of this stage where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(
    Config { url_limit, query_limit, body_limit, origins }: &Config,
    teller: &mut crate::config::told::Teller<'_>,
) {
    for (key, limit) in [("url_limit", url_limit), ("query_limit", query_limit), ("body_limit", body_limit)] {
        teller.put(key, limit.map_or_else(|| "none".to_owned(), |limit| limit.to_string()));
    }
    origins::told(origins.as_deref(), teller);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(length: Option<&str>) -> Result<Option<Size>, &'static str> {
        let config = Config { body_limit: Some(Size(10)), ..Config::default() };
        check_body(&config, length).map_err(|problem| problem.kind.code)
    }

    #[test]
    fn a_length_is_believed_and_no_length_is_counted() {
        assert_eq!(checked(Some("10")), Ok(None));
        assert_eq!(checked(Some("0")), Ok(None));
        assert_eq!(checked(None), Ok(Some(Size(10))));
        assert_eq!(checked(Some("11")), Err("body_too_large"));
        assert_eq!(checked(Some("99999999999999999999999")), Err("body_too_large"));
        for length in ["", "-1", "+1", "1, 1", " 1", "1e3", "0x1"] {
            assert_eq!(checked(Some(length)), Err("length_malformed"), "{length:?}");
        }
    }

    #[test]
    fn without_a_limit_nothing_is_counted() {
        let config = Config { body_limit: None, ..Config::default() };
        assert_eq!(check_body(&config, None).ok(), Some(None));
        assert_eq!(check_body(&config, Some("99")).ok(), Some(None));
    }

    #[test]
    fn a_url_has_so_many_bytes_and_its_query_so_many() {
        let config = Config { url_limit: Some(Size(20)), query_limit: Some(Size(3)), ..Config::default() };
        let checked = |url: &str, query: &str| check_url(&config, url, query).map_err(|problem| problem.kind.code);
        assert_eq!(checked("https://h.test/123?ab", "?ab"), Err("url_too_long"));
        assert_eq!(checked("https://h.test/1?abc", "?abc"), Ok(()));
        assert_eq!(checked("https://h.test/?abcd", "?abcd"), Err("query_too_long"));
        assert_eq!(checked("https://h.test/\u{e9}?\u{e9}\u{e9}", ""), Err("url_too_long"), "bytes, not characters");
        let none = Config { url_limit: None, query_limit: None, ..Config::default() };
        assert!(check_url(&none, &"x".repeat(9_999), &"x".repeat(9_999)).is_ok());
    }
}
