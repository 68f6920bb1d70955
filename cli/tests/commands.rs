//! The built program: what it prints, what it writes, how it ends.

#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a test that panics fails, as it should")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use gateway::{blueprint::Blueprint, config::binary};
use jwt_compact::{
    AlgorithmExt, UntrustedToken,
    alg::{Hs256, Hs256Key},
};
use serde_json::{Map, Value};

const SECRET: &str = "a secret of thirty-two bytes or so";

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/config").join(path)
}

/// A folder of its own for each test, gone when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The program with only these environment variables.
fn ferrogate(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ferrogate"));
    command.args(arguments).env_clear().envs(environment.iter().copied()).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn compile_writes_what_the_gateway_loads() {
    let folder = Folder::new("compile_writes");
    let target = folder.0.join("deep/gateway.bin");
    let output = ferrogate(&["compile", text(&fixture("good/everything.toml")), "--out", text(&target)], &[]);
    let file = fs::read(&target).unwrap();
    assert_eq!(out(&output), format!("7 routes, 3 upstreams, {} bytes\n", file.len()));
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

#[test]
fn check_reports_and_writes_nothing() {
    let output = ferrogate(&["check", text(&fixture("bad/cors.toml"))], &[]);
    assert_eq!((out(&output).as_str(), output.status.code()), ("", Some(1)));
    assert!(err(&output).contains("7 errors"));
}

#[test]
fn warnings_are_shown_and_forbid_nothing() {
    let output = ferrogate(&["check", text(&fixture("bad/unused.toml"))], &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(err(&output).contains("warning[FG0901]") && err(&output).contains("3 warnings"));
    assert!(out(&output).ends_with("unused.toml: 1 route, 2 upstreams\n"), "{}", out(&output));
}

/// The claims of a token, once its signature has been checked.
fn claims(token: &str) -> Map<String, Value> {
    let token = UntrustedToken::new(token.trim_end()).unwrap();
    Hs256.validator::<Map<String, Value>>(&Hs256Key::new(SECRET)).validate(&token).unwrap();
    let claims = token.deserialize_claims_unchecked::<Map<String, Value>>().unwrap();
    let mut all = claims.custom;
    all.insert("life".into(), (claims.expiration.unwrap() - claims.issued_at.unwrap()).num_seconds().into());
    all
}

#[test]
fn token_signs_with_the_secret_of_the_environment() {
    let config = fixture("good/everything.toml");
    let arguments = ["token", "--config", text(&config), "--issuer", "partner"];
    let output = ferrogate(&arguments, &[("PARTNER_SECRET", SECRET)]);
    assert_eq!((err(&output).as_str(), output.status.code()), ("", Some(0)));
    let expected = serde_json::json!({ "iss": "partner", "aud": "api", "sub": "demo", "life": 3_600 });
    assert_eq!(Value::Object(claims(&out(&output))), expected);
}

#[test]
fn token_says_what_it_is_told_to_say() {
    let config = fixture("good/everything.toml");
    let more =
        ["--issuer", "acme", "--sub", "ada", "--scope", "a b", "--ttl", "5m", "--aud", "else", "--claim", "tier=gold"];
    let arguments = [&["token", "--config", text(&config)], more.as_slice()].concat();
    let output = ferrogate(&arguments, &[("JWT_SECRET", SECRET), ("AUDIENCE", "api"), ("ISSUER_HOST", "here.example")]);
    let expected = serde_json::json!({
        "iss": "https://here.example/", "aud": "else", "sub": "ada", "scope": "a b", "tier": "gold", "life": 300,
    });
    assert_eq!(Value::Object(claims(&out(&output))), expected);
}

#[test]
fn token_names_the_variable_that_is_missing() {
    let config = fixture("good/everything.toml");
    let output = ferrogate(&["token", "--config", text(&config), "--issuer", "partner"], &[]);
    assert_eq!((out(&output).as_str(), output.status.code()), ("", Some(1)));
    assert_eq!(err(&output), "ferrogate: set these environment variables: PARTNER_SECRET\n");
}

#[test]
fn token_asks_which_issuer_when_there_are_several() {
    let config = fixture("good/everything.toml");
    let output = ferrogate(&["token", "--config", text(&config)], &[("JWT_SECRET", SECRET)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("--issuer: acme, partner"), "{}", err(&output));
}

#[test]
fn wrong_usage_ends_with_two_and_help_with_zero() {
    for arguments in [&[][..], &["wat"], &["check"], &["compile", "x"], &["check", "/does/not/exist.toml"]] {
        let output = ferrogate(arguments, &[]);
        assert_eq!((out(&output).as_str(), output.status.code()), ("", Some(2)), "{arguments:?}");
        assert!(err(&output).starts_with("ferrogate: "), "{arguments:?}");
    }
    let output = ferrogate(&["--help"], &[]);
    assert_eq!((err(&output).as_str(), output.status.code()), ("", Some(0)));
    assert!(out(&output).contains("Examples:") && out(&output).contains("Exit codes:"));
    assert!(out(&ferrogate(&["--version"], &[])).starts_with("ferrogate 0."));
}

#[test]
fn a_file_that_is_not_text_is_refused() {
    let folder = Folder::new("not_text");
    let path = folder.0.join("gateway.toml");
    fs::write(&path, [0xff, 0xfe]).unwrap();
    let output = ferrogate(&["check", text(&path)], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("is not UTF-8"));
}
