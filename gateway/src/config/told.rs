//! What a configuration says, in words: each stage tells what is told of it, so that two configurations can be compared
//! without knowing the stages.
//!
//! Not here: comparing them (`explain::diff`).

use std::collections::BTreeMap;

use super::{
    duration,
    template::{Slot, Template},
    text::{Piece, Text, Variables},
};

/// What a key says: how it is shown, and what it means where that is more or less than what is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Value {
    /// As one would write it.
    pub shown: String,
    /// What two configurations must agree on to mean the same; `None`: what is shown.
    pub meaning: Option<String>,
}

impl Value {
    /// What must be the same to mean the same.
    #[must_use]
    pub fn meaning(&self) -> &str {
        self.meaning.as_deref().unwrap_or(&self.shown)
    }
}

impl From<String> for Value {
    fn from(shown: String) -> Self {
        Self { shown, meaning: None }
    }
}

impl From<&str> for Value {
    fn from(shown: &str) -> Self {
        shown.to_owned().into()
    }
}

/// What holds for something, by key.
pub type Keys = BTreeMap<String, Value>;

/// Collects what is told about one route or section.
pub struct Teller<'b> {
    /// The variables that texts name.
    pub variables: &'b Variables,
    /// The names of the route's parameters, in the order of its path.
    pub parameters: &'b [String],
    /// An issuer, by its index.
    pub issuer: &'b dyn Fn(u16) -> Value,
    /// What has been told.
    pub keys: Keys,
}

impl Teller<'_> {
    /// Tells a key.
    pub fn put(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        self.keys.insert(key.into(), value.into());
    }

    /// What a parameter is meant by: its place in the path.
    #[must_use]
    pub fn place_of(&self, parameter: &str) -> String {
        let place = self.parameters.iter().position(|known| known == parameter);
        place.map(|place| place.to_string()).unwrap_or_default()
    }

    /// A template; parameters are meant by their place in the path.
    #[must_use]
    pub fn template(&self, template: &Template) -> Value {
        let by_place = |slot: &Slot| match slot {
            Slot::PathParameter(name) => Slot::PathParameter(self.place_of(name)),
            other => other.clone(),
        };
        let meaning = Template(template.0.iter().map(by_place).collect());
        Value { shown: template.to_string(), meaning: Some(meaning.to_string()) }
    }
}

/// A text with the names of its variables.
#[must_use]
pub fn text(text: &Text, variables: &Variables) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Literal(text) => text.clone(),
        Piece::Variable(index) => match variables.0.get(usize::from(*index)) {
            None => String::new(),
            Some(variable) => match &variable.default {
                None => format!("${{{}}}", variable.name),
                Some(default) => format!("${{{}:-{default}}}", variable.name),
            },
        },
    };
    text.0.iter().map(piece).collect()
}

/// Words in a row, in an order of their own; `none` when there are none.
#[must_use]
pub fn sorted<T: ToString>(words: impl IntoIterator<Item = T>) -> String {
    let mut words: Vec<String> = words.into_iter().map(|word| word.to_string()).collect();
    words.sort();
    words.dedup();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// One of several things whose order makes no difference, and perhaps a word besides.
#[must_use]
pub fn either(values: impl IntoIterator<Item = Value>, word: Option<&str>) -> Value {
    let mut values: Vec<Value> = values.into_iter().chain(word.map(Value::from)).collect();
    values.sort_by(|left, right| left.shown.cmp(&right.shown));
    let mut meanings: Vec<&str> = values.iter().map(Value::meaning).collect();
    meanings.sort_unstable();
    let shown: Vec<&str> = values.iter().map(|value| value.shown.as_str()).collect();
    Value { shown: shown.join(" or "), meaning: Some(meanings.join(" or ")) }
}

/// `yes` or `no`.
#[must_use]
pub fn yes(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

/// Seconds as one would write them.
#[must_use]
pub fn seconds(seconds: u32) -> String {
    duration::show(u64::from(seconds).saturating_mul(1_000))
}
