//! The compiler as a whole: every file under `tests/fixtures/config`, every page under `docs/errors`, and any text at all.

mod any;
mod bad;
mod bad_many;
mod format;
mod good;
mod pages;

use std::{collections::BTreeMap, fs, path::Path};

use super::{Around, Compiled, compile, files::Files};
use crate::{
    blueprint::Blueprint,
    config::diagnostics::{
        has_errors,
        render::{Style, render},
    },
};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/config");

const EVERYTHING: &str = include_str!("../../../../tests/fixtures/config/good/everything.toml");

/// The file in which a folder of fixtures names the variables that there are.
const VARIABLES: &str = "variables";

fn bad_files(path: &str) -> String {
    format!("{FIXTURES}/{path}")
}

/// The names of files and folders in a folder of fixtures, in order.
fn names_in(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(format!("{FIXTURES}/{folder}")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn text(compiled: &Compiled) -> String {
    render(&compiled.diagnostics, Style::Plain)
}

fn check_snapshot(name: &str, compiled: &Compiled) {
    assert_eq!(compiled.environments.is_empty(), has_errors(&compiled.diagnostics));
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, text(compiled));
    });
}

fn everything() -> Blueprint {
    let compiled = compile("everything.toml", EVERYTHING);
    assert_eq!(text(&compiled), "");
    compiled.into_blueprint().unwrap()
}

/// Files in memory, by their paths.
#[derive(Clone, Debug, Default)]
struct Folder(BTreeMap<String, String>);

impl Folder {
    /// A folder of fixtures with several files.
    fn of(name: &str) -> Self {
        let root = format!("{FIXTURES}/bad_many/{name}");
        let mut folder = Self::default();
        folder.add(Path::new(&root), "");
        folder
    }

    fn add(&mut self, place: &Path, prefix: &str) {
        for entry in fs::read_dir(place).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{prefix}{}", path.file_name().unwrap().to_string_lossy());
            if path.is_dir() {
                self.add(&path, &format!("{name}/"));
            } else {
                self.0.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }

    fn main(&self) -> String {
        self.0["gateway.toml"].clone()
    }

    /// The variables that there are, if a file names them.
    fn around(&self) -> Around {
        let names = |text: &String| text.lines().filter_map(|line| Some(line.split_once('=')?.0.to_owned())).collect();
        Around { variables: self.0.get(VARIABLES).map(names) }
    }
}

impl Files for Folder {
    fn read(&self, path: &str) -> Result<String, String> {
        self.0.get(path).cloned().ok_or_else(|| "it is not there".to_owned())
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, String> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let names = self.0.keys().filter_map(|path| path.strip_prefix(&prefix));
        let names: Vec<String> = names.filter(|name| !name.contains('/')).map(str::to_owned).collect();
        if names.is_empty() { Err("it is not there".to_owned()) } else { Ok(names) }
    }
}
