//! Conditions as written: `claims.tenant == path.tenant && has(claims.sub)`. The grammar stands in `docs/authz.md`.
//!
//! What can be seen to be wrong without knowing the route is a fault of the very characters; which parameters there are,
//! and whether there are claims, is checked where the route is known, by the places that [`parse`] gives.

#[cfg(test)]
mod tests;
mod tokens;
mod types;

use self::tokens::{Token, cut};
use super::{Fault, listed, quoted};
use crate::config::{
    condition::{Condition, Field, Literal, Operand, Operator, SUSPICIOUS},
    diagnostics::{Code, Span, nearest::nearest},
    template::Slot,
};

/// How deep parentheses and `!` can stand in each other.
pub const DEEPEST: usize = 16;

/// How many parts a condition can have: comparisons, `has`, `!`, and what `&&` and `||` put together.
pub const MOST_PARTS: usize = 64;

/// How many values a list can have.
pub const MOST_VALUES: usize = 64;

const OPERAND: &str = "`claims.NAME`, `path.NAME`, `request.method`, `request.host`, `request.path`, `request.id`, \
                       `client.suspicious`, a text in single quotes, a whole number, `true`, `false` or a list";

/// A condition, and where it reads what not every route has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The condition.
    pub condition: Condition,
    /// Claims and parameters, each with its place in the text.
    pub uses: Vec<(Slot, Span)>,
}

/// An operand with its place.
struct Placed {
    value: Operand,
    span: Span,
}

impl Placed {
    fn text(&self) -> String {
        self.value.to_string()
    }
}

fn bad(message: impl Into<String>, part: Span) -> Fault {
    Fault { part: Some(part), ..Fault::new(Code::BadCondition, message) }
}

/// Reads a condition.
///
/// # Errors
/// [`Code::BadCondition`] when it is none or too large, [`Code::ConditionTypes`] when it compares what is never equal,
/// [`Code::BadMethod`] and [`Code::OutOfRange`] for values in it.
pub fn parse(text: &str) -> Result<Parsed, Fault> {
    let tokens = cut(text)?;
    if tokens.is_empty() {
        return Err(Fault::new(Code::BadCondition, "a condition says something").expected("`claims.tenant == 'acme'`"));
    }
    let mut parser = Parser { text, tokens: &tokens, at: 0, parts: 0, uses: Vec::new() };
    let condition = parser.condition(0)?;
    match parser.next() {
        None => Ok(Parsed { condition, uses: parser.uses }),
        Some((token, span)) => Err(parser.left_over(&token, span)),
    }
}

struct Parser<'t> {
    text: &'t str,
    tokens: &'t [(Token<'t>, Span)],
    at: usize,
    parts: usize,
    uses: Vec<(Slot, Span)>,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<&'t Token<'t>> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn next(&mut self) -> Option<(Token<'t>, Span)> {
        let found = self.tokens.get(self.at).cloned();
        self.at = self.at.saturating_add(1);
        found
    }

    /// Takes a sign if it is the next one.
    fn takes(&mut self, sign: &str) -> bool {
        let is_next = matches!(self.peek(), Some(Token::Sign(next)) if *next == sign);
        self.at = self.at.saturating_add(usize::from(is_next));
        is_next
    }

    fn wants(&mut self, sign: &str) -> Result<(), Fault> {
        if self.takes(sign) {
            return Ok(());
        }
        let (message, place) = match self.next() {
            Some((_, span)) => (format!("{} stands where {} is missing", self.quoted(&span), quoted(sign)), span),
            None => (format!("the condition ends without {}", quoted(sign)), self.end()),
        };
        Err(bad(message, place).expected(quoted(sign)))
    }

    /// One more part; refuses one too many.
    fn part(&mut self, condition: Condition) -> Result<Condition, Fault> {
        self.parts = self.parts.saturating_add(1);
        if self.parts > MOST_PARTS {
            let fault = bad(format!("a condition has at most {MOST_PARTS} parts"), 0..self.text.len());
            return Err(fault.help("write several conditions in a list: all of them must hold"));
        }
        Ok(condition)
    }

    /// `a || b`
    fn condition(&mut self, depth: usize) -> Result<Condition, Fault> {
        let parts = self.joined("||", |parser| parser.joined_all(depth))?;
        self.together(parts, Condition::Any)
    }

    /// `a && b`
    fn joined_all(&mut self, depth: usize) -> Result<Condition, Fault> {
        let parts = self.joined("&&", |parser| parser.one(depth))?;
        self.together(parts, Condition::All)
    }

    fn joined(
        &mut self,
        sign: &str,
        mut read: impl FnMut(&mut Self) -> Result<Condition, Fault>,
    ) -> Result<Vec<Condition>, Fault> {
        let mut parts = vec![read(self)?];
        while self.takes(sign) {
            parts.push(read(self)?);
        }
        Ok(parts)
    }

    fn together(
        &mut self,
        mut parts: Vec<Condition>,
        make: fn(Vec<Condition>) -> Condition,
    ) -> Result<Condition, Fault> {
        match parts.pop() {
            Some(only) if parts.is_empty() => Ok(only),
            last => self.part(make(parts.into_iter().chain(last).collect())),
        }
    }

    /// A comparison, `has`, or something in parentheses.
    fn one(&mut self, depth: usize) -> Result<Condition, Fault> {
        if self.takes("!") {
            if !matches!(self.peek(), Some(Token::Sign("(") | Token::Word("has"))) {
                let place = self.next().map_or_else(|| self.end(), |(_, span)| span);
                let fault = bad("`!` stands before parentheses or `has`", place);
                return Err(fault.expected("`!(…)` or `!has(claims.NAME)`"));
            }
            let inner = self.one(depth)?;
            return self.part(Condition::Not(Box::new(inner)));
        }
        if self.takes("(") {
            if depth >= DEEPEST {
                let fault = bad(format!("parentheses stand more than {DEEPEST} deep in each other"), self.before());
                return Err(fault.help("write several conditions in a list: all of them must hold"));
            }
            let inner = self.condition(depth.saturating_add(1))?;
            return self.wants(")").map(|()| inner);
        }
        if self.peek() == Some(&Token::Word("has")) {
            return self.has();
        }
        self.comparison()
    }

    fn has(&mut self) -> Result<Condition, Fault> {
        self.at = self.at.saturating_add(1);
        self.wants("(")?;
        let operand = self.operand()?;
        let Operand::Claim(claim) = operand.value else {
            let fault = bad("`has` takes a claim: everything else is always there", operand.span);
            return Err(fault.expected("`has(claims.NAME)`"));
        };
        self.wants(")")?;
        self.part(Condition::Has(claim))
    }

    fn comparison(&mut self) -> Result<Condition, Fault> {
        let left = self.operand()?;
        let operator = self.operator(&left)?;
        let right = self.operand()?;
        types::check(&left, operator, &right)?;
        self.part(Condition::Compare(left.value, operator, right.value))
    }

    fn operator(&mut self, left: &Placed) -> Result<Operator, Fault> {
        let word = match self.peek() {
            Some(Token::Word(word)) => word,
            Some(Token::Sign(sign)) => sign,
            _ => "",
        };
        if let Some((_, operator)) = Operator::WORDS.iter().find(|(known, _)| *known == word) {
            self.at = self.at.saturating_add(1);
            return Ok(*operator);
        }
        let names = || Operator::WORDS.iter().map(|(word, _)| *word);
        let alone = bad(format!("{} is compared with nothing", quoted(&left.text())), left.span.clone());
        let alone = alone.expected(listed(names()));
        Err(match self.peek() {
            Some(Token::Word(word)) if !["and", "or", "not"].contains(word) => {
                let span = self.next().map(|(_, span)| span).unwrap_or_default();
                bad(format!("{} compares nothing", quoted(word)), span).expected(listed(names())).nearest(word, names())
            }
            _ => alone.help(format!("write `{} == true` for what is true or false", left.text())),
        })
    }

    fn operand(&mut self) -> Result<Placed, Fault> {
        let Some((token, span)) = self.next() else {
            return Err(bad("the condition ends where something to compare is missing", self.end()).expected(OPERAND));
        };
        let value = match token {
            Token::Sign("[") => return self.list(span),
            Token::Word(word) if !["true", "false"].contains(&word) => self.place(word, &span)?,
            other => Operand::Literal(self.literal(other, &span)?),
        };
        Ok(Placed { value, span })
    }

    fn literal(&self, token: Token<'t>, span: &Span) -> Result<Literal, Fault> {
        match token {
            Token::Text(text) => Ok(Literal::Text(text)),
            Token::Number(number) => Ok(Literal::Number(number)),
            Token::Word("true") => Ok(Literal::Boolean(true)),
            Token::Word("false") => Ok(Literal::Boolean(false)),
            _ => {
                let message = format!("{} stands where something to compare is missing", self.quoted(span));
                Err(bad(message, span.clone()).expected(OPERAND))
            }
        }
    }

    /// A list behind its bracket.
    fn list(&mut self, start: Span) -> Result<Placed, Fault> {
        let mut values = Vec::new();
        loop {
            let Some((token, span)) = self.next() else {
                return Err(bad("a list is not closed", start).expected("`]`"));
            };
            if token == Token::Sign("]") && values.is_empty() {
                return Err(bad("a list has at least one value", start.start..span.end));
            }
            values.push(self.literal(token, &span).map_err(|fault| fault.expected("a text, a number, true or false"))?);
            if !self.takes(",") {
                break;
            }
        }
        self.wants("]")?;
        let span = start.start..self.before().end;
        if values.len() > MOST_VALUES {
            return Err(bad(format!("a list has at most {MOST_VALUES} values"), span));
        }
        Ok(Placed { value: Operand::List(values), span })
    }

    /// A word that stands for something of the request.
    fn place(&mut self, word: &str, span: &Span) -> Result<Operand, Fault> {
        if let Some((_, field)) = Field::WORDS.iter().find(|(known, _)| *known == word) {
            return Ok(Operand::Request(*field));
        }
        if word == SUSPICIOUS {
            return Ok(Operand::Suspicious);
        }
        let is_name = |name: &str| !name.split('.').any(str::is_empty);
        let (slot, operand) = match word.split_once('.') {
            Some(("claims", name)) if is_name(name) => (Slot::Claim(name.to_owned()), Operand::Claim(name.to_owned())),
            Some(("path", name)) if !name.is_empty() => {
                (Slot::PathParameter(name.to_owned()), Operand::Parameter(name.to_owned()))
            }
            _ => return Err(no_place(word, span)),
        };
        self.uses.push((slot, span.clone()));
        Ok(operand)
    }

    fn left_over(&self, token: &Token<'_>, span: Span) -> Fault {
        let fault = bad(format!("{} stands where the condition could end", self.quoted(&span)), span);
        let fault = fault.expected("`&&`, `||` or the end");
        match token {
            Token::Word("and" | "AND") => fault.help("`and` is written `&&`"),
            Token::Word("or" | "OR") => fault.help("`or` is written `||`"),
            _ => fault,
        }
    }

    fn quoted(&self, span: &Span) -> String {
        quoted(self.text.get(span.clone()).unwrap_or_default())
    }

    /// Where the piece before stands.
    fn before(&self) -> Span {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map(|(_, span)| span.clone()).unwrap_or_default()
    }

    /// The last piece, for what is missing behind it.
    fn end(&self) -> Span {
        self.tokens.last().map(|(_, span)| span.clone()).unwrap_or_default()
    }
}

/// What is not a place: with the one that was probably meant.
fn no_place(word: &str, span: &Span) -> Fault {
    let fault = bad(format!("{} is nothing that a condition can read", quoted(word)), span.clone()).expected(OPERAND);
    let meant = word.split_once('.').and_then(|(first, name)| {
        let first = nearest(first, ["claims", "path", "request"])?;
        Some(format!("{first}.{name}")).filter(|meant| meant != word)
    });
    let field = nearest(word, Field::WORDS.iter().map(|(word, _)| *word).chain([SUSPICIOUS])).map(str::to_owned);
    match word {
        "and" | "or" | "not" => fault.help("these are written `&&`, `||` and `!(…)`"),
        _ => Fault { nearest: field.or(meant), ..fault },
    }
}
