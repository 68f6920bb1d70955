//! JSON read strictly: every name once in its object, at every depth, and no deeper than honest senders go. Two readers of a
//! name that stands twice in a token could take it for two different ones (RFC 7519 section 4). Rows of the database are
//! read here too, so that there is one reader.
//!
//! Not here: what the members mean.

use std::fmt;

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// All members of an object.
pub type Object = Map<String, Value>;

/// Objects and lists inside one another, the outermost counted.
const DEEPEST: u8 = 16;

/// An object and nothing behind it. `None` for everything else.
#[must_use]
pub fn object(json: &[u8]) -> Option<Object> {
    match value(json)? {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

/// A value and nothing behind it. `None` for everything else.
#[must_use]
pub fn value(json: &[u8]) -> Option<Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = Strict { left: DEEPEST }.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(value)
}

/// Reads a value that may hold so many levels.
#[derive(Clone, Copy)]
struct Strict {
    left: u8,
}

impl Strict {
    fn inside<E: Error>(self) -> Result<Self, E> {
        self.left.checked_sub(1).map(|left| Self { left }).ok_or_else(|| E::custom("nested too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value in which every name stands once")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("no number"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(inside)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut members = Object::new();
        while let Some(name) = map.next_key::<String>()? {
            if members.insert(name, map.next_value_seed(inside)?).is_some() {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_object_is_read_as_it_is() {
        let json = r#"{"a":1,"b":{"a":-2,"c":[true,null,"x",1.5]},"":18446744073709551615}"#;
        assert_eq!(object(json.as_bytes()).map(Value::Object), serde_json::from_str(json).ok());
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        let cases = [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"b":{"a":1,"a":2}}"#,
            r#"{"b":[{"a":1,"a":2}]}"#,
            "[]",
            "1",
            "",
            r#"{"a":1} x"#,
            r#"{"a":1"#,
            r#"{"a":1,}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":1e999}"#,
        ];
        for json in cases {
            assert_eq!(object(json.as_bytes()), None, "{json}");
        }
        assert_eq!(object(b"{\"a\":\"\xff\"}"), None);
    }

    #[test]
    fn levels_are_counted_in_objects_and_lists_alike() {
        let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        assert!(object(nested(16).as_bytes()).is_some());
        assert_eq!(object(nested(17).as_bytes()), None);
        assert_eq!(object("{\"a\":".repeat(8_000).as_bytes()), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_like_elsewhere_or_refused(text in r#"([{}\[\]",:]|"a"|"b"|1|null|true|-|\.|e|\\){0,24}"#) {
            if let Some(read) = object(text.as_bytes()) {
                prop_assert_eq!(Some(Value::Object(read)), serde_json::from_str(&text).ok());
            }
        }
    }
}
