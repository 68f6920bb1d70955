//! What becomes of paths, queries, heads and status codes on their way through the gateway.

use gateway::{
    driver::{
        Turn,
        effects::{Answer, Effect},
    },
    http::{reply::Reply, request::Header},
    ports::upstream::{BodyEnd, Delivery, Forward},
};
use serde_json::Value;

use crate::fixture::{Fixture, Memory, bearer, head_by_name, status};

const CONFIG: &str = r#"
[gateway]
name = "test"

[issuers.main]
algorithm = "HS256"
issuer = "https://issuer.test/"
audience = "api"
secret = "${JWT_SECRET}"

[upstreams.shop]
targets = ["${SHOP_URL}"]
prefix = "/v9"

[policies.open]
auth = "none"

[routes."GET /old/{kind}/{rest...}"]
upstream = "shop"
use = "open"
rewrite = "/{rest}/of/{path.kind}"

[routes."GET /me/{what}"]
upstream = "shop"
auth = "main"
rewrite = "/users/{claims.sub}/{what}"
request_query = { set = { user = "{claims.sub}" }, remove = ["debug"] }

[routes."GET /missing"]
upstream = "shop"
auth = "main"
rewrite = "/tenants/{claims.tenant}"

[routes."GET /page/{id}"]
assets = "ASSETS"
use = "open"
rewrite = "/index.html"

[routes."GET /raw"]
upstream = "shop"
use = "open"
pass_through = true

[routes."GET,POST /facts/{id}"]
upstream = "shop"
use = "open"
request_headers = { set = { x-facts = "{request.method} {request.host} {request.path} {request.query} {id}", x-page = "{request.query.page}", x-agent = "{request.headers.User-Agent}" }, add = { via = ["1.1 acme", "{request.headers.x-hop}"] } }
response_headers = { add = { set-cookie = ["a=1", "b={request.headers.x-hop}"] } }

[routes."GET /moved"]
upstream = "shop"
use = "open"
status_map = { 404 = 410, 500 = 502 }

[routes."GET /moved/watched"]
upstream = "shop"
use = "open"
observe = "body"
status_map = { 404 = 410 }
"#;

fn gateway() -> Fixture {
    Fixture::of(CONFIG, Memory::default())
}

/// The plan for a request with headers that the configuration names.
fn forwarded(method: &str, target: &str, sent: &[(&str, &str)]) -> Forward {
    let mut gateway = gateway();
    let names = gateway.driver.gateway().named_headers.clone();
    let head = head_by_name(method, target, &names, sent);
    match gateway.driver.begin(gateway.now, head) {
        Turn::Effect(_, Effect::Forward(plan)) => plan,
        other => panic!("expected a forward, got {other:?}"),
    }
}

#[test]
fn a_rewritten_path_stands_behind_target_and_prefix_and_keeps_the_query() {
    let plan = forwarded("GET", "/old/a%20b/x/y%C3%A9?q=%zz&", &[]);
    assert_eq!(plan.url, "http://shop.test/base/v9/x/y%C3%A9/of/a%20b?q=%zz&");
}

#[test]
fn a_claim_is_one_segment_of_a_path_and_one_value_of_a_query() {
    let token = bearer("");
    let plan = forwarded("GET", "/me/orders?user=admin&page=2&debug=1&us%65r=root", &[("authorization", &token)]);
    assert_eq!(plan.url, "http://shop.test/base/v9/users/u1/orders?user=u1&page=2");
}

#[test]
fn what_no_path_can_be_made_of_is_refused_before_the_upstream_hears_of_it() {
    let token = bearer("");
    let cases: [(&str, &[(Header, &str)]); 2] = [("/old/a/", &[]), ("/missing", &[(Header::Authorization, &token)])];
    for (target, headers) in cases {
        let (answer, log) = gateway().refused("GET", target, headers);
        assert_eq!((answer.status, &log["code"], &log["level"]), (404, &"rewrite_impossible".into(), &"warn".into()));
    }
}

#[test]
fn assets_are_asked_for_the_rewritten_path_on_the_same_host() {
    let plan = forwarded("GET", "/page/7?x", &[]);
    assert_eq!((plan.url.as_str(), plan.binding.as_str()), ("https://api.test/index.html?x", "ASSETS"));
}

#[test]
fn what_the_gateway_says_of_all_requests_leaves_those_that_pass_through_alone() {
    let more = "[gateway]\nrequest_query = { keep = [] }\nrewrite = \"/x\"\nstatus_map = { 404 = 410 }\n";
    let mut gateway = Fixture::of(&CONFIG.replacen("[gateway]\n", more, 1), Memory::default());
    let (_, plan) = gateway.forwarded("GET", "/moved?a=1", &[]);
    assert_eq!(plan.url, "http://shop.test/base/v9/x");
    let (handle, plan) = gateway.forwarded("GET", "/raw?a=1", &[]);
    assert_eq!(plan.url, "http://shop.test/base/v9/raw?a=1");
    let finished = gateway.answer(handle, status(404));
    assert!(matches!(finished.reply, Some(Reply::Relay(relay)) if relay.status.is_none()));
}

#[test]
fn a_template_is_filled_with_what_the_request_says() {
    let sent = [("user-agent", "curl/8"), ("x-hop", "1.0 fred")];
    let plan = forwarded("GET", "/facts/7?page=a%20b&page=2", &sent);
    assert_eq!(plan.head.value("x-facts"), Some("GET api.test /facts/7 page=a%20b&page=2 7"));
    assert_eq!((plan.head.value("x-page"), plan.head.value("x-agent")), (Some("a%20b"), Some("curl/8")));
    assert_eq!(plan.head.append, [("via".into(), "1.1 acme".into()), ("via".into(), "1.0 fred".into())]);
    let cookies: Vec<&str> = plan.answer.append.iter().map(|(_, value)| &**value).collect();
    assert_eq!(cookies, ["a=1", "b=1.0 fred"]);
}

#[test]
fn what_a_request_does_not_say_fills_nothing() {
    let plan = forwarded("POST", "/facts/7", &[]);
    // A header cannot end with a blank, which an empty query leaves before the id only.
    assert_eq!(plan.head.value("x-facts"), Some("POST api.test /facts/7  7"));
    for name in ["x-page", "x-agent"] {
        assert!(plan.head.remove.iter().any(|removed| removed == name), "{name}");
    }
    assert_eq!(plan.head.append, [("via".into(), "1.1 acme".into())]);
    assert_eq!(plan.answer.append, [("set-cookie".into(), "a=1".into())]);
}

#[test]
fn a_mapped_status_is_what_the_client_gets_and_the_log_tells_both() {
    for (upstream, client, told) in [(404, Some(410), Some(404)), (500, Some(502), Some(500)), (410, None, None)] {
        let mut gateway = gateway();
        let (handle, _) = gateway.forwarded("GET", "/moved", &[]);
        let finished = gateway.answer(handle, status(upstream));
        assert!(matches!(finished.reply, Some(Reply::Relay(relay)) if relay.status == client), "{upstream}");
        let log: Value = serde_json::from_str(&finished.log).unwrap();
        assert_eq!((&log["status"], &log["level"]), (&client.unwrap_or(upstream).into(), &"info".into()));
        assert_eq!(log.get("upstream_status").cloned(), told.map(Value::from));
    }
}

#[test]
fn an_answer_that_is_watched_gets_the_mapped_status_too() {
    let mut gateway = gateway();
    let (handle, _) = gateway.forwarded("GET", "/moved/watched", &[]);
    let Turn::Effect(handle, Effect::Deliver(Delivery { reply: Reply::Relay(relay), .. })) =
        gateway.driver.step(gateway.now, handle, status(404))
    else {
        panic!("expected a delivery");
    };
    assert_eq!(relay.status, Some(410));
    let finished = gateway.answer(handle, Answer::BodyEnd(BodyEnd::Complete, 0));
    let log: Value = serde_json::from_str(&finished.log).unwrap();
    assert_eq!((&log["status"], &log["upstream_status"], &log["body"]), (&410.into(), &404.into(), &"complete".into()));
}
