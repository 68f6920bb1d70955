//! Loading a `gateway.toml` and what it includes: read, compiled, findings printed.

use std::path::{Path, PathBuf};

use gateway::{
    blueprint::{
        Blueprint,
        compile::{self, Around, Compiled, Environment, files::Files},
    },
    config::diagnostics::render,
};

use crate::{Failure, files, output};

/// The gateway that a file declares, outside of any environment and in each. Prints the findings, warnings included.
pub(crate) fn load(file: &Path) -> Result<Vec<Environment>, Failure> {
    let compiled = compile(file)?;
    output::diagnostics(&compiled.diagnostics);
    if compiled.environments.is_empty() {
        let summary = render::summary(&compiled.diagnostics);
        return Err(Failure::Findings(format!("{} does not compile: {summary}", file.display())));
    }
    Ok(compiled.environments)
}

/// The gateway in one environment; `None`: outside of any.
pub(crate) fn blueprint(file: &Path, environment: Option<&str>) -> Result<Blueprint, Failure> {
    let environments = load(file)?;
    let known: Vec<String> = environments.iter().filter_map(|it| it.name.clone()).collect();
    let found = environments.into_iter().find(|it| it.name.as_deref() == environment);
    found.map(|it| it.blueprint).ok_or_else(|| {
        let name = environment.unwrap_or_default();
        let there_are = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Failure::Usage(format!("{} has no environment {name}; there are: {there_are}", file.display()))
    })
}

/// Compiles a file and keeps the findings.
pub(crate) fn compile(file: &Path) -> Result<Compiled, Failure> {
    let source = files::read(file)?;
    let beside = Beside(file.parent().map(Path::to_path_buf).unwrap_or_default());
    Ok(compile::compile_files(&file.to_string_lossy(), &source, &beside, &Around::default()))
}

/// The files beside the main one.
struct Beside(PathBuf);

impl Files for Beside {
    fn read(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(self.0.join(path)).map_err(|error| files::reason(&error))
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, String> {
        let entries = std::fs::read_dir(self.0.join(folder)).map_err(|error| files::reason(&error))?;
        let name = |entry: std::fs::DirEntry| entry.file_name().into_string().ok();
        Ok(entries.filter_map(Result::ok).filter_map(name).collect())
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
