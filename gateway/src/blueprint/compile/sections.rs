//! Tables of named sections: `[upstreams.NAME]`, `[issuers.NAME]`, `[policies.NAME]`.

use std::cell::RefCell;

use super::{super::policy::Layer, policies::Policy};
use crate::{
    config::{
        context::Context,
        diagnostics::Code,
        keys::{Keys, Written},
        model::Key,
        reader::{Item, Reader},
        roles,
        values::{names, quoted},
    },
    stages::{
        authn::{
            Issuer, issuers,
            keys::{PUBLIC, check_apart},
        },
        forward::{upstream::Upstream, upstreams},
        rate_limit::{
            Limit, Plan,
            keys::{self as rate_limit, Quota},
        },
    },
};

/// All sections of a kind, in the order of the file; `None` for one that is wrong, which has been reported.
pub(super) struct Sections<T>(Vec<Option<T>>);

impl<T> Sections<T> {
    fn read<K: Keys>(root: &mut Reader<'_>, key: &'static str, make: impl Fn(&Item<'_>, K) -> Option<T>) -> Self {
        let entries = root.optional(key, Item::table).map(|table| table.entries()).unwrap_or_default();
        if let Some(item) = entries.get(usize::from(u16::MAX)) {
            let message = format!("this is more than 65,535 of [{key}]");
            root.report().draft(Code::TooMany, item.key_span(), message).report();
        }
        Self(entries.iter().map(|item| section(item, &make)).collect())
    }

    /// The section at an index, if it is right.
    pub(super) fn get(&self, index: u16) -> Option<&T> {
        self.0.get(usize::from(index))?.as_ref()
    }

    /// How many there are, as far as an index can name them.
    pub(super) fn count(&self) -> u16 {
        u16::try_from(self.0.len()).unwrap_or(u16::MAX)
    }

    /// All of them, or `None` when one is wrong.
    pub(super) fn into_values(self) -> Option<Vec<T>> {
        self.0.into_iter().collect()
    }
}

fn section<T, K: Keys>(item: &Item<'_>, make: &impl Fn(&Item<'_>, K) -> Option<T>) -> Option<T> {
    let name = item.parsed_key(names::section);
    let mut table = item.table()?;
    let keys = K::read(&mut table);
    table.finish();
    make(item, keys).filter(|_| name.is_some())
}

/// The keys of an upstream: those of forwarding, and how often it is asked.
#[derive(Clone, Debug, Default)]
struct UpstreamKeys {
    own: upstreams::Keys,
    quota: Quota,
}

impl Keys for UpstreamKeys {
    fn read(table: &mut Reader<'_>) -> Self {
        Self { own: Keys::read(table), quota: Keys::read(table) }
    }

    fn model() -> Vec<Key> {
        [upstreams::Keys::model(), Quota::model()].concat()
    }

    fn written(&self) -> Vec<Written> {
        [self.own.written(), self.quota.written()].concat()
    }
}

/// The keys that an upstream can have.
pub(super) fn upstream_model() -> Vec<Key> {
    UpstreamKeys::model()
}

/// Reads `[upstreams]`, and how often each may be asked.
pub(super) fn upstreams(root: &mut Reader<'_>) -> (Sections<Upstream>, Vec<Option<Limit>>) {
    let quotas = RefCell::new(Vec::new());
    let sections = Sections::read(root, "upstreams", |item, keys: UpstreamKeys| {
        let quota = keys.quota.quota.maybe();
        quotas.borrow_mut().push(quota.clone().flatten());
        upstreams::upstream(item.key(), keys.own).filter(|_| quota.is_some())
    });
    (sections, quotas.into_inner())
}

/// Reads `[plans]`.
pub(super) fn plans(root: &mut Reader<'_>) -> Sections<Plan> {
    Sections::read(root, "plans", rate_limit::plan)
}

/// Reports plans that everybody must find and that are not there.
pub(super) fn check_plans<'l>(
    plans: &Sections<Plan>,
    layers: impl IntoIterator<Item = &'l Layer>,
    context: &Context<'_>,
) {
    if plans.0.iter().any(Option::is_none) {
        return; // one that is wrong may be the one
    }
    let names: Vec<&str> = plans.0.iter().flatten().map(|plan| plan.name.as_str()).collect();
    rate_limit::check_plans(&names, layers.into_iter().map(|layer| &layer.rate_limit), context.report);
}

/// Reads `[issuers]`.
pub(super) fn issuers(root: &mut Reader<'_>) -> Sections<Issuer> {
    if let Some(item) = root.item("issuers").and_then(|item| item.table()?.item(PUBLIC)) {
        let draft = item.report().draft(Code::BadName, item.key_span(), "no issuer can be named `none`");
        draft.help("`auth = \"none\"` means that a route is public; choose another name").report();
    }
    Sections::read(root, "issuers", issuers::issuer)
}

/// Reads `[roles]`: here only what is wrong with it, the context knows the rest.
pub(super) fn roles(root: &mut Reader<'_>) {
    let entries = root.optional("roles", Item::table).map(|table| table.entries()).unwrap_or_default();
    let included = roles::some_roles();
    for item in &entries {
        let _ = (item.parsed_key(names::role), included.read(item));
    }
    let Some(first) = entries.first() else { return };
    for (name, place) in first.context().roles.circles() {
        let message = format!("the role {} includes itself", quoted(name));
        let draft = first.report().draft(Code::RoleCircle, place, message);
        draft.help("take one role out of the circle").report();
    }
}

/// Reads `[policies]`.
pub(super) fn policies(root: &mut Reader<'_>) -> Sections<Policy> {
    Sections::read(root, "policies", |_, policy: Policy| Some(policy))
}

/// Reports lists of issuers whose tokens cannot be told apart, each where some layer of routes has it.
pub(super) fn check_issuers<'l>(
    issuers: &Sections<Issuer>,
    layers: impl IntoIterator<Item = &'l Layer>,
    context: &Context<'_>,
) {
    let iss = |index| issuers.get(index).map(|issuer| &issuer.issuer);
    for auth in layers.into_iter().filter_map(|layer| layer.authn.auth.0.as_ref()) {
        if let Some(config) = &auth.value {
            check_apart(config, &auth.span, iss, context);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::blueprint::compile::compile;

    fn ids(limits: &str) -> Vec<u64> {
        let file =
            format!("[gateway]\nname = 'a'\n[routes.'GET /']\nrespond = 'x'\nauth = 'none'\nrate_limit = {limits}\n");
        let policy = compile("f", &file).into_blueprint().unwrap().policies.get(0).unwrap().clone();
        policy.rate_limit.limits.iter().map(|limit| limit.id).collect()
    }

    #[test]
    fn a_limit_goes_on_counting_when_it_is_changed_and_two_never_share_a_count() {
        assert_eq!(ids("'60/min'"), ids("{ limit = '90/min', cost = 2, name = 'other' }"));
        assert_ne!(ids("'60/min'"), ids("'60/hour'"));
        assert_ne!(ids("'60/min'"), ids("'60/min per route'"));
        let twice = ids("['60/min', { limit = '30/min', mode = 'shadow' }, '60/hour']");
        assert!(twice[0] != twice[1] && twice[1] != twice[2], "{twice:?}");
    }
}
