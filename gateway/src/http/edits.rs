//! Changes to the head of a message, as data.
//!
//! A plan carries edits instead of whole heads: copying a head through wasm costs more than all decisions
//! together. Edits are carried out in the order remove, set, append.

use std::borrow::Cow;

/// A header name in lower case, or a header value.
pub type Field = Cow<'static, str>;

/// Changes to a message head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits {
    /// Index of a constant list of headers that are set as well, before `set`. Constant lists are decoded
    /// once per isolate, not once per request.
    pub constant: Option<u16>,
    /// Names of headers that must not be there.
    pub remove: Vec<Field>,
    /// Headers that replace whatever has that name.
    pub set: Vec<(Field, Field)>,
    /// Values that join what is already there (`Vary`).
    pub append: Vec<(Field, Field)>,
}

impl Edits {
    /// Replaces a header.
    pub fn set(&mut self, name: impl Into<Field>, value: impl Into<Field>) {
        push(&mut self.set, name.into(), value.into());
    }

    /// Adds to a header.
    pub fn append(&mut self, name: impl Into<Field>, value: impl Into<Field>) {
        push(&mut self.append, name.into(), value.into());
    }

    /// Takes a header away.
    pub fn remove(&mut self, name: impl Into<Field>) {
        self.remove.push(name.into());
    }

    /// The value that `set` or `append` gives a header, for tests and explanations.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        let named = |pair: &&(Field, Field)| pair.0 == name;
        self.set.iter().rev().find(named).or_else(|| self.append.iter().find(named)).map(|pair| &*pair.1)
    }
}

/// One function for all places that edit: that a list has room is found out once.
#[inline(never)]
fn push(list: &mut Vec<(Field, Field)>, name: Field, value: Field) {
    list.push((name, value));
}

/// Whether a text may stand as a field value: visible ASCII, blanks and tabs, not empty, no blank at either end
/// (RFC 9110 section 5.5, without obs-text).
#[must_use]
pub fn is_field_value(text: &str) -> bool {
    let inner = |byte: u8| byte == b'\t' || (b' '..=b'~').contains(&byte);
    !text.is_empty() && text.trim_matches([' ', '\t']).len() == text.len() && text.bytes().all(inner)
}

/// Whether a text is a field name: a token in lower case (RFC 9110 sections 5.1 and 5.6.2).
#[must_use]
pub fn is_field_name(text: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_break_never_becomes_a_field_value() {
        for text in ["a\r\nb", "a\nb", "", " a", "a ", "\u{e9}", "a\0b", "\x7f"] {
            assert!(!is_field_value(text), "{text:?}");
        }
        assert!(is_field_value("Bearer a b\tc"));
    }

    #[test]
    fn names_are_tokens_in_lower_case() {
        assert!(is_field_name("x-user-id"));
        for text in ["", "X-User", "a b", "a:b", "\u{e9}"] {
            assert!(!is_field_name(text), "{text:?}");
        }
    }
}
