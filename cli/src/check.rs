//! `ferrogate check FILE`: the findings of the compiler, and nothing written.

use std::path::Path;

use crate::{Failure, configuration, output};

/// Checks a file.
pub(crate) fn run(file: &Path) -> Result<(), Failure> {
    let environments = configuration::load(file)?;
    output::line(&format!("{}: {}", file.display(), configuration::summary(&environments)));
    Ok(())
}
