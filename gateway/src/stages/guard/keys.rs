//! `body_limit`, `url_limit`, `query_limit`, `addresses`, `countries`: the keys of this stage in policies and routes.

use super::{
    Config, DEFAULT_BODY_LIMIT, DEFAULT_QUERY_LIMIT, DEFAULT_URL_LIMIT, LONGEST_URL,
    origins_keys::{self, Places},
};
use crate::config::{
    diagnostics::Code,
    keys::{Key, keys},
    kinds::{self, Kind},
    layers::{RouteFacts, Stack},
    model::{Grammar, Shape},
    reader::Item,
    size::Size,
    values::size,
};
use crate::http::cidr::Cidr;

keys! {
    /// What is refused by its size, and by where it comes from.
    pub struct Keys {
        /// The most bytes that a request's body may have; `false` for no limit. More is refused with 413, by its
        /// `Content-Length` or while it streams.
        body_limit: Option<Size> [Default("\"1MiB\"")] = limit(),
        /// The most bytes that a URL may have, scheme, host and query included, up to 16KiB; `false` for that. More is
        /// refused with 414.
        /// Example: `url_limit = "2KiB"`
        url_limit: Option<Size> [Default("\"8KiB\"")] = url_limit(),
        /// The most bytes that a query may have, without its `?`, up to 16KiB; `false` for what the URL may have. More is
        /// refused with 414.
        /// Example: `query_limit = "2KiB"`
        query_limit: Option<Size> [Default("\"4KiB\"")] = url_limit(),
        /// The networks and addresses that requests may come from; `deny` takes some out again. Others get 403
        /// `address_refused`, before any limit and any token. With `allow` that holds for clients too whose address is not
        /// known. `false` takes back what a weaker layer says.
        /// Example: `addresses = { allow = ["10.0.0.0/8"], deny = ["10.6.6.0/24"] }`
        addresses: Option<Places<Cidr>> [Optional] = origins_keys::addresses(),
        /// The countries that requests may come from, by their codes (ISO 3166-1, and `T1` for Tor) as Cloudflare knows
        /// them. Others get 403 `country_refused`. With `allow` that holds for clients too whose country is not known.
        /// Example: `countries = { deny = ["XX", "T1"] }`
        countries: Option<Places<String>> [Optional] = origins_keys::countries(),
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

/// A limit that is no more than what the entry takes: beyond it nobody would be asked.
fn url_limit() -> Kind<'static, Option<Size>> {
    let read = |item: &Item<'_>| {
        let limit = limit().read(item)?;
        if let Some(found) = limit.filter(|limit| *limit > LONGEST_URL) {
            let draft = item.draft(Code::OutOfRange, format!("`{}` is out of range", item.key()));
            let draft = draft.expected(format!("0B to {LONGEST_URL}, the longest URL that the gateway takes"));
            draft.found(format!("`{found}`")).report();
            return None;
        }
        Some(limit)
    };
    Kind::new(read, || limit().shape())
}

/// This stage's part of a route's policy.
pub fn resolve(keys: &Stack<'_, Keys>, _: &mut RouteFacts<'_>) -> Option<Config> {
    let limit = |key: for<'k> fn(&'k Keys) -> &'k Key<Option<Size>>, default: Size| {
        keys.pick(key).map_or(Some(Some(default)), |setting| setting.value)
    };
    Some(Config {
        url_limit: limit(|keys| &keys.url_limit, DEFAULT_URL_LIMIT)?,
        query_limit: limit(|keys| &keys.query_limit, DEFAULT_QUERY_LIMIT)?,
        body_limit: limit(|keys| &keys.body_limit, DEFAULT_BODY_LIMIT)?,
        origins: origins_keys::config(keys)?,
    })
}
