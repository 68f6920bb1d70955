//! A validator for as much of JSON Schema draft-07 as `gateway.schema.json` has.
//!
//! It is no library: a word that it does not know is a panic, so that the schema cannot grow past it unseen.

use regex_lite::Regex;
use serde_json::{Map, Value};

/// What a value breaks of a schema; nothing when it fits.
pub(crate) fn problems(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, value, "", &mut found);
    found
}

fn fits(root: &Value, schema: &Value, value: &Value) -> bool {
    let mut found = Vec::new();
    check(root, schema, value, "", &mut found);
    found.is_empty()
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let schema = schema.as_object().unwrap();
    for (word, wanted) in schema {
        let holds = match word.as_str() {
            "$schema" | "title" | "description" | "default" | "examples" | "definitions" => true,
            "properties" | "patternProperties" => true, // by `additionalProperties`, which stands beside them
            "$ref" => {
                assert_eq!(schema.len(), 1, "draft-07 reads nothing beside a reference");
                let place = wanted.as_str().unwrap().strip_prefix('#').unwrap();
                check(root, root.pointer(place).unwrap_or_else(|| panic!("no {place}")), value, at, found);
                true
            }
            "type" => is_a(wanted.as_str().unwrap(), value),
            "enum" => wanted.as_array().unwrap().contains(value),
            "pattern" => value.as_str().is_none_or(|text| matches(wanted.as_str().unwrap(), text)),
            "minimum" => value.as_i64().is_none_or(|number| number >= wanted.as_i64().unwrap()),
            "maximum" => value.as_i64().is_none_or(|number| number <= wanted.as_i64().unwrap()),
            "required" => value
                .as_object()
                .is_none_or(|it| wanted.as_array().unwrap().iter().all(|key| it.contains_key(key.as_str().unwrap()))),
            "anyOf" => wanted.as_array().unwrap().iter().any(|schema| fits(root, schema, value)),
            "oneOf" => wanted.as_array().unwrap().iter().filter(|schema| fits(root, schema, value)).count() == 1,
            "not" => !fits(root, wanted, value),
            "uniqueItems" => {
                value.as_array().is_none_or(|list| (1..list.len()).all(|at| !list[..at].contains(&list[at])))
            }
            "items" => {
                let list = value.as_array().into_iter().flatten();
                list.enumerate().for_each(|(index, it)| check(root, wanted, it, &format!("{at}[{index}]"), found));
                true
            }
            "additionalProperties" => {
                let entries = value.as_object().into_iter().flatten();
                entries.for_each(|(key, it)| check_entry(root, schema, key, it, &format!("{at}.{key}"), found));
                true
            }
            other => panic!("`{other}` is not known here"),
        };
        if !holds {
            found.push(format!("{at}: {word} is not {wanted}"));
        }
    }
}

fn check_entry(root: &Value, schema: &Map<String, Value>, key: &str, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(own) = schema.get("properties").and_then(|known| known.get(key)) {
        return check(root, own, value, at, found);
    }
    let patterns = schema.get("patternProperties").and_then(Value::as_object);
    if let Some((_, own)) = patterns.into_iter().flatten().find(|(pattern, _)| matches(pattern, key)) {
        return check(root, own, value, at, found);
    }
    match &schema["additionalProperties"] {
        Value::Bool(true) => {}
        Value::Bool(false) => found.push(format!("{at}: is not known")),
        any => check(root, any, value, at, found),
    }
}

fn is_a(wanted: &str, value: &Value) -> bool {
    match wanted {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64(),
        other => panic!("no type `{other}`"),
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).unwrap().is_match(text)
}
