//! `ferrogate check`.

use serde_json::Value;

use super::support::{Folder, err, ferrogate, fixture, out, text};

const GOOD: &str = "[gateway]\nname = 'a'\n[routes.'GET /']\nrespond = 'x'\nauth = 'none'\n";

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

/// A file that needs the variables `URL` and `KEY`.
fn with_variables() -> String {
    let issuer = "[issuers.i]\nalgorithm = 'HS256'\nissuer = 'i'\naudience = 'a'\nsecret = '${KEY}'\n";
    let route = "[routes.'GET /u']\nupstream = 'u'\nauth = 'i'\n";
    format!("{GOOD}{route}{issuer}[upstreams.u]\ntargets = ['${{URL}}']\n")
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn warnings_can_be_denied() {
    let folder = Folder::new("check_deny");
    folder.write("gateway.toml", &format!("{GOOD}[policies.idle]\nauth = 'none'\n"));
    assert_eq!(folder.run("check gateway.toml").code, Some(0));
    let ran = folder.run("check gateway.toml --deny-warnings");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("warning[FG0903]") && ran.err.contains("--deny-warnings"), "{}", ran.err);
    let ran = folder.run("check gateway.toml --deny-warnings --format json");
    assert_eq!((ran.err.as_str(), ran.code, lines(&ran.out).len()), ("", Some(1), 1));
    folder.write("gateway.toml", GOOD);
    assert_eq!(folder.run("check gateway.toml --deny-warnings").code, Some(0));
}

#[test]
fn json_is_one_object_for_each_finding_with_names_that_stay() {
    let folder = Folder::new("check_json");
    folder.write("gateway.toml", &GOOD.replace("auth = 'none'", "auht = 'none'\nuse = 'ghost'"));
    folder.write("good.toml", GOOD);
    let ran = folder.run("check gateway.toml good.toml --format json");
    assert_eq!((ran.err.as_str(), ran.code), ("", Some(1)));
    let found = lines(&ran.out);
    assert!(found.len() >= 2, "{}", ran.out);
    let names = [
        "code",
        "severity",
        "message",
        "file",
        "line",
        "column",
        "length",
        "expected",
        "found",
        "nearest",
        "help",
        "related",
        "environments",
        "link",
    ];
    for (finding, line) in found.iter().zip(ran.out.lines()) {
        let members = finding.as_object().unwrap();
        assert!(names.iter().all(|name| members.contains_key(*name)) && members.len() == names.len(), "{line}");
        assert!(line.starts_with("{\"code\":\"FG"), "the order stays, too: {line}");
    }
    let slip = found.iter().find(|finding| finding["code"] == "FG0102").unwrap();
    assert_eq!((&slip["line"], &slip["column"], &slip["length"]), (&5.into(), &1.into(), &4.into()));
    assert_eq!((&slip["nearest"], &slip["file"]), (&"auth".into(), &"gateway.toml".into()));
    assert_eq!(slip["link"], "https://github.com/ferrogate/ferrogate/blob/main/docs/errors/FG0102.md");
    assert_eq!(folder.run("check good.toml --format json").out, "");
}

#[test]
fn sarif_is_a_log_that_code_scanning_reads() {
    let output = ferrogate(&["check", "--format", "sarif", text(&fixture("bad/ties.toml"))], &[]);
    assert_eq!((err(&output).as_str(), output.status.code()), ("", Some(1)));
    let log: Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(
        (&log["version"], &log["$schema"]),
        (&"2.1.0".into(), &"https://json.schemastore.org/sarif-2.1.0.json".into())
    );
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), gateway::config::diagnostics::Code::ALL.len());
    for rule in rules {
        let page = format!("/docs/errors/{}.md", rule["id"].as_str().unwrap());
        assert!(rule["helpUri"].as_str().unwrap().ends_with(&page));
        assert!(rule["shortDescription"]["text"].is_string() && rule["help"]["text"].is_string());
    }
    let results = run["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert_eq!(result["level"], "error");
        check_location(&result["locations"][0]["physicalLocation"]);
    }
    let related: Vec<&Value> = results.iter().filter_map(|result| result.get("relatedLocations")).collect();
    assert!(!related.is_empty(), "a tie points to the other route");
    check_location(&related[0][0]["physicalLocation"]);
    assert!(related[0][0]["message"]["text"].is_string());
}

fn check_location(location: &Value) {
    let uri = location["artifactLocation"]["uri"].as_str().unwrap();
    assert!(uri.starts_with("file:///") && uri.ends_with("bad/ties.toml"), "{uri}");
    let number = |name: &str| location["region"][name].as_u64().unwrap();
    assert!(number("startLine") >= 1 && number("startColumn") >= 1);
    assert!(number("endLine") == number("startLine") && number("endColumn") > number("startColumn"));
}

#[test]
fn sarif_of_a_good_file_has_rules_and_no_results() {
    let folder = Folder::new("check_sarif_good");
    folder.write("gateway.toml", GOOD);
    let ran = folder.run("check --format=sarif ./gateway.toml");
    let log: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &log["runs"][0]["results"]), (Some(0), &Value::Array(Vec::new())));
}

#[test]
fn the_worst_of_several_files_is_the_exit_code_and_none_is_left_out() {
    let folder = Folder::new("check_several");
    folder.write("good.toml", GOOD);
    folder.write("bad.toml", "[gateway]\n");
    assert_eq!(folder.run("check good.toml good.toml").code, Some(0));
    let ran = folder.run("check bad.toml good.toml");
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), "good.toml: 1 route, 0 upstreams\n"));
    let ran = folder.run("check missing.toml bad.toml good.toml");
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), "good.toml: 1 route, 0 upstreams\n"));
    assert!(ran.err.contains("cannot read missing.toml: it is not there") && ran.err.contains("FG0103"), "{}", ran.err);
}

#[test]
fn variables_are_looked_for_when_somebody_says_which_there_are() {
    let folder = Folder::new("check_variables");
    folder.write("gateway.toml", &with_variables());
    let warned = |line: &str| -> Vec<String> {
        let ran = folder.run(line);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        let found = lines(&ran.out);
        assert!(found.iter().all(|finding| finding["code"] == "FG0907"), "{}", ran.out);
        found
            .iter()
            .map(|finding| finding["found"].as_str().unwrap_or_else(|| finding["message"].as_str().unwrap()).to_owned())
            .collect()
    };
    let check = "check gateway.toml --format json";
    assert_eq!(warned(check).len(), 0, "nobody knows anything");
    folder.write(".dev.vars.example", "# KEY of the issuer\nKEY=\n");
    assert!(matches!(warned(check).as_slice(), [only] if only.contains("URL")));
    folder.write("wrangler.toml", "[env.staging.vars]\nURL = 'https://u.example'\n");
    assert_eq!(warned(check).len(), 0);
    std::fs::remove_file(folder.0.join("wrangler.toml")).unwrap();
    folder.write("ci/secrets.env", "export URL=1\n");
    assert_eq!(warned("check gateway.toml --format json --vars ci/secrets.env").len(), 0);
    folder.write("wrangler.toml", "vars = [\n");
    let ran = folder.run("check gateway.toml");
    assert_eq!(ran.code, Some(0));
    assert_eq!(ran.err, "ferrogate: wrangler.toml is not TOML, so variables are not looked for\n");
    assert_eq!(folder.run("check gateway.toml --vars nowhere").code, Some(2));
}
