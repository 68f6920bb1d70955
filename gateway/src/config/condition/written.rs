//! Prints a condition as it is written.

use std::fmt::{self, Display, Formatter};

use super::{Condition, Field, Literal, Operand, Operator, SUSPICIOUS};

impl Condition {
    /// The same condition with the names of its parameters replaced.
    #[cfg(feature = "explain")]
    #[must_use]
    pub fn with_parameters(&self, name: &impl Fn(&str) -> String) -> Self {
        let all = |parts: &[Self]| parts.iter().map(|part| part.with_parameters(name)).collect();
        let operand = |operand: &Operand| match operand {
            Operand::Parameter(known) => Operand::Parameter(name(known)),
            other => other.clone(),
        };
        match self {
            Self::All(parts) => Self::All(all(parts)),
            Self::Any(parts) => Self::Any(all(parts)),
            Self::Not(inner) => Self::Not(Box::new(inner.with_parameters(name))),
            Self::Has(claim) => Self::Has(claim.clone()),
            Self::Compare(left, operator, right) => Self::Compare(operand(left), *operator, operand(right)),
        }
    }

    /// A part of a longer condition: what would be read differently there stands in parentheses.
    fn part(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(_) | Self::Any(_) => write!(f, "({self})"),
            other => write!(f, "{other}"),
        }
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(parts) => joined(f, parts, " && ", |f, part| part.part(f)),
            Self::Any(parts) => joined(f, parts, " || ", |f, part| part.part(f)),
            Self::Not(inner) if matches!(**inner, Self::Has(_)) => write!(f, "!{inner}"),
            Self::Not(inner) => write!(f, "!({inner})"),
            Self::Has(claim) => write!(f, "has(claims.{claim})"),
            Self::Compare(left, operator, right) => write!(f, "{left} {operator} {right}"),
        }
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Claim(name) => write!(f, "claims.{name}"),
            Self::Parameter(name) => write!(f, "path.{name}"),
            Self::Request(field) => write!(f, "{field}"),
            Self::Suspicious => f.write_str(SUSPICIOUS),
            Self::Literal(literal) => write!(f, "{literal}"),
            Self::List(literals) => {
                f.write_str("[")?;
                joined(f, literals, ", ", |f, literal| write!(f, "{literal}"))?;
                f.write_str("]")
            }
        }
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Self::Number(number) => write!(f, "{number}"),
            Self::Boolean(value) => write!(f, "{value}"),
        }
    }
}

impl Display for Field {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        word(f, &Self::WORDS, *self)
    }
}

impl Display for Operator {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        word(f, &Self::WORDS, *self)
    }
}

fn word<T: PartialEq>(f: &mut Formatter<'_>, words: &[(&str, T)], meaning: T) -> fmt::Result {
    words.iter().filter(|(_, known)| *known == meaning).try_for_each(|(word, _)| f.write_str(word))
}

fn joined<T>(
    f: &mut Formatter<'_>,
    parts: &[T],
    between: &str,
    write: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    let mut before = "";
    parts.iter().try_for_each(|part| {
        f.write_str(std::mem::replace(&mut before, between))?;
        write(f, part)
    })
}
