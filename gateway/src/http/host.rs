//! Hosts that a rule is for: one by its name, or all below one.
//!
//! Names as RFC 1123 section 2.1 has them, and IPv4 addresses. Not here: ports, IPv6 addresses, and where the host of
//! a request is read.

use std::{cmp::Reverse, fmt, net::Ipv4Addr};

use serde::{Deserialize, Serialize};

/// The longest name, in bytes without a final dot (RFC 1035 section 2.3.4).
pub const LONGEST_NAME: usize = 253;

/// The longest part of a name between dots, in bytes (RFC 1035 section 2.3.4).
pub const LONGEST_LABEL: usize = 63;

/// One host or all below one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HostPattern(Pattern);

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Pattern {
    /// This host.
    Exact(String),
    /// All hosts that end with this text, which begins with a dot, and have labels before it.
    Below(String),
}

impl HostPattern {
    /// Reads `api.acme.example` or `*.acme.example`, in lower case and without a port; `None` for everything else.
    /// `values::host` says what is wrong.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        match text.strip_prefix("*.") {
            Some(behind) => can_have_hosts_below(behind).then(|| Self(Pattern::Below(format!(".{behind}")))),
            None => (is_name(text) || text.parse::<Ipv4Addr>().is_ok()).then(|| Self(Pattern::Exact(text.to_owned()))),
        }
    }

    /// Whether a host, given without its port, is meant. Neither case (RFC 9110 section 4.2.3) nor a dot at the end
    /// (RFC 3986 section 3.2.2) makes a difference, as in routing. A star stands for one or more labels of letters,
    /// digits and hyphens.
    #[must_use]
    pub fn matches(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        match &self.0 {
            Pattern::Exact(name) => host.eq_ignore_ascii_case(name),
            Pattern::Below(suffix) => before(host, suffix).is_some_and(are_labels),
        }
    }

    /// The order in which patterns are tried: hosts by name before those with a star, longer ones before shorter
    /// ones, so that the first that matches is the closest. The text makes the order total.
    #[must_use]
    pub fn order(&self) -> (bool, Reverse<usize>, &str) {
        match &self.0 {
            Pattern::Exact(name) => (false, Reverse(name.len()), name),
            Pattern::Below(suffix) => (true, Reverse(suffix.len()), suffix),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Pattern::Exact(name) => f.write_str(name),
            Pattern::Below(suffix) => write!(f, "*{suffix}"),
        }
    }
}

/// What stands before a suffix, whatever its case.
fn before<'h>(host: &'h str, suffix: &str) -> Option<&'h str> {
    let (before, tail) = host.split_at_checked(host.len().checked_sub(suffix.len())?)?;
    tail.eq_ignore_ascii_case(suffix).then_some(before)
}

/// Whether a text is labels of letters, digits and hyphens with dots between them.
fn are_labels(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    text.split('.').all(|label| !label.is_empty() && label.bytes().all(inner))
}

/// Whether other hosts can stand below a text: a name that leaves room for a label and a dot.
pub(super) fn can_have_hosts_below(text: &str) -> bool {
    is_name(text) && text.len() <= LONGEST_NAME.saturating_sub(2)
}

/// Whether a text is a host's name in lower case. One that ends with a number would be read as an IPv4 address (URL
/// standard, section 3.5 "ends in a number checker").
fn is_name(text: &str) -> bool {
    let ends_in_number = text.rsplit('.').next().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
    text.len() <= LONGEST_NAME && text.split('.').all(is_label) && !ends_in_number
}

fn is_label(label: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let hyphens = label.starts_with('-') || label.ends_with('-');
    (1..=LONGEST_LABEL).contains(&label.len()) && label.bytes().all(inner) && !hyphens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> HostPattern {
        HostPattern::new(text).unwrap()
    }

    #[test]
    fn a_name_matches_itself_whatever_its_case() {
        for host in ["api.acme.example", "API.Acme.Example", "api.acme.example."] {
            assert!(pattern("api.acme.example").matches(host), "{host}");
        }
        for host in ["", ".", "acme.example", "x.api.acme.example", "api.acme.example..", "api.acme.example:443"] {
            assert!(!pattern("api.acme.example").matches(host), "{host}");
        }
    }

    #[test]
    fn a_star_stands_for_one_or_more_labels() {
        for host in ["a.acme.example", "A.B.ACME.example", "xn--caf-dma.acme.example", "a.acme.example."] {
            assert!(pattern("*.acme.example").matches(host), "{host}");
        }
        for host in [
            "acme.example",
            ".acme.example",
            "a..acme.example",
            "a.acme.example..",
            ".",
            "a.acme.example:443",
            "evilacme.example",
            "a/b.acme.example",
            "a_b.acme.example",
            "a@b.acme.example",
            "\u{e9}.acme.example",
            "*.acme.example",
            "a.acme.example.evil",
        ] {
            assert!(!pattern("*.acme.example").matches(host), "{host}");
        }
    }

    #[test]
    fn only_names_and_addresses_are_patterns() {
        for text in ["localhost", "*.localhost", "127.0.0.1", "a-b.c1", "xn--caf-dma.example"] {
            assert_eq!(pattern(text).to_string(), text);
        }
        for text in
            ["", "*", "*.", "A", "a.", ".a", "a..b", "-a", "a-", "a_b", "a:1", "*.1.1", "a.1", "256.1.1.1", "a*.b"]
        {
            assert_eq!(HostPattern::new(text), None, "{text}");
        }
    }

    #[test]
    fn names_and_their_parts_are_no_longer_than_dns_allows() {
        let is_pattern = |text: String| HostPattern::new(&text).is_some();
        assert!(is_pattern(format!("{}.example", "a".repeat(63))));
        assert!(!is_pattern(format!("{}.example", "a".repeat(64))));
        let of_length = |length: usize| format!("{}a", "a.".repeat(length / 2));
        assert!(is_pattern(of_length(253)) && !is_pattern(of_length(255)));
        // The star needs room for a label and a dot.
        assert!(is_pattern(format!("*.{}", of_length(251))) && !is_pattern(format!("*.{}", of_length(253))));
    }

    #[test]
    fn the_closest_pattern_comes_first() {
        let texts = ["*.example", "b.example", "*.acme.example", "z.acme.example", "a.example"];
        let mut patterns = texts.map(pattern);
        patterns.sort_by(|left, right| left.order().cmp(&right.order()));
        let sorted = ["z.acme.example", "a.example", "b.example", "*.acme.example", "*.example"];
        assert_eq!(patterns.map(|pattern| pattern.to_string()), sorted);
    }
}
