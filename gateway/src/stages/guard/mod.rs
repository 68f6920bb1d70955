//! What is refused by its size before anything is done with it.

#[cfg(feature = "compiler")]
pub mod keys;

use serde::{Deserialize, Serialize};

use crate::{
    config::size::Size,
    http::problem::{Fault, Kind, Problem},
};

/// The key of this stage: `body_limit`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Config {
    /// The most bytes that a request's body may have; `None` for any number.
    pub body_limit: Option<Size>,
}

/// What holds when the file says nothing: 1 MiB.
pub const DEFAULT_BODY_LIMIT: Size = Size(1_048_576);

impl Default for Config {
    fn default() -> Self {
        Self { body_limit: Some(DEFAULT_BODY_LIMIT) }
    }
}

/// 413: the body is larger than the route takes.
pub const BODY_TOO_LARGE: Kind =
    Kind { code: "body_too_large", status: 413, title: "The body is too large", fault: Fault::Client };

/// 400: `Content-Length` is no number, or several.
pub const LENGTH_MALFORMED: Kind =
    Kind { code: "length_malformed", status: 400, title: "The length of the body is malformed", fault: Fault::Client };

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
pub fn told(Config { body_limit }: &Config, teller: &mut crate::config::told::Teller<'_>) {
    teller.put("body_limit", body_limit.map_or_else(|| "none".to_owned(), |limit| limit.to_string()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(length: Option<&str>) -> Result<Option<Size>, &'static str> {
        check_body(&Config { body_limit: Some(Size(10)) }, length).map_err(|problem| problem.kind.code)
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
        assert_eq!(check_body(&Config { body_limit: None }, None).ok(), Some(None));
        assert_eq!(check_body(&Config { body_limit: None }, Some("99")).ok(), Some(None));
    }
}
