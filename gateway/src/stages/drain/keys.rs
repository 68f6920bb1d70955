//! `drain`: the key of this stage in `[gateway]`.

use super::{Config, Drain};
use crate::config::{
    keys::keys,
    kinds::{self, Kind},
    model::Shape,
    reader::Item,
    switch::Switch,
};

const DEFAULT_RETRY_AFTER_S: u32 = 30;

keys! {
    /// The table of `drain`.
    pub struct Table {
        /// Whether the gateway drains: a boolean, or a variable that says it.
        /// Example: `on = "${DRAIN:-off}"`
        on: Option<Switch> [Default("true")] = kinds::switch(),
        /// When to come back, for `Retry-After`.
        /// Example: `retry_after = "1m"`
        retry_after: u32 [Default("\"30s\"")] = kinds::seconds(1..=604_800),
    }
}

/// `drain = "${DRAIN:-off}"`, `drain = true` or a table.
#[must_use]
pub fn drain() -> Kind<'static, Config> {
    let table = || kinds::table::<Table, Config>(of_keys);
    let read = move |item: &Item<'_>| match () {
        () if item.is_table() => table().read(item),
        () if item.is_text() || item.as_boolean().is_some() => {
            let on = kinds::switch().read(item)?;
            Some(on.map(|on| Drain { on, retry_after_s: DEFAULT_RETRY_AFTER_S }))
        }
        () => item.wrong_type("true, false, a variable or a table"),
    };
    Kind::new(read, move || Shape::Any(vec![kinds::switch().shape(), table().shape()]))
}

fn of_keys(keys: Table) -> Option<Config> {
    let (on, retry_after_s) = (keys.on.or(Some(Switch::On))?, keys.retry_after.or(DEFAULT_RETRY_AFTER_S)?);
    Some(on.map(|on| Drain { on, retry_after_s }))
}
