//! `forwarded`: the key of this stage in policies and routes.

use super::{Config, Fields};
use crate::config::{
    keys::keys,
    kinds::{self, Kind},
    layers::{RouteFacts, Stack},
    model::Shape,
    reader::Item,
};

keys! {
    /// What upstreams are told of the client.
    pub struct Keys {
        /// Which fields tell the upstream who asked, for which host and by which scheme. `"x-forwarded"` is
        /// `X-Forwarded-For`, `-Proto` and `-Host`; `"rfc7239"` is `Forwarded`; there are `"both"` and `"off"`.
        ///
        /// What a client sends in any of these fields, and in `X-Forwarded-Port`, `X-Forwarded-Prefix` and `X-Real-IP`, is
        /// taken out: it could say anything. A table can keep it, for a gateway behind a trusted proxy. With `"off"`
        /// everything goes on as it came. The address is that of
        /// [`address_from`](gateway.md#address_from).
        /// Example: `forwarded = { style = "both", from_client = "append" }`
        forwarded: Config [Default("\"x-forwarded\"")] = forwarded(),
    }
}

keys! {
    /// The table of `forwarded`.
    pub struct Table {
        /// Which fields the upstream gets.
        style: Fields [Default("\"x-forwarded\"")] = kinds::word(&STYLES),
        /// What becomes of the fields that came: `"replace"` takes them out; `"append"` keeps them and adds to them.
        from_client: bool [Default("\"replace\"")] = kinds::word(&[("replace", false), ("append", true)]),
    }
}

const X_FORWARDED: Fields = Fields { x_forwarded: true, rfc7239: false, append: false };

const STYLES: [(&str, Fields); 3] = [
    ("x-forwarded", X_FORWARDED),
    ("rfc7239", Fields { x_forwarded: false, rfc7239: true, append: false }),
    ("both", Fields { x_forwarded: true, rfc7239: true, append: false }),
];

const WORDS: [(&str, Config); 4] = [
    ("x-forwarded", Config::XForwarded),
    ("rfc7239", Config::Fields(STYLES[1].1)),
    ("both", Config::Fields(STYLES[2].1)),
    ("off", Config::Off),
];

fn forwarded() -> Kind<'static, Config> {
    let table = || kinds::table::<Table, Config>(of_table);
    let read = move |item: &Item<'_>| match () {
        () if item.is_table() => table().read(item),
        () if item.is_text() => kinds::word(&WORDS).read(item),
        () => item.wrong_type("a style or a table"),
    };
    Kind::new(read, move || Shape::Any(vec![kinds::word(&WORDS).shape(), table().shape()]))
}

fn of_table(keys: Table) -> Option<Config> {
    let (style, append) = (keys.style.or(X_FORWARDED)?, keys.from_client.or(false)?);
    Some(if style == X_FORWARDED && !append { Config::XForwarded } else { Config::Fields(Fields { append, ..style }) })
}

/// This stage's part of a route's policy.
pub fn resolve(keys: &Stack<'_, Keys>, route: &mut RouteFacts<'_>) -> Option<Config> {
    if route.passes_through {
        keys.refuse_pass_through(route);
        return Some(Config::Off);
    }
    if !route.forwards {
        return Some(Config::Off);
    }
    keys.pick(|keys| &keys.forwarded).map_or(Some(Config::default()), |setting| setting.value)
}
