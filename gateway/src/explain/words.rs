//! Pieces of a configuration in words, as one would write them in `gateway.toml`.

pub(super) use crate::config::told::{sorted, text, yes};
use crate::{
    config::text::{Piece, Text, Variables},
    routing::pattern::{Pattern, Segment},
};

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
