//! What values mean: durations, sizes, rates, texts with variables, templates, URLs, hosts, names. Each file reads
//! one kind from its text and says what is wrong with it as a [`Fault`].
//!
//! Not here: tables, keys and places. `reader` knows those and turns a fault into a diagnostic.

pub mod cidr;
pub mod condition;
pub mod date;
pub mod duration;
pub mod host;
pub mod link;
pub mod media_type;
pub mod names;
pub mod percent;
pub mod rate;
#[cfg(test)]
mod round_trip;
pub mod size;
pub mod template;
pub mod url;
pub mod variables;

use super::diagnostics::{Code, Span, nearest::nearest};

/// Why a text is not the value that it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which rule was broken.
    pub code: Code,
    /// The finding in one sentence.
    pub message: String,
    /// What would have been right.
    pub expected: Option<String>,
    /// The valid name that is closest, if one is close.
    pub nearest: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
    /// The part of the text in question, in bytes; the whole text when absent.
    pub part: Option<Span>,
}

impl Fault {
    /// A fault of the whole text.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), expected: None, nearest: None, help: None, part: None }
    }

    /// Says what would have been right.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// Says which of the valid names is closest to the one that was found, if one is close.
    #[must_use]
    pub fn nearest<'c>(mut self, name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Self {
        self.nearest = nearest(name, candidates).map(str::to_owned);
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Narrows it to `length` bytes from `start`.
    #[must_use]
    pub fn part(mut self, start: usize, length: usize) -> Self {
        self.part = Some(start..start.saturating_add(length));
        self
    }
}

/// How many characters of a value a message repeats.
const LONGEST: usize = 60;

/// A text in backticks for a message: without control characters, and cut when it is long.
#[must_use]
pub fn quoted(text: &str) -> String {
    if text.is_empty() {
        return "an empty text".to_owned();
    }
    let mut shown: String = text.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    shown = shown.replace("\\\"", "\"").replace("\\'", "'");
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// A list of names for a message: `a`, `b` or `c`.
#[must_use]
pub fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.into_iter().map(quoted).collect();
    match names.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_in_a_message_is_short_and_steers_no_terminal() {
        assert_eq!(quoted(""), "an empty text");
        assert_eq!(quoted("a\x1b[1m\n"), r"`a\u{1b}[1m\n`");
        assert_eq!(quoted("say \"it's\""), "`say \"it's\"`");
        assert_eq!(quoted(&"x".repeat(100)).chars().count(), LONGEST + 3);
    }

    #[test]
    fn names_are_listed_as_one_would_say_them() {
        assert_eq!(listed([]), "nothing");
        assert_eq!(listed(["a"]), "`a`");
        assert_eq!(listed(["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
