//! `gateway.toml` becomes a [`Blueprint`] for each environment: every section has a file that reads like its
//! documentation, here or beside the stage that it belongs to.
//!
//! All findings are reported at once. Nothing here reads a disk, an environment or a clock: the same texts give the
//! same blueprints everywhere.

mod abuse;
mod admin;
mod environments;
pub mod files;
mod gateway;
mod health;
mod metrics;
pub mod model;
mod policies;
mod read_headers;
pub mod reference;
pub mod resolved;
mod route_key;
mod route_keys;
mod routes;
pub mod schema;
mod sections;
mod signed_bodies;
mod syntax;
#[cfg(test)]
mod tests;
mod versions;
mod well_known;

use std::collections::BTreeSet;

use serde::Serialize;

use self::{
    files::{Files, Loaded, OneFile},
    gateway::Gateway,
    resolved::Resolved,
    routes::{Built, Declared},
    sections::Sections,
    syntax::Broken,
};
use super::{Action, Blueprint, Fallback, Policy};
use crate::{
    config::{
        binary,
        context::Context,
        diagnostics::{Code, Diagnostic, Report, Span},
        packed::Packed,
        reader::Reader,
        tree::Table,
    },
    http::request::Header,
    ports::errands::Class,
    stages::{
        self, audit,
        forward::upstream::{Target, Upstream},
        freshness, principal, trace,
    },
};

/// What became of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compiled {
    /// The gateway outside of any environment, then one for each; empty when a finding is an error.
    pub environments: Vec<Environment>,
    /// All findings in the order of the files.
    pub diagnostics: Vec<Diagnostic>,
}

/// The gateway in an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// The name, `[env.NAME]`; `None` for the file as it stands.
    pub name: Option<String>,
    /// What an isolate loads.
    pub blueprint: Blueprint,
    /// What came from where, route by route.
    pub resolved: Vec<Resolved>,
}

impl Compiled {
    /// The gateway outside of any environment, if there is one.
    #[must_use]
    pub fn into_blueprint(self) -> Option<Blueprint> {
        self.environments.into_iter().next().map(|environment| environment.blueprint)
    }
}

/// What the compiler may know besides the texts.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// The names of variables and secrets that the Worker will have, if somebody has looked.
    pub variables: Option<Vec<String>>,
}

/// Compiles a `gateway.toml` that includes no other file; `file_name` is only for the findings.
#[must_use]
pub fn compile(file_name: &str, source: &str) -> Compiled {
    compile_files(file_name, source, &OneFile, &Around::default())
}

/// Compiles a `gateway.toml` with the files that it includes.
#[must_use]
pub fn compile_files(file_name: &str, source: &str, files: &dyn Files, around: &Around) -> Compiled {
    let mut loaded = Loaded::new(file_name, source, files);
    let environments = Table(loaded.root.take("env").into_iter().collect());
    let mut compiled = vec![read(None, &loaded.root, &environments, &loaded, around)];
    for overlay in environments::overlays(&environments) {
        let root = environments::with(&loaded.root, overlay);
        compiled.push(read(Some(&overlay.key), &root, &Table::default(), &loaded, around));
    }
    environments::together(compiled)
}

/// The content of `gateway.bin`.
///
/// # Errors
/// Says that the blueprint cannot be represented, which no compiled one is.
pub fn to_binary(environments: &[Environment]) -> Result<Vec<u8>, String> {
    let named = environments.iter().map(|environment| (environment.name.as_deref(), &environment.blueprint));
    binary::encode(named).map_err(|error| format!("the compiled gateway cannot be written: {error}"))
}

/// One reading of the texts: as they stand, or with an overlay.
struct Reading {
    name: Option<String>,
    gateway: Option<(Blueprint, Vec<Resolved>)>,
    diagnostics: Vec<Diagnostic>,
}

fn read(name: Option<&str>, root: &Table, environments: &Table, loaded: &Loaded, around: &Around) -> Reading {
    let report = Report::new(&loaded.sources);
    let broken = loaded.report(&report);
    let context = Context::of(root, &report);
    environments::check(environments, root, &context);
    let mut reader = Reader::root(root, &context);
    if name.is_none() {
        // They have been taken out of the tree, but are keys of the file.
        let _ = (reader.item("include"), reader.item("env"));
    }
    let gateway = read_sections(reader, &context);
    if let Some(known) = &around.variables {
        context.warn_missing_variables(known);
    }
    match broken {
        Broken::Nowhere => {}
        Broken::InLines => report.forget_consequences_of_syntax(),
        Broken::ToTheEnd => report.forget_all_but_syntax(),
    }
    let gateway = gateway.filter(|_| !report.has_errors());
    let gateway = gateway.map(|(blueprint, resolved)| {
        let (variables, headers) = context.into_variables_and_headers();
        (Blueprint { variables, headers, ..blueprint }, resolved)
    });
    Reading { name: name.map(str::to_owned), gateway, diagnostics: report.into_diagnostics() }
}

/// The sections of the file. `None` when something is wrong that keeps the rest from being put together.
fn read_sections(mut root: Reader<'_>, context: &Context<'_>) -> Option<(Blueprint, Vec<Resolved>)> {
    root.demand("gateway", "the name of the gateway, and what holds for every route that says nothing else");
    let gateway = root.optional("gateway", gateway::read).unwrap_or_default();
    let versions = root.optional("versions", versions::read).unwrap_or_default();
    let issuers = sections::issuers(&mut root);
    let (upstreams, quotas) = sections::upstreams(&mut root);
    let plans = sections::plans(&mut root);
    sections::roles(&mut root);
    let health = root.optional("health", health::read).unwrap_or_default();
    let admin = admin::read(&mut root);
    let audit = root.optional("audit", audit::keys::section).unwrap_or_default();
    let abuse = root.optional("abuse", stages::abuse::keys::section);
    let metrics = root.optional("metrics", metrics::read);
    let policies = sections::policies(&mut root);
    let mut declared = routes::read(&mut root);
    let well_known = root.optional("well_known", well_known::read);
    let section = root.item("gateway");
    let place = section.as_ref().map_or(0..0, |item| item.key_span().clone());
    root.finish();
    routes::warn_none(&declared, &place, context.report);
    declared.extend(well_known.iter().flat_map(|keys| keys.routes(&gateway)));

    let named = (0..policies.count()).filter_map(|index| policies.get(index)).map(|policy| &policy.layer);
    let layers = [&gateway.layer].into_iter().chain(named).chain(declared.iter().map(|route| &route.layer));
    sections::check_plans(&plans, layers.clone(), context);
    admin::check(admin.as_ref(), &declared, context);
    sections::check_issuers(&issuers, layers, context);
    policies::check_circles(&policies, context);
    let plans = plans.into_values();
    let limits = plans.iter().flatten().flat_map(|plan| &plan.limits).chain(quotas.iter().flatten());
    let built = routes::build(&declared, &gateway, &versions, &policies, context);
    gateway.check_traces(&built.policies, context.report);
    let also = (audit, abuse.is_some());
    read_headers::intern(section.as_ref(), &gateway, &built, limits, also, context);
    abuse::check(&built, abuse.is_some(), context);
    signed_bodies::check(&built, &upstreams, context);
    context.warn_unused();
    let principal_headers = principal_headers(&gateway, &policies, &declared);
    let upstreams = upstreams.into_values()?;
    metrics::check_routes(metrics.as_ref(), &declared, context);
    health::check_required(health.required.get().map_or(&[], Vec::as_slice), &upstreams, context);
    let fallback = gateway.fallback();
    let blueprint = Blueprint {
        before: gateway.before.config(),
        reads: reads(&built.policies, &fallback, audit),
        audit,
        fallback,
        explain: gateway.keys.explain.get().cloned(),
        address: gateway.keys.address_from.get().cloned().unwrap_or_default(),
        name: gateway.keys.name.take().unwrap_or_default(),
        drain: gateway.keys.drain.or(None)?,
        admin: admin::config(admin, context)?,
        signals: gateway.keys.signals.or(freshness::Signals::default())?,
        health: crate::stages::health::keys::config(health)?,
        bindings: bindings(&upstreams, &built, quotas.iter().any(Option::is_some), abuse.is_some()),
        abuse: abuse.map(Box::new),
        metrics,
        upstreams,
        plans: plans?,
        quotas,
        ipv6_prefix: u8::try_from(gateway.keys.ipv6_prefix.or(64)?).unwrap_or(64),
        issuers: issuers.into_values()?,
        principal_headers,
        policies: packed(&built.policies, &place, context)?,
        routes: packed(&built.routes, &place, context)?,
        table: built.table,
        versions: versions.config(),
        ..Blueprint::default()
    };
    Some((blueprint, built.resolved))
}

/// The headers that tell upstreams who asks, wherever they are named, in every spelling. What no route uses is taken out of
/// requests too: it is named because some upstream believes it.
fn principal_headers(gateway: &Gateway, policies: &Sections<policies::Policy>, declared: &[Declared]) -> Vec<String> {
    let of_policies = (0..policies.count()).filter_map(|index| policies.get(index)).map(|policy| &policy.layer);
    let layers = std::iter::once(&gateway.layer).chain(of_policies).chain(declared.iter().map(|route| &route.layer));
    let named = layers.filter_map(|layer| layer.principal.principal_headers.get()).flatten();
    let names: BTreeSet<String> = named.flat_map(|(name, _)| principal::keys::spellings(name)).collect();
    names.into_iter().collect()
}

fn packed<T: Serialize>(values: &[T], place: &Span, context: &Context<'_>) -> Option<Packed<T>> {
    let packed = Packed::new(values);
    if packed.is_err() {
        context.report.draft(Code::TooMany, place, "the compiled gateway is larger than 4 GiB").report();
    }
    packed.ok()
}

/// The request headers that some policy needs and not every gateway reads.
fn reads(policies: &[Policy], fallback: &Fallback, audit: audit::Settings) -> Vec<Header> {
    let needs = |config: &trace::Config, header| config.reads().any(|needed| needed == header);
    let of_routes = |header| policies.iter().any(|policy| needs(&policy.trace, header));
    let audits = read_headers::audits(policies, audit);
    let is_read = |header: &Header| match header {
        Header::UserAgent => audits,
        header => needs(&fallback.trace, *header) || of_routes(*header),
    };
    Header::ALL.into_iter().filter(is_read).collect()
}

/// The bindings of the Worker that upstreams and routes name, and the objects without which limits and abuse would be counted in
/// vain, each once.
fn bindings(upstreams: &[Upstream], built: &Built, has_quota: bool, has_abuse: bool) -> Vec<String> {
    let services = upstreams.iter().filter_map(|upstream| match &upstream.target {
        Target::Service(binding) => Some(binding),
        Target::Url(_) => None,
    });
    let assets = built.routes.iter().filter_map(|route| match &route.action {
        Action::Assets(binding) => Some(binding),
        _ => None,
    });
    let limits = |policy: &Policy| policy.rate_limit.has_some(false) || policy.rate_limit.has_some(true);
    let has_limits = has_quota || built.policies.iter().any(limits);
    let objects = [(has_limits, Class::Limits), (has_abuse, Class::Abuse), (has_abuse, Class::Signals)];
    let objects = objects.into_iter().filter(|(is_used, _)| *is_used).map(|(_, class)| class.binding().to_owned());
    let names: BTreeSet<String> = services.chain(assets).cloned().chain(objects).collect();
    names.into_iter().collect()
}
