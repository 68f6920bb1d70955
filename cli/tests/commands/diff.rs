//! `ferrogate diff`.

use serde_json::{Value, json};

use super::support::Folder;

const OLD: &str = "[gateway]\nname = 'a'\n[routes.'GET /']\nrespond = 'x'\nauth = 'none'\n\
                   [routes.'GET /gone']\nrespond = 'x'\nauth = 'none'\n[env.staging.routes.'GET /']\nrespond = 'y'\n";
const NEW: &str = "# The same, put otherwise.\n[routes.'GET /new']\nrespond = 'x'\nauth = 'none'\ntags = ['t']\n\
                   [policies.open]\nauth = 'none'\n[routes.'GET /']\nrespond = 'y'\nuse = ['open']\n\
                   [gateway]\nname = 'a'\n[env.staging]\n";

fn folder(test: &str) -> Folder {
    let folder = Folder::new(test);
    folder.write("old.toml", OLD);
    folder.write("new.toml", NEW);
    folder
}

#[test]
fn what_means_the_same_does_not_differ() {
    let folder = folder("diff_same");
    let reordered = NEW.replace("GET /new", "GET /gone").replace("'y'", "'x'");
    folder.write("same.toml", &reordered);
    let ran = folder.run("diff old.toml same.toml");
    assert_eq!((ran.out.as_str(), ran.err.as_str(), ran.code), ("nothing differs in meaning\n", "", Some(0)));
    let ran = folder.run("diff old.toml same.toml --format json");
    assert_eq!((ran.out.as_str(), ran.err.as_str(), ran.code), ("", "", Some(0)));
}

#[test]
fn what_differs_is_shown_and_ends_with_one() {
    let folder = folder("diff_text");
    let ran = folder.run("diff old.toml new.toml");
    assert_eq!((ran.err.as_str(), ran.code), ("", Some(1)));
    for part in ["~ route GET /\n    ", "+ route GET /new\n    ", "- route GET /gone\n"] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    assert!(!ran.out.contains("tags"), "{}", ran.out);
}

#[test]
fn json_is_one_object_for_each_difference() {
    let ran = folder("diff_json").run("diff old.toml new.toml --format json");
    assert_eq!((ran.err.as_str(), ran.code), ("", Some(1)));
    let differences: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<Value> = differences.iter().map(|it| json!([it["what"], it["section"], it["name"]])).collect();
    assert_eq!(told.len(), 3, "{}", ran.out);
    assert!(told.contains(&json!(["removed", "route", "GET /gone"])), "{told:?}");
    let changed = differences.iter().find(|it| it["what"] == "changed").unwrap();
    assert!(changed["changes"][0]["old"].is_string() && changed["changes"][0]["new"].is_string(), "{changed}");
}

#[test]
fn both_are_compared_in_an_environment() {
    let ran = folder("diff_env").run("diff old.toml new.toml --env staging");
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.contains("+ route GET /new") && !ran.out.contains("~ route GET /\n"), "{}", ran.out);
    let ran = folder("diff_env").run("diff old.toml new.toml --env production");
    assert_eq!((ran.out.as_str(), ran.code), ("", Some(2)));
    assert!(ran.err.contains("old.toml has no environment production"), "{}", ran.err);
}

#[test]
fn what_cannot_be_compared_ends_with_two() {
    let folder = folder("diff_trouble");
    folder.write("bad.toml", "[gateway]\n");
    for (line, message) in [
        ("diff old.toml", "needs NEW"),
        ("diff", "needs OLD"),
        ("diff old.toml new.toml more.toml", "unexpected argument more.toml"),
        ("diff old.toml absent.toml", "cannot read absent.toml: it is not there"),
        ("diff old.toml bad.toml", "error[FG0103]"),
        ("diff old.toml new.toml --format sarif", "--format takes text, json"),
    ] {
        let ran = folder.run(line);
        assert_eq!((ran.out.as_str(), ran.code), ("", Some(2)), "{line}");
        assert!(ran.err.contains(message), "{line}: {}", ran.err);
    }
}
