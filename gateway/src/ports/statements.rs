//! Statements for the database: SQL that stands in the code, and values beside it.
//!
//! A statement cannot be made of a text that a request brought: its SQL is put together from constants alone.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value as Json;

use super::errands::{Destination, Errand};
use crate::http::strict::{self, Object};

/// What a statement is given beside its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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

/// A row as the database has answered it: values by the names of their columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record(pub Object);

impl Record {
    /// A text; `None` where there is none.
    #[must_use]
    pub fn text(&self, column: &str) -> Option<String> {
        self.0.get(column)?.as_str().map(str::to_owned)
    }

    /// A number that is not negative; `None` where there is none.
    #[must_use]
    pub fn number(&self, column: &str) -> Option<u64> {
        self.0.get(column)?.as_u64()
    }
}

/// The rows of each statement, as the database has answered them; `None` where these are no rows.
#[must_use]
pub fn results(answer: &[u8]) -> Option<Vec<Vec<Record>>> {
    let record = |value| match value {
        Json::Object(members) => Some(Record(members)),
        _ => None,
    };
    list(strict::value(answer)?)?.into_iter().map(|rows| list(rows)?.into_iter().map(record).collect()).collect()
}

/// The rows of the only statement.
#[must_use]
pub fn rows(answer: &[u8]) -> Option<Vec<Record>> {
    results(answer)?.into_iter().next()
}

fn list(value: Json) -> Option<Vec<Json>> {
    match value {
        Json::Array(list) => Some(list),
        _ => None,
    }
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
        let read = |answer: &str| rows(answer.as_bytes());
        let found = read(r#"[[{"name":"a","more":1,"no":null},{"name":"b"}]]"#).unwrap();
        let first = &found[0];
        assert_eq!((first.number("more"), first.number("name"), first.number("x")), (Some(1), None, None));
        assert_eq!((first.text("name").as_deref(), first.text("more"), first.text("no")), (Some("a"), None, None));
        assert_eq!(results(br#"[[],[{"name":"a"}]]"#).map(|lists| lists.len()), Some(2));
        for wrong in ["", "[]", "[[1]]", "{}", "[1]", r#"[[{"a":1,"a":2}]]"#, "[[]] x"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
