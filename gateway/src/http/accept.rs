//! What a client would rather have: `Accept` (RFC 9110 section 12.5.1), as far as a choice between two types needs it.
//!
//! Not here: types that a rule is for (`media_type`), and other parameters than `q`.

/// Whether plain text is wanted more than a problem document. Where both are wanted alike, or `Accept` says nothing of
/// either, they are not: the document holds more.
#[must_use]
pub fn prefers_text(accept: Option<&str>) -> bool {
    // Nearly every request says nothing of text.
    let says = |accept: &&str| accept.as_bytes().windows(5).any(|five| five.eq_ignore_ascii_case(b"text/"));
    let Some(accept) = accept.filter(says) else { return false };
    let json = ["application/problem+json", "application/json"].map(|name| quality(accept, name));
    quality(accept, "text/plain") > json.into_iter().max().unwrap_or_default()
}

/// Whether a type is named, and wanted as much as another one or more. Ranges name none.
#[must_use]
pub fn names(accept: Option<&str>, wanted: &str, other: &str) -> bool {
    let Some(accept) = accept else { return false };
    matches!(best(accept, wanted), Some((NAMED, weight)) if weight > 0 && weight >= quality(accept, other))
}

/// How much a type is wanted, in thousandths. The most specific range that takes it counts.
fn quality(accept: &str, wanted: &str) -> u16 {
    best(accept, wanted).map_or(0, |(_, weight)| weight)
}

/// The most specific range that takes a type, and of several alike the one with the most weight.
fn best(accept: &str, wanted: &str) -> Option<(u8, u16)> {
    let ranges = accept.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(|part| part.trim_matches([' ', '\t']));
        Some((specificity(parts.next()?, wanted)?, weight(parts)))
    });
    ranges.max()
}

/// What is more specific than any range.
const NAMED: u8 = 2;

/// How closely a range names a type; nothing when it does not.
fn specificity(range: &str, wanted: &str) -> Option<u8> {
    let main = wanted.split('/').next().unwrap_or_default();
    match range.split_once('/') {
        Some(("*", "*")) => Some(0),
        Some((of, "*")) if of.eq_ignore_ascii_case(main) => Some(1),
        _ if range.eq_ignore_ascii_case(wanted) => Some(NAMED),
        _ => None,
    }
}

/// The weight of a range in thousandths (RFC 9110 section 12.4.2): 1 where none is given, 0 for one that is none.
fn weight<'a>(parts: impl Iterator<Item = &'a str>) -> u16 {
    let value = parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.eq_ignore_ascii_case("q"));
    let Some((_, value)) = value else { return 1000 };
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    match (whole, decimals) {
        ("1", zeros) if zeros.len() <= 3 && zeros.bytes().all(|byte| byte == b'0') => 1000,
        ("0", digits) if digits.len() <= 3 => format!("{digits:0<3}").parse().unwrap_or_default(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_sent_to_those_who_want_it_more() {
        let cases = [
            (None, false),
            (Some(""), false),
            (Some("*/*"), false),
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), false),
            (Some("text/plain"), true),
            (Some("TEXT/Plain"), true),
            (Some("text/*"), true),
            (Some("text/plain, application/json"), false),
            (Some("text/plain, application/json;q=0.9"), true),
            (Some("text/plain;q=0.5, application/problem+json;q=0.4, */*;q=0.1"), true),
            (Some("text/plain;q=0.5, */*"), false),
            (Some("text/plain;q=0"), false),
            (Some("text/plain ; charset=utf-8 ; q=1.000"), true),
            (Some("text/plain;q=1.001"), false),
            (Some("text/plain;q=0.0001"), false),
            (Some("text/plain;q=x, ;, /, text/"), false),
            (Some("text/plainly"), false),
            (Some("application/*, text/plain;q=0.9"), false),
        ];
        for (accept, text) in cases {
            assert_eq!(prefers_text(accept), text, "{accept:?}");
        }
    }

    #[test]
    fn a_type_that_is_named_is_told_from_one_that_a_range_takes() {
        // As Prometheus 2.53 and 3.5 send it.
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;\
                          q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        let cases = [
            (None, false),
            (Some("*/*"), false),
            (Some("application/*"), false),
            (Some("text/plain;version=0.0.4"), false),
            (Some(prometheus), true),
            (Some("application/openmetrics-text"), true),
            (Some("Application/OpenMetrics-Text; version=1.0.0, text/plain"), true),
            (Some("application/openmetrics-text;q=0.1, text/plain;q=0.2"), false),
            (Some("application/openmetrics-text;q=0"), false),
        ];
        for (accept, named) in cases {
            assert_eq!(names(accept, "application/openmetrics-text", "text/plain"), named, "{accept:?}");
        }
    }
}
