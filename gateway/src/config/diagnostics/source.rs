//! The source texts of a configuration and the places in them.
//!
//! A configuration may be spread over files. Their texts are counted as if they stood one after another, so that a
//! span alone says which file it is in.
//!
//! Excerpts end up in terminals and build logs, so control characters are replaced in them and what stands
//! behind a key like `secret` or as the user of a URL is masked.

use serde::Serialize;

use super::{Span, nearest::nearest};

/// What the keys are called whose values are never repeated.
const SECRETS: [&str; 5] = ["secret", "password", "bearer", "value", "hmac"];

/// A key that reads like a misspelt one of [`SECRETS`] and is none.
const NO_SECRET: &str = "header";

/// A place in a file, with the line that it stands on.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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

/// All source texts, the main file first.
#[derive(Debug, Default)]
pub struct Sources {
    files: Vec<File>,
}

/// One text that knows its lines.
#[derive(Debug)]
struct File {
    name: String,
    text: String,
    /// Where it begins among all texts.
    base: usize,
    /// Where lines begin, in bytes from its own start.
    starts: Vec<usize>,
    /// Lines, from 0, that are part of a secret over several lines.
    secret: Vec<usize>,
}

impl Sources {
    /// Only this text, under the name of its file.
    #[must_use]
    pub fn of(name: &str, text: &str) -> Self {
        let mut sources = Self::default();
        sources.add(name, text);
        sources
    }

    /// Adds a text. Returns where it begins among all texts: what spans of its own must be moved by.
    pub fn add(&mut self, name: &str, text: &str) -> usize {
        // One byte between two texts, so that the end of one is not the start of the next.
        let base = self.files.last().map_or(0, |last| last.end().saturating_add(1));
        let after = |(index, _): (usize, &str)| index.saturating_add(1);
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(after)).collect();
        let secret = secret_lines(text);
        self.files.push(File { name: name.to_owned(), text: text.to_owned(), base, starts, secret });
        base
    }

    /// The text of a span; empty when the span is in none of the texts.
    #[must_use]
    pub fn slice(&self, span: &Span) -> &str {
        let own = |file: &File| Some(span.start.checked_sub(file.base)?..span.end.checked_sub(file.base)?);
        self.file(span).and_then(|file| file.text.get(own(file)?)).unwrap_or_default()
    }

    /// The place of a span. Of a span over several lines it is the part on the first one.
    #[must_use]
    pub fn place(&self, span: &Span) -> Place {
        self.file(span).map(|file| file.place(span)).unwrap_or_default()
    }

    fn file(&self, span: &Span) -> Option<&File> {
        let behind = self.files.partition_point(|file| file.base <= span.start);
        self.files.get(behind.saturating_sub(1))
    }
}

impl File {
    fn end(&self) -> usize {
        self.base.saturating_add(self.text.len())
    }

    fn place(&self, span: &Span) -> Place {
        let own = |at: usize| at.saturating_sub(self.base);
        let line = self.starts.partition_point(|start| *start <= own(span.start)).saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or_default();
        let text = self.text.get(start..).unwrap_or_default().split('\n').next().unwrap_or_default();
        let text = text.strip_suffix('\r').unwrap_or(text);
        let column = characters(text, own(span.start).saturating_sub(start));
        let end = characters(text, own(span.end).saturating_sub(start));
        Place {
            file: self.name.clone(),
            line: number(line.saturating_add(1)),
            column: number(column.saturating_add(1)),
            length: number(end.saturating_sub(column).max(1)),
            excerpt: if self.secret.binary_search(&line).is_ok() || has_private_key(text) {
                stars(text)
            } else {
                printable(&without_users(&masked(text)))
            },
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
            shown.push_str(&if are_variables(value) { value.to_owned() } else { stars(value) });
            rest = tail;
        }
    }
    shown + rest
}

/// The lines behind the first of a text or list over several lines that is a secret, up to the one that closes it.
fn secret_lines(text: &str) -> Vec<usize> {
    let mut lines = Vec::new();
    let mut open: Option<&str> = None;
    for (index, line) in text.split('\n').enumerate() {
        if let Some(quotes) = open {
            lines.push(index);
            open = open.filter(|_| !line.contains(quotes));
            continue;
        }
        open = [("\"\"\"", "\"\"\""), ("'''", "'''"), ("[", "]")].into_iter().find_map(|(opening, closing)| {
            let (before, behind) = line.split_once(opening)?;
            let opens = before.trim_end().strip_suffix('=').is_some_and(is_secret) && !behind.contains(closing);
            opens.then_some(closing)
        });
    }
    lines
}

/// Whether the text before a `=` ends with a key that holds a secret, even if it is misspelt.
fn is_secret(text: &str) -> bool {
    let text = text.trim_end_matches([' ', '\t', '"', '\'']);
    let key = text.rsplit(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).next().unwrap_or_default();
    let key = key.to_ascii_lowercase();
    let misspelt = || !key.starts_with(NO_SECRET) && nearest(&key, SECRETS).is_some();
    SECRETS.iter().any(|secret| key.contains(secret)) || misspelt()
}

/// A line with `*` for what stands before the `@` of a URL.
fn without_users(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, behind)) = rest.split_once("://") {
        shown.extend([before, "://"]);
        let authority = behind.find(['/', '"', '\'', '?', '#']).unwrap_or(behind.len());
        let user = behind.get(..authority).and_then(|authority| authority.rfind('@')).unwrap_or_default();
        let (user, host) = behind.split_at_checked(user).unwrap_or(("", behind));
        shown.push_str(&stars(user));
        rest = host;
    }
    shown + rest
}

/// Whether a line holds a private key, which is then hidden whole: the beginning of a PEM, or the private member of a JWK.
fn has_private_key(line: &str) -> bool {
    let bare: String = line.chars().filter(|c| !c.is_whitespace() && *c != '\\').collect();
    bare.contains("PRIVATEKEY-----") || ["\"d\":", "\"k\":"].iter().any(|member| bare.contains(member))
}

/// How many bytes a value takes: up to its closing quote, or to the end of the line when it has none. A list goes on to the
/// end of the line too, whatever stands behind it.
fn value_length(value: &str) -> usize {
    if value.starts_with('[') {
        return value.len();
    }
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

/// Whether a value is a variable, or a list of nothing else.
fn are_variables(value: &str) -> bool {
    match value.trim_end().strip_prefix('[').and_then(|list| list.strip_suffix(']')) {
        Some(list) => list.split(',').all(|element| is_variable(element.trim())),
        None => is_variable(value),
    }
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
        let place = Sources::of("f", text).place(&span);
        (place.line, place.column, place.length, place.excerpt)
    }

    #[test]
    fn every_secret_of_a_list_is_hidden() {
        let excerpt = |text: &str, line: usize| {
            let start: usize = text.split('\n').take(line).map(|line| line.len() + 1).sum();
            place(text, start..start + 1).3
        };
        assert_eq!(excerpt("secret = [\"${A}\", \"${B}\"]", 0), "secret = [\"${A}\", \"${B}\"]");
        assert_eq!(excerpt("secret = [\"${A}\", \"clear\"] # x", 0), "secret = *\"****\"* \"*****\"* * *");
        assert_eq!(excerpt("a = { secret = [\"clear\", 'two'] }", 0), "a = { secret = *\"*****\"* '***'* *");
        let several = "secret = [\n  \"${A}\",\n  \"clear\",\n]\nname = \"shown\"";
        assert_eq!(
            (excerpt(several, 2), excerpt(several, 4)),
            ("  \"*****\"*".to_owned(), "name = \"shown\"".to_owned())
        );
    }

    #[test]
    fn a_private_key_is_hidden_with_its_line() {
        let excerpt = |text: &str| place(text, 0..1).3;
        for text in
            [r#"keys = ['{"kty":"EC","d":"x"}']"#, r#"keys = ["{\"d\" : 1}"]"#, "-----BEGIN RSA PRIVATE KEY-----"]
        {
            assert!(!excerpt(text).contains(|c: char| c.is_ascii_alphanumeric()), "{}", excerpt(text));
        }
        assert_eq!(excerpt(r#"keys = ['{"kty":"EC","id":"x"}']"#), r#"keys = ['{"kty":"EC","id":"x"}']"#);
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
    fn a_span_alone_says_which_file_it_is_in() {
        let mut sources = Sources::of("a", "x = 1\n");
        assert_eq!(sources.add("b", "y = 2\nz = 3"), 7);
        let place = |span: Span| sources.place(&span);
        assert_eq!((place(5..6).file, place(7..8).file, place(13..14).file), ("a".into(), "b".into(), "b".into()));
        assert_eq!((place(6..6).file, place(13..14).line, place(17..18).column), ("a".into(), 2, 5));
        assert_eq!((sources.slice(&(0..1)), sources.slice(&(13..18)), sources.slice(&(5..8))), ("x", "z = 3", ""));
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
            (r#"{ user = "u", password = "p", bearer = "b" }"#, r#"{ user = "u", password = "*", bearer = "*" }"#),
            (r#"{ header = "x-key", value = "v", vlaue = "w" }"#, r#"{ header = "x-key", value = "*", vlaue = "*" }"#),
            (r#"headers = { x-a = "1" }"#, r#"headers = { x-a = "1" }"#),
            ("secret", "secret"),
            ("= == secret==x", "= == secret=**"),
        ];
        for (line, expected) in cases {
            assert_eq!(masked(line), expected, "{line}");
        }
    }

    #[test]
    fn a_secret_over_several_lines_is_masked_on_all_of_them() {
        let text = "a = 1\nc = { bearer = \"\"\"\nhunter2\nb\"\"\", d = 1 }\nx = '''\ny'''";
        let excerpt = |start: usize| place(text, start..start).3;
        let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let shown: Vec<String> = starts.into_iter().map(excerpt).collect();
        let wanted = ["a = 1", "c = { bearer = \"\"\"", "*******", "*\"\"\"* * * * *", "x = '''", "y'''"];
        assert_eq!(shown, wanted);
    }

    #[test]
    fn users_of_urls_are_masked() {
        let cases = [
            (r#"targets = ["https://u:p@a.example/x@y"]"#, r#"targets = ["https://***@a.example/x@y"]"#),
            (r#"a = "http://b", c = "d@e""#, r#"a = "http://b", c = "d@e""#),
            ("https://u@", "https://*@"),
        ];
        for (line, expected) in cases {
            assert_eq!(without_users(line), expected, "{line}");
        }
    }
}
