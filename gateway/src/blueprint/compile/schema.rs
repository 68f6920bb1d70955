//! The JSON Schema of `gateway.toml`, made from the model, for editors: they complete keys, show what a key is for and
//! underline what cannot be right.
//!
//! It is not the compiler. Names that must exist, limits of durations and all that depends on other parts of the file
//! are left to `ferrogate check`. It is draft-07, the version that editors of TOML know best.

use serde_json::{Map, Value, json};

use super::model::{self, Section};
use crate::config::model::{DURATION, Grammar, Key, Presence, Shape};

/// The schema of a main file.
#[must_use]
pub fn schema() -> Value {
    let sections = model::sections();
    let environment = Form { is_overlay: true, sections: &sections };
    let file = Form { is_overlay: false, sections: &sections };
    let mut root = file.all_sections();
    add(&mut root, "$schema", json!("http://json-schema.org/draft-07/schema#"));
    add(&mut root, "title", json!("gateway.toml"));
    add(&mut root, "description", json!("The configuration of a Ferrogate gateway."));
    let mut properties = file.section_references();
    add(&mut properties, "include", file.key(&model::include()));
    add(&mut properties, "env", environments());
    add(&mut root, "properties", Value::Object(properties));
    let mut definitions = file.definitions();
    definitions.extend(environment.definitions());
    add(&mut definitions, "environment", Value::Object(environment.environment()));
    add(&mut root, "definitions", Value::Object(definitions));
    Value::Object(root)
}

/// The text of `gateway.schema.json`.
#[must_use]
pub fn text() -> String {
    format!("{:#}\n", schema())
}

/// `[env.NAME]`, for every name.
fn environments() -> Value {
    json!({
        "type": "object",
        "title": "[env.NAME]",
        "description": model::ENVIRONMENTS,
        "patternProperties": { model::NAME.pattern.unwrap_or_default(): { "$ref": "#/definitions/environment" } },
        "additionalProperties": false,
    })
}

/// Where a part of the schema is for: the file itself, or an environment, which is laid over the file and so has
/// nothing that must be there.
struct Form<'m> {
    is_overlay: bool,
    sections: &'m [Section],
}

impl Form<'_> {
    /// A table with all sections: what the file and an environment have in common.
    fn all_sections(&self) -> Map<String, Value> {
        let required = self.sections.iter().filter(|section| section.is_required && !self.is_overlay);
        let required: Vec<&str> = required.map(|section| section.name).collect();
        let mut table = table(Map::new());
        add(&mut table, "properties", Value::Object(self.section_references()));
        if !required.is_empty() {
            add(&mut table, "required", json!(required));
        }
        table
    }

    fn section_references(&self) -> Map<String, Value> {
        self.sections.iter().map(|section| (section.name.to_owned(), self.reference(section.name))).collect()
    }

    fn environment(&self) -> Map<String, Value> {
        let mut table = self.all_sections();
        add(&mut table, "title", json!("[env.NAME]"));
        add(&mut table, "description", json!(model::ENVIRONMENTS));
        table
    }

    /// The sections, and once each the keys that several of them have.
    fn definitions(&self) -> Map<String, Value> {
        let sections = self.sections.iter().map(|section| (self.name(section.name), self.section(section)));
        let shared = self.shared().iter().map(|key| (self.name(&shared_name(key)), self.key(key)));
        sections.chain(shared).collect()
    }

    /// Keys that stand in several sections: those of policies.
    fn shared(&self) -> &[Key] {
        self.sections.iter().find(|section| section.name == "policies").map_or(&[], |section| &section.keys)
    }

    fn section(&self, section: &Section) -> Value {
        let mut keys = self.keys(&section.keys);
        // None of them is right too, for a route that is closed: by whom, only the compiler knows.
        let mut choice: Vec<Value> = section.one_of.iter().map(|key| json!({ "required": [key] })).collect();
        if !choice.is_empty() && !self.is_overlay {
            choice.push(json!({ "not": { "anyOf": choice.clone() } }));
            add(&mut keys, "oneOf", Value::Array(choice));
        }
        let Some(names) = section.named else {
            add(&mut keys, "title", json!(format!("[{}]", section.name)));
            add(&mut keys, "description", json!(section.about));
            return Value::Object(keys);
        };
        if let Some(values) = &section.values {
            let mut values = each(&names, Value::Object(self.value(values)));
            add(&mut values, "title", json!(format!("[{}]", section.name)));
            add(&mut values, "description", json!(format!("{}\n\nEach key is a {}", section.about, told(&names))));
            return Value::Object(values);
        }
        let table = Value::Object(keys);
        let tables = json!({ "anyOf": [table, { "type": "array", "items": table }] });
        let mut sections = each(&names, if section.one_of.is_empty() { table } else { tables });
        add(&mut sections, "title", json!(format!("[{}.NAME]", section.name)));
        add(&mut sections, "description", json!(format!("{}\n\nNamed by a {}.", section.about, told(&names))));
        Value::Object(sections)
    }

    /// A table with declared keys.
    fn keys(&self, keys: &[Key]) -> Map<String, Value> {
        let is_shared = |key: &Key| self.shared().contains(key);
        let schema = |key: &Key| if is_shared(key) { self.reference(&shared_name(key)) } else { self.key(key) };
        let mut table = table(keys.iter().map(|key| (key.name.to_owned(), schema(key))).collect());
        let required = keys.iter().filter(|key| key.presence == Presence::Required && !self.is_overlay);
        let required: Vec<&str> = required.map(|key| key.name).collect();
        if !required.is_empty() {
            add(&mut table, "required", json!(required));
        }
        table
    }

    /// The value of a key, with what the key is for.
    fn key(&self, key: &Key) -> Value {
        let mut schema = self.value(&key.shape);
        let grammar = schema.get("description").and_then(Value::as_str).map(str::to_owned);
        let text = [key.text()].into_iter().chain(grammar).collect::<Vec<_>>().join("\n\n");
        add(&mut schema, "description", json!(text));
        if let Some(example) = example(key) {
            add(&mut schema, "examples", json!([example]));
        }
        if let Some(default) = default(key) {
            add(&mut schema, "default", default);
        }
        Value::Object(schema)
    }

    fn value(&self, shape: &Shape) -> Map<String, Value> {
        match shape {
            Shape::Boolean => object(json!({ "type": "boolean" })),
            Shape::False => object(json!({ "type": "boolean", "enum": [false] })),
            Shape::Integer(low, high) => object(json!({ "type": "integer", "minimum": low, "maximum": high })),
            Shape::Text(grammar) => text_of(grammar, None),
            Shape::Duration(limits) => text_of(&DURATION, Some(limits)),
            Shape::Numbers(numbers) => object(json!({ "type": "integer", "enum": numbers })),
            Shape::Words(words) => object(json!({ "type": "string", "enum": words })),
            Shape::Name(table) => name(table),
            Shape::List(element) => {
                object(json!({ "type": "array", "items": self.value(element), "uniqueItems": true }))
            }
            Shape::Table(keys) => self.keys(keys),
            Shape::Map(names, value) => each(names, Value::Object(self.value(value))),
            Shape::Any(shapes) => {
                let any: Vec<Map<String, Value>> = shapes.iter().map(|shape| self.value(shape)).collect();
                object(json!({ "anyOf": any }))
            }
        }
    }

    fn name(&self, name: &str) -> String {
        if self.is_overlay { format!("env.{name}") } else { name.to_owned() }
    }

    fn reference(&self, name: &str) -> Value {
        json!({ "$ref": format!("#/definitions/{}", self.name(name)) })
    }
}

fn shared_name(key: &Key) -> String {
    format!("policies.{}", key.name)
}

/// The value of the key's example, if it is JSON as well as TOML: inline tables are not.
fn example(key: &Key) -> Option<Value> {
    let example = key.example()?;
    let (_, value) = example.split_once(" = ")?;
    serde_json::from_str(value).ok()
}

/// What stands in for a key that is absent. Defaults are written so that they are JSON as well as TOML.
fn default(key: &Key) -> Option<Value> {
    match key.presence {
        Presence::Default(text) => serde_json::from_str(text).ok(),
        Presence::Required | Presence::Optional => None,
    }
}

/// A table with these keys and no others.
fn table(properties: Map<String, Value>) -> Map<String, Value> {
    object(json!({ "type": "object", "properties": properties, "additionalProperties": false }))
}

/// A table with free keys of a kind.
fn each(names: &Grammar, value: Value) -> Map<String, Value> {
    match names.pattern {
        Some(pattern) => object(json!({
            "type": "object",
            "patternProperties": { pattern: value },
            "additionalProperties": false,
        })),
        None => object(json!({ "type": "object", "additionalProperties": value })),
    }
}

fn text_of(grammar: &Grammar, limits: Option<&str>) -> Map<String, Value> {
    let limits = limits.map(|limits| format!(" From {limits}.")).unwrap_or_default();
    let description = format!("A {}{limits}", told(grammar));
    let mut schema = object(json!({ "type": "string", "description": description, "examples": [grammar.example] }));
    if let Some(pattern) = grammar.pattern {
        add(&mut schema, "pattern", json!(pattern));
    }
    schema
}

fn name(table: &str) -> Map<String, Value> {
    let description = format!("The name of a section `[{table}.NAME]`.");
    let mut schema = object(json!({ "type": "string", "description": description }));
    if let Some(pattern) = model::NAME.pattern {
        add(&mut schema, "pattern", json!(pattern));
    }
    schema
}

/// `duration: a whole number and a unit.`
fn told(grammar: &Grammar) -> String {
    format!("{}: {}.", grammar.name, grammar.sentence.trim_end_matches('.'))
}

fn add(schema: &mut Map<String, Value>, key: &str, value: Value) {
    schema.insert(key.to_owned(), value);
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
