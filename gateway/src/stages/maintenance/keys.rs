//! `maintenance`: the key of this stage in policies and routes.

use super::{Config, Maintenance};
use crate::config::{
    keys::keys,
    kinds::{self, Kind},
    layers::{RouteFacts, Stack},
    model::Shape,
    reader::Item,
    switch::Switch,
};

const DEFAULT_RETRY_AFTER_S: u32 = 300;
const DEFAULT_DETAIL: &str = "This part is closed for maintenance.";

keys! {
    /// What is closed for a while.
    pub struct Keys {
        /// Whether the route is closed for a while: `true`, a table with what to tell the caller, or `false` to open what
        /// a weaker layer closes. A closed route answers 503 with `Retry-After`, before anybody is asked for a token. In
        /// `[gateway]` it closes every route; the health paths stay open. A route that is always closed needs no upstream.
        /// A variable, `"${MAINTENANCE:-off}"`, closes and opens without another file: it says `on`, `off`, `true`,
        /// `false`, `1` or `0`, or the gateway does not start.
        /// Example: `maintenance = { retry_after = "1h" }`
        maintenance: Config [Default("false")] = maintenance(),
    }
}

keys! {
    /// The table of `maintenance`.
    pub struct Table {
        /// Whether the table holds: a boolean, or a variable that says it.
        /// Example: `on = "${MAINTENANCE:-off}"`
        on: Option<Switch> [Default("true")] = kinds::switch(),
        /// When to come back, for `Retry-After`.
        /// Example: `retry_after = "1h"`
        retry_after: u32 [Default("\"5m\"")] = kinds::seconds(1..=604_800),
        /// What the problem document tells the caller.
        /// Example: `detail = "Back at noon UTC."`
        detail: String [Default("\"This part is closed for maintenance.\"")] = kinds::any_text(),
    }
}

fn maintenance() -> Kind<'static, Config> {
    let table = || kinds::table::<Table, Config>(closed);
    let read = move |item: &Item<'_>| match () {
        () if item.is_table() => table().read(item),
        () if item.is_text() || item.as_boolean().is_some() => {
            let on = kinds::switch().read(item)?;
            let (retry_after_s, detail) = (DEFAULT_RETRY_AFTER_S, DEFAULT_DETAIL.to_owned());
            Some(on.map(|on| Maintenance { on, retry_after_s, detail }))
        }
        () => item.wrong_type("true, false, a variable or a table"),
    };
    Kind::new(read, move || Shape::Any(vec![kinds::switch().shape(), table().shape()]))
}

fn closed(keys: Table) -> Option<Config> {
    let retry_after_s = keys.retry_after.or(DEFAULT_RETRY_AFTER_S)?;
    let detail = keys.detail.or(DEFAULT_DETAIL.to_owned())?;
    let on = keys.on.or(Some(Switch::On))?;
    Some(on.map(|on| Maintenance { on, retry_after_s, detail }))
}

/// This stage's part of a route's policy.
pub fn resolve(keys: &Stack<'_, Keys>, _: &mut RouteFacts<'_>) -> Option<Config> {
    keys.pick(|keys| &keys.maintenance).map_or(Some(None), |setting| setting.value.clone())
}
