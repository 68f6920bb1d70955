//! Writing structured field values (RFC 9651), as far as the gateway sends any: strings, tokens and byte sequences.
//! Nothing here reads.

use base64ct::{Base64, Encoding};

/// Whether a text is a token of HTTP (RFC 9110 section 5.6.2).
#[must_use]
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Writes a text in quotes, with a backslash before quotes and backslashes: a string (RFC 9651 section 4.1.6), and a
/// `quoted-string` of RFC 9110 section 5.6.4 as well. What may stand in neither, as all that is not visible ASCII, is
/// left out.
pub fn write_quoted(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars().filter(|letter| (' '..='~').contains(letter)) {
        if matches!(letter, '"' | '\\') {
            out.push('\\');
        }
        out.push(letter);
    }
    out.push('"');
}

/// Writes a name: as a token where it can be one, which begins with a letter (RFC 9651 section 4.1.7), else as a string.
pub fn write_name(out: &mut String, name: &str) {
    if name.starts_with(|first: char| first.is_ascii_alphabetic()) && is_token(name) {
        out.push_str(name);
    } else {
        write_quoted(out, name);
    }
}

/// Writes bytes (RFC 9651 section 4.1.8).
pub fn write_bytes(out: &mut String, bytes: &[u8]) {
    out.push(':');
    out.push_str(&Base64::encode_string(bytes));
    out.push(':');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: fn(&mut String, &str), text: &str) -> String {
        let mut out = String::new();
        write(&mut out, text);
        out
    }

    #[test]
    fn quotes_and_backslashes_are_escaped_and_nothing_else_gets_out() {
        for (text, expected) in
            [("", r#""""#), ("a b", r#""a b""#), (r#"a"b\c"#, r#""a\"b\\c""#), ("a\r\nb\u{e9}\u{7f}", r#""ab""#)]
        {
            assert_eq!(written(write_quoted, text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_name_is_a_token_only_if_it_begins_with_a_letter() {
        for (name, expected) in [("acme", "acme"), ("acme-2", "acme-2"), ("2-acme", "\"2-acme\""), ("-", "\"-\"")] {
            assert_eq!(written(write_name, name), expected);
        }
    }

    #[test]
    fn bytes_stand_between_colons() {
        let mut out = String::new();
        write_bytes(&mut out, b"hello");
        assert_eq!(out, ":aGVsbG8=:");
    }
}
