//! `body_limit`: the key of this stage in policies and routes.

use super::{Config, DEFAULT_BODY_LIMIT};
use crate::config::{
    keys::keys,
    kinds::{self, Kind},
    layers::{RouteFacts, Stack},
    model::{Grammar, Shape},
    reader::Item,
    size::Size,
    values::size,
};

keys! {
    /// What is refused by its size.
    pub struct Keys {
        /// The most bytes that a request's body may have; `false` for no limit. More is refused with 413, by its
        /// `Content-Length` or while it streams.
        body_limit: Option<Size> [Default("\"1MiB\"")] = limit(),
    }
}

fn limit() -> Kind<'static, Option<Size>> {
    let pattern = Some("^[0-9]+([KMG]i?)?B$");
    let grammar = Grammar { name: "size", sentence: size::GRAMMAR, example: "10MiB", pattern };
    let size = move || kinds::parsed(grammar, size::parse);
    let read = move |item: &Item<'_>| match item.as_boolean() {
        Some(false) => Some(None),
        Some(true) => item.wrong_type("a size, or false for no limit"),
        None if item.is_text() => size().read(item).map(Some),
        None => item.wrong_type("a size like \"10MiB\", or false for no limit"),
    };
    Kind::new(read, move || Shape::Any(vec![size().shape(), Shape::False]))
}

/// This stage's part of a route's policy.
pub fn resolve(keys: &Stack<'_, Keys>, _: &mut RouteFacts<'_>) -> Option<Config> {
    let setting = keys.pick(|keys| &keys.body_limit);
    let body_limit = setting.map_or(Some(Some(DEFAULT_BODY_LIMIT)), |setting| setting.value)?;
    Some(Config { body_limit })
}
