//! What is not a route: the gateway, its variables, issuers and upstreams.

use super::{super::words, Difference, What, difference};
use crate::{
    blueprint::Blueprint,
    config::{
        text::{Text, Variables},
        told::{Keys, Teller, Value, either, seconds},
    },
    routing::served,
    stages::{
        abuse, admin, audit,
        authn::{Issuer, KeySource, Keys as Material, Rules},
        cors, drain,
        forward::upstream::{Credentials, Target, Upstream},
        freshness,
        guard::before,
        health, metrics, rate_limit, security_headers, trace,
    },
};

/// `[gateway]`: its name, and what holds for answers that belong to no route.
pub(super) fn gateway(old: &Blueprint, new: &Blueprint) -> Vec<Difference> {
    let keys = |blueprint: &Blueprint| {
        let named = |index: u16| {
            let issuer = blueprint.issuers.get(usize::from(index));
            issuer.map(|issuer| issuer.name.clone()).unwrap_or_default().into()
        };
        let (variables, keys) = (&blueprint.variables, Keys::new());
        let mut teller = Teller { variables, parameters: &[], issuer: &named, keys };
        teller.put("name", blueprint.name.as_str());
        before::told(&blueprint.before, &mut teller);
        cors::told(&blueprint.fallback.cors, &mut teller);
        security_headers::told(&blueprint.fallback.security_headers, &mut teller);
        trace::told(&blueprint.fallback.trace, &mut teller);
        served::told(&blueprint.versions, &mut teller);
        if let Some(explain) = &blueprint.explain {
            teller.put("explain", secret(&explain.secret, variables));
        }
        if !blueprint.principal_headers.is_empty() {
            teller.put("principal_headers", crate::config::told::sorted(&blueprint.principal_headers));
        }
        drain::told(&blueprint.drain, &mut teller);
        freshness::told_signals(blueprint.signals, &mut teller);
        teller.put("ipv6_prefix", blueprint.ipv6_prefix.to_string());
        for plan in &blueprint.plans {
            teller.put(format!("plans.{}", plan.name), rate_limit::words(&plan.limits));
        }
        admin::told(&blueprint.admin, &mut teller);
        health::told(&blueprint.health, &mut teller);
        audit::settings_told(blueprint.audit, &mut teller);
        abuse::settings_told(blueprint.abuse.as_deref(), &mut teller);
        if let Some(metrics) = &blueprint.metrics {
            metrics::told(metrics, &mut teller);
            if let Some(token) = &metrics.token {
                teller.put("metrics.token", secret(token, variables));
            }
        }
        teller.keys
    };
    difference("gateway", &new.name, Some(&keys(old)), Some(&keys(new))).into_iter().collect()
}

/// The variables that a Worker must be given now, or must no longer.
pub(super) fn variables(old: &Blueprint, new: &Blueprint) -> Vec<Difference> {
    let needed = |blueprint: &Blueprint| {
        let needed = blueprint.variables.0.iter().filter(|variable| variable.default.is_none());
        let mut names: Vec<String> = needed.map(|variable| variable.name.clone()).collect();
        names.sort();
        names
    };
    let (before, after) = (needed(old), needed(new));
    let only = |what, names: &[String], others: &[String]| -> Vec<Difference> {
        let only = names.iter().filter(|name| !others.contains(name));
        only.map(|name| Difference { what, section: "variable", name: name.clone(), changes: Vec::new() }).collect()
    };
    [only(What::Added, &after, &before), only(What::Removed, &before, &after)].concat()
}

/// A part of a configuration that routes refer to.
pub(super) struct Part {
    pub(super) name: String,
    keys: Keys,
    /// Which one it is: the same number for what is the same in both configurations.
    pub(super) id: usize,
}

/// The parts of both configurations, those that are the same under the same number.
pub(super) struct Matched {
    pub(super) old: Vec<Part>,
    pub(super) new: Vec<Part>,
}

/// Finds out which parts are the same: first by content and name, then by content, then by name.
pub(super) fn matched(old: &Blueprint, new: &Blueprint, parts: fn(&Blueprint) -> Vec<(String, Keys)>) -> Matched {
    let numbered = |parts: Vec<(String, Keys)>, from: usize| -> Vec<Part> {
        let part = |(at, (name, keys)): (usize, (String, Keys))| Part { name, keys, id: at.saturating_add(from) };
        parts.into_iter().enumerate().map(part).collect()
    };
    let old = numbered(parts(old), 0);
    let mut new = numbered(parts(new), old.len());
    let content = |left: &Part, right: &Part| super::changes(&left.keys, &right.keys).is_empty();
    let name = |left: &Part, right: &Part| left.name == right.name;
    pair(&old, &mut new, |left, right| name(left, right) && content(left, right));
    pair(&old, &mut new, content);
    pair(&old, &mut new, name);
    Matched { old, new }
}

/// Gives every new part that has no partner yet the number of the first free old one that fits.
fn pair(old: &[Part], new: &mut [Part], fits: impl Fn(&Part, &Part) -> bool) {
    let mut taken: Vec<usize> = new.iter().map(|part| part.id).collect();
    for part in new.iter_mut().filter(|part| part.id >= old.len()) {
        if let Some(partner) = old.iter().find(|other| !taken.contains(&other.id) && fits(other, part)) {
            part.id = partner.id;
            taken.push(partner.id);
        }
    }
}

/// What was added, removed and changed.
pub(super) fn differences(section: &'static str, matched: &Matched) -> Vec<Difference> {
    let partner = |id: usize| matched.old.iter().find(|part| part.id == id);
    let new = matched.new.iter().filter_map(|part| {
        difference(section, &part.name, partner(part.id).map(|partner| &partner.keys), Some(&part.keys))
    });
    let gone = matched.old.iter().filter(|part| !matched.new.iter().any(|other| other.id == part.id));
    new.chain(gone.filter_map(|part| difference(section, &part.name, Some(&part.keys), None))).collect()
}

/// `[issuers.NAME]`, without their names.
pub(super) fn issuers(blueprint: &Blueprint) -> Vec<(String, Keys)> {
    let variables = &blueprint.variables;
    let keys = |issuer: &Issuer| {
        let Issuer { name: _, algorithm, issuer, audiences, keys, rules, names } = issuer;
        let Rules { leeway_s, max_age_s, require, types } = rules;
        let audiences = audiences.iter().map(|audience| Value::from(words::text(audience, variables)));
        let mut told = Keys::from([
            ("algorithm".to_owned(), algorithm.name().into()),
            ("issuer".to_owned(), words::text(issuer, variables).into()),
            ("audience".to_owned(), either(audiences, None)),
            ("leeway".to_owned(), seconds(*leeway_s).into()),
            ("require".to_owned(), words::sorted(require).into()),
            ("roles".to_owned(), names.roles.clone().into()),
            ("tenant".to_owned(), names.tenant.clone().into()),
            ("plan".to_owned(), names.plan.clone().into()),
        ]);
        told.extend(max_age_s.map(|age| ("max_age".to_owned(), seconds(age).into())));
        if !types.is_empty() {
            told.insert("types".to_owned(), words::sorted(types.iter().map(|name| name.to_ascii_lowercase())).into());
        }
        told.extend([material(keys, variables)]);
        told
    };
    blueprint.issuers.iter().map(|issuer| (issuer.name.clone(), keys(issuer))).collect()
}

/// What signatures are checked with. The order of secrets only says which is tried first.
fn material(keys: &Material, variables: &Variables) -> (String, Value) {
    match keys {
        Material::Secrets(secrets) => {
            ("secret".to_owned(), either(secrets.iter().map(|text| secret(text, variables)), None))
        }
        Material::Public(sources) => {
            let key = |KeySource { kid, text }: &KeySource| {
                let text = words::text(text, variables);
                Value::from(kid.iter().map(|kid| format!("{kid}: ")).chain([text]).collect::<String>())
            };
            ("keys".to_owned(), either(sources.iter().map(key), None))
        }
    }
}

/// `[upstreams.NAME]`. The timeout is no part of it: it is what routes make of it.
pub(super) fn upstreams(blueprint: &Blueprint) -> Vec<(String, Keys)> {
    let variables = &blueprint.variables;
    let keys = |(index, upstream): (usize, &Upstream)| {
        let Upstream { name, target, prefix, timeout: _, credentials, health } = upstream;
        let target = match target {
            Target::Url(url) => [words::text(url, variables).trim_end_matches('/'), prefix].concat().into(),
            // The other Worker sees the name as its host.
            Target::Service(binding) => {
                Value { shown: format!("service:{binding}"), meaning: Some(format!("service:{binding} {name}")) }
            }
        };
        let mut keys = Keys::from([("target".to_owned(), target)]);
        if matches!(upstream.target, Target::Service(_)) && !prefix.is_empty() {
            keys.insert("prefix".to_owned(), prefix.clone().into());
        }
        if let Some(Some(quota)) = blueprint.quotas.get(index) {
            keys.insert("quota".to_owned(), rate_limit::words(std::slice::from_ref(quota)).into());
        }
        if let Some(path) = health {
            keys.insert("health".to_owned(), path.clone().into());
        }
        if let Some(credentials) = credentials {
            keys.insert("credentials".to_owned(), credentials_in_words(credentials, variables));
        }
        keys
    };
    blueprint
        .upstreams
        .iter()
        .enumerate()
        .map(|(index, upstream)| (upstream.name.clone(), keys((index, upstream))))
        .collect()
}

fn credentials_in_words(credentials: &Credentials, variables: &Variables) -> Value {
    let (before, texts) = match credentials {
        Credentials::Bearer(token) => ("bearer".to_owned(), vec![token]),
        Credentials::Basic(user, password) => ("basic".to_owned(), vec![user, password]),
        Credentials::Header(name, value) => (format!("header {name}:"), vec![value]),
        Credentials::Hmac { secret, key_id, body } => {
            let body = if *body { " with body" } else { "" };
            (format!("hmac{body}, key id {key_id}:"), vec![secret])
        }
    };
    let values: Vec<Value> = texts.into_iter().map(|text| secret(text, variables)).collect();
    let joined = |values: Vec<&str>| format!("{before} {}", values.join(" "));
    Value {
        shown: joined(values.iter().map(|value| value.shown.as_str()).collect()),
        meaning: Some(joined(values.iter().map(Value::meaning).collect())),
    }
}

/// A secret: what stands in the file counts and is not shown.
fn secret(text: &Text, variables: &Variables) -> Value {
    Value { shown: words::secret(text, variables), meaning: Some(words::text(text, variables)) }
}
