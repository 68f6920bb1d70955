//! Statements for the database: SQL that stands in the code, and values beside it.
//!
//! A statement cannot be made of a text that a request brought: its SQL is put together from constants alone.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::errands::{Destination, Errand};

/// What a statement is given beside its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// `NULL`.
    Null,
    /// A whole number; exact up to 2^53, as it passes through JavaScript.
    Integer(u64),
    /// A text.
    Text(String),
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Integer(number)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// One statement with its values, in the order of its `?`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statement {
    sql: Cow<'static, str>,
    values: Vec<Value>,
}

impl Statement {
    /// A statement that has no values yet.
    #[must_use]
    pub fn new(sql: &'static str) -> Self {
        Self { sql: sql.into(), values: Vec::new() }
    }

    /// More of its text.
    #[must_use]
    pub fn then(mut self, sql: &'static str) -> Self {
        self.sql.to_mut().push_str(sql);
        self
    }

    /// The value of its next `?`.
    #[must_use]
    pub fn with(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Its text.
    #[must_use]
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// Its values.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }
}

/// The errand that has statements run as one transaction: all of them hold, or none.
#[must_use]
pub fn run(statements: &[Statement]) -> Errand {
    Errand { to: Destination::Database, message: serde_json::to_vec(statements).unwrap_or_default() }
}

/// The rows of each statement, as the database has answered them; `None` where they are not such rows.
#[must_use]
pub fn results<T: DeserializeOwned>(answer: &[u8]) -> Option<Vec<Vec<T>>> {
    serde_json::from_slice(answer).ok()
}

/// The rows of the only statement.
#[must_use]
pub fn rows<T: DeserializeOwned>(answer: &[u8]) -> Option<Vec<T>> {
    results(answer)?.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_told_with_their_values_beside_them() {
        let statement = Statement::new("SELECT ?, ").with(7).then("? WHERE ").with("a'; --").then("? IS NULL");
        let errand = run(&[statement.with(Value::Null)]);
        assert_eq!(errand.to, Destination::Database);
        let told = String::from_utf8(errand.message).unwrap();
        assert_eq!(told, r#"[{"sql":"SELECT ?, ? WHERE ? IS NULL","values":[7,"a'; --",null]}]"#);
    }

    #[test]
    fn rows_are_read_or_refused() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Named {
            name: String,
        }
        let named = |name: &str| Named { name: name.into() };
        assert_eq!(rows::<Named>(br#"[[{"name":"a","more":1},{"name":"b"}]]"#), Some(vec![named("a"), named("b")]));
        assert_eq!(results::<Named>(br#"[[],[{"name":"a"}]]"#), Some(vec![vec![], vec![named("a")]]));
        for wrong in [&b""[..], b"[]", b"[[{}]]", b"{}", b"[[{\"name\":1}]]"] {
            assert_eq!(rows::<Named>(wrong), None);
        }
    }
}
