//! The keys of `[routes."METHOD /path"]` that policies do not have: what becomes of requests, and which requests.

use super::super::{Action, policy::Layer};
use crate::{
    config::{
        diagnostics::{Code, Span},
        keys::{Key as Set, Keys as _, keys},
        kinds::{self, Kind},
        model::{Grammar, Key, Shape},
        reader::{Item, Located, Setting},
        values::{Fault, listed, names, quoted},
    },
    http::host::HostPattern,
    stages::{
        forward::upstreams,
        respond::{self, keys::Redirected},
    },
};

const BINDING: Grammar = Grammar {
    name: "binding",
    sentence: "the name of a binding in wrangler.toml: letters, digits and underscores",
    example: "ASSETS",
    pattern: Some("^[A-Za-z_][A-Za-z0-9_]*$"),
};

const TAG: Grammar = Grammar {
    name: "tag",
    sentence: "1 to 63 lower case letters, digits, hyphens and underscores",
    example: "checkout",
    pattern: Some("^[a-z0-9_-]{1,63}$"),
};

const VERSION: Grammar = Grammar {
    name: "version",
    sentence: "1 to 63 letters, digits, dots, hyphens and underscores: `\"v2\"`, `\"2026-01-01\"`",
    example: "v2",
    pattern: Some("^[A-Za-z0-9._-]{1,63}$"),
};

keys! {
    /// Which requests go where. Beside these, a route takes every key of a policy.
    pub(super) struct Keys {
        /// The upstream that the requests go to, with their path and query.
        /// Example: `upstream = "catalog"`
        upstream: u16 [Optional] = kinds::name("upstreams", |context| &context.upstreams),
        /// An answer that stands in the file: a text, or a table.
        /// Example: `respond = { status = 410, body = "This interface is gone." }`
        respond: respond::Config [Optional] = respond::keys::fixed(),
        /// An answer that sends the caller elsewhere: an address, or a table.
        redirect: Redirected [Optional] = respond::keys::redirect(),
        /// The static assets of the Worker, by the name of their binding: `[assets] binding = "ASSETS"` in wrangler.toml.
        assets: String [Optional] = kinds::parsed(BINDING, upstreams::binding),
        /// Hosts that the route is bound to, one or a list; `*.acme.example` stands for all below it. Without it the
        /// route is there on every host, behind those that name one.
        host: Vec<HostPattern> [Optional] = hosts(),
        /// The version of the interface that the route belongs to: several routes may have the same methods and path in
        /// different versions. A text, or a table with `name` and `default`.
        ///
        /// A route whose path has the name as a segment of its own, like `/v1/orders`, is chosen by its path. Otherwise a
        /// request names its version in `Accept` or in the field `X-API-Version`; one that does not gets the default
        /// version. A version that is not there is refused as not found, with the names of those that are.
        /// Example: `version = { name = "v2", default = true }`
        version: Version [Optional] = version(),
        /// Words by which routes are grouped, for people and tools; no decision reads them.
        tags: Vec<String> [Default("[]")] = kinds::list(kinds::parsed(TAG, names::section)),
        /// Policies that hold for the route: the name of one or a list. Of two that set the same key the later wins; the
        /// route's own keys win over all.
        /// Example: `use = ["browser", "customer"]`
        r#use: Vec<Located<u16>> [Default("[]")] = uses(),
    }
}

/// The keys that a route can have.
pub(super) fn model() -> Vec<Key> {
    [Keys::model(), Layer::model()].concat()
}

/// `use = "NAME"` or `use = ["NAME", …]`, each with its place.
pub(super) fn uses() -> Kind<'static, Vec<Located<u16>>> {
    let policy = || {
        let name = || kinds::name("policies", |context| &context.policies);
        Kind::new(move |item: &Item<'_>| Some(item.located(name().read(item)?)), move || name().shape())
    };
    kinds::one_or_more(policy(), "the name of a policy or a list of names")
}

/// The version of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) name: String,
    /// `None` when the route does not say it.
    pub(super) default: Option<bool>,
}

keys! {
    /// The table of `version`.
    pub(super) struct VersionKeys {
        /// The name of the version.
        name: String [Required] = version_name(),
        /// Whether requests that name no version get this one.
        default: bool [Default("false")] = kinds::boolean(),
    }
}

fn version() -> Kind<'static, Version> {
    let table = || {
        kinds::table::<VersionKeys, Version>(|keys| {
            let default = keys.default.maybe()?;
            Some(Version { name: keys.name.take()?, default })
        })
    };
    let text = version_name;
    let read = move |item: &Item<'_>| match () {
        () if item.is_table() => table().read(item),
        () if item.is_text() => Some(Version { name: text().read(item)?, default: None }),
        () => item.wrong_type("a text or a table"),
    };
    Kind::new(read, move || Shape::Any(vec![text().shape(), table().shape()]))
}

/// The name of a version.
pub(super) fn version_name() -> Kind<'static, String> {
    kinds::parsed(VERSION, parse_version)
}

fn parse_version(text: &str) -> Result<String, Fault> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if (1..=63).contains(&text.len()) && text.bytes().all(allowed) {
        return Ok(text.to_owned());
    }
    let fault = Fault::new(Code::BadName, format!("{} is not the name of a version", quoted(text)));
    Err(fault.expected(VERSION.sentence))
}

/// An empty list would stand for every host, which nobody means who writes one.
fn hosts() -> Kind<'static, Vec<HostPattern>> {
    let some = || kinds::one_or_more(kinds::host(), "a host or a list of hosts");
    let read = move |item: &Item<'_>| {
        let hosts = some().read(item)?;
        if hosts.is_empty() {
            let draft = item.draft(Code::EmptyList, format!("`{}` names nothing", item.key()));
            draft.help("name a host, or leave `host` out to mean all").report();
            return None;
        }
        Some(hosts)
    };
    Kind::new(read, move || some().shape())
}

/// The keys that say what becomes of requests.
pub(super) const ACTIONS: [&str; 4] = ["upstream", "respond", "redirect", "assets"];

impl Keys {
    /// What becomes of the route's requests; reports a route that says several things about it. One that says nothing is
    /// [`Action::Closed`], which it must then be.
    pub(super) fn action(&self, item: &Item<'_>) -> Option<Action> {
        let mut set: Vec<(&str, Span)> = self.actions().into_iter().flatten().collect();
        set.sort_by_key(|(_, place)| place.start);
        match set.as_slice() {
            // That one of them is misspelt has been said.
            [] if ACTIONS.iter().any(|action| item.context().is_misspelt(item.path(), action)) => None,
            [] => Some(Action::Closed),
            [_] => self.only_action(),
            [(first, first_place), (second, place), ..] => {
                let message = format!("`{first}` and `{second}` cannot both be");
                let draft = item.report().draft(Code::TwoActions, place, message);
                let draft = draft.related(first_place, "what the route does already");
                draft.expected(format!("exactly one of {}", listed(ACTIONS))).report();
                None
            }
        }
    }

    fn actions(&self) -> [Option<(&'static str, Span)>; 4] {
        fn place<T>(name: &'static str, key: &Set<T>) -> Option<(&'static str, Span)> {
            key.0.as_ref().map(|Setting { key, .. }| (name, key.clone()))
        }
        let [upstream, respond, redirect, assets] = ACTIONS;
        [
            place(upstream, &self.upstream),
            place(respond, &self.respond),
            place(redirect, &self.redirect),
            place(assets, &self.assets),
        ]
    }

    fn only_action(&self) -> Option<Action> {
        let respond = || self.respond.get().cloned();
        let redirect = || self.redirect.get().map(Redirected::config);
        let upstream = self.upstream.get().copied().map(Action::Forward);
        let assets = || self.assets.get().cloned().map(Action::Assets);
        upstream.or_else(assets).or_else(|| respond().or_else(redirect).map(Action::Respond))
    }
}
