//! Pieces of a configuration in words, as one would write them in `gateway.toml`.

use crate::{
    config::{
        template::{Slot, Template},
        text::{Piece, Text, Variables},
    },
    routing::pattern::{Pattern, Segment},
};

/// A template as it is written.
pub(super) fn template(template: &Template) -> String {
    let slot = |slot: &Slot| match slot {
        Slot::Literal(text) => text.replace('{', "{{").replace('}', "}}"),
        Slot::RequestId => "{request.id}".to_owned(),
        Slot::Claim(name) => format!("{{claims.{name}}}"),
        Slot::PathParameter(name) => format!("{{path.{name}}}"),
    };
    template.0.iter().map(slot).collect()
}

/// A text with the names of its variables.
pub(super) fn text(text: &Text, variables: &Variables) -> String {
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

/// A secret: the names of its variables, and nothing of what stands in the file itself.
pub(super) fn secret(text: &Text, variables: &Variables) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Literal(_) => super::heads::HIDDEN.to_owned(),
        Piece::Variable(index) => {
            variables.0.get(usize::from(*index)).map(|variable| format!("${{{}}}", variable.name)).unwrap_or_default()
        }
    };
    text.0.iter().map(piece).collect()
}

/// Words in a row, in an order of their own; `none` when there are none.
pub(super) fn sorted<T: ToString>(words: impl IntoIterator<Item = T>) -> String {
    let mut words: Vec<String> = words.into_iter().map(|word| word.to_string()).collect();
    words.sort();
    words.dedup();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// `yes` or `no`.
pub(super) fn yes(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

/// `GET /v1/{id:int}` as `GET /v1/{:int}`: the names of parameters make no difference.
pub(super) fn without_names(key: &str) -> String {
    let (method, path) = key.split_once(' ').unwrap_or(("", key));
    let Ok(mut pattern) = Pattern::parse(path) else { return key.to_owned() };
    for segment in &mut pattern.0 {
        if let Segment::Parameter { name, .. } | Segment::Rest(name) = segment {
            name.clear();
        }
    }
    format!("{method} {pattern}")
}
