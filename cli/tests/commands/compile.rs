//! `ferrogate compile`.

use std::fs;

use gateway::{blueprint::Blueprint, config::binary};

use super::support::{Folder, err, ferrogate, fixture, out, text};

#[test]
fn compile_writes_what_the_gateway_loads() {
    let folder = Folder::new("compile_writes");
    let target = folder.0.join("deep/gateway.bin");
    let output = ferrogate(&["compile", text(&fixture("good/everything.toml")), "--out", text(&target)], &[]);
    let file = fs::read(&target).unwrap();
    assert_eq!(out(&output), format!("19 routes, 3 upstreams, {} bytes\n", file.len()));
    assert_eq!((err(&output).as_str(), output.status.code()), ("", Some(0)));
    assert_eq!(binary::decode::<Blueprint>(&file, None).unwrap().name, "acme-2");
}

#[test]
fn compile_leaves_an_unchanged_file_and_no_other_file_behind() {
    let folder = Folder::new("compile_unchanged");
    let target = folder.0.join("gateway.bin");
    let source = fixture("good/everything.toml");
    let compile = || ferrogate(&["compile", text(&source), "--out", text(&target)], &[]).status.code();
    assert_eq!(compile(), Some(0));
    let long_ago = fs::metadata(&source).unwrap().modified().unwrap() - std::time::Duration::from_secs(3_600);
    fs::File::options().write(true).open(&target).unwrap().set_modified(long_ago).unwrap();
    assert_eq!(compile(), Some(0));
    assert_eq!(fs::metadata(&target).unwrap().modified().unwrap(), long_ago, "not written again");
    fs::write(&target, "other").unwrap();
    assert_eq!(compile(), Some(0));
    assert_ne!(fs::read(&target).unwrap(), b"other");
    assert_eq!(folder.names(), ["gateway.bin"]);
}

#[test]
fn compile_writes_nothing_when_there_are_errors() {
    let folder = Folder::new("compile_errors");
    let target = folder.write("gateway.bin", "as it was");
    let output = ferrogate(&["compile", text(&fixture("bad/no_auth.toml")), "--out", text(&target)], &[]);
    assert_eq!((out(&output).as_str(), output.status.code()), ("", Some(1)));
    assert!(err(&output).contains("error[FG0303]") && err(&output).contains("2 errors"), "{}", err(&output));
    assert!(!err(&output).contains('\x1b'), "no colours outside a terminal");
    assert_eq!(fs::read_to_string(&target).unwrap(), "as it was");
}

#[test]
fn a_file_that_cannot_be_written_is_explained_and_leaves_nothing() {
    let folder = Folder::new("compile_unwritable");
    fs::create_dir(folder.0.join("gateway.bin")).unwrap();
    let target = folder.0.join("gateway.bin");
    let output = ferrogate(&["compile", text(&fixture("good/everything.toml")), "--out", text(&target)], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("cannot write"), "{}", err(&output));
    assert_eq!(folder.names(), ["gateway.bin"]);
}
