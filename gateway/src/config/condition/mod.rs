//! Conditions on requests: `claims.tenant == path.tenant && claims.level >= 3`. Here is what one is made of; `truth` says
//! whether it holds, `written` prints it. Reading one is left to `values::condition`, which the Worker does without.
//!
//! A condition is total: it has no loops, no calls and no state, and every request finds it true, false or unknown.

mod truth;
mod written;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A condition. The compiler bounds its depth and its size, so walking it may call itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Condition {
    /// `a && b && c`, two at least.
    All(Vec<Self>),
    /// `a || b || c`, two at least.
    Any(Vec<Self>),
    /// `!(a)`
    Not(Box<Self>),
    /// `has(claims.NAME)`: the token has the claim, and it is not null.
    Has(String),
    /// `left == right`
    Compare(Operand, Operator, Operand),
}

/// What is compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Operand {
    /// `claims.NAME`: a claim of the verified token.
    Claim(String),
    /// `path.NAME`: a parameter of the matched route, as sent.
    Parameter(String),
    /// `request.NAME`
    Request(Field),
    /// `client.suspicious`: whether the address, the user or whom the route says that one logs in as is suspicious.
    Suspicious,
    /// A value that stands in the file.
    Literal(Literal),
    /// `['a', 'b']`, one value at least.
    List(Vec<Literal>),
}

/// A value that stands in the file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Literal {
    /// `'text'`
    Text(String),
    /// `12`, within [`LARGEST`].
    Number(i64),
    /// `true` or `false`
    Boolean(bool),
}

/// How [`Operand::Suspicious`] is written.
pub const SUSPICIOUS: &str = "client.suspicious";

/// What is known of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Field {
    /// `request.method`
    Method,
    /// `request.host`: in lower case, without the dot that may end it.
    Host,
    /// `request.path`: as sent, without the query.
    Path,
    /// `request.id`
    Id,
}

impl Field {
    /// Every one with its name.
    pub const WORDS: [(&'static str, Self); 4] = [
        ("request.method", Self::Method),
        ("request.host", Self::Host),
        ("request.path", Self::Path),
        ("request.id", Self::Id),
    ];
}

/// How two operands are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Operator {
    /// `==`: the same text, number or boolean.
    Equal,
    /// `!=`: of one type, and not the same.
    Unequal,
    /// `<`, for numbers.
    Less,
    /// `<=`, for numbers.
    LessOrEqual,
    /// `>`, for numbers.
    Greater,
    /// `>=`, for numbers.
    GreaterOrEqual,
    /// `in`: the left is a member of the list on the right.
    In,
    /// `contains`: the list on the left has the right as a member.
    Contains,
    /// `starts_with`: the text on the left begins with the text on the right.
    StartsWith,
}

impl Operator {
    /// Every one as it is written.
    pub const WORDS: [(&'static str, Self); 9] = [
        ("==", Self::Equal),
        ("!=", Self::Unequal),
        ("<", Self::Less),
        ("<=", Self::LessOrEqual),
        (">", Self::Greater),
        (">=", Self::GreaterOrEqual),
        ("in", Self::In),
        ("contains", Self::Contains),
        ("starts_with", Self::StartsWith),
    ];
}

/// The largest whole number that every JSON reader keeps exactly (RFC 8259 section 6). Beyond it two different numbers
/// may be read as one, so nothing is compared there.
pub const LARGEST: i64 = 9_007_199_254_740_991;

/// What a condition is asked about.
pub trait Facts {
    /// A claim of the verified token; a name with dots leads into claims inside claims.
    fn claim(&self, name: &str) -> Option<&Value>;
    /// A parameter of the matched route, as sent.
    fn parameter(&self, name: &str) -> Option<&str>;
    /// Whether somebody about the request is suspicious; `None` where nobody knows.
    fn is_suspicious(&self) -> Option<bool>;
    /// What is known of every request.
    fn request(&self, field: Field) -> Cow<'_, str>;
}

impl Condition {
    /// Whether a request meets it: nothing but true will do, unknown is no.
    #[must_use]
    pub fn holds(&self, facts: &impl Facts) -> bool {
        self.truth(facts) == Some(true)
    }

    /// Whether it reads a claim: only then has the token anything to do with it.
    #[must_use]
    pub fn reads_claims(&self) -> bool {
        match self {
            Self::Has(_) => true,
            other => other.reads(&|side| matches!(side, Operand::Claim(_)), Self::reads_claims),
        }
    }

    /// Whether it wants to know if somebody is suspicious.
    #[must_use]
    pub fn reads_suspicious(&self) -> bool {
        self.reads(&|side| *side == Operand::Suspicious, Self::reads_suspicious)
    }

    fn reads(&self, is_it: &dyn Fn(&Operand) -> bool, inner: fn(&Self) -> bool) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(inner),
            Self::Not(part) => inner(part),
            Self::Has(_) => false,
            Self::Compare(left, _, right) => is_it(left) || is_it(right),
        }
    }
}
