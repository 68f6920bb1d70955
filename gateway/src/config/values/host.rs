//! Hosts: `api.acme.example`, or `*.acme.example` for all below. Names as in RFC 1123 section 2.1, in lower case,
//! and IPv4 addresses.
//!
//! No ports: a route is the same on every port. Names in other scripts are written in their ASCII form (RFC 5891
//! section 4.4), because that is what a request carries.

use super::{Fault, quoted};
use crate::{
    config::diagnostics::Code,
    http::host::{HostPattern, LONGEST_LABEL, LONGEST_NAME},
};

/// What to write, for a reference page.
pub const GRAMMAR: &str = "A host's name in lower case without scheme and port, for example \"api.acme.example\"; \
                           \"*.acme.example\" stands for all below, but not for \"acme.example\" itself.";

const EXPECTED: &str = "a host, for example \"api.acme.example\" or \"*.acme.example\"";

/// A host or all hosts below one.
///
/// # Errors
/// [`Code::BadHost`].
pub fn parse(text: &str) -> Result<HostPattern, Fault> {
    HostPattern::new(text).ok_or_else(|| explain(text))
}

/// What is wrong with a text that is no host.
fn explain(text: &str) -> Fault {
    if let Some(at) = text.find("://") {
        let fault = bad(format!("{} is more than a host", quoted(text))).part(0, at.saturating_add(3));
        return fault.help("leave the scheme out");
    }
    if text.starts_with('[') {
        return bad(format!("{} is not a host that can be named here", quoted(text))).help("name the host instead");
    }
    if let Some((at, c)) = text.char_indices().find(|(_, c)| !is_allowed(*c)) {
        return explain_character(text, at, c);
    }
    let stars = text.strip_prefix("*.").unwrap_or(text);
    if let Some(at) = stars.find('*') {
        let fault = bad("a star stands for whole labels, before all others".to_owned());
        let fault = fault.part(text.len().saturating_sub(stars.len()).saturating_add(at), 1);
        return if text == "*" { fault.help("leave the host out to mean all") } else { fault };
    }
    explain_labels(text, stars)
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | '*')
}

/// What is wrong with a character that no host has.
fn explain_character(text: &str, at: usize, c: char) -> Fault {
    let behind = text.len().saturating_sub(at);
    let fault = bad(format!("{} cannot stand in a host", quoted(&c.to_string()))).part(at, c.len_utf8());
    match c {
        'A'..='Z' => {
            let fault = bad("a host is in lower case".to_owned());
            fault.expected(quoted(&text.to_ascii_lowercase())).part(at, 1)
        }
        ':' => bad("a host stands here without a port".to_owned()).part(at, behind).help("leave the port out"),
        '/' | '?' | '#' => bad("a host stands here without a path".to_owned()).part(at, behind),
        _ if !c.is_ascii() => fault.help("write the name in its ASCII form, which begins with `xn--`"),
        _ => fault,
    }
}

/// What is wrong with the labels of a name, `name` being the text without its star.
fn explain_labels(text: &str, name: &str) -> Fault {
    let mut start = text.len().saturating_sub(name.len());
    for label in name.split('.') {
        if let Some(message) = wrong_label(label).filter(|_| !text.is_empty()) {
            // What is empty has no place of its own: the dot beside it is underlined.
            let place = start.min(text.len().saturating_sub(1));
            return bad(message.to_owned()).part(place, label.len().max(1));
        }
        start = start.saturating_add(label.len()).saturating_add(1);
    }
    match text.len() {
        0 => bad("an empty text is no host".to_owned()),
        1..=LONGEST_NAME => bad(format!("{} ends with a number but is no IPv4 address", quoted(text))),
        _ => bad(format!("a host has at most {LONGEST_NAME} characters")),
    }
}

fn wrong_label(label: &str) -> Option<&'static str> {
    match label {
        "" => Some("a part of the host is empty"),
        _ if label.starts_with('-') || label.ends_with('-') => Some("no part of a host begins or ends with a hyphen"),
        _ if label.len() > LONGEST_LABEL => Some("a part of a host has at most 63 characters"),
        _ => None,
    }
}

fn bad(message: String) -> Fault {
    Fault::new(Code::BadHost, message).expected(EXPECTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_addresses_and_stars_are_read() {
        for text in ["api.acme.example", "*.acme.example", "localhost", "127.0.0.1", "xn--caf-dma.example", "1.example"]
        {
            assert_eq!(parse(text).map(|pattern| pattern.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_no_host_is_underlined() {
        let long = format!("a.{}", "b".repeat(64));
        let cases = [
            ("", None),
            ("https://api.acme.example", Some(0..8)),
            ("api.acme.example:443", Some(16..20)),
            ("api.acme.example/v1", Some(16..19)),
            ("api.acme.example.", Some(16..17)),
            ("Api.acme.example", Some(0..1)),
            ("a..b", Some(2..3)),
            (".b", Some(0..1)),
            ("a.-b", Some(2..4)),
            ("a-.b", Some(0..2)),
            ("a_b", Some(1..2)),
            ("a b", Some(1..2)),
            ("caf\u{e9}.example", Some(3..5)),
            ("*", Some(0..1)),
            ("*.", Some(1..2)),
            ("a.*.b", Some(2..3)),
            ("*.*.b", Some(2..3)),
            ("a*.b", Some(1..2)),
            ("1.2.3", None),
            ("*.2.3.4", None),
            ("256.1.1.1", None),
            ("[::1]", None),
            ("::1", Some(0..3)),
            (&long, Some(2..66)),
        ];
        for (text, part) in cases {
            let fault = parse(text).unwrap_err();
            assert_eq!((fault.code, fault.part), (Code::BadHost, part), "{text:?}");
        }
    }

    #[test]
    fn the_message_says_what_to_do() {
        assert_eq!(parse("API.acme.example").unwrap_err().expected.as_deref(), Some("`api.acme.example`"));
        assert_eq!(parse("a:1").unwrap_err().help.as_deref(), Some("leave the port out"));
        assert_eq!(parse("*").unwrap_err().help.as_deref(), Some("leave the host out to mean all"));
        assert_eq!(parse("1.2.3").unwrap_err().message, "`1.2.3` ends with a number but is no IPv4 address");
        let long = ["a"; 128].join(".");
        assert_eq!(parse(&long).unwrap_err().message, "a host has at most 253 characters");
    }
}
