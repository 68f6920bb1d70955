//! What is refused before anything else is looked at: hosts, methods, requests in clear, and URLs that are too long.

use gateway::{
    driver::{Turn, effects::Effect},
    http::{
        reply::Made,
        request::{ABSENT, Header, RequestHead},
    },
};
use serde_json::Value;

use crate::fixture::{CONFIG, Fixture, Memory, made};

/// The gateway of the fixture with more keys in `[gateway]`.
fn gateway(keys: &str) -> Fixture {
    Fixture::of(&CONFIG.replacen("[gateway]\n", &format!("[gateway]\n{keys}\n"), 1), Memory::default())
}

fn begin(gateway: &mut Fixture, method: &str, url: &str, headers: &[(Header, &str)]) -> Turn {
    let value = |header: Header| headers.iter().find(|(known, _)| *known == header).map(|(_, value)| *value);
    let fields: Vec<Option<&str>> = [Some(method), Some(url)].into_iter().chain(Header::ALL.map(value)).collect();
    let lengths: Vec<u32> = fields.iter().map(|field| field.map_or(ABSENT, |text| text.len() as u32)).collect();
    let head = RequestHead::read(fields.into_iter().flatten().collect(), &lengths, 0).unwrap();
    gateway.driver.begin(gateway.now, head)
}

/// An answer of the gateway and its log line.
fn answered(keys: &str, method: &str, url: &str) -> (Made, Value) {
    match begin(&mut gateway(keys), method, url, &[]) {
        Turn::Done(finished) => made(finished),
        other => panic!("expected an answer, got {other:?}"),
    }
}

fn code(keys: &str, method: &str, url: &str) -> (u16, Value) {
    let (answer, log) = answered(keys, method, url);
    (answer.status, log["code"].clone())
}

fn is_forwarded(keys: &str, method: &str, url: &str) -> bool {
    matches!(begin(&mut gateway(keys), method, url, &[]), Turn::Effect(_, Effect::Forward(_)))
}

#[test]
fn what_names_no_host_is_refused_whatever_the_gateway_is_for() {
    for authority in ["user@api.test", "user:secret@api.test:80", "", ":80", "a,b", "api.test:x", "a..b"] {
        for path in ["/public/x", "/health/live", "/nowhere"] {
            let url = format!("https://{authority}{path}");
            assert_eq!(code("", "GET", &url), (400, "host_malformed".into()), "{url}");
        }
    }
    let (answer, _) = answered("", "GET", "https://user:secret@api.test/public/x");
    assert!(!answer.body.contains("secret") && answer.head.constant == Some(0), "{}", answer.body);
}

#[test]
fn a_host_that_is_not_named_is_misdirected_but_for_the_health_paths() {
    let hosts = "hosts = [\"api.test\", \"*.pages.test\"]";
    for url in ["https://api.test/public/x", "https://API.test.:8443/public/x", "http://a.pages.test/public/x"] {
        assert!(is_forwarded(hosts, "GET", url), "{url}");
    }
    for url in ["https://evil.test/public/x", "https://pages.test/nowhere", "http://127.0.0.1/public/x"] {
        assert_eq!(code(hosts, "GET", url), (421, "host_refused".into()), "{url}");
    }
    let (answer, log) = answered(hosts, "GET", "https://10.0.0.1/health/live");
    assert_eq!((answer.status, &log["route"]), (200, &"/health/live".into()));
}

#[test]
fn a_request_in_clear_is_sent_to_the_same_url_or_refused() {
    let (answer, log) = answered("https = \"redirect\"", "GET", "http://api.test:8787/items/../42?a=%20b");
    assert_eq!((answer.status, answer.head.value("location")), (308, Some("https://api.test/items/../42?a=%20b")));
    assert_eq!((answer.head.value("cache-control"), answer.body.as_ref()), (Some("no-store"), ""));
    assert_eq!((&log["status"], &log["level"], log.get("code")), (&308.into(), &"info".into(), None));
    assert_eq!(answer.head.value("x-request-id"), log["request_id"].as_str());
    assert_eq!(code("https = \"redirect\"", "POST", "http://api.test/nowhere"), (403, "https_required".into()));
    assert_eq!(code("https = \"refuse\"", "GET", "http://api.test/public/x"), (403, "https_required".into()));
    assert_eq!(answered("https = \"refuse\"", "GET", "http://api.test/health/live").0.status, 200);
    for keys in ["https = \"refuse\"", "https = \"redirect\""] {
        assert!(is_forwarded(keys, "GET", "https://api.test/public/x"));
    }
    assert!(is_forwarded("https = \"off\"", "GET", "http://api.test/public/x"));
}

#[test]
fn a_method_that_the_gateway_does_not_take_is_refused_whether_there_is_a_route_or_not() {
    let methods = "methods = [\"POST\", \"GET\"]";
    for (method, path) in [("DELETE", "/public/x"), ("PUT", "/nowhere"), ("TRACE", "/public/x"), ("BREW", "/nowhere")] {
        let (answer, log) = answered(methods, method, &format!("https://api.test{path}"));
        assert_eq!((answer.status, &log["code"]), (405, &"method_not_allowed".into()), "{method} {path}");
        assert_eq!(answer.head.value("allow"), Some("GET, HEAD, POST"));
    }
    assert!(is_forwarded(methods, "HEAD", "https://api.test/public/x"));
    assert_eq!(answered("methods = [\"POST\"]", "GET", "https://api.test/health/live").0.status, 200);
}

#[test]
fn a_preflight_for_a_method_that_the_gateway_takes_is_answered() {
    let asks = |method| {
        let headers = [(Header::Origin, "https://app.test"), (Header::AccessControlRequestMethod, method)];
        match begin(&mut gateway("methods = [\"GET\"]"), "OPTIONS", "https://api.test/items/42", &headers) {
            Turn::Done(finished) => made(finished).0.status,
            other => panic!("expected an answer, got {other:?}"),
        }
    };
    assert_eq!((asks("GET"), asks("PUT")), (204, 405));
}

#[test]
fn methods_that_no_gateway_serves_are_refused_without_any_key() {
    for method in ["TRACE", "CONNECT", "BREW", "get"] {
        let (answer, _) = answered("", method, "https://api.test/public/x");
        assert_eq!((answer.status, answer.head.value("allow")), (405, Some("GET, HEAD, OPTIONS")), "{method}");
        assert_eq!(code("", method, "https://api.test/nowhere"), (404, "route_not_found".into()), "{method}");
    }
}

#[test]
fn a_url_or_a_query_that_is_too_long_is_refused_under_the_policy_of_its_route() {
    let url = |path: usize, query: usize| format!("https://api.test/public/{}?{}", "p".repeat(path), "q".repeat(query));
    assert!(is_forwarded("", "GET", &url(1, 4_096)));
    assert_eq!(code("", "GET", &url(1, 4_097)), (414, "query_too_long".into()));
    let before = url(0, 0).len();
    assert!(is_forwarded("", "GET", &url(8_192 - before, 0)));
    assert_eq!(code("", "GET", &url(8_193 - before, 0)), (414, "url_too_long".into()));
    let own = "url_limit = \"100B\"\nquery_limit = false";
    assert!(is_forwarded(own, "GET", &url(0, 100 - before)));
    let (answer, log) = answered(own, "GET", &url(0, 101 - before));
    assert_eq!((answer.status, &log["route"]), (414, &"GET /public/{rest...}".into()));
    assert!(answer.body.contains("at most 100B") && !answer.body.contains("qqq"), "{}", answer.body);
    assert!(is_forwarded("url_limit = false\nquery_limit = false", "GET", &url(1, 16_000)));
}

#[test]
fn what_passes_through_untouched_has_a_limit_too() {
    let url = format!("https://api.test/raw/x?{}", "q".repeat(4_097));
    assert_eq!(code("", "GET", &url), (414, "query_too_long".into()));
}

#[test]
fn what_is_refused_first_is_told_first() {
    let keys = "hosts = [\"api.test\"]\nhttps = \"refuse\"\nmethods = [\"GET\"]";
    assert_eq!(code(keys, "PUT", "http://u@evil.test/a//b"), (400, "host_malformed".into()));
    assert_eq!(code(keys, "PUT", "http://evil.test/a//b"), (421, "host_refused".into()));
    assert_eq!(code(keys, "PUT", "http://api.test/a//b"), (403, "https_required".into()));
    assert_eq!(code(keys, "PUT", "https://api.test/a//b"), (405, "method_not_allowed".into()));
    assert_eq!(code(keys, "GET", "https://api.test/a//b"), (400, "path_malformed".into()));
}

#[test]
fn a_refusal_before_there_is_a_route_can_be_read_by_the_pages_of_the_gateway() {
    let mut gateway = gateway("hosts = [\"api.test\"]\ncors = { origins = [\"https://app.test\"] }");
    let turn = begin(&mut gateway, "GET", "https://evil.test/public/x", &[(Header::Origin, "https://app.test")]);
    let Turn::Done(finished) = turn else { panic!("expected an answer") };
    assert_eq!(made(finished).0.head.value("access-control-allow-origin"), Some("https://app.test"));
    assert_eq!(gateway.driver.in_flight(), 0);
}

const ORIGINS: &str = r#"
[gateway]
name = "test"
[routes."GET /inside"]
respond = "inside"
auth = "none"
addresses = { allow = ["10.0.0.0/8"], deny = ["10.6.6.0/24"] }
[routes."GET /there"]
respond = "there"
auth = "none"
countries = { deny = ["XX"] }
[routes."GET /{rest...}"]
respond = "here"
auth = "none"
url_limit = "30B"
"#;

/// The answer to a request from somewhere, and what follows its line in the log.
fn came_from(gateway: &mut Fixture, target: &str, headers: &[(&str, &str)]) -> (String, Vec<Value>) {
    let Turn::Done(finished) = gateway.begin_with(target, headers) else { panic!("sent on") };
    let lines = finished.log.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect();
    let (made, log) = made(finished);
    (log["code"].as_str().map_or_else(|| made.body.to_string(), str::to_owned), lines)
}

#[test]
fn requests_come_from_where_the_route_says() {
    let mut gateway = Fixture::of(ORIGINS, Memory::default());
    for (target, from, country, expected) in [
        ("/inside", "10.1.2.3", None, "inside"),
        ("/inside", "10.6.6.6", None, "address_refused"),
        ("/inside", "192.0.2.1", None, "address_refused"),
        ("/there", "192.0.2.1", Some("DE"), "there"),
        ("/there", "192.0.2.1", None, "there"),
        ("/there", "192.0.2.1", Some("XX"), "country_refused"),
    ] {
        let country = country.map(|country| ("cf-ipcountry", country));
        let headers: Vec<_> = [("cf-connecting-ip", from)].into_iter().chain(country).collect();
        assert_eq!(came_from(&mut gateway, target, &headers).0, expected, "{target} {from} {country:?}");
    }
}

#[test]
fn a_route_that_refuses_much_for_one_reason_is_told_in_the_log() {
    let told = |config: &str| {
        let mut gateway = Fixture::of(config, Memory::default());
        (0..15).flat_map(|_| came_from(&mut gateway, "/a/path/that/is/too/long", &[]).1).collect::<Vec<Value>>()
    };
    let lines = told(ORIGINS);
    assert_eq!(lines.len(), 1);
    let names = ["level", "msg", "code", "route", "count"];
    let expected = serde_json::json!(["warn", "errors", "url_too_long", "GET /{rest...}", 11]);
    assert_eq!(Value::from(names.map(|name| lines[0][name].clone()).to_vec()), expected);
    assert!(told(&ORIGINS.replace("name = \"test\"", "name = \"test\"\nlog = { errors = false }")).is_empty());
}
