//! The field `Authorization` of a request, and what is answered where it is missing, malformed or not believed
//! (RFC 6750 sections 2.1 and 3).

use std::borrow::Cow;

use super::scan::LONGEST_TOKEN;
use crate::{
    facts::principal::{self, TOKEN_MISSING},
    http::problem::{Fault, Kind, Problem},
};

/// 401: what was sent is no token, or is not believed.
pub const TOKEN_INVALID: Kind =
    Kind { code: "token_invalid", status: 401, title: "The token is not valid", fault: Fault::Client };

/// 401: the token was good once.
pub const TOKEN_EXPIRED: Kind =
    Kind { code: "token_expired", status: 401, title: "The token has expired", fault: Fault::Client };

/// 400: the field does not say one thing.
pub const AUTHORIZATION_MALFORMED: Kind = Kind {
    code: "authorization_malformed",
    status: 400,
    title: "The Authorization header is malformed",
    fault: Fault::Client,
};

/// Why nobody is believed to ask. The text is for the caller, and stands in the challenge too: no quotes and no
/// backslashes (RFC 6750 section 3).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) kind: &'static Kind,
    pub(super) detail: Cow<'static, str>,
}

impl Refused {
    pub(super) fn new(kind: &'static Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: detail.into() }
    }

    pub(super) fn invalid(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(&TOKEN_INVALID, detail)
    }

    pub(super) fn missing() -> Self {
        Self::new(&TOKEN_MISSING, "")
    }

    fn malformed() -> Self {
        Self::new(&AUTHORIZATION_MALFORMED, "The Authorization header must be Bearer, a blank and one token.")
    }

    /// The problem with its challenge.
    pub(super) fn problem(self, realm: &str) -> Problem {
        let challenge = match self.kind.status {
            _ if *self.kind == TOKEN_MISSING => return principal::missing(realm),
            400 => {
                [r#"Bearer realm=""#, realm, r#"", error="invalid_request", error_description=""#, &self.detail, "\""]
                    .concat()
            }
            _ => [r#"Bearer realm=""#, realm, r#"", error="invalid_token", error_description=""#, &self.detail, "\""]
                .concat(),
        };
        let is_about_the_field = self.kind.status == 400;
        let problem = Problem::new(self.kind, self.detail).header("www-authenticate", challenge);
        if is_about_the_field { problem.field("authorization", principal::FORM) } else { problem }
    }
}

/// The token of a request; `None` when it has none, whatever other scheme it may use. The case of the scheme does not
/// matter (RFC 9110 section 11.1).
pub(super) fn token(authorization: Option<&str>) -> Result<Option<&str>, Refused> {
    let Some(value) = authorization else { return Ok(None) };
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return if names_bearer_too(value) { Err(Refused::malformed()) } else { Ok(None) };
    }
    let token = token.trim_start_matches(' ');
    match token.len() {
        0 => Err(Refused::missing()),
        1..=LONGEST_TOKEN => Ok(Some(token)),
        _ => Err(Refused::invalid("The token is longer than 8192 bytes.")),
    }
}

/// Whether a field that begins with another scheme was joined with one that has a token (RFC 9110 section 5.3).
fn names_bearer_too(value: &str) -> bool {
    let mut schemes = value.split(',').map(|part| part.trim_start().split(' ').next().unwrap_or_default());
    value.contains(',') && schemes.any(|scheme| scheme.eq_ignore_ascii_case("bearer"))
}

/// What is wrong with a token that is not of the form of one: it may not even be what the field can hold (`b64token`, RFC
/// 6750 section 2.1), as where two fields were joined.
pub(super) fn misshapen(token: &str) -> Refused {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    if token.trim_end_matches('=').bytes().all(is_letter) { Refused::invalid(MALFORMED) } else { Refused::malformed() }
}

/// One answer for everything that nobody has signed, so that it tells nothing.
pub(super) const MALFORMED: &str = "The token is malformed, or its signature does not match.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_case_of_the_scheme_and_the_number_of_blanks_do_not_matter() {
        for value in ["Bearer t", "bearer t", "BEARER   t"] {
            assert_eq!(token(Some(value)), Ok(Some("t")));
        }
    }

    #[test]
    fn another_scheme_is_no_token() {
        for value in
            [None, Some(""), Some("Basic dTpw"), Some("Bearertoken"), Some(r#"Digest username="a, b", uri="/""#)]
        {
            assert_eq!(token(value), Ok(None), "{value:?}");
        }
    }

    #[test]
    fn a_scheme_without_a_token_lacks_one() {
        for value in ["Bearer", "Bearer ", "bearer   "] {
            assert_eq!(token(Some(value)), Err(Refused::missing()));
        }
    }

    #[test]
    fn fields_that_were_joined_are_malformed() {
        for value in ["Basic dTpw, Bearer t", "Bearer, Bearer t", "Basic dTpw,bearer t"] {
            assert_eq!(token(Some(value)), Err(Refused::malformed()), "{value}");
        }
        for value in ["a.b.c, Bearer d.e.f", "Bearer a.b.c", "a b", "a,", "a=b", "\"a\"", "a\tb", "\u{e9}"] {
            assert_eq!(misshapen(value).kind.code, "authorization_malformed", "{value}");
        }
        for value in ["a.b", "a+b/c==", "=", "~"] {
            assert_eq!(misshapen(value).kind.code, "token_invalid", "{value}");
        }
    }

    #[test]
    fn a_challenge_says_what_is_wrong_unless_there_was_no_token() {
        let challenge = |refused: Refused| refused.problem("r").headers.value("www-authenticate").unwrap().to_owned();
        assert_eq!(challenge(Refused::missing()), r#"Bearer realm="r""#);
        assert_eq!(
            challenge(Refused::new(&TOKEN_EXPIRED, "It has expired.")),
            r#"Bearer realm="r", error="invalid_token", error_description="It has expired.""#
        );
        assert_eq!(
            challenge(Refused::malformed()),
            r#"Bearer realm="r", error="invalid_request", error_description="The Authorization header must be Bearer, a blank and one token.""#
        );
    }
}
