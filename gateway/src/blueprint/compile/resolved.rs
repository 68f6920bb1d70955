//! What came from where: for every route, the keys that hold and the layer that says so.

use serde::Serialize;

use super::routes::{Declared, NamedLayer};
use crate::config::{
    context::Context,
    diagnostics::{Code, Place},
    keys::{Keys as _, Written},
    values::quoted,
};

/// A route with the keys that hold for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Resolved {
    /// `METHOD /path`.
    pub route: String,
    /// Where it is declared.
    pub place: Place,
    /// The hosts that it is bound to; empty for any.
    pub hosts: Vec<String>,
    /// The version of the interface that it belongs to, if it says one.
    pub version: Option<String>,
    /// The keys that some layer sets, by name.
    pub keys: Vec<ResolvedKey>,
}

/// A key that holds for a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedKey {
    /// Its name.
    pub name: &'static str,
    /// Its value as written.
    pub value: String,
    /// Which layer says so: `gateway`, `policies.NAME` or `the route`.
    pub from: String,
    /// Where it is said.
    pub place: Place,
}

impl Resolved {
    pub(super) fn new(key: &str, route: &Declared, layers: &[NamedLayer<'_>], context: &Context<'_>) -> Self {
        let sources = context.report.sources();
        let mut keys: Vec<ResolvedKey> = Vec::new();
        for layer in layers.iter().rev() {
            for written in layer.keys.written() {
                if keys.iter().any(|known| known.name == written.name) {
                    continue;
                }
                keys.push(ResolvedKey {
                    name: written.name,
                    value: sources.slice(&written.value).to_owned(),
                    from: layer.from.clone(),
                    place: sources.place(&written.key),
                });
            }
        }
        keys.sort_by_key(|key| key.name);
        let (hosts, version) = (route.hosts(), route.version());
        Self { route: key.to_owned(), place: sources.place(&route.key.span), hosts, version, keys }
    }
}

/// Warns of a policy that a route uses to no effect, because stronger layers set every key of it.
pub(super) fn warn_shadowed(layers: &[NamedLayer<'_>], route: &Declared, context: &Context<'_>) {
    for (index, layer) in layers.iter().enumerate().filter(|(_, layer)| layer.is_own) {
        let Some(place) = layer.place else { continue };
        let stronger = layers.iter().skip(index.saturating_add(1));
        let above: Vec<Written> = stronger.flat_map(|layer| layer.keys.written()).collect();
        let own = layer.keys.written();
        if own.is_empty() || !own.iter().all(|key| above.iter().any(|other| other.name == key.name)) {
            continue;
        }
        let name = context.policies.name(place.value).unwrap_or_default();
        let message = format!("the policy {} has no effect on this route", quoted(name));
        let draft = context.report.draft(Code::ShadowedPolicy, &place.span, message);
        let draft = draft.related(&route.key.span, "this route");
        draft.help("later policies and the route's own keys set everything that it sets; take it out").report();
    }
}
