//! Loading a `gateway.toml` and what it includes: read, compiled, findings printed.

use gateway::{
    blueprint::compile::{self, Around, Compiled, Environment, files::Files},
    config::diagnostics::render,
};

use crate::{Failure, arguments::did_you_mean, files, host::Host, output};

/// The gateway that a file declares, outside of any environment and in each. Prints the findings, warnings included.
pub(crate) fn load(host: &dyn Host, file: &str) -> Result<Vec<Environment>, Failure> {
    let compiled = compile(host, file, &Around::default())?;
    output::diagnostics(host, &compiled.diagnostics);
    if compiled.environments.is_empty() {
        return Err(Failure::Findings(does_not_compile(file, &compiled)));
    }
    Ok(compiled.environments)
}

/// That a file has errors, and how many.
pub(crate) fn does_not_compile(file: &str, compiled: &Compiled) -> String {
    format!("{file} does not compile: {}", render::summary(&compiled.diagnostics))
}

/// The gateway in one environment; `None`: outside of any.
pub(crate) fn environment(host: &dyn Host, file: &str, name: Option<&str>) -> Result<Environment, Failure> {
    choose(file, load(host, file)?, name)
}

/// One of the environments of a file; `None`: outside of any.
pub(crate) fn choose(file: &str, environments: Vec<Environment>, name: Option<&str>) -> Result<Environment, Failure> {
    let known: Vec<String> = environments.iter().filter_map(|it| it.name.clone()).collect();
    let found = environments.into_iter().find(|it| it.name.as_deref() == name);
    found.ok_or_else(|| {
        let name = name.unwrap_or_default();
        let hint = did_you_mean(name, known.iter().map(String::as_str));
        let there_are = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Failure::Usage(format!("{file} has no environment {name}; there are: {there_are}{hint}"))
    })
}

/// Compiles a file and keeps the findings.
pub(crate) fn compile(host: &dyn Host, file: &str, around: &Around) -> Result<Compiled, Failure> {
    let source = files::read(host, file)?;
    Ok(compile::compile_files(file, &source, &Beside { host, file }, around))
}

/// The files beside the main one.
struct Beside<'h> {
    host: &'h dyn Host,
    file: &'h str,
}

impl Files for Beside<'_> {
    fn read(&self, path: &str) -> Result<String, String> {
        files::text(self.host, &files::beside(self.file, path)).map_err(|trouble| trouble.words().to_owned())
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, String> {
        let folder = files::beside(self.file, folder);
        let folder = if folder.is_empty() { "." } else { &folder };
        self.host.list(folder).map_err(|trouble| trouble.words().to_owned())
    }
}

/// `3 routes, 1 upstream`, and how many environments there are besides.
pub(crate) fn summary(environments: &[Environment]) -> String {
    let Some((base, others)) = environments.split_first() else { return String::new() };
    let routes = output::count(base.blueprint.routes.len(), "route");
    let upstreams = output::count(base.blueprint.upstreams.len(), "upstream");
    match others.len() {
        0 => format!("{routes}, {upstreams}"),
        more => format!("{routes}, {upstreams}, {}", output::count(more, "environment")),
    }
}
