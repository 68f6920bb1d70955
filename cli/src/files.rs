//! Files: read whole, written whole or not at all.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use crate::Failure;

/// The text of a file.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    let bytes = fs::read(path).map_err(|error| Failure::Usage(format!("cannot read {}: {error}", path.display())))?;
    String::from_utf8(bytes).map_err(|_| Failure::Findings(format!("{} is not UTF-8", path.display())))
}

/// Why a file cannot be used, in words that are the same everywhere.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it is not there".to_owned(),
        io::ErrorKind::PermissionDenied => "it may not be read".to_owned(),
        io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

/// Writes a file so that a reader sees the old content or the new one, never a part. Leaves a file alone that has
/// this content already: whoever watches it is not woken for nothing.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let failure = |error: io::Error| Failure::Usage(format!("cannot write {}: {error}", path.display()));
    if fs::read(path).is_ok_and(|present| present == content) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failure)?;
    }
    let unfinished = beside(path);
    let written = fs::write(&unfinished, content).and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        // It may never have come into being.
        let _ = fs::remove_file(&unfinished);
    }
    written.map_err(failure)
}

/// A name in the same folder, so that renaming does not cross file systems; one per process.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.unfinished", std::process::id()));
    path.with_file_name(name)
}
