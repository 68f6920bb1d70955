//! Loading a `gateway.toml`: read, compiled, findings printed.

use std::path::Path;

use gateway::{
    blueprint::{Blueprint, compile},
    config::diagnostics::render,
};

use crate::{Failure, files, output};

/// The gateway that a file declares. Prints the findings, warnings included.
pub(crate) fn load(file: &Path) -> Result<Blueprint, Failure> {
    let source = files::read(file)?;
    let compiled = compile::compile(&file.to_string_lossy(), &source);
    output::diagnostics(&compiled.diagnostics);
    compiled.blueprint.ok_or_else(|| {
        let summary = render::summary(&compiled.diagnostics);
        Failure::Findings(format!("{} does not compile: {summary}", file.display()))
    })
}

/// `3 routes, 1 upstream`.
pub(crate) fn summary(blueprint: &Blueprint) -> String {
    let routes = output::count(blueprint.routes.len(), "route");
    format!("{routes}, {}", output::count(blueprint.upstreams.len(), "upstream"))
}
