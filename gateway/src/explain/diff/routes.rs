//! Routes: which requests they take, and everything that holds for those.

use std::collections::BTreeMap;

use super::{
    super::words,
    Difference, Keys, Value,
    parts::{Part, cors_keys, header_keys},
};
use crate::{
    blueprint::{Action, Blueprint, Policy, Route},
    config::{
        duration,
        template::{Slot, Template},
    },
    stages::{
        authn,
        forward::{self, Observe, upstream::Timeouts},
        guard, maintenance, respond,
        transform::Changes,
    },
};

/// The requests that a route takes: method and path with the types of its parameters, host, version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    path: String,
    host: Option<String>,
    version: Option<String>,
}

/// A route at one place.
pub(super) struct Binding {
    name: String,
    keys: Keys,
}

/// All routes of a configuration, by the requests that they take.
pub(super) fn bindings(blueprint: &Blueprint, issuers: &[Part], upstreams: &[Part]) -> BTreeMap<Place, Binding> {
    let speaker = Speaker { blueprint, issuers, upstreams };
    let bind = |listed: crate::routing::listing::Listed| {
        let route = blueprint.routes.get(usize::from(listed.route))?;
        let policy = blueprint.policies.get(usize::from(route.policy))?;
        let mut keys = speaker.keys(route, policy);
        let (version, default) = listed.version.unzip();
        if let Some(default) = default {
            keys.insert("version.default".to_owned(), words::yes(default).into());
        }
        let mut name = route.key.clone();
        name.extend(listed.host.iter().map(|host| format!(" on {host}")));
        name.extend(version.iter().map(|version| format!(" in version {version}")));
        Some((Place { path: words::without_names(&route.key), host: listed.host, version }, Binding { name, keys }))
    };
    blueprint.table.listed().into_iter().filter_map(bind).collect()
}

/// What was added, removed and changed, by path.
pub(super) fn differences(old: &BTreeMap<Place, Binding>, new: &BTreeMap<Place, Binding>) -> Vec<Difference> {
    let mut places: Vec<&Place> = old.keys().chain(new.keys()).collect();
    places.sort();
    places.dedup();
    let difference = |place: &Place| {
        let (old, new) = (old.get(place), new.get(place));
        let name = &new.or(old)?.name;
        super::difference("route", name, old.map(|it| &it.keys), new.map(|it| &it.keys))
    };
    places.into_iter().filter_map(difference).collect()
}

/// Puts the routes of one configuration into words.
struct Speaker<'b> {
    blueprint: &'b Blueprint,
    issuers: &'b [Part],
    upstreams: &'b [Part],
}

impl Speaker<'_> {
    fn keys(&self, route: &Route, policy: &Policy) -> Keys {
        // Taken apart, so that a new stage is not forgotten here: it would differ in silence.
        let Policy { authn, forward, maintenance, guard, authz, cors, transform, security_headers } = policy;
        let forward::Config { pass_through, observe, timeout } = forward;
        let mut keys = Keys::new();
        self.action(&mut keys, route);
        self.timeouts(&mut keys, route, *timeout);
        let auth = match *authn {
            authn::Config::Public => "none".to_owned().into(),
            authn::Config::Token(index) => part(self.issuers, index),
        };
        keys.insert("auth".to_owned(), auth);
        keys.insert("scopes".to_owned(), words::sorted(&authz.scopes).into());
        let guard::Config { body_limit } = guard;
        let limit = body_limit.map_or_else(|| "none".to_owned(), |limit| limit.to_string());
        keys.insert("body_limit".to_owned(), limit.into());
        if let Some(maintenance::Maintenance { retry_after_s, detail }) = maintenance {
            let after = duration::show(u64::from(*retry_after_s).saturating_mul(1_000));
            keys.insert("maintenance.retry_after".to_owned(), after.into());
            keys.insert("maintenance.detail".to_owned(), detail.clone().into());
        }
        keys.insert("pass_through".to_owned(), words::yes(*pass_through).into());
        let observe = if *observe == Observe::Body { "body" } else { "head" };
        keys.insert("observe".to_owned(), observe.to_owned().into());
        cors_keys(&mut keys, cors.as_ref(), &self.blueprint.variables);
        header_keys(&mut keys, security_headers);
        header_changes(&mut keys, "request_headers", &transform.request, route);
        header_changes(&mut keys, "response_headers", &transform.response, route);
        keys
    }

    /// What becomes of the requests.
    fn action(&self, keys: &mut Keys, route: &Route) {
        let mut put = |key: &str, value: Value| keys.insert(key.to_owned(), value);
        match &route.action {
            Action::Forward(index) => {
                put("upstream", part(self.upstreams, *index));
            }
            Action::Assets(binding) => {
                put("assets", binding.clone().into());
            }
            Action::Respond(respond::Config::Fixed(fixed)) => {
                put("respond.status", fixed.status.to_string().into());
                put("respond.body", fixed.body.clone().into());
                for (name, value) in &fixed.headers {
                    put(&format!("respond.headers.{name}"), value.clone().into());
                }
            }
            Action::Respond(respond::Config::Redirect(redirect)) => {
                put("redirect.to", template(&redirect.to, route));
                put("redirect.status", redirect.status.to_string().into());
                put("redirect.keep_query", words::yes(redirect.keep_query).into());
            }
            Action::Closed => {}
        }
    }

    /// How long an answer may take, wherever that is said: as `Exchange::timeouts` finds it.
    fn timeouts(&self, keys: &mut Keys, route: &Route, own: Option<Timeouts>) {
        let upstream = match &route.action {
            Action::Respond(_) | Action::Closed => return,
            Action::Assets(_) => None,
            Action::Forward(index) => self.blueprint.upstreams.get(usize::from(*index)),
        };
        let timeout = own.or(upstream.and_then(|upstream| upstream.timeout));
        let Timeouts { first_byte_ms, try_ms, whole_ms } = timeout.unwrap_or(self.blueprint.fallback.timeout);
        for (key, ms) in [("first_byte", Some(first_byte_ms)), ("try", try_ms), ("whole", whole_ms)] {
            if let Some(ms) = ms {
                keys.insert(format!("timeout.{key}"), duration::show(u64::from(ms)).into());
            }
        }
    }
}

/// An issuer or upstream by its name; which one is meant does not depend on the name.
fn part(parts: &[Part], index: u16) -> Value {
    let found = parts.get(usize::from(index));
    Value {
        shown: found.map(|part| part.name.clone()).unwrap_or_default(),
        meaning: found.map(|part| part.id.to_string()),
    }
}

/// Edits are carried out in the order remove, set: a header that is set is not missed.
fn header_changes(keys: &mut Keys, section: &str, changes: &Changes, route: &Route) {
    for name in &changes.remove {
        keys.insert(format!("{section}.{name}"), "removed".to_owned().into());
    }
    for (name, value) in &changes.set {
        let Value { shown, meaning } = template(value, route);
        let set = |text: String| format!("set to {text}");
        keys.insert(format!("{section}.{name}"), Value { shown: set(shown), meaning: meaning.map(set) });
    }
}

/// A template; parameters are meant by their place in the path.
fn template(template: &Template, route: &Route) -> Value {
    let by_place = |slot: &Slot| match slot {
        Slot::PathParameter(name) => {
            let place = route.parameters.iter().position(|known| known == name);
            Slot::PathParameter(place.map(|place| place.to_string()).unwrap_or_default())
        }
        other => other.clone(),
    };
    let meaning = Template(template.0.iter().map(by_place).collect());
    Value { shown: words::template(template), meaning: Some(words::template(&meaning)) }
}
