//! Media types: `application/json`, `image/*`, `application/*+json`, `*/*` (RFC 9110 section 8.3.1, RFC 6839 for the
//! suffixes). Case makes no difference; printed is lower case.
//!
//! Parameters are refused: a rule for `text/html; charset=utf-8` would surprise whoever sends `text/html`.

use super::{Fault, quoted};
use crate::{config::diagnostics::Code, http::media_type::MediaTypePattern};

/// What to write, for a reference page.
pub const GRAMMAR: &str = "A media type without parameters, for example \"application/json\"; \"image/*\" stands for all \
                           of a type, \"application/*+json\" for all with a suffix, \"*/*\" for any.";

/// A media type or a pattern of some.
///
/// # Errors
/// [`Code::BadMediaType`].
pub fn parse(text: &str) -> Result<MediaTypePattern, Fault> {
    MediaTypePattern::new(text).ok_or_else(|| explain(text))
}

/// What is wrong with a text that is no media type.
fn explain(text: &str) -> Fault {
    if let Some(at) = text.find(';') {
        let fault = Fault::new(Code::BadMediaType, "a media type stands here without parameters");
        let fault = fault.expected(bare(text)).part(at, text.len().saturating_sub(at));
        return fault.help("leave them out; those of a message make no difference");
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/".contains(c);
    if let Some((at, c)) = text.char_indices().find(|(_, c)| !allowed(*c)) {
        let fault = bad(format!("{} cannot stand in a media type", quoted(&c.to_string()))).part(at, c.len_utf8());
        return if c == ',' { fault.help("write one text for each media type") } else { fault };
    }
    let Some((main, sub)) = text.split_once('/') else {
        let fault = bad(format!("{} is not a media type", quoted(text)));
        return if text == "*" { fault.help("any media type is \"*/*\"") } else { fault };
    };
    let start = main.len().saturating_add(1);
    match sub.find('/') {
        Some(at) => bad("a media type has one slash".to_owned()).part(start.saturating_add(at), 1),
        None => explain_star(text, main, sub, start),
    }
}

/// What is wrong with the two sides of a slash.
fn explain_star(text: &str, main: &str, sub: &str, start: usize) -> Fault {
    match (main.find('*'), sub.find('*')) {
        _ if main.is_empty() || sub.is_empty() => bad(format!("{} is half a media type", quoted(text))),
        (Some(_), _) if main == "*" => {
            bad(format!("a star for the type leaves no room for {}", quoted(sub))).part(start, sub.len())
        }
        (Some(at), _) => bad("a star stands for the whole type".to_owned()).part(at, 1),
        (None, Some(at)) => {
            let fault = bad("a star stands for the whole subtype or for what is before a suffix".to_owned());
            fault.part(start.saturating_add(at), 1)
        }
        (None, None) => bad(format!("{} is not a media type", quoted(text))),
    }
}

/// The text without its parameters, if that would be right.
fn bare(text: &str) -> String {
    let essence = text.split(';').next().unwrap_or_default().trim();
    MediaTypePattern::new(essence).map_or_else(|| EXPECTED.to_owned(), |pattern| quoted(&pattern.to_string()))
}

const EXPECTED: &str = "a type and a subtype, for example \"application/json\", \"image/*\" or \"application/*+json\"";

fn bad(message: String) -> Fault {
    Fault::new(Code::BadMediaType, message).expected(EXPECTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_patterns_are_read_and_printed_in_lower_case() {
        let cases = [
            ("application/json", "application/json"),
            ("Application/Problem+JSON", "application/problem+json"),
            ("image/*", "image/*"),
            ("application/*+json", "application/*+json"),
            ("application/*+ld+json", "application/*+ld+json"),
            ("*/*", "*/*"),
        ];
        for (text, printed) in cases {
            assert_eq!(parse(text).map(|pattern| pattern.to_string()), Ok(printed.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_media_type_is_underlined() {
        let cases = [
            ("", None),
            ("json", None),
            ("*", None),
            ("/json", None),
            ("text/", None),
            ("/", None),
            ("*/", None),
            ("text/html; charset=utf-8", Some(9..24)),
            ("text/html;", Some(9..10)),
            ("text/html, text/plain", Some(9..10)),
            ("text /html", Some(4..5)),
            ("text/html ", Some(9..10)),
            ("caf\u{e9}/x", Some(3..5)),
            ("a/b/c", Some(3..4)),
            ("*/json", Some(2..6)),
            ("*/*+json", Some(2..8)),
            ("te*/html", Some(2..3)),
            ("text/h*", Some(6..7)),
            ("text/*html", Some(5..6)),
            ("text/*+", Some(5..6)),
        ];
        for (text, part) in cases {
            let fault = parse(text).unwrap_err();
            assert_eq!((fault.code, fault.part), (Code::BadMediaType, part), "{text:?}");
        }
    }

    #[test]
    fn parameters_are_refused_with_what_would_be_right() {
        let fault = parse("Text/HTML; charset=utf-8").unwrap_err();
        assert_eq!(fault.message, "a media type stands here without parameters");
        assert_eq!(fault.expected.as_deref(), Some("`text/html`"));
        assert_eq!(parse("html;q=1").unwrap_err().expected.as_deref(), Some(EXPECTED));
    }
}
