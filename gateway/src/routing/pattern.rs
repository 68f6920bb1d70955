//! The path of a route as it is written: `/v1/products/{id:int}`, `/files/{path...}`.
//!
//! What a pattern means among others, and which of two is closer, is not here: see the module above.

use std::fmt;

use super::types::Type;
use crate::http::path::{self, PathError};

/// The most segments that a pattern has. A search keeps its way in fixed room because of it: nothing is
/// allocated for a path, however long it is.
pub const MOST_SEGMENTS: usize = 64;

/// One segment of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Exactly these bytes.
    Literal(String),
    /// `{name}`, `{name:type}`: one segment that is not empty.
    Parameter {
        /// What the value is called.
        name: String,
        /// Which segments it takes.
        takes: Type,
    },
    /// `{name...}`: everything that is left, slashes included; last segment only.
    Rest(String),
}

/// A parsed pattern. As text it is what was parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(pub Vec<Segment>);

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatternError {
    /// A literal part that no request path can have.
    Path(PathError),
    /// `{` or `}` that do not enclose a whole segment.
    Braces(String),
    /// A parameter's name is not `[a-z_][a-z0-9_]*`.
    Name(String),
    /// The parameter's name, and a type that there is not.
    Type(String, String),
    /// `{name:type...}`: what is left has no type.
    TypedRest(String),
    /// `{name...}` before the end.
    RestNotLast(String),
    /// One name twice.
    Repeated(String),
    /// More than [`MOST_SEGMENTS`] segments: so many.
    TooLong(usize),
}

impl PatternError {
    /// The rule that was broken, as a sentence.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Path(error) => format!("expected {}", error.expected()),
            Self::Braces(segment) => {
                format!("a parameter takes a whole segment, like `{{id}}`; found `{}`", segment.escape_debug())
            }
            Self::Name(name) => {
                format!("a parameter's name is lower case letters, digits and `_`; found `{}`", name.escape_debug())
            }
            Self::Type(_, found) => {
                format!("the type of a parameter is `int`, `uuid` or `slug`; found `{}`", found.escape_debug())
            }
            Self::TypedRest(name) => format!("`{{{name}...}}` takes all that is left, of whatever type"),
            Self::RestNotLast(name) => {
                format!("`{{{name}...}}` takes all that is left, so it must be the last segment")
            }
            Self::Repeated(name) => format!("the parameter `{name}` stands here twice"),
            Self::TooLong(found) => format!("a path has at most {MOST_SEGMENTS} segments; found {found}"),
        }
    }
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// The first rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let rest = text.strip_prefix('/').ok_or(PatternError::Path(PathError::NotAbsolute))?;
        let segments: Vec<Segment> = rest.split('/').map(segment).collect::<Result<_, _>>()?;
        let form = literal_form(&segments);
        path::check(&form).map_err(PatternError::Path)?;
        // A request in any other spelling is held against this one: see `select`.
        if path::other_readings(&form).next().is_some() {
            return Err(PatternError::Path(PathError::Spelling));
        }
        let pattern = Self(segments);
        pattern.check_names()?;
        if pattern.0.len() > MOST_SEGMENTS {
            return Err(PatternError::TooLong(pattern.0.len()));
        }
        Ok(pattern)
    }

    /// The names of the parameters, in the order of the path.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::Parameter { name, .. } | Segment::Rest(name) => Some(name.as_str()),
        })
    }

    fn check_names(&self) -> Result<(), PatternError> {
        let names: Vec<&str> = self.parameters().collect();
        for (index, name) in names.iter().enumerate() {
            if names.iter().take(index).any(|earlier| earlier == name) {
                return Err(PatternError::Repeated((*name).to_owned()));
            }
        }
        let mut ends = self.0.iter().rev().skip(1);
        match ends.find_map(|segment| if let Segment::Rest(name) = segment { Some(name) } else { None }) {
            Some(name) => Err(PatternError::RestNotLast(name.clone())),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|segment| write!(out, "/{segment}"))
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(text) => out.write_str(text),
            Self::Parameter { name, takes } => match takes.name() {
                Some(kind) => write!(out, "{{{name}:{kind}}}"),
                None => write!(out, "{{{name}}}"),
            },
            Self::Rest(name) => write!(out, "{{{name}...}}"),
        }
    }
}

/// The pattern as a path, with a plain word for each parameter, to check the literal parts.
fn literal_form(segments: &[Segment]) -> String {
    segments
        .iter()
        .flat_map(|segment| match segment {
            Segment::Literal(text) => ["/", text],
            Segment::Parameter { .. } | Segment::Rest(_) => ["/", "x"],
        })
        .collect()
}

fn segment(text: &str) -> Result<Segment, PatternError> {
    let Some(inner) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        let stray = text.contains(['{', '}']);
        return if stray { Err(PatternError::Braces(text.to_owned())) } else { Ok(Segment::Literal(text.to_owned())) };
    };
    let (one, is_rest) = inner.strip_suffix("...").map_or((inner, false), |one| (one, true));
    let (name, kind) = one.split_once(':').map_or((one, None), |(name, kind)| (name, Some(kind)));
    let name = checked_name(name)?;
    match (is_rest, kind) {
        (true, None) => Ok(Segment::Rest(name)),
        (true, Some(_)) => Err(PatternError::TypedRest(name)),
        (false, None) => Ok(Segment::Parameter { name, takes: Type::Any }),
        (false, Some(kind)) => match Type::parse(kind) {
            Some(takes) => Ok(Segment::Parameter { name, takes }),
            None => Err(PatternError::Type(name, kind.to_owned())),
        },
    }
}

fn checked_name(name: &str) -> Result<String, PatternError> {
    let first = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_');
    let rest = name.chars().all(|other| other.is_ascii_lowercase() || other.is_ascii_digit() || other == '_');
    if first && rest { Ok(name.to_owned()) } else { Err(PatternError::Name(name.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pattern_is_literals_parameters_and_a_rest() {
        let pattern = Pattern::parse("/v1/{kind}/{id:int}/x/{path...}").unwrap();
        assert_eq!(pattern.parameters().collect::<Vec<_>>(), ["kind", "id", "path"]);
        assert_eq!(pattern.0[2], Segment::Parameter { name: "id".into(), takes: Type::Int });
        assert_eq!(Pattern::parse("/").unwrap().0, [Segment::Literal(String::new())]);
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        let cases = [
            ("v1", PatternError::Path(PathError::NotAbsolute)),
            ("/a//b", PatternError::Path(PathError::EmptySegment)),
            ("/../b", PatternError::Path(PathError::DotSegment)),
            ("/%61", PatternError::Path(PathError::Needless)),
            ("/%40me", PatternError::Path(PathError::Spelling)),
            ("/caf%c3%a9", PatternError::Path(PathError::Spelling)),
            ("/a;b", PatternError::Path(PathError::Spelling)),
            ("/a{id}", PatternError::Braces("a{id}".into())),
            ("/{Id}", PatternError::Name("Id".into())),
            ("/{}", PatternError::Name(String::new())),
            ("/{:int}", PatternError::Name(String::new())),
            ("/{id:integer}", PatternError::Type("id".into(), "integer".into())),
            ("/{id:}", PatternError::Type("id".into(), String::new())),
            ("/{id:INT}", PatternError::Type("id".into(), "INT".into())),
            ("/{id:int:slug}", PatternError::Type("id".into(), "int:slug".into())),
            ("/{a:int...}", PatternError::TypedRest("a".into())),
            ("/{a...}/b", PatternError::RestNotLast("a".into())),
            ("/{a}/{a:int}", PatternError::Repeated("a".into())),
        ];
        for (text, error) in cases {
            assert_eq!(Pattern::parse(text), Err(error), "{text}");
        }
        assert_eq!(Pattern::parse(&"/a".repeat(65)), Err(PatternError::TooLong(65)));
        assert!(Pattern::parse(&"/a".repeat(64)).is_ok());
    }

    fn segment_strategy() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-zA-Z0-9._~!$&'()*+,=:@-]{1,6}x",
            "%2[25]",
            "[a-z_][a-z0-9_]{0,5}".prop_map(|name| format!("{{{name}}}")),
            ("[a-z_][a-z0-9_]{0,5}", proptest::sample::select(Type::NAMES.to_vec()))
                .prop_map(|(name, kind)| format!("{{{name}:{kind}}}")),
        ]
    }

    proptest! {
        #[test]
        fn what_is_printed_is_what_was_parsed(
            segments in proptest::collection::vec(segment_strategy(), 1..6),
            end in prop_oneof![Just(""), Just("/"), Just("/{rest...}")],
        ) {
            let text: String = segments.iter().map(|segment| format!("/{segment}")).chain([end.to_owned()]).collect();
            // A name that stands twice is no pattern, nor is `%2F`.
            if let Ok(pattern) = Pattern::parse(&text) {
                prop_assert_eq!(pattern.to_string(), text);
                prop_assert_eq!(Pattern::parse(&pattern.to_string()), Ok(pattern));
            }
        }

        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in "/?[a-z{}:./%]{0,30}") {
            match Pattern::parse(&text) {
                Ok(pattern) => prop_assert_eq!(pattern.to_string(), text),
                Err(error) => prop_assert!(!error.message().is_empty()),
            }
        }
    }
}
