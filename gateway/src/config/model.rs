//! What can stand in a configuration, as data: keys with their documentation, whether they must be there, and what
//! their values look like. The reference pages, the JSON Schema and the reader are all made from this one model.

/// What a value is written like, in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grammar {
    /// What such a value is called: `duration`.
    pub name: &'static str,
    /// How it is written, with an example.
    pub sentence: &'static str,
    /// A regular expression that every such value matches; it may let more through.
    pub pattern: Option<&'static str>,
}

/// The form of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `true` or `false`.
    Boolean,
    /// `false`, which takes something back.
    False,
    /// A whole number within limits.
    Integer(i64, i64),
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

/// Whether a key must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It must.
    Required,
    /// It may be left out; nothing stands in for it.
    Optional,
    /// It may be left out; this stands in for it.
    Default(&'static str),
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it does: the lines of its comment.
    pub about: Vec<&'static str>,
    /// Whether it must be there.
    pub presence: Presence,
    /// What its value looks like.
    pub shape: Shape,
}

impl Key {
    /// The documentation as one text.
    #[must_use]
    pub fn text(&self) -> String {
        let lines: Vec<&str> = self.about.iter().map(|line| line.trim()).collect();
        lines.join(" ").trim().to_owned()
    }
}
