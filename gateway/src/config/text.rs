//! Text that may name variables: `${NAME}` and `${NAME:-default}`.
//!
//! The compiled file keeps the names; values come from Worker variables and secrets when an isolate starts.
//! Secrets therefore never stand in the file or in the blob made of it.

use serde::{Deserialize, Serialize};

/// A piece of a [`Text`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Piece {
    /// These characters as they stand.
    Literal(String),
    /// The value of the variable at this index of [`Variables`].
    Variable(u16),
}

/// A configured text whose variables are not resolved yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Text(pub Vec<Piece>);

impl Text {
    /// A text without variables.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self(vec![Piece::Literal(text.to_owned())])
    }

    /// The text with every variable replaced by its value; a variable without one counts as empty
    /// ([`Variables::resolve`] has refused it before).
    #[must_use]
    pub fn resolve(&self, values: &Values) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => text.as_str(),
                Piece::Variable(index) => values.get(*index),
            })
            .collect()
    }
}

/// One variable that the configuration names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// The name in the Worker's environment: `[A-Z_][A-Z0-9_]*`.
    pub name: String,
    /// What to use when the environment has no such name.
    pub default: Option<String>,
    /// Whether its value is a secret: it must not be one that stands in examples.
    pub is_secret: bool,
    /// Whether its value must be one that switches something on or off.
    pub is_switch: bool,
}

/// All variables of a configuration, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variables(pub Vec<Variable>);

impl Variables {
    /// The index of a variable, added if it is new. `None` when there are more than 65,535.
    pub fn intern(&mut self, name: &str, default: Option<&str>) -> Option<u16> {
        let same = |known: &Variable| known.name == name && known.default.as_deref() == default;
        let index = self.0.iter().position(same).unwrap_or(self.0.len());
        if index == self.0.len() {
            let (name, default) = (name.to_owned(), default.map(str::to_owned));
            self.0.push(Variable { name, default, is_secret: false, is_switch: false });
        }
        u16::try_from(index).ok()
    }

    /// Values in the order of the variables, from what the environment has (`None`: no such name).
    ///
    /// # Errors
    /// The names that have neither a value nor a default.
    pub fn resolve(&self, environment: &[Option<String>]) -> Result<Values, Vec<String>> {
        let values = self.values(environment);
        let missing: Vec<String> = self.with(&values).filter(|(_, value)| value.is_none()).map(name).collect();
        if missing.is_empty() { Ok(values) } else { Err(missing) }
    }

    /// The values that there are; some may be missing.
    #[must_use]
    pub fn values(&self, environment: &[Option<String>]) -> Values {
        let value = |(index, variable): (usize, &Variable)| {
            environment.get(index).cloned().flatten().or_else(|| variable.default.clone())
        };
        Values(self.0.iter().enumerate().map(value).collect())
    }

    /// Each variable with its value, if it has one.
    pub fn with<'v>(&'v self, values: &'v Values) -> impl Iterator<Item = (&'v Variable, Option<&'v str>)> {
        self.0.iter().zip(values.0.iter().map(Option::as_deref))
    }
}

fn name((variable, _): (&Variable, Option<&str>)) -> String {
    variable.name.clone()
}

/// The values of [`Variables`], in their order.
#[derive(Clone, Default)]
pub struct Values(Vec<Option<String>>);

impl Values {
    /// The value of the variable at an index; empty when it has none.
    #[must_use]
    pub fn get(&self, index: u16) -> &str {
        self.0.get(usize::from(index)).and_then(Option::as_deref).unwrap_or_default()
    }

    /// Whether a text names a variable that has no value.
    #[must_use]
    pub fn lack(&self, text: &Text) -> bool {
        let lacks = |piece: &Piece| match piece {
            Piece::Literal(_) => false,
            Piece::Variable(index) => self.0.get(usize::from(*index)).is_none_or(Option::is_none),
        };
        text.0.iter().any(lacks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        let mut variables = Variables::default();
        variables.intern("HOST", None);
        variables.intern("PORT", Some("80"));
        variables
    }

    #[test]
    fn a_value_of_the_environment_wins_over_the_default() {
        let values = variables().resolve(&[Some("a.test".into()), Some("81".into())]).unwrap();
        let text = Text(vec![
            Piece::Literal("http://".into()),
            Piece::Variable(0),
            Piece::Literal(":".into()),
            Piece::Variable(1),
        ]);
        assert_eq!(text.resolve(&values), "http://a.test:81");
    }

    #[test]
    fn a_variable_without_value_or_default_is_named() {
        assert_eq!(variables().resolve(&[None, None]).err(), Some(vec!["HOST".to_owned()]));
    }

    #[test]
    fn what_lacks_a_value_is_known() {
        let values = variables().values(&[None, None]);
        assert!(values.lack(&Text(vec![Piece::Literal("a".into()), Piece::Variable(0)])));
        assert!(!values.lack(&Text(vec![Piece::Variable(1)])), "a default is a value");
        assert_eq!((values.get(0), values.get(1)), ("", "80"));
    }

    #[test]
    fn the_same_variable_is_kept_once() {
        let mut variables = variables();
        assert_eq!(variables.intern("HOST", None), Some(0));
        assert_eq!(variables.0.len(), 2);
    }
}
