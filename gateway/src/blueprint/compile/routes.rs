//! `[routes."METHOD /path"]`: which requests go where, under which policy.

use std::collections::HashMap;

use super::{
    super::{
        Action, Fallback, Route,
        policy::{Layer, Policy},
    },
    gateway::Gateway,
    policies,
    resolved::Resolved,
    route_key::{self, Target},
    route_keys::{ACTIONS, Keys, Version},
    sections::Sections,
    versions::{self, Versions},
};
use crate::{
    config::{
        context::Context,
        diagnostics::{Code, Report, Span},
        keys::{Key, Keys as _},
        layers::RouteFacts,
        reader::{Item, Located, Reader, joined},
        switch::Switch,
        values::{listed, quoted},
    },
    http::{host::HostPattern, method::Method},
    routing::{
        build::{Binding, Builder, Conflict, MOST_WAYS},
        table::Table,
        wish::Places,
    },
    stages::{
        maintenance::Maintenance,
        respond::{self, Fixed},
    },
};

/// A route as declared; it may stand for several methods.
pub(super) struct Declared {
    pub(super) key: Located<String>,
    /// `None` when the key is wrong, which has been reported.
    pub(super) target: Option<Target>,
    /// `None` when it is wrong, which has been reported.
    action: Option<Action>,
    keys: Keys,
    pub(super) layer: Layer,
    is_empty: bool,
    /// Its policy, where that is not made of layers.
    policy: Option<Policy>,
}

impl Declared {
    /// A route that a key of another section stands for: a public answer, under what holds where there is no route.
    pub(super) fn answer(key: Located<String>, answer: Fixed, fallback: &Fallback) -> Self {
        let policy = Policy {
            cors: fallback.cors.clone(),
            security_headers: fallback.security_headers.clone(),
            ..Policy::default()
        };
        Self {
            target: route_key::parse(&key.value).ok(),
            action: Some(Action::Respond(respond::Config::Fixed(answer))),
            keys: Keys::default(),
            layer: Layer::default(),
            is_empty: false,
            policy: Some(policy),
            key,
        }
    }

    pub(super) fn hosts(&self) -> Vec<String> {
        self.keys.host.get().into_iter().flatten().map(HostPattern::to_string).collect()
    }

    pub(super) fn version(&self) -> Option<String> {
        self.version_key().map(|version| version.name.clone())
    }

    pub(super) fn version_key(&self) -> Option<&Version> {
        self.keys.version.get()
    }
}

/// The routes of the blueprint.
#[derive(Default)]
pub(super) struct Built {
    /// One for each method and path.
    pub(super) routes: Vec<Route>,
    /// The same by method and path.
    pub(super) table: Table,
    /// Their policies, each once.
    pub(super) policies: Vec<Policy>,
    /// What came from where.
    pub(super) resolved: Vec<Resolved>,
    /// Where each of them is declared.
    pub(super) places: Vec<Span>,
}

/// Reads `[routes]`, in the order of the file.
pub(super) fn read(root: &mut Reader<'_>) -> Vec<Declared> {
    let entries = root.optional("routes", Item::table).map(|table| table.entries()).unwrap_or_default();
    entries.iter().flat_map(variants).collect()
}

/// The routes of one key: a table, or a list of tables (`[[routes."GET /path"]]`) that differ by host or version.
fn variants(item: &Item<'_>) -> Vec<Declared> {
    let target = item.parsed_key(route_key::parse);
    if !item.is_list() {
        return declare(item, target, item.key_span().clone()).into_iter().collect();
    }
    // What is wrong with the key has been told once.
    let again = || route_key::parse(item.key()).ok();
    let tables = item.list().unwrap_or_default();
    tables.iter().filter_map(|table| declare(table, again(), table.span().clone())).collect()
}

fn declare(item: &Item<'_>, target: Option<Target>, place: Span) -> Option<Declared> {
    let mut section = item.table()?;
    let is_empty = section.entries().is_empty();
    let keys = Keys::read(&mut section);
    let layer = Layer::read(&mut section);
    section.finish();
    let action = keys.action(item);
    let key = Located { value: item.key().to_owned(), span: place };
    Some(Declared { key, target, action, keys, layer, is_empty, policy: None })
}

/// Warns of a gateway without routes. While there are errors nobody knows: the section may be misspelt.
pub(super) fn warn_none(declared: &[Declared], place: &Span, report: &Report<'_>) {
    if declared.is_empty() && !report.has_errors() {
        let draft = report.draft(Code::NoRoutes, place, "the gateway has no routes");
        draft.help("write [routes.\"GET /path\"] with `upstream` and `auth`").report();
    }
}

/// Puts the routes together, each with its policy resolved.
pub(super) fn build(
    declared: &[Declared],
    gateway: &Gateway,
    versions: &versions::Keys,
    policies: &Sections<policies::Policy>,
    context: &Context<'_>,
) -> Built {
    let mut building = Building::new(context, Versions::of(declared, versions, context), versions.places(context));
    for route in declared {
        if let (Some(policy), Some(target)) = (&route.policy, &route.target) {
            if !building.add(route, target, Some(policy.clone()), &[], &[]) {
                return building.built;
            }
            continue;
        }
        let layers = layers(route, gateway, policies, context);
        let parameters: Vec<String> =
            route.target.iter().flat_map(|target| target.pattern.parameters()).map(str::to_owned).collect();
        let policy = policy(route, gateway, versions, &layers, &parameters, context);
        super::resolved::warn_shadowed(&layers, route, context);
        let Some(target) = &route.target else { continue };
        if !building.add(route, target, policy, &parameters, &layers) {
            return building.built;
        }
    }
    building.finish()
}

/// The policy of a route; `None` when something about it is wrong, which has been reported.
fn policy(
    route: &Declared,
    gateway: &Gateway,
    versions: &versions::Keys,
    layers: &[NamedLayer<'_>],
    parameters: &[String],
    context: &Context<'_>,
) -> Option<Policy> {
    let mut facts = RouteFacts {
        report: context.report,
        key: &route.key,
        parameters,
        hides_auth: hides(route, gateway, layers, "auth", context),
        is_public: None,
        takes_anybody: false,
        // A route that does not say what becomes of its requests was meant for an upstream, as likely as not.
        forwards: !matches!(route.action, Some(Action::Respond(_) | Action::Closed)),
        passes_through: false,
        legacy_headers: versions.legacy_headers(),
    };
    let stack: Vec<&Layer> = layers.iter().map(|layer| layer.keys).collect();
    let policy = Policy::resolve(&stack, &mut facts);
    let always = |closed: &Maintenance| closed.on == Switch::On;
    let is_closed = policy.as_ref().is_none_or(|policy| policy.maintenance.as_ref().is_some_and(always));
    if route.action == Some(Action::Closed) && !is_closed {
        report_no_action(route, context.report);
    }
    if let Some(redirect) = route.keys.redirect.get() {
        facts.check_template(&redirect.to);
    }
    policy
}

fn report_no_action(route: &Declared, report: &Report<'_>) {
    let message = format!("{} does not say what becomes of its requests", quoted(&route.key.value));
    let draft = report.draft(Code::NoAction, &route.key.span, message);
    let draft = draft.expected(format!("one of {}, or `maintenance` that closes it", listed(ACTIONS)));
    if route.is_empty {
        draft.help("the table is empty; an empty table of an environment replaces the whole one").report();
    } else {
        draft.report();
    }
}

/// Whether a key is misspelt in one of the layers, or may stand in one that is not there.
fn hides(route: &Declared, gateway: &Gateway, layers: &[NamedLayer<'_>], key: &str, context: &Context<'_>) -> bool {
    let is_wrong = |uses: &Key<Vec<Located<u16>>>| uses.0.as_ref().is_some_and(|setting| setting.value.is_none());
    let own = joined("routes", &route.key.value);
    let tables = layers.iter().map(|layer| layer.from.as_str()).chain([own.as_str()]);
    let is_misspelt = |table| context.is_misspelt(table, key);
    is_wrong(&route.keys.r#use) || is_wrong(&gateway.keys.r#use) || tables.into_iter().any(is_misspelt)
}

/// One layer of a route.
pub(super) struct NamedLayer<'d> {
    /// `[gateway]`, `[policies.NAME]` or the route itself.
    pub(super) from: String,
    /// Where the route or the gateway names it, if it is a policy.
    pub(super) place: Option<&'d Located<u16>>,
    /// Whether the route itself names it.
    pub(super) is_own: bool,
    pub(super) keys: &'d Layer,
}

/// The layers of a route, the weakest first.
fn layers<'d>(
    route: &'d Declared,
    gateway: &'d Gateway,
    policies: &'d Sections<policies::Policy>,
    context: &Context<'_>,
) -> Vec<NamedLayer<'d>> {
    let used = |uses: &'d Key<Vec<Located<u16>>>, is_route: bool| {
        let named: &[Located<u16>] = uses.get().map_or(&[], Vec::as_slice);
        let layer = move |index: u16| {
            let from = format!("policies.{}", context.policies.name(index).unwrap_or_default());
            // What a policy is made of is the policy's affair: only what the route names can be of no effect to it.
            let place = named.iter().find(|place| place.value == index);
            Some(NamedLayer { from, place, is_own: is_route && place.is_some(), keys: &policies.get(index)?.layer })
        };
        policies::expanded(policies, named.iter().map(|place| place.value)).into_iter().filter_map(layer)
    };
    let default = used(&gateway.keys.r#use, false);
    let own_uses = used(&route.keys.r#use, true);
    let gateway = NamedLayer { from: "gateway".to_owned(), place: None, is_own: false, keys: &gateway.layer };
    let own = NamedLayer { from: "the route".to_owned(), place: None, is_own: true, keys: &route.layer };
    std::iter::once(gateway).chain(default).chain(own_uses).chain([own]).collect()
}

/// Routes being put together.
struct Building<'d> {
    context: &'d Context<'d>,
    versions: Versions<'d>,
    built: Built,
    table: Builder,
    places: Vec<&'d Declared>,
    known: HashMap<Policy, u16>,
}

impl<'d> Building<'d> {
    fn new(context: &'d Context<'d>, versions: Versions<'d>, places: Places) -> Self {
        let (built, table) = (Built::default(), Builder::new(places));
        Self { context, versions, built, table, places: Vec::new(), known: HashMap::new() }
    }

    /// Adds a route under all its methods; `false` when there are too many to go on.
    fn add(
        &mut self,
        route: &'d Declared,
        target: &Target,
        policy: Option<Policy>,
        parameters: &[String],
        layers: &[NamedLayer<'_>],
    ) -> bool {
        let Some(policy) = self.intern(policy.unwrap_or_default()) else { return self.too_many(route, "policies") };
        for method in &target.methods {
            if !self.insert(route, target, *method) {
                return false;
            }
            let key = format!("{} {}", method.name(), target.path);
            self.built.resolved.push(Resolved::new(&key, route, layers, self.context));
            self.built.places.push(route.key.span.clone());
            self.built.routes.push(Route {
                key,
                action: route.action.clone().unwrap_or(Action::Forward(0)),
                parameters: parameters.to_vec(),
                policy,
                tags: route.keys.tags.get().cloned().unwrap_or_default(),
                served: self.versions.served(route, target, *method),
            });
        }
        true
    }

    /// All that was added; reports routes that get no request.
    fn finish(mut self) -> Built {
        for found in self.table.unreachable() {
            let Some(route) = self.places.get(usize::from(found.route)) else { continue };
            let message = format!("no request reaches {}", quoted(&route.key.value));
            let mut draft = self.context.report.draft(Code::Unreachable, &route.key.span, message);
            for other in found.by.iter().filter_map(|by| self.places.get(usize::from(*by))) {
                draft = draft.related(&other.key.span, "this route takes some of what it could");
            }
            draft.help("take it out, or one of the others").report();
        }
        self.built.table = self.table.finish();
        self.built
    }

    fn intern(&mut self, policy: Policy) -> Option<u16> {
        if let Some(index) = self.known.get(&policy) {
            return Some(*index);
        }
        let index = u16::try_from(self.built.policies.len()).ok()?;
        self.built.policies.push(policy.clone());
        self.known.insert(policy, index);
        Some(index)
    }

    /// Adds a route to the table under the next index, once for each host.
    fn insert(&mut self, route: &'d Declared, target: &Target, method: Method) -> bool {
        let index = u16::try_from(self.places.len()).ok().filter(|index| *index < u16::MAX);
        self.places.push(route);
        let version = self.versions.label(route, target, method);
        version.into_iter().for_each(|label| self.versions.check_reachable(route, label, self.context));
        let hosts = route.hosts();
        let hosts: Vec<Option<&str>> = match hosts.as_slice() {
            [] => vec![None],
            hosts => hosts.iter().map(|host| Some(host.as_str())).collect(),
        };
        hosts.into_iter().all(|host| {
            let binding = Binding { pattern: &target.pattern, method, host, version };
            let inserted = index.ok_or(Conflict::TooMany).and_then(|index| self.table.insert(&binding, index));
            inserted.err().is_none_or(|conflict| self.report(route, target, method, conflict))
        })
    }

    /// Reports why a route cannot join the table; `false` when there are too many to go on.
    fn report(&self, route: &Declared, target: &Target, method: Method, conflict: Conflict) -> bool {
        match conflict {
            Conflict::Tie(other) => {
                let help = "the names of parameters make no difference; take one of the two out, or give them different \
                            hosts or versions";
                self.report_tie(route, target, method, other, "takes the same requests as another route", help)
            }
            Conflict::TwoDefaults(other) => {
                let help = "requests that name no version can get only one of them";
                self.report_tie(route, target, method, other, "is one default version too many", help)
            }
            Conflict::TooManyWays => {
                let message =
                    format!("with this route, more than {MOST_WAYS} places have to be looked at for one path");
                let help = "give some of the parameters literal segments of their own, or take their types out";
                self.context.report.draft(Code::TooManyWays, &route.key.span, message).help(help).report();
                false
            }
            Conflict::TooMany => self.too_many(route, "routes"),
        }
    }

    fn report_tie(
        &self,
        route: &Declared,
        target: &Target,
        method: Method,
        other: u16,
        what: &str,
        help: &str,
    ) -> bool {
        let message = format!("{} {what}", quoted(&format!("{} {}", method.name(), target.path)));
        let mut draft = self.context.report.draft(Code::Tie, &route.key.span, message);
        if let Some(other) = self.places.get(usize::from(other)) {
            draft = draft.related(&other.key.span, "the other route");
        }
        draft.help(help).report();
        true
    }

    fn too_many(&self, route: &Declared, what: &str) -> bool {
        let message = format!("this is more than 65,535 {what}");
        self.context.report.draft(Code::TooMany, &route.key.span, message).report();
        false
    }
}
