//! Texts with variables: `${NAME}` and `${NAME:-default}`. A `$` without a brace behind it stands for itself.

use std::fmt;

use super::{Fault, quoted};
use crate::config::{
    diagnostics::Code,
    text::{Piece, Text, Variables},
};

/// What stands for a value that is not known yet when the form of a text is checked: it may be part of a host
/// name, a port and a path.
const SAMPLE: &str = "1";

/// A piece of a text as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// These characters.
    Literal(String),
    /// A variable.
    Variable {
        /// Its name, `[A-Z_][A-Z0-9_]*`.
        name: String,
        /// What to use when the environment has no such name.
        default: Option<String>,
    },
}

/// A text as written, its variables told apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written(pub Vec<Part>);

impl Written {
    /// The text as it could be once resolved: defaults where there are some, a sample elsewhere. `None` when it
    /// begins with a variable without a default, because then nothing about its form is known.
    #[must_use]
    pub fn sample(&self) -> Option<String> {
        if let Some(Part::Variable { default: None, .. }) = self.0.first() {
            return None;
        }
        let parts = self.0.iter().map(|part| match part {
            Part::Literal(text) => text.as_str(),
            Part::Variable { default, .. } => default.as_deref().unwrap_or(SAMPLE),
        });
        Some(parts.collect())
    }

    /// The characters that stand in the file as they are, defaults included.
    pub fn literals(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Literal(text) => Some(text.as_str()),
            Part::Variable { default, .. } => default.as_deref(),
        })
    }

    /// The text with one slash less at its end, if it ends with a literal one.
    #[must_use]
    pub fn without_trailing_slash(mut self) -> Self {
        if let Some(Part::Literal(last)) = self.0.last_mut() {
            if last.ends_with('/') {
                last.pop();
            }
            if last.is_empty() {
                self.0.pop();
            }
        }
        self
    }

    /// The text for the compiled file, its variables added to all others. `None` when there are more than 65,535.
    pub fn intern(&self, variables: &mut Variables) -> Option<Text> {
        let pieces = self.0.iter().map(|part| match part {
            Part::Literal(text) => Some(Piece::Literal(text.clone())),
            Part::Variable { name, default } => variables.intern(name, default.as_deref()).map(Piece::Variable),
        });
        pieces.collect::<Option<Vec<_>>>().map(Text)
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Literal(text) => f.write_str(text),
            Part::Variable { name, default: None } => write!(f, "${{{name}}}"),
            Part::Variable { name, default: Some(default) } => write!(f, "${{{name}:-{default}}}"),
        })
    }
}

/// Tells the variables of a text apart.
///
/// # Errors
/// [`Code::BadVariable`].
pub fn parse(text: &str) -> Result<Written, Fault> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((literal, behind)) = rest.split_once("${") {
        let start = text.len().saturating_sub(rest.len()).saturating_add(literal.len());
        push_literal(&mut parts, literal);
        let Some((inner, tail)) = behind.split_once('}') else {
            let fault = Fault::new(Code::BadVariable, "a variable has no closing brace");
            return Err(fault.expected("`${NAME}`").part(start, text.len().saturating_sub(start)));
        };
        parts.push(variable(inner).map_err(|fault| fault.part(start, inner.len().saturating_add(3)))?);
        rest = tail;
    }
    push_literal(&mut parts, rest);
    Ok(Written(parts))
}

fn push_literal(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Literal(text.to_owned()));
    }
}

fn variable(inner: &str) -> Result<Part, Fault> {
    let (name, default) = inner.split_once(":-").map_or((inner, None), |(name, default)| (name, Some(default)));
    self::name(name)?;
    if default.is_some_and(|default| default.contains("${")) {
        let fault = Fault::new(Code::BadVariable, "a default holds a variable itself");
        return Err(fault.expected("a default that is plain text"));
    }
    Ok(Part::Variable { name: name.to_owned(), default: default.map(str::to_owned) })
}

/// The name of a variable.
///
/// # Errors
/// [`Code::BadVariable`].
pub fn name(name: &str) -> Result<String, Fault> {
    let first = name.starts_with(|first: char| first.is_ascii_uppercase() || first == '_');
    let rest = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    if !(first && rest) {
        let fault = Fault::new(Code::BadVariable, format!("{} is not the name of a variable", quoted(name)));
        return Err(fault.expected("upper case letters, digits and underscores, not a digit first: `${CATALOG_URL}`"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Written {
        parse(text).unwrap()
    }

    #[test]
    fn variables_and_literals_are_told_apart() {
        let parts = written("https://${HOST}:${PORT:-80}/$x").0;
        let variable = |name: &str, default: Option<&str>| Part::Variable {
            name: name.into(),
            default: default.map(str::to_owned),
        };
        let literal = |text: &str| Part::Literal(text.into());
        let expected =
            [literal("https://"), variable("HOST", None), literal(":"), variable("PORT", Some("80")), literal("/$x")];
        assert_eq!(parts, expected);
        assert_eq!(written("https://${HOST}:${PORT:-80}/$x").to_string(), "https://${HOST}:${PORT:-80}/$x");
        assert_eq!(written("").0, []);
        assert_eq!(written("${A:-}").0, [variable("A", Some(""))]);
    }

    #[test]
    fn a_broken_variable_is_underlined() {
        let cases = [
            ("ab${X", 2..5),
            ("${x}", 0..4),
            ("a${}", 1..4),
            ("${1A} ${B}", 0..5),
            ("${A:-${B}}", 0..9),
            ("${A-b}", 0..6),
        ];
        for (text, part) in cases {
            let fault = parse(text).unwrap_err();
            assert_eq!((fault.code, fault.part), (Code::BadVariable, Some(part)), "{text}");
        }
    }

    #[test]
    fn a_sample_has_the_form_of_the_text() {
        assert_eq!(written("https://${A}:${B:-80}").sample().as_deref(), Some("https://1:80"));
        assert_eq!(written("${A:-http://a}").sample().as_deref(), Some("http://a"));
        assert_eq!(written("${A}/b").sample(), None);
    }

    #[test]
    fn one_slash_at_the_end_is_taken_away() {
        assert_eq!(written("http://a/").without_trailing_slash(), written("http://a"));
        assert_eq!(written("${A}/").without_trailing_slash(), written("${A}"));
        assert_eq!(written("${A}").without_trailing_slash(), written("${A}"));
    }

    #[test]
    fn a_variable_that_stands_twice_is_kept_once() {
        let mut variables = Variables::default();
        let text = written("${A}-${A}").intern(&mut variables).unwrap();
        assert_eq!(text.0, [Piece::Variable(0), Piece::Literal("-".into()), Piece::Variable(0)]);
        assert_eq!(variables.0.len(), 1);
    }
}
