//! The compiled form, held to the files of `tests/fixtures/formats`: nobody changes it without noticing.
//!
//! `UPDATE_FORMAT=1` writes the file of the current format anew. Once a format has been released its file stays as it is,
//! and a change raises `config::binary::FORMAT`.

use std::{fs, path::PathBuf};

use super::super::{compile, to_binary};
use crate::{
    blueprint::Blueprint,
    config::binary::{self, FORMAT, Unreadable},
};

const FORMATS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/formats");

/// Three environments, and every section.
const SOURCE: &str = include_str!("../../../../../tests/fixtures/config/good/environments.toml");

fn file(format: u32) -> PathBuf {
    PathBuf::from(FORMATS).join(format!("gateway-{format}.bin"))
}

#[test]
fn the_compiled_form_is_the_one_that_is_kept() {
    let bytes = to_binary(&compile("environments.toml", SOURCE).environments).unwrap();
    if std::env::var_os("UPDATE_FORMAT").is_some() {
        fs::create_dir_all(FORMATS).unwrap();
        fs::write(file(FORMAT), &bytes).unwrap();
    }
    let kept = fs::read(file(FORMAT)).unwrap();
    assert!(kept == bytes, "the compiled form has changed: raise FORMAT, then UPDATE_FORMAT=1 writes the new file");
}

#[test]
fn every_environment_of_the_kept_file_is_read() {
    let kept = fs::read(file(FORMAT)).unwrap();
    for environment in compile("environments.toml", SOURCE).environments {
        let read = binary::decode::<Blueprint>(&kept, environment.name.as_deref());
        assert_eq!(read, Ok(environment.blueprint), "{:?}", environment.name);
    }
}

#[test]
fn kept_files_of_other_formats_are_refused_by_their_number() {
    for entry in fs::read_dir(FORMATS).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        // Beside them stand the messages of the fleet.
        let Some(format) = name.strip_prefix("gateway-") else { continue };
        let format: u32 = format.parse().unwrap();
        let read = binary::decode::<Blueprint>(&fs::read(&path).unwrap(), None);
        assert_eq!(read.err(), (format != FORMAT).then_some(Unreadable::Format(format)), "{name}");
    }
}
