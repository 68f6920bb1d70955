//! Origins that a rule is for (RFC 6454 section 6.2): one as browsers send it, or all below one host.
//!
//! A star means every host below, whoever runs it: it belongs behind nobody's name but one's own. Which suffixes are
//! shared by strangers (`github.io`, `co.uk`) is not known here.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::host;

/// One origin, or all origins of one scheme and port whose hosts stand below one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OriginPattern(Pattern);

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Pattern {
    /// This origin.
    Exact(String),
    /// All origins with this scheme and end, which begins with a dot, and with labels between them.
    Below { scheme: Scheme, suffix: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Scheme {
    Https,
    Http,
}

impl Scheme {
    /// Splits a scheme off.
    fn of(text: &str) -> Option<(Self, &str)> {
        [Self::Https, Self::Http].into_iter().find_map(|scheme| Some((scheme, text.strip_prefix(scheme.written())?)))
    }

    fn written(self) -> &'static str {
        match self {
            Self::Https => "https://",
            Self::Http => "http://",
        }
    }
}

impl OriginPattern {
    /// Reads `https://app.acme.example` or `https://*.acme.example`, with or without a port; `None` for what could
    /// let in more than that: `null`, a star alone, one before a single label or in another place.
    ///
    /// This is also the check of what a variable brings. What stands in the file is looked at more closely by
    /// `values::url`, which says what is wrong.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let (scheme, authority) = Scheme::of(text)?;
        match authority.strip_prefix("*.") {
            Some(behind) => below(scheme, behind).map(Self),
            None => is_authority(authority).then(|| Self(Pattern::Exact(text.to_owned()))),
        }
    }

    /// Whether the value of an `Origin` header is meant. Byte for byte: browsers send lower case, and `null` or
    /// nothing is never meant. A star stands for one or more labels of `[a-z0-9-]`.
    #[must_use]
    pub fn matches(&self, origin: &str) -> bool {
        match &self.0 {
            Pattern::Exact(known) => origin == known,
            Pattern::Below { scheme, suffix } => origin
                .strip_prefix(scheme.written())
                .and_then(|authority| authority.strip_suffix(suffix.as_str()))
                .is_some_and(are_labels),
        }
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Pattern::Exact(origin) => f.write_str(origin),
            Pattern::Below { scheme, suffix } => write!(f, "{}*{suffix}", scheme.written()),
        }
    }
}

/// All hosts below a name of at least two labels: below one label stand all the domains of strangers.
fn below(scheme: Scheme, behind: &str) -> Option<Pattern> {
    let (name, port) = behind.split_once(':').map_or((behind, None), |(name, port)| (name, Some(port)));
    let is_good = name.contains('.') && host::can_have_hosts_below(name) && port.is_none_or(is_port);
    is_good.then(|| Pattern::Below { scheme, suffix: format!(".{behind}") })
}

/// Characters of a host with or without a port, in lower case.
fn is_authority(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._:[]".contains(&byte);
    !text.is_empty() && text.bytes().all(inner)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port != 0)
}

/// Whether a text is labels of lower case letters, digits and hyphens with dots between them.
fn are_labels(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.split('.').all(|label| !label.is_empty() && label.bytes().all(inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> OriginPattern {
        OriginPattern::new(text).unwrap()
    }

    #[test]
    fn an_origin_matches_only_itself() {
        let app = pattern("https://app.acme.example");
        assert!(app.matches("https://app.acme.example"));
        for origin in [
            "",
            "null",
            "*",
            "http://app.acme.example",
            "https://app.acme.example:8443",
            "https://app.acme.example.evil",
            "https://APP.acme.example",
            "https://app.acme.example/",
            "https://x.app.acme.example",
        ] {
            assert!(!app.matches(origin), "{origin}");
        }
    }

    #[test]
    fn a_star_stands_for_one_or_more_labels() {
        let all = pattern("https://*.acme.example");
        for origin in ["https://a.acme.example", "https://a-1.b.acme.example"] {
            assert!(all.matches(origin), "{origin}");
        }
        for origin in [
            "",
            "null",
            "https://acme.example",
            "https://.acme.example",
            "https://a..acme.example",
            "https://a.acme.example:8443",
            "https://a.acme.example.evil",
            "https://evilacme.example",
            "http://a.acme.example",
            "https://evil.test/.acme.example",
            "https://evil.test#.acme.example",
            "https://evil.test:1.acme.example",
            "https://user@a.acme.example",
            "https://A.acme.example",
            "https://a.acme.example ",
            "https://\u{e9}.acme.example",
            "https://*.acme.example",
        ] {
            assert!(!all.matches(origin), "{origin}");
        }
    }

    #[test]
    fn a_star_keeps_to_its_scheme_and_port() {
        let local = pattern("http://*.acme.test:8080");
        assert!(local.matches("http://a.acme.test:8080"));
        for origin in ["http://a.acme.test", "http://a.acme.test:80", "https://a.acme.test:8080"] {
            assert!(!local.matches(origin), "{origin}");
        }
    }

    #[test]
    fn what_could_let_in_strangers_is_no_pattern() {
        for text in [
            "",
            "*",
            "null",
            "https://",
            "https://*",
            "https://*.",
            "https://*.example",
            "https://*.acme.",
            "https://*.*.acme.example",
            "https://a.*.acme.example",
            "https://a*.acme.example",
            "https://*acme.example",
            "https://*.acme.example:0",
            "https://*.acme.example:*",
            "https://*.acme.example/",
            "https://*.Acme.example",
            "https://*.168.1.1",
            "https://APP.example",
            "https://app.example/",
            "*://app.acme.example",
            "file://a",
        ] {
            assert_eq!(OriginPattern::new(text), None, "{text}");
        }
    }

    #[test]
    fn it_prints_as_it_is_written() {
        for text in ["https://app.example", "http://[::1]:8080", "https://*.acme.example", "http://*.a.b:81"] {
            assert_eq!(pattern(text).to_string(), text);
        }
    }
}
