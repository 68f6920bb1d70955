//! The rules of the house that the compiler cannot see: which room may use which, and who may prove what.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The rooms of the crate `gateway`; each may use those before it.
const ROOMS: [&str; 11] =
    ["http", "config", "facts", "ports", "fleet", "routing", "stages", "blueprint", "pipeline", "driver", "explain"];

/// `CARGO_MANIFEST_DIR` is the folder of the crate `gateway`.
pub(crate) fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&root, &root, &mut found);
    assert!(found.len() > 30, "the sources were not found");
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.strip_prefix(root).unwrap().to_owned(), fs::read_to_string(&path).unwrap()));
        }
    }
}

fn room_of(path: &Path) -> Option<usize> {
    let first = path.iter().next()?.to_str()?.trim_end_matches(".rs");
    ROOMS.iter().position(|room| *room == first)
}

/// The rooms that a file names: `crate::ROOM` and, inside `use crate::{…}`, the first word of each branch.
fn rooms_named(source: &str) -> Vec<usize> {
    let mut named = Vec::new();
    for (at, _) in source.match_indices("crate::") {
        let rest = &source[at + "crate::".len()..];
        let branches = if rest.starts_with('{') { top_level_branches(rest) } else { vec![rest] };
        for branch in branches {
            let word: String = branch.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
            named.extend(ROOMS.iter().position(|room| *room == word));
        }
    }
    named
}

fn top_level_branches(braced: &str) -> Vec<&str> {
    let (mut depth, mut start, mut branches) = (0, 1, Vec::new());
    for (at, letter) in braced.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => {
                branches.push(braced[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
        if depth == 0 {
            branches.push(braced[start..at].trim());
            break;
        }
    }
    branches
}

#[test]
fn a_room_uses_only_the_rooms_before_it() {
    for (path, source) in sources() {
        let Some(own) = room_of(&path) else { continue };
        for named in rooms_named(&source) {
            assert!(named <= own, "{}: `{}` may not use `{}`", path.display(), ROOMS[own], ROOMS[named]);
        }
    }
}

#[test]
fn a_stage_never_uses_another_stage() {
    for (path, source) in sources().into_iter().filter(|(path, _)| path.starts_with("stages")) {
        assert!(!source.contains("crate::stages") && !source.contains("stages::"), "{}", path.display());
    }
}

#[test]
fn only_the_stages_that_prove_a_fact_make_it() {
    let makers = [
        ("Authorized::public(", "stages/authz"),
        ("Authorized::with_scopes(", "stages/authz"),
        ("Authorized::with_roles(", "stages/authz"),
        ("Authorized::on_conditions(", "stages/authz"),
        ("Principal::from_verified_claims(", "stages/authn"),
        ("Address::from_trusted_header(", "stages/address"),
    ];
    for (path, source) in sources() {
        let code = source.split("#[cfg(test)]").next().unwrap();
        for (call, maker) in makers {
            assert!(!code.contains(call) || path.starts_with(maker), "{} makes {call}", path.display());
        }
    }
}

#[test]
fn nothing_of_the_platform_reaches_the_gateway() {
    for (path, source) in sources() {
        for word in ["wasm_bindgen", "js_sys", "web_sys", "worker::", "SystemTime", "Instant::now", "getrandom"] {
            assert!(!source.contains(word), "{} names {word}", path.display());
        }
    }
}

#[test]
fn every_file_says_what_it_is() {
    for (path, source) in sources() {
        assert!(source.starts_with("//!"), "{}", path.display());
        assert!(source.lines().count() <= 600, "{} is too long", path.display());
    }
}

#[test]
fn the_check_itself_sees_a_reversed_arrow() {
    assert_eq!(rooms_named("use crate::{\n http::{a, b},\n pipeline::run,\n};"), [0, 8]);
    assert_eq!(rooms_named("crate::driver::x()"), [9]);
}
