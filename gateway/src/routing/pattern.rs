//! The path of a route as it is written: `/v1/products/{id}`, `/files/{path...}`.

use crate::http::path::{self, PathError};

/// One segment of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Exactly these bytes.
    Literal(String),
    /// `{name}`: one segment that is not empty.
    Parameter(String),
    /// `{name...}`: everything that is left, slashes included; last segment only.
    Rest(String),
}

/// A parsed pattern.
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
    /// `{name...}` before the end.
    RestNotLast(String),
    /// One name twice.
    Repeated(String),
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
            Self::RestNotLast(name) => {
                format!("`{{{name}...}}` takes all that is left, so it must be the last segment")
            }
            Self::Repeated(name) => format!("the parameter `{name}` stands here twice"),
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
        path::check(&literal_form(&segments)).map_err(PatternError::Path)?;
        let pattern = Self(segments);
        pattern.check_names()?;
        Ok(pattern)
    }

    /// The names of the parameters, in the order of the path.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::Parameter(name) | Segment::Rest(name) => Some(name.as_str()),
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

/// The pattern as a path, with a plain word for each parameter, to check the literal parts.
fn literal_form(segments: &[Segment]) -> String {
    segments
        .iter()
        .flat_map(|segment| match segment {
            Segment::Literal(text) => ["/", text],
            Segment::Parameter(_) | Segment::Rest(_) => ["/", "x"],
        })
        .collect()
}

fn segment(text: &str) -> Result<Segment, PatternError> {
    let Some(inner) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        let stray = text.contains(['{', '}']);
        return if stray { Err(PatternError::Braces(text.to_owned())) } else { Ok(Segment::Literal(text.to_owned())) };
    };
    match inner.strip_suffix("...") {
        Some(name) => Ok(Segment::Rest(checked_name(name)?)),
        None => Ok(Segment::Parameter(checked_name(inner)?)),
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

    #[test]
    fn a_pattern_is_literals_parameters_and_a_rest() {
        let pattern = Pattern::parse("/v1/{kind}/x/{path...}").unwrap();
        assert_eq!(pattern.parameters().collect::<Vec<_>>(), ["kind", "path"]);
        assert_eq!(pattern.0.len(), 4);
        assert_eq!(Pattern::parse("/").unwrap().0, [Segment::Literal(String::new())]);
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        let cases = [
            ("v1", PatternError::Path(PathError::NotAbsolute)),
            ("/a//b", PatternError::Path(PathError::EmptySegment)),
            ("/../b", PatternError::Path(PathError::DotSegment)),
            ("/a{id}", PatternError::Braces("a{id}".into())),
            ("/{Id}", PatternError::Name("Id".into())),
            ("/{}", PatternError::Name(String::new())),
            ("/{a...}/b", PatternError::RestNotLast("a".into())),
            ("/{a}/{a}", PatternError::Repeated("a".into())),
        ];
        for (text, error) in cases {
            assert_eq!(Pattern::parse(text), Err(error), "{text}");
        }
    }
}
