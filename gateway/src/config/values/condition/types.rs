//! Whether what a condition compares can ever be equal: as far as types can be seen in the file.

use super::{Placed, bad};
use crate::config::{
    condition::{Field, Literal, Operand, Operator},
    diagnostics::{Code, Span},
    values::{Fault, listed, quoted},
};
use crate::http::method::Method;

/// What is known of the type of an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    /// A claim: whatever the token says.
    Any,
    Text,
    Number,
    Boolean,
    List,
}

impl Type {
    fn of(operand: &Operand) -> Self {
        match operand {
            Operand::Claim(_) => Self::Any,
            Operand::Parameter(_) | Operand::Request(_) => Self::Text,
            Operand::Suspicious => Self::Boolean,
            Operand::Literal(literal) => Self::of_literal(literal),
            Operand::List(_) => Self::List,
        }
    }

    fn of_literal(literal: &Literal) -> Self {
        match literal {
            Literal::Text(_) => Self::Text,
            Literal::Number(_) => Self::Number,
            Literal::Boolean(_) => Self::Boolean,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Any => "a claim",
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::List => "a list",
        }
    }

    /// Whether it can be one of these.
    fn is_of(self, others: &[Self]) -> bool {
        self == Self::Any || others.contains(&self)
    }
}

/// Checks one comparison.
///
/// # Errors
/// [`Code::ConditionTypes`], and [`Code::BadMethod`] for a method that no request has.
pub(super) fn check(left: &Placed, operator: Operator, right: &Placed) -> Result<(), Fault> {
    use Operator::{Contains, Equal, In, StartsWith, Unequal};
    let whole = left.span.start..right.span.end;
    if is_fixed(&left.value) && is_fixed(&right.value) {
        let fault = types("this says the same of every request", whole);
        return Err(fault.expected("a claim, a parameter or something of the request on one side"));
    }
    match operator {
        Equal | Unequal => {
            let scalars = [Type::Text, Type::Number, Type::Boolean];
            must_be(left, &scalars, operator)?;
            must_be(right, &scalars, operator)?;
            alike(left, Type::of(&left.value), Type::of(&right.value), whole)?;
            check_method(left, right)
        }
        In => check_member(left, right, operator),
        Contains => check_member(right, left, operator),
        StartsWith => must_be(left, &[Type::Text], operator).and_then(|()| must_be(right, &[Type::Text], operator)),
        _ => must_be(left, &[Type::Number], operator).and_then(|()| must_be(right, &[Type::Number], operator)),
    }
}

fn check_member(member: &Placed, list: &Placed, operator: Operator) -> Result<(), Fault> {
    must_be(member, &[Type::Text, Type::Number, Type::Boolean], operator)?;
    must_be(list, &[Type::List], operator)?;
    if let Operand::List(literals) = &list.value {
        for literal in literals {
            alike(member, Type::of(&member.value), Type::of_literal(literal), list.span.clone())?;
        }
    }
    check_method(member, list)
}

fn must_be(operand: &Placed, wanted: &[Type], operator: Operator) -> Result<(), Fault> {
    let found = Type::of(&operand.value);
    if found.is_of(wanted) {
        return Ok(());
    }
    let message = format!("{} is {}, which `{operator}` does not take here", quoted(&operand.text()), found.word());
    let wanted: Vec<&str> = wanted.iter().map(|wanted| wanted.word()).collect();
    Err(types(message, operand.span.clone()).expected(wanted.join(", or ")))
}

/// Whether two sides can be equal.
fn alike(left: &Placed, one: Type, other: Type, place: Span) -> Result<(), Fault> {
    if one == other || one == Type::Any || other == Type::Any {
        return Ok(());
    }
    let message = format!("{} is {} and is never equal to {}", quoted(&left.text()), one.word(), other.word());
    let fault = types(message, place);
    Err(if matches!(left.value, Operand::Parameter(_)) && other == Type::Number {
        fault.help("parameters are texts: write the number in single quotes")
    } else {
        fault
    })
}

/// A method that no request can have is a slip, and with `!=` one that lets everybody in.
fn check_method(left: &Placed, right: &Placed) -> Result<(), Fault> {
    let is_method = |side: &Placed| side.value == Operand::Request(Field::Method);
    let other = if is_method(left) { right } else { left };
    let literals = match &other.value {
        Operand::Literal(literal) => std::slice::from_ref(literal),
        Operand::List(literals) => literals,
        _ => return Ok(()),
    };
    let texts = literals.iter().filter_map(|literal| match literal {
        Literal::Text(text) => Some(text),
        _ => None,
    });
    let wrong = texts.into_iter().find(|text| Method::parse(text).is_none());
    match wrong.filter(|_| is_method(left) || is_method(right)) {
        None => Ok(()),
        Some(text) => {
            let names = || Method::ALL.map(Method::name);
            let fault = Fault::new(Code::BadMethod, format!("{} is no method of a request here", quoted(text)));
            let fault = Fault { part: Some(other.span.clone()), ..fault };
            Err(fault.expected(listed(names())).nearest(text, names()))
        }
    }
}

fn is_fixed(operand: &Operand) -> bool {
    matches!(operand, Operand::Literal(_) | Operand::List(_))
}

fn types(message: impl Into<String>, place: Span) -> Fault {
    Fault { code: Code::ConditionTypes, ..bad(message, place) }
}
