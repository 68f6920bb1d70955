//! A condition cut into words, texts, numbers and signs.

use super::bad;
use crate::config::{
    condition::LARGEST,
    diagnostics::{Code, Span},
    values::{Fault, quoted},
};

/// A piece of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// `claims.sub`, `in`, `true`
    Word(&'t str),
    /// `'text'`, without its quotes.
    Text(String),
    /// `12`
    Number(i64),
    /// `==`, `&&`, `(`
    Sign(&'static str),
}

/// Signs, those first that others are the beginning of.
const SIGNS: [&str; 14] = ["==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "(", ")", "[", "]", ","];

/// What stands for nothing, with what was probably meant.
const MEANT: [(&str, &str); 5] = [
    ("=", "two values are compared with `==`"),
    ("&", "`and` is written `&&`"),
    ("|", "`or` is written `||`"),
    ("\"", "texts stand in single quotes: 'text'"),
    ("{", "here a place has no braces: `claims.sub`"),
];

/// The pieces of a text, each with its place.
///
/// # Errors
/// [`Code::BadCondition`] for what is no piece, [`Code::OutOfRange`] for a number that is too large.
pub(super) fn cut(text: &str) -> Result<Vec<(Token<'_>, Span)>, Fault> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let start = text.len().saturating_sub(rest.len());
        let Some(first) = rest.chars().next() else { return Ok(tokens) };
        let (token, length) = match first {
            '\'' => quoted_text(rest, start)?,
            '0'..='9' | '-' => number(rest, start)?,
            'a'..='z' | 'A'..='Z' | '_' => word(rest),
            _ => sign(rest, first, start)?,
        };
        tokens.push((token, start..start.saturating_add(length)));
        rest = rest.get(length..).unwrap_or_default();
    }
}

/// Claims may be named like URLs (RFC 7519 section 4.2), so a word has what those are made of.
fn word(text: &str) -> (Token<'_>, usize) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_-.:/@".contains(c);
    let word = text.split(|c| !is_part(c)).next().unwrap_or_default();
    (Token::Word(word), word.len())
}

fn sign(text: &str, first: char, start: usize) -> Result<(Token<'_>, usize), Fault> {
    if let Some(sign) = SIGNS.into_iter().find(|sign| text.starts_with(sign)) {
        return Ok((Token::Sign(sign), sign.len()));
    }
    let fault = bad(format!("{} has no meaning in a condition", quoted(&first.to_string())), start..start);
    let fault = fault.part(start, first.len_utf8());
    let help = MEANT.iter().find(|(sign, _)| text.starts_with(sign)).map(|(_, help)| *help);
    Err(match help {
        Some(help) => fault.help(help),
        None => fault,
    })
}

/// A text up to its quote; two quotes in a row are one of the text's own.
fn quoted_text(text: &str, start: usize) -> Result<(Token<'_>, usize), Fault> {
    let mut value = String::new();
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter != '\'' {
            value.push(letter);
        } else if letters.next_if(|(_, next)| *next == '\'').is_some() {
            value.push('\'');
        } else {
            return Ok((Token::Text(value), at.saturating_add(1)));
        }
    }
    let fault = bad("a text is not closed", start..start.saturating_add(text.len()));
    Err(fault.help("end it with a single quote; one inside a text is written twice"))
}

fn number(text: &str, start: usize) -> Result<(Token<'_>, usize), Fault> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let written = text.split(|c| !is_part(c)).next().unwrap_or_default();
    let part = start..start.saturating_add(written.len());
    let digits = written.strip_prefix('-').unwrap_or(written);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let fault = bad(format!("{} is not a whole number", quoted(written)), part);
        return Err(fault.expected("digits, with `-` before them for less than zero"));
    }
    match written.parse().ok().filter(|number| (-LARGEST..=LARGEST).contains(number)) {
        Some(number) => Ok((Token::Number(number), written.len())),
        None => {
            let message = format!("{} is too large to be compared exactly", quoted(written));
            let fault = Fault { part: Some(part), ..Fault::new(Code::OutOfRange, message) };
            Err(fault.expected(format!("{} to {LARGEST}", -LARGEST)))
        }
    }
}
