//! Requests that are signed for their upstream: what is asked of the platform, and what goes on.

use gateway::{
    driver::{
        Turn,
        effects::{Answer, Effect},
        slots::Handle,
    },
    http::request::Header,
    ports::{
        bodies::OF_NOTHING,
        upstream::{BodyEnd, Forward},
    },
};

use crate::fixture::{CONFIG, Fixture, Memory, NOW, made, status};

fn signing(credentials: &str, keys: &str) -> Fixture {
    let upstream = format!("[upstreams.shop]\ncredentials = {{ hmac = \"${{SHOP_HMAC}}\", {credentials} }}\n");
    let config =
        CONFIG.replacen("[upstreams.shop]\n", &upstream, 1).replacen("[gateway]\n", &format!("[gateway]\n{keys}\n"), 1);
    Fixture::of(&config, Memory::default())
}

fn signing_bodies() -> Fixture {
    signing("key_id = \"gateway-1\", body = true", "body_limit = \"1KiB\"")
}

/// A request whose body is asked for.
fn digested(gateway: &mut Fixture, target: &str) -> Handle {
    match gateway.begin("GET", target, &[]) {
        Turn::Effect(handle, Effect::Digest(limit, 2_000)) => {
            assert_eq!(limit.0, 1_024);
            handle
        }
        other => panic!("expected a digest, got {other:?}"),
    }
}

fn sent(turn: Turn) -> (Handle, Forward) {
    match turn {
        Turn::Effect(handle, Effect::Forward(plan)) => (handle, plan),
        other => panic!("expected a forward, got {other:?}"),
    }
}

#[test]
fn a_request_is_signed_without_a_look_at_its_body() {
    for target in ["/public/x?y=1", "/raw/x?y=1"] {
        let mut gateway = signing("key_id = \"gateway-1\"", "");
        let (_, plan) = gateway.forwarded("GET", target, &[]);
        let input = "ferrogate=(\"@method\" \"@authority\" \"@path\" \"@query\");created=1800000000;keyid=\"gateway-1\";alg=\"hmac-sha256\"";
        assert_eq!(plan.head.value("signature-input"), Some(input));
        assert!(plan.head.value("signature").is_some_and(|it| it.starts_with("ferrogate=:") && it.len() == 56));
        assert_eq!((plan.head.value("content-digest"), plan.untouched), (None, false));
    }
}

#[test]
fn a_signed_body_is_read_first_and_its_digest_goes_on() {
    let mut gateway = signing_bodies();
    let handle = digested(&mut gateway, "/public/x");
    gateway.now += 1_500;
    let (handle, plan) = sent(gateway.driver.step(gateway.now, handle, Answer::Digest(OF_NOTHING)));
    let digest = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";
    assert_eq!(plan.head.value("content-digest"), Some(digest));
    let input = plan.head.value("signature-input").unwrap();
    assert!(input.contains("\"@query\" \"content-digest\");created=1800000001;"), "{input}");
    assert_eq!((plan.body_limit, plan.timeout_ms), (None, 2_000));
    gateway.now += 7;
    let log: serde_json::Value = serde_json::from_str(&gateway.answer(handle, status(200)).log).unwrap();
    assert_eq!((&log["upstream_ms"], &log["duration_ms"]), (&7.into(), &1_507.into()));
}

#[test]
fn time_that_a_body_took_is_gone_for_the_whole() {
    let mut gateway = signing("body = true", "");
    let config = CONFIG.replacen(
        "timeout = \"2s\"",
        "timeout = { whole = \"2s\" }\ncredentials = { hmac = \"${SHOP_HMAC}\", body = true }",
        1,
    );
    gateway.driver = Fixture::of(&config, Memory::default()).driver;
    let Turn::Effect(handle, Effect::Digest(..)) = gateway.begin("GET", "/public/x", &[]) else { panic!("no digest") };
    let (_, plan) = sent(gateway.driver.step(NOW + 1_500, handle, Answer::Digest(OF_NOTHING)));
    assert_eq!(plan.timeout_ms, 500);
}

#[test]
fn a_body_that_does_not_come_is_refused_and_nothing_is_sent() {
    for (answer, expected, code) in [
        (Answer::BodyTooLarge, 413, "body_too_large"),
        (Answer::Timeout, 408, "body_timeout"),
        (Answer::BodyEnd(BodyEnd::Broken, 0), 499, "client_gone"),
        (Answer::ClientGone, 499, "client_gone"),
    ] {
        let mut gateway = signing_bodies();
        let handle = digested(&mut gateway, "/public/x");
        let (answer, log) = made(gateway.answer(handle, answer));
        assert_eq!((answer.status, &log["code"], &log["level"]), (expected, &code.into(), &"warn".into()));
        assert_eq!((log.get("upstream"), answer.head.value("proxy-status")), (None, None));
    }
}

#[test]
fn nobody_signs_for_a_request_that_is_refused() {
    let (answer, _) = signing_bodies().refused("GET", "/items/42", &[(Header::RequestId, "r-1")]);
    assert_eq!(answer.status, 401);
}

#[test]
fn a_header_of_the_route_does_not_take_the_place_of_the_signature() {
    let changes = "request_headers = { set = { signature = \"mine\", signature-input = \"mine\" } }";
    let (_, plan) = signing("body = false", changes).forwarded("GET", "/public/x", &[]);
    assert!(plan.head.value("signature").is_some_and(|value| value.starts_with("ferrogate=:")));
    assert!(plan.head.value("signature-input").is_some_and(|value| value.starts_with("ferrogate=(")));
}
