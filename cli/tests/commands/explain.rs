//! `ferrogate explain`.

use std::fs;

use serde_json::Value;

use super::support::{Folder, Ran, shop};

const SECRET: &str = "a secret of thirty-two bytes or so";
const CREDENTIAL: &str = "credential-that-nobody-sees";
const TOKEN: &str = "token-that-nobody-sees";
const CLAIM: &str = "claim-that-nobody-sees";

/// An upstream that wants credentials, behind routes with and without a token.
fn vault(test: &str) -> Folder {
    let folder = Folder::new(test);
    folder.write(
        "gateway.toml",
        "[gateway]\nname = 'a'\n[issuers.i]\nalgorithm = 'HS256'\nissuer = 'i'\naudience = 'a'\nsecret = '${KEY}'\n\
         [upstreams.u]\ntargets = ['${URL:-http://u.test}']\ncredentials = { header = 'x-key', value = '${VAULT}' }\n\
         [routes.'GET /open']\nupstream = 'u'\nauth = 'none'\n[routes.'PUT /closed']\nupstream = 'u'\nauth = 'i'\n\
         body_limit = '5B'\nrequest_headers = { set = { x-org = '{claims.org}' } }\n",
    );
    folder
}

fn run(folder: &Folder, words: &[&str]) -> Ran {
    run_with(folder, words, &[])
}

fn run_with(folder: &Folder, words: &[&str], environment: &[(&str, &str)]) -> Ran {
    folder.run_words(&[&["explain"], words].concat(), environment)
}

fn json(ran: &Ran) -> Value {
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(ran.out.lines().count(), 1);
    serde_json::from_str(&ran.out).unwrap()
}

/// What a stage came to: outcome, and the code of the problem.
fn decision(explanation: &Value, stage: &str) -> (String, String) {
    let decisions = explanation["decisions"].as_array().unwrap();
    let decision = decisions.iter().find(|decision| decision["stage"] == stage).unwrap();
    let code = decision["facts"].as_array().unwrap().iter().find(|fact| fact["name"] == "code");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&decision["outcome"]), code.map(|code| text(&code["value"])).unwrap_or_default())
}

#[test]
fn a_public_route_of_the_shop_needs_no_secret() {
    let ran = run(&shop("explain_public"), &["GET", "/v1/products/7?a=b"]);
    assert_eq!(ran.code, Some(0));
    for part in [
        "GET https://gateway.example/v1/products/7?a=b\n",
        "\n                     route = GET /v1/products/{id}\n",
        "\npassed   authn       The route is public",
        "\nsends    http://127.0.0.1:4000/v1/products/7?a=b\n                     waits 5s for",
        "\nends     This would be sent now",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    let first = ran.err.lines().next();
    assert_eq!(first, Some("ferrogate: placeholders stand in for secrets that are not set: JWT_SECRET"));
}

#[test]
fn a_customer_route_of_the_shop_asks_for_a_token() {
    let folder = shop("explain_customer");
    let orders = ["GET", "/v1/orders", "--format", "json", "--answer", "status=200"];
    let without = json(&run(&folder, &orders[..4]));
    assert_eq!(decision(&without, "authn"), ("refused".to_owned(), "token_missing".to_owned()));
    assert_eq!(without["answer"]["status"], 401);

    let of = |claims: &str| json(&run(&folder, &[&orders[..], &["--claims", claims]].concat()));
    let with = of(r#"{"sub": "ada", "scope": "orders:read"}"#);
    assert_eq!((&with["ended"], &with["answer"]["status"]), (&"answered".into(), &200.into()));
    let set = with["effects"][0]["plan"]["request"]["set"].as_array().unwrap();
    assert!(set.iter().any(|field| field["name"] == "x-user-id" && field["value"] == "ada"), "{set:?}");

    let weak = of(r#"{"sub": "ada", "scope": "orders:write"}"#);
    assert_eq!(decision(&weak, "authz"), ("refused".to_owned(), "scope_missing".to_owned()));
    let expired = of(r#"{"sub": "ada", "scope": "orders:read", "exp": 1}"#);
    assert_eq!(decision(&expired, "authn").0, "refused");
}

#[test]
fn production_has_its_own_settings_and_variables() {
    let folder = shop("explain_production");
    let plan = |environment: &[&str]| {
        let words = [&["GET", "/v1/products", "--format", "json"], environment].concat();
        let plan = json(&run(&folder, &words))["effects"][0]["plan"].clone();
        (plan["url"].as_str().unwrap().to_owned(), plan["timeout_ms"].as_u64().unwrap())
    };
    assert_eq!(plan(&[]), ("http://127.0.0.1:4000/v1/products".to_owned(), 5_000));
    assert_eq!(plan(&["--env", "production"]), ("https://shop-origin.example/v1/products".to_owned(), 2_000));
    let ran = run(&folder, &["GET", "/", "--env", "prodution"]);
    assert_eq!((ran.out.as_str(), ran.code), ("", Some(2)));
    assert!(ran.err.contains("did you mean production?"), "{}", ran.err);
}

#[test]
fn variables_come_from_the_nearest_source() {
    let folder = shop("explain_sources");
    let url = |words: &[&str], environment: &[(&str, &str)]| {
        let words = [&["GET", "/v1/products", "--format", "json"], words].concat();
        let explanation = json(&run_with(&folder, &words, environment));
        explanation["effects"][0]["plan"]["url"].as_str().unwrap().to_owned()
    };
    assert_eq!(url(&[], &[]), "http://127.0.0.1:4000/v1/products");
    folder.write(".dev.vars", "JWT_SECRET=a secret of thirty-two bytes or so\nSHOP_URL=\"http://local.test\" # here\n");
    assert_eq!(url(&[], &[]), "http://local.test/v1/products");
    let machine = [("SHOP_URL", "http://machine.test")];
    assert_eq!(url(&[], &machine), "http://machine.test/v1/products");
    assert_eq!(url(&["--var", "SHOP_URL=http://given.test"], &machine), "http://given.test/v1/products");
    let ran = run(&folder, &["GET", "/v1/products", "--var", "SHOP_UR=x"]);
    assert_eq!(ran.err, "ferrogate: no variable is named SHOP_UR; did you mean SHOP_URL?\n");
}

#[test]
fn what_is_missing_is_named_and_how_to_give_it() {
    let folder = shop("explain_missing");
    fs::remove_file(folder.0.join("wrangler.toml")).unwrap();
    let ran = run_with(&folder, &["GET", "/v1/products"], &[("JWT_SECRET", SECRET)]);
    assert_eq!((ran.out.as_str(), ran.code), ("", Some(1)));
    let expected = "ferrogate: gateway.toml names variables that are not set: SHOP_URL\n  give them with --var \
                    NAME=VALUE, in the environment, or in .dev.vars beside the file\n";
    assert_eq!(ran.err, expected);
    let wrong = [
        (["short-secret", "http://a.test"], "the secret of issuer `shop` is shorter than 32 bytes"),
        ([SECRET, "nowhere-secret"], "the target of upstream `shop` is no absolute http or https URL"),
    ];
    for ([secret, url], message) in wrong {
        let ran = run_with(&folder, &["GET", "/"], &[("JWT_SECRET", secret), ("SHOP_URL", url)]);
        assert_eq!((ran.out.as_str(), ran.code), ("", Some(1)), "{message}");
        assert!(ran.err.contains(message) && !ran.err.contains("-secret"), "{}", ran.err);
    }
}

#[test]
fn a_configuration_with_errors_explains_nothing() {
    let folder = Folder::new("explain_errors");
    let words = ["GET", "/", "--config", "g.toml"];
    assert_eq!(run(&folder, &words).code, Some(2));
    folder.write("g.toml", "[gateway]\n");
    let ran = run(&folder, &words);
    assert_eq!((ran.out.as_str(), ran.code), ("", Some(1)));
    assert!(ran.err.contains("error[FG0103]"), "{}", ran.err);
}

#[test]
fn headers_body_host_and_hour_are_part_of_the_request() {
    let folder = vault("explain_parts");
    folder.write("body", "12345");
    let put = ["PUT", "/closed", "--format", "json", "--body", "body", "--claims", "{}"];
    assert_eq!(json(&run(&folder, &put))["ended"], "would_be_sent");
    folder.write("body", "123456");
    assert_eq!(decision(&json(&run(&folder, &put)), "guard"), ("refused".to_owned(), "body_too_large".to_owned()));

    let page = ["OPTIONS", "/open", "-H", "Host: api.test", "--header=Origin: a", "--format", "json"];
    let preflight = [&page[..], &["-H", "access-control-request-method: GET"]].concat();
    let preflight = json(&run(&folder, &preflight));
    assert_eq!(preflight["url"], "https://api.test/open");
    let id = |now: &str| {
        let explanation = json(&run(&folder, &["GET", "/open", "--format", "json", "--now", now]));
        explanation["decisions"][0]["facts"][0]["value"].as_str().unwrap().to_owned()
    };
    assert_eq!(id("1970-01-01T00:00:01Z"), "00000000-03e8-7000-8000-000000000000");
    assert_eq!(id("1000"), id("1970-01-01T01:00:01+01:00"));
}

#[test]
fn answers_that_nobody_asks_for_are_named() {
    let folder = vault("explain_answers");
    let unused = |words: &str| {
        let words: Vec<&str> = words.split(' ').collect();
        let ran = run_with(&folder, &words, &[("KEY", SECRET), ("VAULT", CREDENTIAL)]);
        assert_eq!(ran.code, Some(0));
        ran.err.strip_prefix("ferrogate: nobody asked for these answers: ").map(|it| it.trim_end().to_owned())
    };
    assert_eq!(unused("GET /open --answer status=503"), None);
    assert_eq!(unused("GET /open --answer broken --answer status=503 --answer timeout").unwrap(), "broken, timeout");
    assert_eq!(unused("PUT /closed --answer status=200").unwrap(), "status=200");
    assert_eq!(unused("GET /health/ready --answer down=database --answer down=objects"), None);
    assert_eq!(unused("GET /health/live --answer ready").unwrap(), "ready");
    assert_eq!(unused("GET /open --answer ready --answer status=200").unwrap(), "ready");
}

#[test]
fn secrets_are_never_printed() {
    let folder = vault("explain_secrets");
    let claims = format!(r#"{{"sub": "u", "org": "{CLAIM}"}}"#);
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let environment = [("KEY", SECRET), ("VAULT", CREDENTIAL)];
    let given = ["--var", "KEY=a secret of thirty-two bytes or so", "--var", "VAULT=credential-that-nobody-sees"];
    for words in [
        vec!["PUT", "/closed", "--claims", &claims],
        vec!["PUT", "/closed", "--claims", &claims, "--format", "json", "--answer", "status=200"],
        vec!["PUT", "/closed", "-H", &bearer],
        vec!["GET", "/open", "-H", &bearer, "--answer", "timeout"],
    ] {
        let placeholders = run(&folder, &words);
        let ran = run_with(&folder, &words, &environment);
        assert_eq!((ran.err.as_str(), ran.code), ("", Some(0)), "{words:?}");
        assert_eq!(run(&folder, &[&words[..], &given].concat()).out.len(), ran.out.len());
        let told = [ran.out, placeholders.out, placeholders.err].concat();
        for secret in [SECRET, CREDENTIAL, TOKEN, CLAIM, "eyJ", "a-placeholder-for"] {
            assert!(!told.contains(secret), "{words:?}: {told}");
        }
    }
}

#[test]
fn bad_input_is_explained_without_repeating_what_may_be_secret() {
    let folder = vault("explain_bad");
    let cases: [(&[&str], &str); 17] = [
        (&[], "needs METHOD and URL, or --requests FILE"),
        (&["GET"], "needs METHOD and URL"),
        (&["GET", "open"], "URL: expected an absolute URL"),
        (&["GET", "/", "x"], "unexpected argument x"),
        (&["GET", "/", "-H", "hidden"], "--header takes `Name: value`"),
        (&["GET", "/", "-H", ": hidden"], "--header takes"),
        (&["GET", "/", "-H", "a b: hidden"], "--header takes"),
        (&["GET", "/", "-H", "a: hidden\nb: c"], "--header takes"),
        (
            &["GET", "/", "--claims", "hidden"],
            "--claims takes a JSON object like {\"sub\": \"ada\"}; this cannot be read",
        ),
        (&["GET", "/", "--claims", "[\"hidden\"]"], "this is another value"),
        (&["GET", "/", "--var", "hidden"], "--var takes NAME=VALUE"),
        (&["GET", "/", "--var", "=hidden"], "--var takes NAME=VALUE"),
        (&["GET", "/", "--answer", "status=1"], "--answer: expected an answer: status=200 to status=599"),
        (&["GET", "/", "--now", "noon"], "--now takes a time like 2026-11-21T08:00:00Z"),
        (&["GET", "/", "--body", "absent"], "cannot read absent: it is not there"),
        (&["GET", "/", "--format", "xml"], "--format takes text, json"),
        (&["GET", "/", "--claim", "{}"], "did you mean --claims?"),
    ];
    for (words, message) in cases {
        let ran = run(&folder, words);
        assert_eq!((ran.out.as_str(), ran.code), ("", Some(2)), "{words:?}");
        assert!(ran.err.contains(message) && !ran.err.contains("hidden"), "{words:?}: {}", ran.err);
    }
}

#[test]
fn many_requests_are_explained_at_once() {
    let folder = vault("explain_many");
    let lines = concat!(
        r#"{"method":"GET","url":"/open","answers":["status=200","timeout"]}"#,
        "\n\n",
        r#"{"method":"PUT","url":"https://a.test/closed","claims":{"sub":"u"},"body_length":9}"#,
        "\n",
        r#"{"msg":"request","method":"GET","path":"/nothing"}"#,
    );
    folder.write("requests.jsonl", lines);
    let environment = [("KEY", SECRET), ("VAULT", CREDENTIAL)];
    let words = ["--requests", "requests.jsonl", "--config", "gateway.toml", "--format", "json"];
    let ran = run_with(&folder, &words, &environment);
    assert_eq!(ran.code, Some(0));
    assert_eq!(ran.err, "ferrogate: line 1: nobody asked for these answers: timeout\n");
    let explained: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let status = |index: usize| (explained[index]["url"].clone(), explained[index]["answer"]["status"].clone());
    assert_eq!(explained.len(), 3);
    assert_eq!(status(0), ("https://gateway.example/open".into(), 200.into()));
    assert_eq!(status(1), ("https://a.test/closed".into(), 413.into()));
    assert_eq!(status(2), ("https://gateway.example/nothing".into(), 404.into()));
    let text = run_with(&folder, &words[..4], &environment).out;
    assert_eq!(text.matches("\n\nPUT https://a.test/closed\n\n").count(), 1, "{text}");
}

#[test]
fn every_line_that_is_no_request_is_named() {
    let folder = vault("explain_lines");
    folder.write("requests", "{\"method\":\"GET\",\"url\":\"/open\"}\nnonsense\n{\"method\":\"GET\"}\n");
    let ran = run(&folder, &["--requests", "requests"]);
    assert_eq!((ran.out.as_str(), ran.code), ("", Some(2)));
    assert!(ran.err.contains("requests:2: expected a JSON object"), "{}", ran.err);
    assert!(ran.err.contains("requests:3: expected a `url`\nferrogate: requests has 2 lines that"), "{}", ran.err);
    for (words, message) in [
        (&["--claims", "{}"][..], "--claims is for one request"),
        (&["-H", "a: b"], "--header is for one request"),
        (&["GET", "/"], "METHOD and URL are for one request"),
    ] {
        let ran = run(&folder, &[&["--requests", "requests"], words].concat());
        assert_eq!(ran.code, Some(2));
        assert!(ran.err.contains(message), "{}", ran.err);
    }
}
