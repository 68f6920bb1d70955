//! Two configurations: what differs in meaning, and what requests notice of it.

use gateway::{
    blueprint::{Blueprint, compile::compile},
    explain::{diff, recorded, what_if},
};

use crate::{
    explain::started,
    fixture::{CONFIG, NOW},
};

fn blueprint(config: &str) -> Blueprint {
    let compiled = compile("gateway.toml", config);
    compiled.clone().into_blueprint().unwrap_or_else(|| panic!("{:?}\n{config}", compiled.diagnostics))
}

/// The differences between two configurations, as text.
fn differences(old: &str, new: &str) -> String {
    let differences = diff(&blueprint(old), &blueprint(new));
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The fixture with one piece of its text replaced.
fn with(old: &str, new: &str) -> String {
    assert!(CONFIG.contains(old), "{old}");
    CONFIG.replace(old, new)
}

#[test]
fn what_means_the_same_is_no_difference() {
    let (head, routes) = CONFIG.split_at(CONFIG.find("[routes").unwrap());
    let mut sections: Vec<&str> = routes.split("\n\n").map(str::trim).collect();
    sections.reverse();
    let one_policy = r#"use = ["browser", "customer"]"#;
    let same = [
        CONFIG.to_owned(),
        format!("{head}{}", sections.join("\n\n")),
        with("policies.browser", "policies.web").replace(r#""browser""#, r#""web""#),
        with("issuers.main", "issuers.other").replace(r#"auth = "main""#, r#"auth = "other""#),
        with("upstreams.shop", "upstreams.store").replace(r#"upstream = "shop""#, r#"upstream = "store""#),
        with("{id}", "{item}").replace("{path.id}", "{path.item}"),
        with("{rest...}", "{other...}"),
        with(one_policy, &format!("{one_policy}\ntags = [\"a\"]")),
        with(r#"["GET", "PUT"]"#, r#"["PUT", "GET"]"#),
        with(one_policy, r#"use = ["customer", "browser"]"#),
        with("[upstreams.shop]\n", "[upstreams.shop]\nprefix = \"\"\n"),
        with("[upstreams.shop]\ntargets", "[upstreams.shop]\nprefix = \"/\"\ntargets"),
    ];
    for new in same {
        assert_eq!(differences(CONFIG, &new), "", "{new}");
        assert_eq!(changed(CONFIG, &new), "", "{new}");
    }
}

#[test]
fn a_configuration_does_not_differ_from_itself() {
    let everything = include_str!("../fixtures/config/good/everything.toml");
    assert_eq!(differences(everything, everything), "");
    let without_includes = include_str!("../../gateway.toml");
    assert_eq!(differences(without_includes, without_includes), "");
}

#[test]
fn a_service_is_another_one_under_another_name_and_an_address_is_not() {
    let renamed = |target: &str| {
        let old = with("${SHOP_URL}", target);
        let new =
            old.replace("upstreams.shop", "upstreams.store").replace(r#"upstream = "shop""#, r#"upstream = "store""#);
        differences(&old, &new)
    };
    assert_eq!(renamed("https://shop.test"), "");
    // The Worker behind the binding sees the name as its host.
    assert!(renamed("service:SHOP").starts_with("+ upstream store"), "{}", renamed("service:SHOP"));
}

#[test]
fn issuers_that_swap_their_names_are_the_same() {
    let config = |a: &str, b: &str, used: &str, other: &str| {
        let issuer = |name: &str, iss: &str| {
            format!(
                "[issuers.{name}]\nalgorithm = \"HS256\"\nissuer = \"{iss}\"\naudience = \"api\"\nsecret = \"${{S}}\"\n"
            )
        };
        let route = |path: &str, auth: &str| format!("[routes.\"GET {path}\"]\nrespond = \"x\"\nauth = \"{auth}\"\n");
        let (one, two) = (issuer(a, "one"), issuer(b, "two"));
        format!("[gateway]\nname = \"g\"\n{one}{two}{}{}", route("/u", used), route("/o", other))
    };
    assert_eq!(differences(&config("a", "b", "a", "b"), &config("b", "a", "b", "a")), "");
    let told = differences(&config("a", "b", "a", "b"), &config("a", "b", "b", "a"));
    assert_eq!(told, "~ route GET /o\n    auth: b -> a\n~ route GET /u\n    auth: a -> b");
}

#[test]
fn every_difference_is_told_in_words() {
    let public = "[routes.\"GET /public/{rest...}\"]\nupstream = \"shop\"\nauth = \"none\"\n";
    let cases = [
        ("scopes", with(r#"["items:read"]"#, r#"["items:read", "admin"]"#)),
        (
            "auth",
            with(
                "[routes.\"GET /watched\"]\nupstream = \"shop\"\nauth = \"none\"",
                "[routes.\"GET /watched\"]\nupstream = \"shop\"\nauth = \"main\"",
            ),
        ),
        ("cors", with("https://app.test", "https://other.test").replace("credentials = true", "max_age = \"1h\"")),
        ("timeout", with(r#"timeout = "2s""#, r#"timeout = { first_byte = "2s", whole = "9s" }"#)),
        ("target", with("${SHOP_URL}", "${STORE_URL}")),
        ("secret", with("${JWT_SECRET}", "${NEW_SECRET}")),
        ("leeway", with("audience = \"api\"", "audience = \"api\"\nleeway = \"1m\"")),
        ("route_gone", with(public, "")),
        (
            "action",
            with(public, "[routes.\"GET /public/{rest...}\"]\nredirect = \"/raw/{path.rest}\"\nauth = \"none\"\n"),
        ),
        ("types", with("{id}", "{id:int}")),
        ("hosts", with(public, &format!("{public}host = [\"a.test\", \"*.b.test\"]\n"))),
        ("versions", with(public, &format!("{public}version = {{ name = \"v1\", default = true }}\n"))),
        ("headers", with(r#""{claims.sub}", "x-item" = "{path.id}""#, r#""{claims.email}""#)),
        (
            "gateway",
            with("[gateway]\n", "[gateway]\nsecurity_headers = { x-frame-options = false }\nbody_limit = \"2MiB\"\n"),
        ),
        (
            "credentials",
            with("timeout = \"2s\"", "timeout = \"2s\"\ncredentials = { user = \"a\", password = \"${PASSWORD}\" }"),
        ),
        ("observe", with("observe = \"body\"", "pass_through = true")),
    ];
    for (name, new) in cases {
        insta::assert_snapshot!(format!("diff_{name}"), differences(CONFIG, &new));
        assert!(!differences(&new, CONFIG).is_empty(), "{name} the other way round");
    }
}

#[test]
fn differences_are_stable_json() {
    let new = with(r#"["items:read"]"#, "[]");
    let differences = serde_json::to_value(diff(&blueprint(CONFIG), &blueprint(&new))).unwrap();
    let expected = serde_json::json!([{
        "what": "changed", "section": "route", "name": "GET /items/{id}",
        "changes": [{ "key": "scopes", "old": "items:read", "new": "none" }],
    }]);
    assert_eq!(differences, expected);
}

const REQUESTS: &str = r#"{"method":"GET","url":"/items/42","headers":{"origin":"https://app.test"},"claims":{"sub":"u1","scope":"items:read"},"answers":["status=200"]}
{"method":"GET","url":"/items/42"}
{"msg":"request","method":"GET","path":"/public/a","status":200}
{"method":"OPTIONS","url":"/items/42","headers":{"origin":"https://app.test","access-control-request-method":"GET","access-control-request-headers":"authorization"}}
{"method":"GET","url":"/watched","answers":["status=200"]}
{"method":"GET","url":"/raw/a"}
"#;

fn changed(old: &str, new: &str) -> String {
    let requests = recorded::parse(REQUESTS).unwrap();
    let changed = what_if(&started(old), &started(new), &requests, NOW);
    changed.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_same_decisions_are_no_difference() {
    assert_eq!(changed(CONFIG, CONFIG), "");
    assert_eq!(changed(CONFIG, &with("issuers.main", "issuers.x").replace(r#"auth = "main""#, r#"auth = "x""#)), "");
}

#[test]
fn every_decision_that_differs_is_listed() {
    let cases = [
        ("scopes", with(r#"["items:read"]"#, r#"["items:write"]"#)),
        (
            "public",
            with("auth = \"main\"", "auth = \"none\"")
                .replace("scopes = [\"items:read\"]\n", "")
                .replace("set = { \"x-user-id\" = \"{claims.sub}\", ", "set = { ")
                .replace(", set = { \"x-served-for\" = \"{claims.sub}\" }", ""),
        ),
        ("cors", with(r#"headers = ["authorization"]"#, r#"headers = ["x-a"]"#)),
        ("target", with("${SHOP_URL}", "https://new.test")),
        ("observe", with("observe = \"body\"", "observe = \"head\"")),
        ("gone", with("GET /raw/{rest...}", "GET /raws/{rest...}")),
        ("timeout", with(r#"timeout = "2s""#, r#"timeout = "3s""#)),
    ];
    for (name, new) in cases {
        insta::assert_snapshot!(format!("what_if_{name}"), changed(CONFIG, &new));
        assert!(!changed(&new, CONFIG).is_empty(), "{name} the other way round");
    }
}
