//! Everything that a `gateway.toml` can say, as data: what the reference pages and the JSON Schema are made from. It is
//! made of the same declarations that the file is read by.

use super::{gateway, route_keys};
use crate::{
    blueprint::policy::Layer,
    config::{
        keys::Keys as _,
        model::{Grammar, Key},
    },
    stages::{authn::issuers, forward::upstreams},
};

/// A section of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its table: `gateway`, `upstreams`.
    pub name: &'static str,
    /// What its tables are named by; `None` for a section that is there once.
    pub named: Option<Grammar>,
    /// Whether the file must have it.
    pub is_required: bool,
    /// What it is for, in a sentence.
    pub about: &'static str,
    /// Its keys.
    pub keys: Vec<Key>,
}

const NAME: Grammar = Grammar {
    name: "section name",
    sentence: "1 to 63 lower case letters, digits, hyphens and underscores",
    pattern: Some("^[a-z0-9_-]{1,63}$"),
};

const ROUTE: Grammar = Grammar {
    name: "route",
    sentence: "methods separated by commas or `ANY`, one blank and a path: `GET,HEAD /v1/products/{id}`",
    pattern: Some("^(ANY|[A-Z]+(,[A-Z]+)*) /.*$"),
};

/// All sections in the order in which one would write them.
#[must_use]
pub fn sections() -> Vec<Section> {
    let section = |name, named, about, keys| Section { name, named, is_required: named.is_none(), about, keys };
    vec![
        section(
            "gateway",
            None,
            "The gateway itself, and what holds for every route that says nothing else.",
            gateway::model(),
        ),
        section("upstreams", Some(NAME), "Where requests go.", upstreams::Keys::model()),
        section("issuers", Some(NAME), "Whose tokens are believed.", issuers::Keys::model()),
        section("policies", Some(NAME), "Keys of routes under a name, to be used by several.", Layer::model()),
        section("routes", Some(ROUTE), "Which requests go where, under which policy.", route_keys::model()),
    ]
}
