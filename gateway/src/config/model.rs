//! What can stand in a configuration, as data: keys with their documentation, whether they must be there, and what
//! their values look like. The reference pages, the JSON Schema and the reader are all made from this one model.

/// What a value is written like, in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grammar {
    /// What such a value is called: `duration`.
    pub name: &'static str,
    /// How it is written, in a sentence.
    pub sentence: &'static str,
    /// One such value, without quotes.
    pub example: &'static str,
    /// A regular expression that every such value matches; it may let more through. Editors check it, so it keeps to
    /// what all dialects of regular expressions have.
    pub pattern: Option<&'static str>,
}

/// The form of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `true` or `false`.
    Boolean,
    /// `false` alone, which takes something back.
    False,
    /// A whole number within limits.
    Integer(i64, i64),
    /// One of these whole numbers.
    Numbers(Vec<i64>),
    /// A text of a kind.
    Text(Grammar),
    /// A duration within limits, in words: `1ms to 10m`.
    Duration(String),
    /// One of these words.
    Words(Vec<&'static str>),
    /// The name of a section: `upstreams`.
    Name(&'static str),
    /// A list.
    List(Box<Self>),
    /// A table with these keys.
    Table(Vec<Key>),
    /// A table with free keys of a kind.
    Map(Grammar, Box<Self>),
    /// Any of these.
    Any(Vec<Self>),
}

impl Shape {
    /// A value of this form, as it is written in the file, if one says more than the words for the form.
    #[must_use]
    pub fn example(&self) -> Option<String> {
        match self {
            Self::Text(grammar) => Some(quoted(grammar.example)),
            Self::Duration(_) => Some(quoted(DURATION.example)),
            Self::Words(words) => words.first().map(|word| quoted(word)),
            Self::List(element) => element.example().map(|element| format!("[{element}]")),
            Self::Any(shapes) => shapes.iter().find_map(Self::example),
            Self::Numbers(numbers) => numbers.last().map(i64::to_string),
            Self::Boolean | Self::False | Self::Integer(..) | Self::Name(_) => None,
            Self::Table(_) | Self::Map(..) => None,
        }
    }
}

fn example_in(line: &str) -> Option<&str> {
    line.trim().strip_prefix("Example: `")?.strip_suffix('`')
}

/// A text as a TOML string. The texts of the model hold nothing that would have to be escaped but quotes.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// How durations are written.
pub const DURATION: Grammar = Grammar {
    name: "duration",
    sentence: "a whole number and a unit without a blank: `ms`, `s`, `m`, `h` or `d`",
    example: "30s",
    pattern: Some("^[0-9]+(ms|s|m|h|d)$"),
};

/// Whether a key must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It must.
    Required,
    /// It may be left out; nothing stands in for it.
    Optional,
    /// It may be left out; this stands in for it, as one would write it in the file.
    Default(&'static str),
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it does: the lines of its comment. A line ``Example: `key = "value"` `` shows it in use; a key without one
    /// is shown with the example of its grammar.
    pub about: Vec<&'static str>,
    /// Whether it must be there.
    pub presence: Presence,
    /// What its value looks like.
    pub shape: Shape,
}

impl Key {
    /// The documentation as Markdown: one line for each paragraph, an empty one between them.
    #[must_use]
    pub fn text(&self) -> String {
        let lines: Vec<&str> = self.about.iter().copied().filter(|line| example_in(line).is_none()).collect();
        let paragraphs = lines.split(|line| line.trim().is_empty());
        let paragraphs = paragraphs.map(|lines| lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" "));
        paragraphs.filter(|paragraph| !paragraph.is_empty()).collect::<Vec<_>>().join("\n\n")
    }

    /// The key in use, as a line of the file, if that says more than the words for its value.
    #[must_use]
    pub fn example(&self) -> Option<String> {
        let own = self.about.iter().find_map(|line| example_in(line)).map(str::to_owned);
        own.or_else(|| self.shape.example().map(|example| format!("{} = {example}", self.name)))
    }

    /// The first sentence of the documentation, for lists of keys.
    #[must_use]
    pub fn summary(&self) -> String {
        let text = self.text();
        let first = text.lines().next().unwrap_or_default();
        first.split_once(". ").map_or_else(|| first.to_owned(), |(sentence, _)| format!("{sentence}."))
    }
}
