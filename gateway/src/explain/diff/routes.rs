//! Routes: which requests they take, and everything that holds for those.

use std::collections::BTreeMap;

use super::{super::words, Difference, parts::Part};
use crate::{
    blueprint::{Action, Blueprint, Policy, Route},
    config::{
        duration,
        told::{Keys, Teller, Value},
    },
    stages::{forward::upstream::Timeouts, respond},
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
        let issuer = |index: u16| part(self.issuers, index);
        let (variables, parameters) = (&self.blueprint.variables, route.parameters.as_slice());
        let mut teller = Teller { variables, parameters, issuer: &issuer, keys: Keys::new() };
        policy.told(&mut teller);
        if let Some(served) = route.served.as_ref().filter(|served| !served.is_asked) {
            teller.put("version", served.name.clone().unwrap_or_default());
        }
        self.action(&mut teller, route);
        self.timeouts(&mut teller.keys, route, policy.forward.timeout);
        teller.keys
    }

    /// What becomes of the requests.
    fn action(&self, teller: &mut Teller<'_>, route: &Route) {
        match &route.action {
            Action::Forward(index) => {
                teller.put("upstream", part(self.upstreams, *index));
            }
            Action::Assets(binding) => {
                teller.put("assets", binding.clone());
            }
            Action::Respond(respond::Config::Fixed(fixed)) => {
                teller.put("respond.status", fixed.status.to_string());
                teller.put("respond.body", fixed.body.clone());
                for (name, value) in &fixed.headers {
                    teller.put(format!("respond.headers.{name}"), value.clone());
                }
            }
            Action::Respond(respond::Config::Redirect(redirect)) => {
                let to = teller.template(&redirect.to);
                teller.put("redirect.to", to);
                teller.put("redirect.status", redirect.status.to_string());
                teller.put("redirect.keep_query", words::yes(redirect.keep_query));
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
