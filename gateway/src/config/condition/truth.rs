//! Whether a condition holds, in the strong logic of Kleene: true, false or unknown.
//!
//! A comparison with something that is missing, or that is of another type than the other side, is unknown, and so is
//! its opposite. So no missing claim lets anybody in, whatever the condition negates; only `!has(…)` says that it is
//! missing on purpose.

use std::borrow::Cow;

use serde_json::Value;

use super::{Condition, Facts, Field, LARGEST, Literal, Operand, Operator};

/// Something that can be compared.
enum Scalar<'a> {
    Text(Cow<'a, str>),
    /// A text from the URL, as sent.
    Sent(Cow<'a, str>),
    Number(f64),
    Boolean(bool),
}

impl Condition {
    /// True, false, or `None` for unknown. Every part is looked at once at most.
    #[must_use]
    pub fn truth(&self, facts: &impl Facts) -> Option<bool> {
        match self {
            Self::All(parts) => unless(false, parts.iter().map(|part| part.truth(facts))),
            Self::Any(parts) => unless(true, parts.iter().map(|part| part.truth(facts))),
            Self::Not(inner) => inner.truth(facts).map(|truth| !truth),
            Self::Has(claim) => Some(facts.claim(claim).is_some_and(|value| !value.is_null())),
            Self::Compare(left, operator, right) => compare(left, *operator, right, facts),
        }
    }
}

/// What settles the matter if one of them is it, else unknown if one of them is, else the opposite.
fn unless(settles: bool, truths: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut is_known = true;
    for truth in truths {
        match truth {
            Some(truth) if truth == settles => return Some(settles),
            Some(_) => {}
            None => is_known = false,
        }
    }
    is_known.then_some(!settles)
}

fn compare(left: &Operand, operator: Operator, right: &Operand, facts: &impl Facts) -> Option<bool> {
    let (member, list) = if operator == Operator::Contains { (right, left) } else { (left, right) };
    if matches!(operator, Operator::In | Operator::Contains) {
        return is_member(&member.scalar(facts)?, list, facts);
    }
    let (left, right) = (left.scalar(facts)?, right.scalar(facts)?);
    let numbers = || match (&left, &right) {
        (Scalar::Number(left), Scalar::Number(right)) => left.partial_cmp(right),
        _ => None,
    };
    match operator {
        Operator::Equal => equal(&left, &right),
        Operator::Unequal => equal(&left, &right).map(|is_equal| !is_equal),
        Operator::Less => numbers().map(|order| order.is_lt()),
        Operator::LessOrEqual => numbers().map(|order| order.is_le()),
        Operator::Greater => numbers().map(|order| order.is_gt()),
        Operator::GreaterOrEqual => numbers().map(|order| order.is_ge()),
        Operator::StartsWith => starts_with(&left, &right),
        Operator::In | Operator::Contains => None,
    }
}

/// Whether a list has a member: true if one is equal, unknown if none is but one of another type is there.
fn is_member(member: &Scalar<'_>, list: &Operand, facts: &impl Facts) -> Option<bool> {
    match list {
        Operand::List(literals) => unless(true, literals.iter().map(|literal| equal(member, &literal.scalar()))),
        Operand::Claim(name) => {
            let Value::Array(values) = facts.claim(name)? else { return None };
            unless(true, values.iter().map(|value| equal(member, &scalar(value)?)))
        }
        _ => None,
    }
}

fn equal(left: &Scalar<'_>, right: &Scalar<'_>) -> Option<bool> {
    use Scalar::{Boolean, Number, Sent, Text};
    match (left, right) {
        (Text(left), Text(right)) => Some(left == right),
        // The same characters mean the same; others may, unless nothing in them is encoded.
        (Sent(left), Sent(right)) if left == right => Some(true),
        (Sent(left), Sent(right)) => plain(left).and(plain(right)).map(|()| false),
        (Sent(sent), Text(text)) | (Text(text), Sent(sent)) => plain(sent).map(|()| sent == text),
        (Number(left), Number(right)) => Some(left == right),
        (Boolean(left), Boolean(right)) => Some(left == right),
        _ => None,
    }
}

/// A prefix without characters is the beginning of everything, so it says nothing.
fn starts_with(whole: &Scalar<'_>, prefix: &Scalar<'_>) -> Option<bool> {
    use Scalar::{Sent, Text};
    let prefix = match prefix {
        Text(prefix) => prefix,
        Sent(prefix) => plain(prefix).map(|()| prefix)?,
        _ => return None,
    };
    match whole {
        _ if prefix.is_empty() => None,
        Text(whole) => Some(whole.starts_with(&**prefix)),
        // What is plain up to the end of the prefix has been compared, whatever follows.
        Sent(whole) if whole.starts_with(&**prefix) => plain(prefix).map(|()| true),
        Sent(whole) => plain(whole).map(|()| false),
        _ => None,
    }
}

/// Nothing is decoded here: the upstream gets what was sent and may read it either way. So a text in which something is
/// percent-encoded, or has parameters behind a `;` that some servers take off, is neither equal to another nor different.
fn plain(sent: &str) -> Option<()> {
    (!sent.contains(['%', ';'])).then_some(())
}

impl Operand {
    fn scalar<'a>(&'a self, facts: &'a impl Facts) -> Option<Scalar<'a>> {
        match self {
            Self::Claim(name) => scalar(facts.claim(name)?),
            Self::Parameter(name) => Some(Scalar::Sent(facts.parameter(name)?.into())),
            Self::Request(Field::Path) => Some(Scalar::Sent(facts.request(Field::Path))),
            Self::Request(field) => Some(Scalar::Text(facts.request(*field))),
            Self::Suspicious => facts.is_suspicious().map(Scalar::Boolean),
            Self::Literal(literal) => Some(literal.scalar()),
            Self::List(_) => None,
        }
    }
}

impl Literal {
    fn scalar(&self) -> Scalar<'_> {
        match self {
            Self::Text(text) => Scalar::Text(text.into()),
            // It is not larger than a float keeps exactly.
            Self::Number(number) => Scalar::Number(*number as f64),
            Self::Boolean(value) => Scalar::Boolean(*value),
        }
    }
}

/// A claim that can be compared: no list, no table, nothing that is null, and no number that may be another.
fn scalar(value: &Value) -> Option<Scalar<'_>> {
    match value {
        Value::String(text) => Some(Scalar::Text(text.into())),
        Value::Bool(value) => Some(Scalar::Boolean(*value)),
        Value::Number(number) => {
            let number = number.as_f64().filter(|number| number.abs() <= LARGEST as f64);
            number.map(Scalar::Number)
        }
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
