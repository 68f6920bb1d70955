//! Names: of sections, scopes and headers.

use super::{Fault, quoted};
use crate::{config::diagnostics::Code, http::edits};

/// Headers of one connection or of the way in which a message is sent (RFC 9110 section 7.6.1): the platform
/// writes them, and a gateway that could would open the door to request smuggling.
const OWNED: [&str; 9] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The longest name of a section, in bytes; what a DNS label allows.
const LONGEST: usize = 63;

/// The name of the gateway: `[a-z0-9-]{1,63}`.
///
/// # Errors
/// [`Code::BadName`].
pub fn gateway(text: &str) -> Result<String, Fault> {
    name(text, b"-", "1 to 63 lower case letters, digits and hyphens")
}

/// The name of an upstream, an issuer or a policy: `[a-z0-9_-]{1,63}`.
///
/// # Errors
/// [`Code::BadName`].
pub fn section(text: &str) -> Result<String, Fault> {
    name(text, b"-_", "1 to 63 lower case letters, digits, hyphens and underscores")
}

fn name(text: &str, others: &[u8], expected: &str) -> Result<String, Fault> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || others.contains(&byte);
    if (1..=LONGEST).contains(&text.len()) && text.bytes().all(allowed) {
        return Ok(text.to_owned());
    }
    Err(Fault::new(Code::BadName, format!("{} is not a name", quoted(text))).expected(expected))
}

/// What the gateway's own paths begin with: `(/[A-Za-z0-9_-]+)+`.
///
/// # Errors
/// [`Code::BadPath`].
pub fn own_path(text: &str) -> Result<String, Fault> {
    let is_segment = |segment: &str| {
        !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if text.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_segment)) {
        return Ok(text.to_owned());
    }
    let fault =
        Fault::new(Code::BadPath, format!("{} is not a path that the gateway's own can begin with", quoted(text)));
    Err(fault.expected("letters, digits, hyphens and underscores between slashes, without one at the end"))
}

/// A scope: `scope-token` of RFC 6749 section 3.3, visible ASCII without quotes and backslashes.
///
/// # Errors
/// [`Code::BadScope`].
pub fn scope(text: &str) -> Result<String, Fault> {
    let allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    if !text.is_empty() && text.bytes().all(allowed) {
        return Ok(text.to_owned());
    }
    let fault = Fault::new(Code::BadScope, format!("{} is not a scope", quoted(text)));
    let fault = fault.expected("visible ASCII without blanks, quotes and backslashes (RFC 6749 section 3.3)");
    let words = text.split_ascii_whitespace().collect::<Vec<_>>();
    Err(if words.len() > 1 {
        fault.help(format!("write one text per scope: [\"{}\"]", words.join("\", \"")))
    } else {
        fault
    })
}

/// A role: written like a [`scope`], because both stand as words in tokens.
///
/// # Errors
/// [`Code::BadScope`].
pub fn role(text: &str) -> Result<String, Fault> {
    scope(text).map_err(|fault| Fault {
        message: format!("{} is not a role", quoted(text)),
        expected: Some("visible ASCII without blanks, quotes and backslashes".to_owned()),
        help: fault.help.map(|help| help.replace("per scope", "per role")),
        ..fault
    })
}

/// The name of a header, in lower case whatever its spelling.
///
/// # Errors
/// [`Code::BadHeaderName`].
pub fn header(text: &str) -> Result<String, Fault> {
    let lower = text.to_ascii_lowercase();
    if edits::is_field_name(&lower) {
        return Ok(lower);
    }
    let message = format!("{} is not the name of a header", quoted(text));
    Err(Fault::new(Code::BadHeaderName, message)
        .expected("letters, digits and !#$%&'*+-.^_`|~ (RFC 9110 section 5.6.2)"))
}

/// The name of a header that a browser is told about: a [`header`], and no `*`.
///
/// # Errors
/// [`Code::BadHeaderName`].
pub fn cors_header(text: &str) -> Result<String, Fault> {
    if text != "*" {
        return header(text);
    }
    let fault = Fault::new(Code::BadHeaderName, "`*` stands for no header here").expected("the name of a header");
    Err(fault
        .help("name each header: with credentials browsers take `*` literally, and a list says what pages may use"))
}

/// The name of a request header that a page may be allowed to send: a [`cors_header`] that browsers do not keep for
/// themselves.
///
/// # Errors
/// [`Code::BadHeaderName`].
pub fn page_header(text: &str) -> Result<String, Fault> {
    let name = cors_header(text)?;
    if FORBIDDEN.contains(&name.as_str()) || name.starts_with("proxy-") || name.starts_with("sec-") {
        let fault = Fault::new(Code::BadHeaderName, format!("no page can send {}", quoted(&name)));
        return Err(fault.help("browsers set it themselves and never ask for it in a preflight; leave it out"));
    }
    Ok(name)
}

/// The name of a response header that a page may be allowed to read: a [`cors_header`] that browsers ever show.
///
/// # Errors
/// [`Code::BadHeaderName`].
pub fn exposed_header(text: &str) -> Result<String, Fault> {
    let name = cors_header(text)?;
    if matches!(name.as_str(), "set-cookie" | "set-cookie2") {
        let fault = Fault::new(Code::BadHeaderName, format!("no page can read {}", quoted(&name)));
        return Err(fault.help("browsers keep cookies to themselves; leave it out"));
    }
    Ok(name)
}

/// The name of a header that a configuration may change: a [`header`] that is not the connection's own.
///
/// # Errors
/// [`Code::BadHeaderName`], [`Code::OwnedHeader`].
pub fn changed_header(text: &str) -> Result<String, Fault> {
    let name = header(text)?;
    if !OWNED.contains(&name.as_str()) {
        return Ok(name);
    }
    let message = format!("{} belongs to the connection and cannot be changed", quoted(&name));
    Err(Fault::new(Code::OwnedHeader, message).help("the platform sets it; leave it out"))
}

/// Request headers that pages cannot set (Fetch standard, section 2.2.2 "forbidden request-header").
const FORBIDDEN: [&str; 20] = [
    "accept-charset",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "date",
    "dnt",
    "expect",
    "host",
    "keep-alive",
    "origin",
    "referer",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        assert_eq!(gateway("acme-2"), Ok("acme-2".into()));
        assert_eq!(section("acme_2"), Ok("acme_2".into()));
        assert!(section(&"a".repeat(63)).is_ok() && section(&"a".repeat(64)).is_err());
        for text in ["", "Acme", "a b", "a.b", "a_b", "\u{e9}"] {
            assert_eq!(gateway(text).map_err(|fault| fault.code), Err(Code::BadName), "{text:?}");
        }
    }

    #[test]
    fn scopes_follow_rfc_6749() {
        assert!(scope("orders:read").is_ok() && scope("!#[]~").is_ok());
        for text in ["", "a b", "a\"", "a\\", "\u{e9}", "a\t"] {
            assert_eq!(scope(text).map_err(|fault| fault.code), Err(Code::BadScope), "{text:?}");
        }
        assert_eq!(scope("a b").unwrap_err().help.as_deref(), Some("write one text per scope: [\"a\", \"b\"]"));
    }

    #[test]
    fn headers_are_lower_cased_and_those_of_the_connection_are_left_alone() {
        assert_eq!(changed_header("X-User-ID"), Ok("x-user-id".into()));
        assert_eq!(changed_header("a b").map_err(|fault| fault.code), Err(Code::BadHeaderName));
        for name in OWNED {
            assert_eq!(
                changed_header(&name.to_uppercase()).map_err(|fault| fault.code),
                Err(Code::OwnedHeader),
                "{name}"
            );
        }
    }

    #[test]
    fn a_star_is_no_header_for_browsers() {
        assert_eq!(cors_header("*").map_err(|fault| fault.code), Err(Code::BadHeaderName));
        assert_eq!(cors_header("X-A"), Ok("x-a".into()));
    }

    #[test]
    fn what_browsers_keep_for_themselves_is_no_header_of_a_page() {
        for name in ["Cookie", "Origin", "Host", "Sec-Fetch-Mode", "Proxy-Authorization", "Date"] {
            assert_eq!(page_header(name).map_err(|fault| fault.code), Err(Code::BadHeaderName), "{name}");
        }
        assert_eq!(page_header("Authorization"), Ok("authorization".into()));
        assert!(exposed_header("Set-Cookie").is_err() && exposed_header("ETag").is_ok());
    }
}
