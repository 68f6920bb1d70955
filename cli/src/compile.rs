//! `ferrogate compile FILE --out PATH`: `gateway.toml` becomes `gateway.bin`.

use std::path::Path;

use gateway::blueprint::compile;

use crate::{Failure, configuration, files, output};

/// Compiles a file. Nothing is written when it has errors.
pub(crate) fn run(file: &Path, out: &Path) -> Result<(), Failure> {
    let environments = configuration::load(file)?;
    let content = compile::to_binary(&environments).map_err(Failure::Findings)?;
    files::write(out, &content)?;
    let size = output::count(content.len(), "byte");
    output::line(&format!("{}, {size}", configuration::summary(&environments)));
    Ok(())
}
