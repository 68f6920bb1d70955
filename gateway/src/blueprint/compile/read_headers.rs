//! Which request headers the policies of a gateway read besides those that every gateway reads: what nobody reads is
//! not packed.

use std::collections::BTreeSet;

use super::{gateway::Gateway, routes::Built};
use crate::{
    blueprint::{Action, Policy},
    config::{context::Context, rate::Key, reader::Item},
    stages::{audit, guard::origins, rate_limit::Limit, via},
};

/// Has them packed.
pub(super) fn intern<'l>(
    section: Option<&Item<'_>>,
    gateway: &Gateway,
    built: &'l Built,
    limits: impl IntoIterator<Item = &'l Limit>,
    (audit, counts_abuse): (audit::Settings, bool),
    context: &Context<'_>,
) {
    let Some(section) = section else { return };
    let source = gateway.keys.address_from.get().cloned().unwrap_or_default();
    let forwards = built.routes.iter().filter(|route| matches!(route.action, Action::Forward(_)));
    let used: BTreeSet<u16> = forwards.map(|route| route.policy).collect();
    for policy in used.into_iter().filter_map(|index| built.policies.get(usize::from(index))) {
        for name in names(policy, &source.header) {
            // That there are too many has been reported.
            let _ = context.intern_header(section, name);
        }
    }
    let limits = built.policies.iter().flat_map(|policy| &policy.rate_limit.limits).chain(limits);
    let origins = || built.policies.iter().filter_map(|policy| policy.guard.origins.as_ref());
    let asks = counts_abuse || origins().any(|origins| origins.reads_address());
    if asks || audits(&built.policies, audit) || counts_addresses(limits) {
        let _ = context.intern_header(section, &source.header);
    }
    if origins().any(|origins| origins.reads_country()) {
        let _ = context.intern_header(section, origins::COUNTRY);
    }
}

/// Whether something leaves rows in the audit log, which say from where and with what somebody asked.
pub(super) fn audits(policies: &[Policy], settings: audit::Settings) -> bool {
    settings.security || policies.iter().any(|policy| policy.audit.is_some())
}

/// Whether requests are counted by where they come from, or may be: those without a principal are.
fn counts_addresses<'l>(limits: impl Iterator<Item = &'l Limit>) -> bool {
    let mut keys = limits.flat_map(|limit| &limit.keys);
    keys.any(|key| matches!(key, Key::Address | Key::Principal | Key::ApiKey))
}

/// The headers that a policy reads; `address` is the one that tells where a request comes from.
fn names<'p>(policy: &Policy, address: &'p str) -> impl Iterator<Item = &'p str> {
    let forwarded = policy.forwarded;
    let address = forwarded.fields().map(|_| address);
    address.into_iter().chain(forwarded.reads().iter().copied()).chain(policy.via.then_some(via::VIA))
}
