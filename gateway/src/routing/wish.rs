//! Which version a request asks for: by a parameter of `Accept`, or by a header of its own. That of a path is no wish:
//! the path has chosen a route already.
//!
//! Not here: which versions there are (`versions`), and how media types are negotiated.

use serde::{Deserialize, Serialize};

use crate::http::request::{Header, RequestHead};

/// Where requests may name a version besides their path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    /// The parameter `version` of `Accept`; it comes first.
    pub accept: bool,
    /// A header.
    pub header: Option<Source>,
}

/// Which header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// `X-API-Version`.
    Own,
    /// One that the configuration names, by its place among those.
    Named(u16),
}

/// No version has this name: what asks for it gets none.
pub(super) const AMBIGUOUS: &str = "";

impl Places {
    /// The version that a request asks for; [`AMBIGUOUS`] when `Accept` names several.
    pub(super) fn wish<'h>(&self, head: &'h RequestHead) -> Option<&'h str> {
        let accept = head.header(Header::Accept).filter(|_| self.accept).and_then(of_accept);
        accept.or_else(|| match self.header? {
            Source::Own => head.header(Header::ApiVersion),
            Source::Named(index) => head.named(usize::from(index)),
        })
    }
}

/// The version that the ranges of `Accept` name (RFC 9110 section 12.5.1). A range that is not acceptable (`q=0`) asks for
/// nothing.
fn of_accept(value: &str) -> Option<&str> {
    let mut asked = None;
    for range in parts(value, b',') {
        match (of_range(range), asked) {
            (Some(version), None) => asked = Some(version),
            (Some(version), Some(other)) if version != other => return Some(AMBIGUOUS),
            _ => {}
        }
    }
    asked
}

fn of_range(range: &str) -> Option<&str> {
    let mut version = None;
    for parameter in parts(range, b';').skip(1) {
        let Some((name, value)) = parameter.split_once('=') else { continue };
        let value = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
        if name.eq_ignore_ascii_case("version") {
            version = Some(value).filter(|value| !value.is_empty());
        }
        if name.eq_ignore_ascii_case("q") && is_zero(value) {
            return None;
        }
    }
    version
}

/// A weight of nothing: `0`, `0.0`, `0.00` or `0.000`.
fn is_zero(weight: &str) -> bool {
    weight.starts_with('0') && weight.bytes().all(|byte| matches!(byte, b'0' | b'.'))
}

/// The parts of a list, without the blanks around them. What stands in quotes separates nothing.
fn parts(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let split = text.split(move |letter: char| {
        let was_escaped = std::mem::take(&mut is_escaped);
        match letter {
            _ if was_escaped => {}
            '"' => is_quoted = !is_quoted,
            '\\' => is_escaped = is_quoted,
            _ => return !is_quoted && letter == char::from(separator),
        }
        false
    });
    split.map(|part| part.trim_matches([' ', '\t']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_parameter_version_of_accept_names_one() {
        let cases = [
            ("", None),
            ("application/json", None),
            ("application/json; version=2", Some("2")),
            ("application/json;VERSION=\"v2\";q=0.5", Some("v2")),
            ("text/html, application/vnd.acme+json ; q=0.9 ; version=v1", Some("v1")),
            ("application/vnd.acme.v2+json", None),
            ("application/json; version=", None),
            ("application/json; version", None),
            ("application/json; versions=2", None),
            ("application/json; x=\"a, b; version=3\"; version=2", Some("2")),
            ("application/json; x=\"a\\\", version=3\"; version=2", Some("2")),
            ("version=2", None),
            ("a/b; version=1, c/d; version=1", Some("1")),
            ("a/b; version=1, c/d; version=2", Some(AMBIGUOUS)),
            ("a/b; version=1; q=0, c/d; version=2", Some("2")),
            ("a/b; version=1; q=0.000", None),
            ("a/b; version=1; q=0.001", Some("1")),
        ];
        for (value, version) in cases {
            assert_eq!(of_accept(value), version, "{value}");
        }
    }

    proptest! {
        #[test]
        fn any_accept_is_read_without_a_panic(value in "[a-z/;,=\" \\\\1.]{0,40}") {
            let version = of_accept(&value);
            prop_assert!(version.is_none_or(|version| value.contains(version)));
        }
    }
}
