//! `gateway.toml` becomes a [`Blueprint`]: every section has a file here that reads like its documentation.
//!
//! All findings are reported at once. Nothing here reads a file, an environment or a clock: the same text gives
//! the same blueprint everywhere.

mod cors;
mod gateway;
mod headers;
mod issuers;
mod layer;
mod named;
mod policy;
mod routes;
mod security_headers;
mod syntax;
#[cfg(test)]
mod tests;
mod texts;
mod upstreams;

use toml::de::DeTable;

use self::syntax::Broken;
use super::Blueprint;
use crate::config::{
    binary,
    diagnostics::{Code, Diagnostic, Report},
    reader::Reader,
    text::Variables,
};

/// What became of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiled {
    /// The gateway; `None` when a finding is an error.
    pub blueprint: Option<Blueprint>,
    /// All findings in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// Compiles the text of a `gateway.toml`; `file_name` is only for the findings.
#[must_use]
pub fn compile(file_name: &str, source: &str) -> Compiled {
    let report = Report::new(file_name, source);
    let blueprint = read_file(source, &report);
    let blueprint = blueprint.filter(|_| !report.has_errors());
    Compiled { blueprint, diagnostics: report.into_diagnostics() }
}

/// The content of `gateway.bin`.
///
/// # Errors
/// Says that the blueprint cannot be represented, which no compiled one is.
pub fn to_binary(blueprint: &Blueprint) -> Result<Vec<u8>, String> {
    binary::encode(blueprint).map_err(|error| format!("the compiled gateway cannot be written: {error}"))
}

fn read_file(source: &str, report: &Report<'_>) -> Option<Blueprint> {
    let (table, errors) = DeTable::parse_recoverable(source);
    let broken = syntax::report(source, &errors, report);
    let blueprint = read_sections(Reader::root(table.get_ref(), report));
    match broken {
        Broken::Nowhere => {}
        Broken::InLines => report.forget_consequences_of_syntax(),
        Broken::ToTheEnd => report.forget_all_but_syntax(),
    }
    blueprint
}

/// The sections of the file. `None` when something is wrong that keeps the rest from being put together.
fn read_sections(mut root: Reader<'_>) -> Option<Blueprint> {
    let report = root.report();
    let mut variables = Variables::default();
    let gateway = root.required("gateway", |item| gateway::read(item, &mut variables));
    let issuers = issuers::read(&mut root, &mut variables);
    let upstreams = upstreams::read(&mut root, &mut variables);
    let policies = layer::read_policies(&mut root, &issuers, &mut variables);
    let declared = routes::read(&mut root, &issuers, &upstreams, &policies, &mut variables);
    root.finish();

    let gateway = gateway.unwrap_or_default();
    let mut lists = security_headers::Lists::new(gateway.security_headers.clone());
    let built = routes::build(&declared, &gateway.layer(), &policies, &mut lists, report);
    issuers.warn_unused(Code::UnusedIssuer, report);
    upstreams.warn_unused(Code::UnusedUpstream, report);
    policies.warn_unused(Code::UnusedPolicy, report);
    Some(Blueprint {
        name: gateway.name,
        variables,
        upstreams: upstreams.into_values()?,
        issuers: issuers.into_values()?,
        header_lists: lists.into_lists(),
        cors: gateway.cors.and_then(|setting| setting.value),
        routes: built.routes,
        table: built.table,
    })
}
