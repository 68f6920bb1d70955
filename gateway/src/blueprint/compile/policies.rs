//! `[policies.NAME]`: keys of routes under a name, on top of those of the policies that it uses.

use super::{super::policy::Layer, sections::Sections};
use crate::config::{
    context::Context,
    diagnostics::Code,
    keys::{Key as Set, Keys, Written, keys},
    model::Key,
    reader::{Located, Reader},
    values::quoted,
};

keys! {
    /// What a policy is made of besides its own keys.
    pub(super) struct Used {
        /// Policies that this one is made of: the name of one or a list. Its own keys win over theirs, and of two that set
        /// the same key the later wins.
        /// Example: `use = ["browser", "customer"]`
        r#use: Vec<Located<u16>> [Default("[]")] = super::route_keys::uses(),
    }
}

/// A policy.
#[derive(Clone, Debug, Default)]
pub(super) struct Policy {
    used: Used,
    pub(super) layer: Layer,
}

impl Keys for Policy {
    fn read(table: &mut Reader<'_>) -> Self {
        Self { used: Keys::read(table), layer: Keys::read(table) }
    }

    fn model() -> Vec<Key> {
        [Used::model(), Layer::model()].concat()
    }

    fn written(&self) -> Vec<Written> {
        self.layer.written()
    }
}

impl Policy {
    fn uses(&self) -> &[Located<u16>] {
        let uses: &Set<Vec<Located<u16>>> = &self.used.r#use;
        uses.get().map_or(&[], Vec::as_slice)
    }
}

/// Policies as they are named, each behind those that it is made of, the weakest first. What two of them are made of
/// stands before the first, so that it does not take back what that one says; what is named stands where it is named.
pub(super) fn expanded(policies: &Sections<Policy>, named: impl IntoIterator<Item = u16>) -> Vec<u16> {
    let mut found = Vec::new();
    for index in named {
        expand(policies, index, &mut vec![index], &mut found);
        found.push(index);
    }
    found
}

/// Adds what a policy is made of. What uses itself is left out where it comes round again.
fn expand(policies: &Sections<Policy>, index: u16, path: &mut Vec<u16>, found: &mut Vec<u16>) {
    for used in policies.get(index).map(Policy::uses).unwrap_or_default() {
        if path.contains(&used.value) || found.contains(&used.value) {
            continue;
        }
        path.push(used.value);
        expand(policies, used.value, path, found);
        path.pop();
        found.push(used.value);
    }
}

/// Reports policies that are made of themselves.
pub(super) fn check_circles(policies: &Sections<Policy>, context: &Context<'_>) {
    for index in 0..policies.count() {
        for used in policies.get(index).map(Policy::uses).unwrap_or_default() {
            if !expanded(policies, [used.value]).contains(&index) {
                continue;
            }
            let name = context.policies.name(index).unwrap_or_default();
            let message = format!("the policy {} is made of itself", quoted(name));
            let draft = context.report.draft(Code::PolicyCircle, &used.span, message);
            draft.help("take one `use` out of the circle").report();
        }
    }
}
