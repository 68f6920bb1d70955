//! Media types that a rule is for (RFC 9110 section 8.3.1): one, all of a type, all of a suffix (RFC 6839), or any.
//!
//! Parameters such as `charset` make no difference here. Not here: which of several types a client prefers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One media type or several.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MediaTypePattern(Pattern);

/// All texts are in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Pattern {
    /// `*/*`
    Any,
    /// `main/*`
    All { main: String },
    /// `main/*suffix`, where the suffix begins with `+`.
    Suffix { main: String, suffix: String },
    /// `main/sub`
    One { main: String, sub: String },
}

impl MediaTypePattern {
    /// Reads `*/*`, `application/*`, `application/*+json` or `application/json`, whatever its case; `None` for
    /// everything else. `values::media_type` says what is wrong.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        let (main, sub) = lower.split_once('/')?;
        if (main, sub) == ("*", "*") {
            return Some(Self(Pattern::Any));
        }
        if !is_name(main) {
            return None;
        }
        let main = main.to_owned();
        match sub.strip_prefix('*') {
            Some("") => Some(Self(Pattern::All { main })),
            Some(suffix) => is_suffix(suffix).then(|| Self(Pattern::Suffix { main, suffix: suffix.to_owned() })),
            None => is_name(sub).then(|| Self(Pattern::One { main, sub: sub.to_owned() })),
        }
    }

    /// Whether the value of a `Content-Type` header is meant, without its parameters and whatever its case. What is
    /// no media type is never meant, not even by `*/*`.
    #[must_use]
    pub fn matches(&self, content_type: &str) -> bool {
        let essence = content_type.split(';').next().unwrap_or_default().trim_matches([' ', '\t']);
        let Some((main, sub)) = essence.split_once('/').filter(|(main, sub)| is_name(main) && is_name(sub)) else {
            return false;
        };
        match &self.0 {
            Pattern::Any => true,
            Pattern::All { main: wanted } => main.eq_ignore_ascii_case(wanted),
            Pattern::Suffix { main: wanted, suffix } => main.eq_ignore_ascii_case(wanted) && ends_with(sub, suffix),
            Pattern::One { main: wanted, sub: exact } => {
                main.eq_ignore_ascii_case(wanted) && sub.eq_ignore_ascii_case(exact)
            }
        }
    }
}

impl fmt::Display for MediaTypePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Pattern::Any => f.write_str("*/*"),
            Pattern::All { main } => write!(f, "{main}/*"),
            Pattern::Suffix { main, suffix } => write!(f, "{main}/*{suffix}"),
            Pattern::One { main, sub } => write!(f, "{main}/{sub}"),
        }
    }
}

/// A token (RFC 9110 section 5.6.2) without a star: no registered type has one, and here it stands for others.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'+-.^_`|~".contains(&byte))
}

fn is_suffix(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(is_name)
}

/// Whether a text has this end and something before it, whatever its case.
fn ends_with(text: &str, suffix: &str) -> bool {
    let at = text.len().checked_sub(suffix.len()).filter(|at| *at != 0);
    at.and_then(|at| text.get(at..)).is_some_and(|tail| tail.eq_ignore_ascii_case(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> MediaTypePattern {
        MediaTypePattern::new(text).unwrap()
    }

    #[test]
    fn parameters_and_case_make_no_difference() {
        for value in
            ["application/json", "Application/JSON", "application/json; charset=utf-8", " application/json\t;x"]
        {
            assert!(pattern("application/json").matches(value), "{value}");
        }
        for value in
            ["", "application", "application/jsonx", "text/json", "application/json, text/html", "application/"]
        {
            assert!(!pattern("application/json").matches(value), "{value}");
        }
    }

    #[test]
    fn a_star_stands_for_a_type_a_subtype_or_what_is_before_a_suffix() {
        let cases = [
            ("*/*", "image/png", true),
            ("*/*", "image", false),
            ("*/*", "*/*", false),
            ("*/*", "a b/c", false),
            ("image/*", "IMAGE/png", true),
            ("image/*", "text/png", false),
            ("application/*+json", "application/problem+json", true),
            ("application/*+json", "application/vc+ld+JSON; a=b", true),
            ("application/*+json", "application/json", false),
            ("application/*+json", "application/+json", false),
            ("application/*+json", "text/x+json", false),
            ("application/*+json", "application/x+jsonp", false),
        ];
        for (text, value, matches) in cases {
            assert_eq!(pattern(text).matches(value), matches, "{text} {value}");
        }
    }

    #[test]
    fn only_these_forms_are_patterns() {
        for text in ["*/*", "text/*", "application/*+json", "image/svg+xml"] {
            assert_eq!(pattern(&text.to_uppercase()).to_string(), text);
        }
        for text in [
            "",
            "*",
            "json",
            "/",
            "text/",
            "/html",
            "*/json",
            "*/*+json",
            "text/*html",
            "text/h*",
            "text/*+",
            "a/b/c",
            "text/html;q=1",
            "te xt/html",
            "text/html ",
            "caf\u{e9}/a",
            "text/*+*",
        ] {
            assert_eq!(MediaTypePattern::new(text), None, "{text}");
        }
    }
}
