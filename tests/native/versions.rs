//! Versions, deprecation, OPTIONS and the nearest route: what clients see of them.

use gateway::{
    blueprint::compile::compile,
    driver::Driver,
    http::{reply::Made, request::Header},
    pipeline::gateway::Gateway,
};
use serde_json::Value;

use crate::fixture::{Fixture, Memory, NOW};

const PAGE: &str = "https://app.test";

/// Two versions in the path, two that are asked for, one that will go away, and what OPTIONS meets.
const CONFIG: &str = r#"
[gateway]
name = "test"

[versions]
default = "v1"
legacy_headers = true

[upstreams.shop]
targets = ["http://shop.test"]

[routes."GET /v1/items/{id}"]
upstream = "shop"
auth = "none"
version = "v1"
deprecation = { since = 2026-06-01, sunset = "2027-01-15T08:00:00Z", guide = "https://acme.test/guide", successor = "/v2/items" }
cors = { origins = ["https://app.test"] }

[routes."GET /v2/items/{id}"]
upstream = "shop"
auth = "none"
version = "v2"

[[routes."GET /orders"]]
upstream = "shop"
auth = "none"
version = "v1"

[[routes."GET /orders"]]
respond = { headers = { x-which = "2" }, body = "two" }
auth = "none"
version = "v2"

[[routes."PUT /orders"]]
upstream = "shop"
auth = "none"
cors = { origins = ["https://app.test"], methods = ["PUT"] }

[routes."OPTIONS /own"]
respond = "mine"
auth = "none"

[routes."GET /raw/{rest...}"]
upstream = "shop"
auth = "none"
pass_through = true
"#;

/// 2027-01-15T08:00:00Z is the fixture's clock.
const SUNSET: u64 = NOW;

fn gateway() -> Fixture {
    Fixture { now: SUNSET - 1, ..Fixture::of(CONFIG, Memory::default()) }
}

fn body(answer: &Made) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

/// All values of a header, in the order in which they join.
fn all<'e>(head: &'e gateway::http::edits::Edits, name: &str) -> Vec<&'e str> {
    head.append.iter().filter(|(known, _)| known == name).map(|(_, value)| &**value).collect()
}

#[test]
fn the_path_names_a_version_and_the_answer_says_which() {
    for (path, version) in [("/v1/items/7", "v1"), ("/v2/items/7", "v2")] {
        for asked in ["v1", "v2", "v9"] {
            let (_, plan) = gateway().forwarded("GET", path, &[(Header::ApiVersion, asked)]);
            assert_eq!(plan.url, format!("http://shop.test{path}"));
            assert_eq!(plan.answer.value("x-api-version"), Some(version), "the path wins over {asked}");
            assert_eq!(plan.answer.value("x-supported-versions"), Some("v1, v2"));
            assert_eq!(plan.answer.value("x-latest-version"), Some("v2"));
            assert!(!all(&plan.answer, "vary").contains(&"Accept, x-api-version"), "the path alone chose");
        }
    }
}

#[test]
fn accept_comes_before_the_header_and_the_default_before_none() {
    let json = |version: &str| format!("text/html, application/json; version={version}");
    let cases = [
        (None, None, "v1"),
        (Some("application/json".to_owned()), None, "v1"),
        (None, Some("v2"), "v2"),
        (Some(json("2")), None, "v2"),
        (Some(json("v2")), Some("v1"), "v2"),
        (Some(json("1")), Some("v9"), "v1"),
    ];
    for (accept, header, version) in cases {
        let accept = accept.as_deref().map(|value| (Header::Accept, value));
        let headers: Vec<_> = accept.into_iter().chain(header.map(|value| (Header::ApiVersion, value))).collect();
        let answer = match version {
            "v1" => gateway().forwarded("GET", "/orders", &headers).1.answer,
            _ => gateway().refused("GET", "/orders", &headers).0.head,
        };
        assert_eq!(answer.value("x-api-version"), Some(version), "{headers:?}");
        assert_eq!(answer.value("x-supported-versions"), Some("v1, v2"));
        assert!(all(&answer, "vary").contains(&"Accept, x-api-version"), "{headers:?}");
    }
}

#[test]
fn a_version_that_is_not_there_is_404_with_those_that_are() {
    let asks = [
        ("/orders", (Header::ApiVersion, "v3")),
        ("/orders", (Header::Accept, "application/json;version=3")),
        ("/v3/items/7", (Header::ApiVersion, "v1")),
        ("/v10/items/7", (Header::ApiVersion, "v1")),
    ];
    for (path, header) in asks {
        let (answer, log) = gateway().refused("GET", path, &[header]);
        assert_eq!((answer.status, &log["code"]), (404, &"route_not_found".into()), "{path}");
        assert_eq!(body(&answer)["detail"], "This path is there in the versions: v1, v2.", "{path}");
        assert_eq!(body(&answer)["errors"], serde_json::json!([{ "field": "version", "expected": "v1, v2" }]));
        assert_eq!(answer.head.value("x-supported-versions"), Some("v1, v2"));
    }
    let (answer, _) = gateway().refused("GET", "/x3/items/7", &[]);
    assert_eq!(body(&answer)["errors"], Value::Null, "nothing of it looks like a version");
}

#[test]
fn an_accept_that_names_two_versions_is_refused_where_versions_are_asked_for() {
    let accept = [(Header::Accept, "application/json;version=1, text/html;version=2")];
    let (answer, log) = gateway().refused("GET", "/orders", &accept);
    assert_eq!((answer.status, &log["code"]), (400, &"version_ambiguous".into()));
    let (_, plan) = gateway().forwarded("GET", "/v2/items/7", &accept);
    assert_eq!(plan.answer.value("x-api-version"), Some("v2"), "the path is not ambiguous");
    let _ = gateway().forwarded("PUT", "/orders", &accept);
}

#[test]
fn a_method_without_versions_says_nothing_of_them() {
    let (_, plan) = gateway().forwarded("PUT", "/orders", &[(Header::ApiVersion, "v9")]);
    assert_eq!((plan.answer.value("x-api-version"), plan.answer.value("x-supported-versions")), (None, None));
}

/// The constant headers of a route's answers.
fn constant(gateway: &Fixture, head: &gateway::http::edits::Edits) -> Vec<(String, String)> {
    gateway.driver.gateway().header_list(usize::from(head.constant.unwrap())).unwrap()
}

fn assert_deprecated(gateway: &Fixture, head: &gateway::http::edits::Edits) {
    let headers = constant(gateway, head);
    let value = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!(value("deprecation"), Some("@1780272000"));
    assert_eq!(value("sunset"), Some("Fri, 15 Jan 2027 08:00:00 GMT"));
    assert_eq!(value("x-api-deprecated"), Some("true"));
    assert_eq!(value("x-api-deprecation-date"), Some("2026-06-01T00:00:00Z"));
    assert_eq!(value("x-api-sunset-date"), Some("2027-01-15T08:00:00Z"));
    assert_eq!(value("x-api-migration-guide"), Some("https://acme.test/guide"));
    assert_eq!(value("x-content-type-options"), Some("nosniff"), "beside the others");
    let link = "<https://acme.test/guide>; rel=\"deprecation\"; type=\"text/html\", \
                <https://acme.test/guide>; rel=\"sunset\"; type=\"text/html\", </v2/items>; rel=\"successor-version\"";
    assert_eq!(all(head, "link"), [link]);
}

#[test]
fn every_answer_of_a_deprecated_route_says_so_until_it_is_gone() {
    let mut gateway = gateway();
    let (_, plan) = gateway.forwarded("GET", "/v1/items/7", &[]);
    assert_deprecated(&gateway, &plan.answer);
    let too_large = [(Header::ContentLength, "99999999")];
    let (answer, _) = gateway.refused("GET", "/v1/items/7", &too_large);
    assert_eq!(answer.status, 413);
    assert_deprecated(&gateway, &answer.head);
    gateway.now = SUNSET;
    let (answer, log) = gateway.refused("GET", "/v1/items/7", &[(Header::Origin, PAGE)]);
    assert_eq!(
        (answer.status, &log["code"], &log["route"]),
        (410, &"version_sunset".into(), &"GET /v1/items/{id}".into())
    );
    assert_eq!(body(&answer)["detail"], "This was there until Fri, 15 Jan 2027 08:00:00 GMT.");
    assert_eq!(answer.head.value("access-control-allow-origin"), Some(PAGE), "a page can read it");
    assert_deprecated(&gateway, &answer.head);
    let (_, plan) = gateway.forwarded("GET", "/v2/items/7", &[]);
    assert!(constant(&gateway, &plan.answer).iter().all(|(name, _)| name != "deprecation"));
}

#[test]
fn a_sunset_comes_before_any_question_about_tokens() {
    let config = CONFIG.replacen(
        "auth = \"none\"\nversion = \"v1\"\ndeprecation",
        "auth = \"main\"\nversion = \"v1\"\ndeprecation",
        1,
    );
    let issuer =
        "[issuers.main]\nalgorithm = \"HS256\"\nissuer = \"i\"\naudience = \"a\"\nsecret = \"${JWT_SECRET}\"\n";
    let mut gateway = Fixture::of(&format!("{config}{issuer}"), Memory::default());
    assert_eq!(gateway.refused("GET", "/v1/items/7", &[]).0.status, 410);
    gateway.now = SUNSET - 1;
    assert_eq!(gateway.refused("GET", "/v1/items/7", &[]).0.status, 401);
}

#[test]
fn options_is_answered_wherever_a_path_is_there() {
    let cases = [("/v1/items/7", "GET, HEAD, OPTIONS"), ("/orders", "GET, HEAD, PUT, OPTIONS")];
    for (path, allow) in cases {
        let (answer, log) = gateway().refused("OPTIONS", path, &[(Header::Origin, PAGE)]);
        assert_eq!((answer.status, &*answer.body, answer.head.value("allow")), (204, "", Some(allow)), "{path}");
        assert!(answer.head.constant.is_some() && log["code"].is_null());
        let (refused, _) = gateway().refused("DELETE", path, &[]);
        assert_eq!((refused.status, refused.head.value("allow")), (405, Some(allow)));
    }
    let (answer, log) = gateway().refused("OPTIONS", "/v1/items/7", &[(Header::Origin, PAGE)]);
    assert_eq!(answer.head.value("access-control-allow-origin"), Some(PAGE), "by the policy of the route");
    assert_eq!(log["route"], "GET /v1/items/{id}");
    assert_eq!(gateway().refused("OPTIONS", "/nothing", &[]).0.status, 404);
}

#[test]
fn a_route_for_options_and_one_that_passes_everything_through_keep_their_own() {
    let (answer, _) = gateway().refused("OPTIONS", "/own", &[]);
    assert_eq!((answer.status, &*answer.body), (200, "mine"));
    let (_, plan) = gateway().forwarded("OPTIONS", "/raw/x", &[]);
    assert!(plan.untouched);
}

#[test]
fn a_browser_that_asks_beforehand_gets_no_list_of_methods() {
    let asks = [(Header::Origin, PAGE), (Header::AccessControlRequestMethod, "PUT")];
    let (answer, _) = gateway().refused("OPTIONS", "/orders", &asks);
    assert_eq!((answer.status, answer.head.value("allow")), (204, None));
    assert_eq!(answer.head.value("access-control-allow-methods"), Some("PUT"));
}

/// The same gateway, told that no environment is named.
fn in_development() -> Fixture {
    let blueprint = compile("gateway.toml", CONFIG).into_blueprint().unwrap();
    let mut gateway = Gateway::start(blueprint, &[]).unwrap_or_else(|error| panic!("{}", error.message()));
    gateway.development = true;
    Fixture { driver: Driver::new(gateway.into(), Memory::default()), now: SUNSET - 1 }
}

#[test]
fn in_development_a_path_that_is_not_there_gets_the_nearest_route() {
    let cases = [
        ("GET", "/v1/itmes/7", "No route of this gateway has this path: did you mean GET /v1/items/{id}?"),
        ("GET", "/order", "No route of this gateway has this path: did you mean GET /orders?"),
        ("PUT", "/Orders", "No route of this gateway has this path: did you mean PUT /orders?"),
        ("GET", "/raws/a/b", "No route of this gateway has this path: did you mean GET /raw/{rest...}?"),
        ("GET", "/something/else/altogether", "No route of this gateway has this path."),
        ("GET", "/v3/items/7", "This path is there in the versions: v1, v2."),
    ];
    for (method, path, detail) in cases {
        assert_eq!(body(&in_development().refused(method, path, &[]).0)["detail"], detail);
    }
    let (answer, _) = gateway().refused("GET", "/order", &[]);
    assert_eq!(body(&answer)["detail"], "No route of this gateway has this path.", "not in an environment");
}
