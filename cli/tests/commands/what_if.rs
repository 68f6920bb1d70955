//! `ferrogate what-if`.

use serde_json::{Value, json};

use super::support::{Folder, Ran};

const SECRET: &str = "a secret of thirty-two bytes or so";
const OLD: &str = "[gateway]\nname = 'a'\n[issuers.i]\nalgorithm = 'HS256'\nissuer = 'i'\naudience = 'a'\nsecret = '${KEY}'\n\
                   [upstreams.u]\ntargets = ['${URL}']\n[routes.'GET /a']\nupstream = 'u'\nauth = 'none'\n\
                   [routes.'GET /b']\nupstream = 'u'\nauth = 'i'\n[env.staging]\n";
const REQUESTS: &str = concat!(
    r#"{"method":"GET","url":"/a"}"#,
    "\n\n",
    r#"{"method":"GET","url":"/b","claims":{"sub":"u"}}"#,
    "\n",
    r#"{"msg":"request","method":"GET","path":"/c"}"#,
    "\n",
);

fn folder(test: &str) -> Folder {
    let folder = Folder::new(test);
    folder.write("old.toml", OLD);
    folder.write(
        "new.toml",
        &OLD.replace("GET /a']\nupstream = 'u'\nauth = 'none'", "GET /a']\nupstream = 'u'\nauth = 'i'"),
    );
    folder.write("same.toml", &format!("# The same.\n{OLD}"));
    folder.write("requests.jsonl", REQUESTS);
    folder
}

fn run(folder: &Folder, line: &str) -> Ran {
    let words: Vec<&str> = line.split(' ').collect();
    folder.run_words(&[&["what-if"], &words[..]].concat(), &[("URL", "http://u.test"), ("KEY", SECRET)])
}

#[test]
fn every_decision_that_differs_is_listed_and_counted() {
    let ran = run(&folder("what_if_text"), "--requests requests.jsonl old.toml new.toml");
    assert_eq!((ran.err.as_str(), ran.code), ("", Some(1)));
    let expected = "\
~ line 1: GET https://gateway.example/a
    code: nothing -> token_missing
    outcome: sent -> refused by authn
    status: nothing -> 401

1 of 3 requests is decided differently
";
    assert_eq!(ran.out, expected);
}

#[test]
fn requests_that_are_decided_alike_end_with_zero() {
    let folder = folder("what_if_same");
    let ran = run(&folder, "--requests requests.jsonl old.toml same.toml");
    let expected = ("0 of 3 requests are decided differently\n", "", Some(0));
    assert_eq!((ran.out.as_str(), ran.err.as_str(), ran.code), expected);
    folder.write("requests.jsonl", "");
    let ran = run(&folder, "--requests requests.jsonl old.toml new.toml --env staging");
    assert_eq!((ran.out.as_str(), ran.code), ("0 of 0 requests are decided differently\n", Some(0)));
}

#[test]
fn json_ends_with_the_counts() {
    let ran = run(&folder("what_if_json"), "--requests requests.jsonl old.toml new.toml --format json --now 0");
    assert_eq!((ran.err.as_str(), ran.code), ("", Some(1)));
    let lines: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["line"], &lines[0]["url"]), (&1.into(), &"https://gateway.example/a".into()));
    assert_eq!(lines[1], json!({ "requests": 3, "different": 1 }));
}

#[test]
fn variables_that_are_missing_are_named_and_secrets_are_replaced() {
    let folder = folder("what_if_variables");
    let ran = folder.run("what-if --requests requests.jsonl old.toml new.toml");
    assert_eq!((ran.out.as_str(), ran.code), ("", Some(2)));
    assert!(ran.err.contains("old.toml names variables that are not set: URL\n"), "{}", ran.err);
    let ran = folder.run("what-if --requests requests.jsonl old.toml new.toml --var URL=http://u.test");
    assert_eq!(ran.code, Some(1));
    assert_eq!(ran.err.matches("placeholders stand in for secrets that are not set: KEY\n").count(), 1, "{}", ran.err);
    assert!(!ran.out.contains("a-placeholder-for") && !ran.err.contains("a-placeholder-for"));
}

#[test]
fn bad_input_ends_with_two() {
    let folder = folder("what_if_bad");
    folder.write("bad.toml", "[gateway]\n");
    folder.write("wrong", "nonsense\n{\"method\":\"GET\",\"url\":\"/a\"}\n[]\n");
    for (line, message) in [
        ("old.toml new.toml", "needs --requests FILE"),
        ("--requests requests.jsonl old.toml", "needs NEW"),
        ("--requests absent old.toml new.toml", "cannot read absent: it is not there"),
        ("--requests requests.jsonl old.toml bad.toml", "error[FG0103]"),
        ("--requests requests.jsonl old.toml new.toml --env x", "has no environment x"),
        ("--requests requests.jsonl old.toml new.toml --var URL", "--var takes NAME=VALUE"),
        ("--requests wrong old.toml new.toml", "\nwrong:3: expected a JSON object, found a list\n"),
        ("--requests wrong old.toml new.toml", "wrong:1: expected a JSON object: "),
        ("--requests wrong old.toml new.toml", "ferrogate: wrong has 2 lines that cannot be used\n"),
    ] {
        let ran = run(&folder, line);
        assert_eq!((ran.out.as_str(), ran.code), ("", Some(2)), "{line}");
        assert!(ran.err.contains(message), "{line}: {}", ran.err);
    }
    std::fs::write(folder.0.join("wrong"), [0xff]).unwrap();
    assert_eq!(run(&folder, "--requests wrong old.toml new.toml").code, Some(2));
}

#[test]
fn a_draft_in_another_folder_has_the_values_of_both() {
    let folder = folder("what_if_folders");
    folder.write("live/gateway.toml", OLD);
    folder.write("live/.dev.vars", &format!("KEY={SECRET}\n"));
    folder.write("live/wrangler.toml", "[vars]\nURL = 'http://u.test'\n");
    folder.write("draft/gateway.toml", OLD);
    for line in ["live/gateway.toml draft/gateway.toml", "draft/gateway.toml live/gateway.toml"] {
        let ran = folder.run(&format!("what-if --requests requests.jsonl {line}"));
        let expected = ("0 of 3 requests are decided differently\n", "", Some(0));
        assert_eq!((ran.out.as_str(), ran.err.as_str(), ran.code), expected, "{line}");
    }
    // What stands beside a file comes first for it.
    folder.write("draft/wrangler.toml", "[vars]\nURL = 'no URL'\n");
    let ran = folder.run("what-if --requests requests.jsonl live/gateway.toml draft/gateway.toml");
    assert!(ran.err.contains("the gateway of draft/gateway.toml cannot start"), "{}", ran.err);
}
