//! Links for people: `https://acme.example/security`, `mailto:security@acme.example`. Kept as they are written.

use super::{Fault, quoted};
use crate::config::diagnostics::Code;

/// What to write, for a reference page.
pub const GRAMMAR: &str = "a URI with its scheme: `\"https://acme.example/security\"`, \
                           `\"mailto:security@acme.example\"`; not over plain http";

/// A link, as it is written.
///
/// # Errors
/// [`Code::BadUri`].
pub fn parse(text: &str) -> Result<String, Fault> {
    let bad = |message: String| Fault::new(Code::BadUri, message).expected(GRAMMAR);
    if let Some((at, c)) = text.char_indices().find(|(_, c)| !is_allowed(*c)) {
        let message = format!("{} cannot stand in a link", quoted(&c.to_string()));
        return Err(bad(message).part(at, c.len_utf8()));
    }
    let scheme = text.split_once(':').filter(|(scheme, rest)| is_scheme(scheme) && !rest.is_empty());
    match scheme.map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest)) {
        Some((scheme, rest)) if scheme == "http" => {
            let fault = bad(format!("{} is not encrypted", quoted(text))).part(0, scheme.len());
            Err(fault.help(format!("write https:{rest}")))
        }
        Some((scheme, rest)) if scheme == "https" => {
            let host = rest.strip_prefix("//").and_then(|rest| rest.split(['/', '?', '#']).next());
            let is_host = host.is_some_and(|host| !host.is_empty() && !host.contains('@'));
            if is_host { Ok(text.to_owned()) } else { Err(bad(format!("{} has no host", quoted(text)))) }
        }
        Some(_) => Ok(text.to_owned()),
        None if text.contains('@') => {
            Err(bad(format!("{} has no scheme", quoted(text))).help(format!("write mailto:{text}")))
        }
        None => Err(bad(format!("{} has no scheme", quoted(text)))),
    }
}

/// What stands in a URI (RFC 3986 section 2), percent-encodings unread.
fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c)
}

fn is_scheme(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_link_says_how_it_is_followed() {
        for text in [
            "https://acme.example/security?a=%20#b",
            "mailto:security@acme.example",
            "tel:+1-201-555-0123",
            "openpgp4fpr:5f2de5521c63a801ab59ccb603d49de44b29100f",
            "HTTPS://acme.example",
        ] {
            assert_eq!(parse(text), Ok(text.to_owned()));
        }
        let cases = [
            ("", None),
            ("acme.example", None),
            ("/security", None),
            ("mailto:", None),
            ("https:acme", None),
            ("https:///x", None),
            ("https://u@acme.example", None),
            ("http://acme.example", Some("write https://acme.example")),
            ("security@acme.example", Some("write mailto:security@acme.example")),
            ("mailto:a b", None),
            ("mailto:a\nContact: b", None),
            ("https://caf\u{e9}.example", None),
        ];
        for (text, help) in cases {
            let fault = parse(text).unwrap_err();
            assert_eq!((fault.code, fault.help.as_deref()), (Code::BadUri, help), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_link_never_begins_a_line_of_its_own(text in "(https://)?[ -~\\n\\r\u{e9}]{0,20}") {
            if let Ok(link) = parse(&text) {
                prop_assert!(!link.contains(['\n', '\r', ' ']));
            }
        }
    }
}
