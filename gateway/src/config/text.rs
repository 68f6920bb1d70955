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
            self.0.push(Variable { name: name.to_owned(), default: default.map(str::to_owned) });
        }
        u16::try_from(index).ok()
    }

    /// Values in the order of the variables, from what the environment has (`None`: no such name).
    ///
    /// # Errors
    /// The names that have neither a value nor a default.
    pub fn resolve(&self, environment: &[Option<String>]) -> Result<Values, Vec<String>> {
        let mut missing = Vec::new();
        let mut values = Vec::with_capacity(self.0.len());
        for (index, variable) in self.0.iter().enumerate() {
            match environment.get(index).cloned().flatten().or_else(|| variable.default.clone()) {
                Some(value) => values.push(value),
                None => missing.push(variable.name.clone()),
            }
        }
        if missing.is_empty() { Ok(Values(values)) } else { Err(missing) }
    }
}

/// The values of [`Variables`], in their order.
#[derive(Clone, Default)]
pub struct Values(Vec<String>);

impl Values {
    fn get(&self, index: u16) -> &str {
        self.0.get(usize::from(index)).map_or("", String::as_str)
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
    fn the_same_variable_is_kept_once() {
        let mut variables = variables();
        assert_eq!(variables.intern("HOST", None), Some(0));
        assert_eq!(variables.0.len(), 2);
    }
}
