//! Templates as written: text with places such as `{request.id}`, `{claims.NAME}` and `{path.NAME}`, which may be
//! written `{NAME}`; `{{` and `}}` stand for braces.
//!
//! What a template becomes for a request is checked again when it is filled: here only what stands in the file.

use super::{Fault, names, quoted};
use crate::config::{
    diagnostics::{Code, nearest::nearest},
    template::{Slot, Template},
};

const EXPECTED: &str = "`{request.id}`, `{request.method}`, `{request.host}`, `{request.path}`, `{request.query}`, \
                        `{request.query.NAME}`, `{request.headers.NAME}`, `{claims.NAME}`, `{path.NAME}` or `{NAME}`; \
                        a brace itself is written `{{` or `}}`";

/// What a request has that needs no name.
const OF_REQUEST: [(&str, Slot); 5] = [
    ("id", Slot::RequestId),
    ("method", Slot::RequestMethod),
    ("host", Slot::RequestHost),
    ("path", Slot::RequestPath),
    ("query", Slot::RequestQuery),
];

/// Reads a template for a header's value.
///
/// # Errors
/// [`Code::BadTemplate`], and [`Code::BadHeaderValue`] for characters that no header may hold.
pub fn parse(text: &str) -> Result<Template, Fault> {
    check_characters(text)?;
    of_any_text(text)
}

/// Reads a template for a value that need not fit into a header.
///
/// # Errors
/// [`Code::BadTemplate`].
pub fn of_any_text(text: &str) -> Result<Template, Fault> {
    let mut slots = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, brace) = rest.split_at_checked(at).unwrap_or((rest, ""));
        literal.push_str(before);
        let start = text.len().saturating_sub(brace.len());
        if let Some(tail) = brace.strip_prefix("{{") {
            literal.push('{');
            rest = tail;
        } else if let Some(tail) = brace.strip_prefix("}}") {
            literal.push('}');
            rest = tail;
        } else {
            let (slot, tail) = slot(brace, start)?;
            push_literal(&mut slots, &mut literal);
            slots.push(slot);
            rest = tail;
        }
    }
    literal.push_str(rest);
    push_literal(&mut slots, &mut literal);
    Ok(Template(slots))
}

/// The slot at the start of a text, and what stands behind it.
fn slot(text: &str, start: usize) -> Result<(Slot, &str), Fault> {
    let Some(behind) = text.strip_prefix('{') else {
        return Err(Fault::new(Code::BadTemplate, "a closing brace closes nothing").expected(EXPECTED).part(start, 1));
    };
    let Some((inner, tail)) = behind.split_once('}') else {
        return Err(Fault::new(Code::BadTemplate, "a brace is not closed").expected(EXPECTED).part(start, text.len()));
    };
    let Some(slot) = named(inner) else {
        let message = format!("{} is nothing that a template can hold", quoted(&format!("{{{inner}}}")));
        let fault = Fault::new(Code::BadTemplate, message).expected(EXPECTED);
        let fault = fault.part(start, inner.len().saturating_add(2));
        return Err(Fault { nearest: meant(inner), ..fault });
    };
    Ok((slot, tail))
}

/// The slot that stands between two braces.
fn named(inner: &str) -> Option<Slot> {
    let Some((word, name)) = inner.split_once('.') else {
        return is_parameter(inner).then(|| Slot::PathParameter(inner.to_owned()));
    };
    match word {
        "request" => of_request(name),
        "claims" => is_claim(name).then(|| Slot::Claim(name.to_owned())),
        "path" => (!name.is_empty()).then(|| Slot::PathParameter(name.to_owned())),
        _ => None,
    }
}

fn of_request(name: &str) -> Option<Slot> {
    match name.split_once('.') {
        None => OF_REQUEST.into_iter().find(|(word, _)| *word == name).map(|(_, slot)| slot),
        Some(("query", name)) => (!name.is_empty()).then(|| Slot::QueryValue(name.to_owned())),
        Some(("headers", name)) => names::header(name).ok().map(Slot::Header),
        Some(_) => None,
    }
}

/// Parameters are named like this in paths.
fn is_parameter(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    !name.is_empty() && name.bytes().all(inner) && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// The slot that was meant by one with a misspelt word.
fn meant(inner: &str) -> Option<String> {
    // What takes the rest of a path is declared with dots and named without.
    if let Some(rest) = inner.strip_suffix("...").filter(|rest| is_parameter(rest)) {
        return Some(format!("{{{rest}}}"));
    }
    let (word, name) = inner.split_once('.')?;
    if word != "request" {
        let word = nearest(word, ["request", "claims", "path"])?;
        return Some(format!("{{{word}.{name}}}"));
    }
    if let Some((word, name)) = name.split_once('.') {
        return Some(format!("{{request.{}.{name}}}", nearest(word, ["query", "headers"])?));
    }
    nearest(name, OF_REQUEST.iter().map(|(word, _)| *word)).map(|word| format!("{{request.{word}}}"))
}

/// Claims may be named like URLs (RFC 7519 section 4.2), but not with blanks or braces.
pub(super) fn is_claim(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'{')
}

fn push_literal(slots: &mut Vec<Slot>, literal: &mut String) {
    if !literal.is_empty() {
        slots.push(Slot::Literal(std::mem::take(literal)));
    }
}

fn check_characters(text: &str) -> Result<(), Fault> {
    let allowed = |c: char| c == '\t' || (' '..='~').contains(&c);
    if text.is_empty() {
        let fault = Fault::new(Code::BadHeaderValue, "a header has an empty value");
        return Err(fault.help("use `remove` to take a header away"));
    }
    if let Some((at, c)) = text.char_indices().find(|(_, c)| !allowed(*c)) {
        let fault = Fault::new(Code::BadHeaderValue, format!("{} cannot stand in a header", quoted(&c.to_string())));
        return Err(fault.expected("visible ASCII, blanks and tabs (RFC 9110 section 5.5)").part(at, c.len_utf8()));
    }
    if text.trim_matches([' ', '\t']).len() != text.len() {
        return Err(Fault::new(Code::BadHeaderValue, "a header's value begins or ends with a blank"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn literal(text: &str) -> Slot {
        Slot::Literal(text.into())
    }

    #[test]
    fn slots_and_literals_are_told_apart() {
        let template = parse("{{a}} {request.id}/{claims.https://a.example/role}{path.id}").unwrap();
        let claim = Slot::Claim("https://a.example/role".into());
        let expected = [literal("{a} "), Slot::RequestId, literal("/"), claim, Slot::PathParameter("id".into())];
        assert_eq!(template.0, expected);
    }

    #[test]
    fn every_place_prints_as_it_is_written() {
        let places = "{request.id}{request.method}{request.host}{request.path}{request.query}{request.query.a.b[]}\
                      {request.headers.x-a.b}{claims.sub}{path.id}{{}}";
        assert_eq!(parse(places).unwrap().to_string(), places);
        assert_eq!(parse("{request.headers.X-A}{id}").unwrap().to_string(), "{request.headers.x-a}{path.id}");
    }

    #[test]
    fn a_misspelt_place_has_a_nearest_one() {
        let cases = [
            ("{claim.sub}", Some("{claims.sub}")),
            ("{request.methd}", Some("{request.method}")),
            ("{request.header.x}", Some("{request.headers.x}")),
            ("{request.a.x}", None),
            ("{rest...}", Some("{rest}")),
            ("{Id}", None),
        ];
        for (text, nearest) in cases {
            assert_eq!(parse(text).unwrap_err().nearest.as_deref(), nearest, "{text}");
        }
    }

    #[test]
    fn what_is_no_template_is_underlined() {
        let cases = [
            ("a{", 1..2),
            ("a}b", 1..2),
            ("{claim.sub}", 0..11),
            ("x{claims.}", 1..10),
            ("{request.ip}", 0..12),
            ("{request.headers.}", 0..18),
            ("{request.headers.a b}", 0..21),
            ("{request.query.}", 0..16),
            ("{request.cookies.a}", 0..19),
            ("{request}x{}", 10..12),
            ("{Id}", 0..4),
            ("{1}", 0..3),
            ("{claims.a b}", 0..12),
        ];
        for (text, part) in cases {
            let fault = parse(text).unwrap_err();
            assert_eq!((fault.code, fault.part), (Code::BadTemplate, Some(part)), "{text}");
        }
    }

    #[test]
    fn what_no_header_may_hold_is_refused() {
        for text in ["", " a", "a\t", "a\nb", "\u{e9}", "a\0"] {
            assert_eq!(parse(text).map_err(|fault| fault.code), Err(Code::BadHeaderValue), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn escaped_text_comes_out_as_it_was(text in "[!-~]([ -~]{0,20}[!-~])?") {
            let escaped = text.replace('{', "{{").replace('}', "}}");
            prop_assert_eq!(parse(&escaped).unwrap().0, [literal(&text)]);
        }

        #[test]
        fn no_text_panics(text in "[{}a.\u{e9} ]{0,20}") {
            let _ = parse(&text);
        }
    }
}
