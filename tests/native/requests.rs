//! What clients and upstreams see: plans and answers of whole requests.

use gateway::{
    driver::effects::Answer,
    http::{reply::Reply, request::Header},
};
use serde_json::Value;

use crate::fixture::{CONFIG, Fixture, Memory, bearer, made, status};

const PAGE: &str = "https://app.test";

#[test]
fn a_request_with_a_good_token_goes_to_the_upstream_and_back() {
    let mut gateway = Fixture::default();
    let token = bearer("items:read");
    let headers = [(Header::Authorization, &*token), (Header::Origin, PAGE), (Header::RequestId, "r-1")];
    let (handle, plan) = gateway.forwarded("GET", "/items/42?a=%20b&a", &headers);
    assert_eq!(plan.url, "http://shop.test/base/items/42?a=%20b&a");
    assert_eq!(plan.timeout_ms, 2000);
    assert_eq!(plan.head.value("x-request-id"), Some("r-1"));
    assert_eq!(plan.head.value("x-user-id"), Some("u1"));
    assert_eq!(plan.head.value("x-item"), Some("42"));
    assert!(plan.head.remove.iter().any(|name| name == "authorization"));
    gateway.now += 7;
    let finished = gateway.answer(handle, status(200));
    assert!(matches!(finished.reply, Some(Reply::Relay(_))));
    let log: Value = serde_json::from_str(&finished.log).unwrap();
    assert_eq!(
        log,
        serde_json::json!({
            "timestamp": "2027-01-15T08:00:00.000Z",
            "level": "info", "msg": "request", "request_id": "r-1", "method": "GET", "path": "/items/42",
            "route": "GET /items/{id}", "status": 200, "duration_ms": 7, "principal": "u1",
            "upstream": "shop", "upstream_ms": 7,
        })
    );
    assert_eq!(gateway.driver.in_flight(), 0);
}

#[test]
fn the_answer_of_an_upstream_gets_every_header_that_the_policy_says() {
    let mut gateway = Fixture::default();
    let token = bearer("items:read");
    let (_, plan) = gateway.forwarded("GET", "/items/42", &[(Header::Authorization, &token), (Header::Origin, PAGE)]);
    assert_eq!(plan.answer.constant, Some(0));
    assert_eq!(plan.answer.value("access-control-allow-origin"), Some(PAGE));
    assert_eq!(plan.answer.value("vary"), Some("Origin"));
    assert_eq!(plan.answer.value("x-served-for"), Some("u1"));
    assert!(plan.answer.remove.iter().any(|name| name == "server"));
    assert_eq!(plan.answer.value("x-request-id"), plan.head.value("x-request-id"));
}

#[test]
fn every_refusal_is_a_problem_with_the_headers_of_its_route() {
    let mut gateway = Fixture::default();
    let weak = bearer("other");
    let cases: [(&str, &str, Option<&str>, u16, &str); 6] = [
        ("GET", "/items/42", None, 401, "token_missing"),
        ("GET", "/items/42", Some("Bearer x.y.z"), 401, "token_invalid"),
        ("GET", "/items/42", Some(&weak), 403, "scope_missing"),
        ("GET", "/nothing", None, 404, "route_not_found"),
        ("POST", "/items/42", None, 405, "method_not_allowed"),
        ("GET", "/items/../x", None, 400, "path_malformed"),
    ];
    for (method, target, authorization, expected, code) in cases {
        let headers: Vec<(Header, &str)> =
            authorization.map(|value| (Header::Authorization, value)).into_iter().collect();
        let (answer, log) = gateway.refused(method, target, &headers);
        assert_eq!(answer.status, expected, "{method} {target}");
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((&body["code"], &log["code"]), (&code.into(), &code.into()));
        assert_eq!(body["instance"], format!("urn:ferrogate:request:{}", log["request_id"].as_str().unwrap()));
        assert_eq!(answer.head.constant, Some(0), "security headers");
        assert_eq!(answer.head.value("content-type"), Some("application/problem+json"));
        assert_eq!(answer.head.value("x-request-id"), log["request_id"].as_str());
    }
}

#[test]
fn a_refused_token_still_carries_cors_for_an_allowed_page() {
    let (answer, _) = Fixture::default().refused("GET", "/items/42", &[(Header::Origin, PAGE)]);
    assert_eq!(answer.status, 401);
    assert_eq!(answer.head.value("access-control-allow-origin"), Some(PAGE));
}

#[test]
fn a_disallowed_origin_gets_403_on_preflight_and_no_allow_header_otherwise() {
    let mut gateway = Fixture::default();
    let asks = |origin| [(Header::Origin, origin), (Header::AccessControlRequestMethod, "GET")];
    let (answer, log) = gateway.refused("OPTIONS", "/items/42", &asks("https://evil.test"));
    assert_eq!((answer.status, &log["code"]), (403, &"cors_origin_refused".into()));
    assert_eq!(answer.head.value("access-control-allow-origin"), None);
    let (answer, log) = gateway.refused("OPTIONS", "/items/42", &asks(PAGE));
    assert_eq!((answer.status, &log["route"]), (204, &"GET /items/{id}".into()));
    assert_eq!(answer.head.value("access-control-allow-origin"), Some(PAGE));
    let (answer, _) = gateway.refused("OPTIONS", "/public/x", &asks(PAGE));
    assert_eq!(answer.status, 403);
}

#[test]
fn the_cors_of_the_gateway_speaks_where_there_is_no_route_and_gives_way_to_pass_through() {
    let cors = format!("[gateway]\ncors = {{ origins = [\"{PAGE}\"] }}\n");
    let config = CONFIG.replacen("[gateway]\n", &cors, 1);
    let mut gateway = Fixture::of(&config, Memory::default());
    for target in ["/nothing", "/a/../b", "/public/x/"] {
        let (answer, _) = gateway.refused("DELETE", target, &[(Header::Origin, PAGE)]);
        assert_eq!(answer.head.value("access-control-allow-origin"), Some(PAGE), "{target}");
        let (answer, _) = gateway.refused("DELETE", target, &[(Header::Origin, "https://evil.test")]);
        assert_eq!(answer.head.value("access-control-allow-origin"), None, "{target}");
    }
    let (_, plan) = gateway.forwarded("GET", "/raw/x", &[(Header::Origin, PAGE)]);
    assert_eq!(plan.answer, gateway::http::edits::Edits::default());
    let (_, plan) = gateway.forwarded("GET", "/public/x", &[(Header::Origin, PAGE)]);
    assert_eq!(plan.answer.value("access-control-allow-origin"), Some(PAGE));
}

#[test]
fn failures_of_the_upstream_become_problems_that_say_whose_fault_it_is() {
    for (failure, expected, code) in [
        (Answer::Unreachable, 502, "upstream_unreachable"),
        (Answer::Timeout, 504, "upstream_timeout"),
        (Answer::ClientGone, 499, "client_gone"),
    ] {
        let mut gateway = Fixture::default();
        let (handle, _) = gateway.forwarded("GET", "/public/x", &[]);
        let (answer, log) = made(gateway.answer(handle, failure));
        assert_eq!((answer.status, &log["code"]), (expected, &code.into()));
    }
}

#[test]
fn a_pass_through_route_edits_nothing() {
    let mut gateway = Fixture::default();
    let (handle, plan) = gateway.forwarded("GET", "/raw/a/b?c", &[]);
    assert!(plan.untouched);
    assert_eq!((plan.head, plan.answer), Default::default());
    assert_eq!(plan.url, "http://shop.test/base/raw/a/b?c");
    let finished = gateway.answer(handle, status(200));
    assert!(matches!(finished.reply, Some(Reply::Relay(relay)) if relay.untouched));
}

#[test]
fn a_preflight_for_a_method_that_the_path_has_not_is_refused() {
    let mut gateway = Fixture::default();
    for wanted in ["PUT", "PURGE", "get"] {
        let asks = [(Header::Origin, PAGE), (Header::AccessControlRequestMethod, wanted)];
        let (answer, log) = gateway.refused("OPTIONS", "/items/42", &asks);
        assert_eq!((answer.status, &log["code"]), (403, &"cors_preflight_refused".into()), "{wanted}");
        assert_eq!(answer.head.value("allow"), Some("GET, HEAD, OPTIONS"));
        assert_eq!(answer.head.value("access-control-allow-origin"), Some(PAGE));
    }
    let elsewhere = [(Header::Origin, "https://evil.test"), (Header::AccessControlRequestMethod, "PUT")];
    let (answer, log) = gateway.refused("OPTIONS", "/items/42", &elsewhere);
    assert_eq!((answer.status, &log["code"]), (403, &"cors_origin_refused".into()));
    assert_eq!(answer.head.value("access-control-allow-origin"), None);
    // Without both fields it is no preflight (Fetch standard, section 3.2.2).
    for header in [(Header::Origin, PAGE), (Header::AccessControlRequestMethod, "PUT")] {
        assert_eq!(gateway.refused("OPTIONS", "/items/42", &[header]).0.status, 204);
    }
}

#[test]
fn a_preflight_passes_through_where_everything_does() {
    let asks = [(Header::Origin, PAGE), (Header::AccessControlRequestMethod, "GET")];
    let (_, plan) = Fixture::default().forwarded("OPTIONS", "/raw/a", &asks);
    assert!(plan.untouched);
}

#[test]
fn a_problem_on_a_pass_through_route_has_security_headers_all_the_same() {
    let mut gateway = Fixture::default();
    let (handle, _) = gateway.forwarded("GET", "/raw/a", &[]);
    let (answer, _) = made(gateway.answer(handle, Answer::Unreachable));
    assert_eq!(answer.head.constant, Some(0));
}

#[test]
fn lost_bytes_are_refused_before_anything_is_decided() {
    let (answer, log) = Fixture::default().refused("GET", "/items/42", &[(Header::RequestId, "a\u{fffd}")]);
    assert_eq!((answer.status, &log["code"]), (400, &"text_malformed".into()));
}
