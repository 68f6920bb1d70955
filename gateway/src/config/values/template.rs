//! Templates as written: text with `{request.id}`, `{claims.NAME}` and `{path.NAME}`; `{{` and `}}` stand for
//! braces.
//!
//! What a template becomes for a request is checked again when it is filled: here only what stands in the file.

use std::fmt;

use super::{Fault, quoted};
use crate::config::{
    diagnostics::{Code, nearest::nearest},
    template::{Slot, Template},
};

const EXPECTED: &str = "`{request.id}`, `{claims.NAME}` or `{path.NAME}`; a brace itself is written `{{` or `}}`";

/// Reads a template for a header's value.
///
/// # Errors
/// [`Code::BadTemplate`], and [`Code::BadHeaderValue`] for characters that no header may hold.
pub fn parse(text: &str) -> Result<Template, Fault> {
    check_characters(text)?;
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
    let slot = match inner.split_once('.') {
        Some(("request", "id")) => Slot::RequestId,
        Some(("claims", name)) if is_claim(name) => Slot::Claim(name.to_owned()),
        Some(("path", name)) if !name.is_empty() => Slot::PathParameter(name.to_owned()),
        _ => {
            let message = format!("{} is nothing that a template can hold", quoted(&format!("{{{inner}}}")));
            let fault = Fault::new(Code::BadTemplate, message).expected(EXPECTED);
            let fault = fault.part(start, inner.len().saturating_add(2));
            return Err(Fault { nearest: meant(inner), ..fault });
        }
    };
    Ok((slot, tail))
}

/// The slot that was meant by one whose first word is misspelt.
fn meant(inner: &str) -> Option<String> {
    let (word, name) = inner.split_once('.')?;
    let word = nearest(word, ["request", "claims", "path"])?;
    Some(format!("{{{word}.{name}}}"))
}

/// Claims may be named like URLs (RFC 7519 section 4.2), but not with blanks or braces.
pub(super) fn is_claim(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'{')
}

/// Prints a template as it is written, braces of its own doubled.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|slot| match slot {
            Slot::Literal(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}")),
            Slot::RequestId => f.write_str("{request.id}"),
            Slot::Claim(name) => write!(f, "{{claims.{name}}}"),
            Slot::PathParameter(name) => write!(f, "{{path.{name}}}"),
        })
    }
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
    fn what_is_no_template_is_underlined() {
        let cases = [
            ("a{", 1..2),
            ("a}b", 1..2),
            ("{claim.sub}", 0..11),
            ("x{claims.}", 1..10),
            ("{request.ip}", 0..12),
            ("{id}", 0..4),
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
