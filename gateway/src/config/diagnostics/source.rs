//! A source text and the places in it.
//!
//! Excerpts end up in terminals and build logs, so control characters are replaced in them and what stands
//! behind a key like `secret` is masked.

use serde::Serialize;

use super::{Span, nearest::nearest};

/// The key whose value is never repeated.
const SECRET: &str = "secret";

/// A place in a file, with the line that it stands on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file as it was named on the command line.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// How many characters of the line it covers, at least 1.
    pub length: u32,
    /// The line, fit for printing: without control characters and secrets, characters at their columns.
    pub excerpt: String,
}

/// A source text that knows its lines.
#[derive(Debug)]
pub struct Source<'s> {
    file: &'s str,
    text: &'s str,
    /// Where lines begin, in bytes.
    starts: Vec<usize>,
}

impl<'s> Source<'s> {
    /// A text under the name of its file.
    #[must_use]
    pub fn new(file: &'s str, text: &'s str) -> Self {
        let after = |(index, _): (usize, &str)| index.saturating_add(1);
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(after)).collect();
        Self { file, text, starts }
    }

    /// The text of a span; empty when the span is none of this text.
    #[must_use]
    pub fn slice(&self, span: &Span) -> &'s str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// The place of a span. Of a span over several lines it is the part on the first one.
    #[must_use]
    pub fn place(&self, span: &Span) -> Place {
        let line = self.starts.partition_point(|start| *start <= span.start).saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or_default();
        let text = self.text.get(start..).unwrap_or_default().split('\n').next().unwrap_or_default();
        let text = text.strip_suffix('\r').unwrap_or(text);
        let column = characters(text, span.start.saturating_sub(start));
        let end = characters(text, span.end.saturating_sub(start));
        Place {
            file: self.file.to_owned(),
            line: number(line.saturating_add(1)),
            column: number(column.saturating_add(1)),
            length: number(end.saturating_sub(column).max(1)),
            excerpt: printable(&masked(text)),
        }
    }
}

/// How many characters begin before a byte of a text.
fn characters(text: &str, byte: usize) -> usize {
    text.char_indices().take_while(|(index, _)| *index < byte).count()
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// A tab counts as one column; whatever could move the cursor or change colours becomes U+FFFD.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c == '\t' {
                ' '
            } else if c.is_control() {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// A line with `*` for what follows a key that is called like a secret, unless that is a variable without default.
fn masked(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((key, behind)) = rest.split_once('=') {
        let blanks = behind.len().saturating_sub(behind.trim_start().len());
        let (blanks, value) = behind.split_at_checked(blanks).unwrap_or(("", behind));
        shown.extend([key, "=", blanks]);
        rest = value;
        if is_secret(key) {
            let (value, tail) = value.split_at_checked(value_length(value)).unwrap_or((value, ""));
            shown.push_str(&if is_variable(value) { value.to_owned() } else { stars(value) });
            rest = tail;
        }
    }
    shown + rest
}

/// Whether the text before a `=` ends with a key that holds a secret, even if it is misspelt.
fn is_secret(text: &str) -> bool {
    let text = text.trim_end_matches([' ', '\t', '"', '\'']);
    let key = text.rsplit(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).next().unwrap_or_default();
    key.to_ascii_lowercase().contains(SECRET) || nearest(key, [SECRET]).is_some()
}

/// How many bytes a value takes: up to its closing quote, or to the end of the line when it has none.
fn value_length(value: &str) -> usize {
    let Some(quote) = value.chars().next().filter(|first| *first == '"' || *first == '\'') else {
        return value.find([',', '}', ']']).unwrap_or(value.len());
    };
    let mut escaped = false;
    let closing = value.char_indices().skip(1).find(|(_, c)| {
        let closes = *c == quote && !escaped;
        escaped = quote == '"' && *c == '\\' && !escaped;
        closes
    });
    // Three quotes begin a text over several lines; nothing behind them on this line is shown.
    let multi_line = value.starts_with("\"\"\"") || value.starts_with("'''");
    closing.filter(|_| !multi_line).map_or(value.len(), |(index, _)| index.saturating_add(1))
}

fn is_variable(value: &str) -> bool {
    let inner = value.trim_matches(['"', '\'']);
    let name = inner.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    name.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'))
}

fn stars(value: &str) -> String {
    value.chars().map(|c| if c == '"' || c == '\'' || c == ' ' { c } else { '*' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, span: Span) -> (u32, u32, u32, String) {
        let place = Source::new("f", text).place(&span);
        (place.line, place.column, place.length, place.excerpt)
    }

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        assert_eq!(place("a = 1\nb\u{e9} = 2\r\n", 6..9), (2, 1, 2, "b\u{e9} = 2".into()));
        assert_eq!(place("a = 1\nb\u{e9} = 2\r\n", 9..10), (2, 3, 1, "b\u{e9} = 2".into()));
    }

    #[test]
    fn a_span_at_the_end_or_over_lines_has_a_place_too() {
        assert_eq!(place("", 0..0), (1, 1, 1, String::new()));
        assert_eq!(place("a\n", 2..2), (2, 1, 1, String::new()));
        assert_eq!(place("a = [\n1,\n]", 4..10), (1, 5, 1, "a = [".into()));
        assert_eq!(place("a", 100..200), (1, 2, 1, "a".into()));
    }

    #[test]
    fn what_could_steer_a_terminal_is_not_printed() {
        assert_eq!(printable("a\tb\x1b[31m"), "a b\u{fffd}[31m");
    }

    #[test]
    fn secrets_are_masked_and_variables_are_not() {
        let cases = [
            (r#"secret = "hunter2""#, r#"secret = "*******""#),
            (r#"secret = "hunter2"#, r#"secret = "*******"#),
            (r#"client_Secrets='a, b' # c"#, r#"client_Secrets='** *' # c"#),
            (r#"a = { secret = "x\"y", secret = 12, b = 1 }"#, r#"a = { secret = "**"*", secret = **, b = 1 }"#),
            (r#"secret = "${JWT}""#, r#"secret = "${JWT}""#),
            (r#"secret = "${JWT:-hunter2}""#, r#"secret = "***************""#),
            (r#"secret = """hunter2""#, r#"secret = """*******""#),
            (r#""secret" = "x""#, r#""secret" = "*""#),
            (r#"a = { secert = "x", b = "y=z" }"#, r#"a = { secert = "*", b = "y=z" }"#),
            ("secret", "secret"),
            ("= == secret==x", "= == secret=**"),
        ];
        for (line, expected) in cases {
            assert_eq!(masked(line), expected, "{line}");
        }
    }
}
