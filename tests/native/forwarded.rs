//! What upstreams are told of the client and the way, and clients of the upstream: `forwarded`, `via`, `proxy_status`.

use gateway::{
    driver::{
        Turn,
        effects::{Answer, Effect},
        slots::Handle,
    },
    http::reply::Reply,
    ports::upstream::Forward,
};

use crate::fixture::{CONFIG, Fixture, Memory, made, status};

/// The fixture with keys in `[gateway]`.
fn with(keys: &str) -> Fixture {
    Fixture::of(&CONFIG.replacen("[gateway]\n", &format!("[gateway]\n{keys}\n"), 1), Memory::default())
}

fn planned(gateway: &mut Fixture, target: &str, headers: &[(&str, &str)]) -> (Handle, Forward) {
    match gateway.begin_with(target, headers) {
        Turn::Effect(handle, Effect::Forward(plan)) => (handle, plan),
        other => panic!("expected a forward, got {other:?}"),
    }
}

#[test]
fn an_upstream_is_told_who_asked_and_nothing_that_the_client_says_of_itself() {
    let lies = [("cf-connecting-ip", "192.0.2.60"), ("x-forwarded-for", "10.0.0.1"), ("x-forwarded-host", "evil.test")];
    let (_, plan) = planned(&mut Fixture::default(), "/public/x", &lies);
    let told = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"].map(|name| plan.head.value(name));
    assert_eq!(told, [Some("192.0.2.60"), Some("https"), Some("api.test")]);
    assert!(plan.head.remove.iter().any(|name| name == "forwarded"));
}

#[test]
fn an_address_that_nobody_told_is_not_guessed() {
    let (_, plan) = planned(&mut Fixture::default(), "/public/x", &[("x-forwarded-for", "10.0.0.1")]);
    assert_eq!(plan.head.value("x-forwarded-for"), None);
    assert!(plan.head.remove.iter().any(|name| name == "x-forwarded-for"));
}

#[test]
fn the_address_is_read_from_the_header_that_the_file_trusts() {
    let mut gateway = with("address_from = { header = \"X-Forwarded-For\", trusted = 2 }\nforwarded = \"rfc7239\"");
    let headers = [("x-forwarded-for", "10.6.6.6, 2001:db8::7, 10.0.0.1"), ("cf-connecting-ip", "10.9.9.9")];
    let (_, plan) = planned(&mut gateway, "/public/x", &headers);
    assert_eq!(plan.head.value("forwarded"), Some("for=\"[2001:db8::7]\";proto=https;host=api.test"));
}

#[test]
fn what_a_trusted_proxy_said_is_kept_where_the_file_says_so() {
    let mut gateway = with("forwarded = { from_client = \"append\" }");
    let headers = [("cf-connecting-ip", "192.0.2.60"), ("x-forwarded-for", "10.0.0.1"), ("x-forwarded-proto", "http")];
    let (_, plan) = planned(&mut gateway, "/public/x", &headers);
    assert_eq!(plan.head.append, [("x-forwarded-for".into(), "192.0.2.60".into())]);
    assert_eq!((plan.head.value("x-forwarded-proto"), plan.head.value("x-forwarded-host")), (None, Some("api.test")));
}

#[test]
fn only_headers_that_somebody_reads_are_packed() {
    let named = |config: &str| Fixture::of(config, Memory::default()).driver.gateway().named_headers.clone();
    assert_eq!(named(CONFIG), ["cf-connecting-ip"]);
    let off = CONFIG.replacen("[gateway]\n", "[gateway]\nforwarded = \"off\"\n", 1);
    assert_eq!(named(&off), ["cf-connecting-ip"], "rows of the audit log have it");
    let quiet = off + "[audit]\nsecurity = false\n";
    assert_eq!(named(&quiet), [""; 0]);
    assert_eq!(named(&quiet.replacen("[gateway]\n", "[gateway]\nvia = true\n", 1)), ["via"]);
}

#[test]
fn what_passes_through_is_told_nothing() {
    let mut gateway = with("via = true\nproxy_status = true\nforwarded = \"both\"");
    let (handle, plan) = planned(&mut gateway, "/raw/x", &[("cf-connecting-ip", "192.0.2.60"), ("via", "1.1 a")]);
    assert_eq!((plan.head, plan.answer, plan.untouched), (Default::default(), Default::default(), true));
    let finished = gateway.answer(handle, status(200));
    assert!(matches!(finished.reply, Some(Reply::Relay(relay)) if relay.head == Default::default()));
}

#[test]
fn the_gateway_names_itself_in_both_directions_and_refuses_the_fifth_time() {
    let mut gateway = with("via = true");
    let (_, plan) = planned(&mut gateway, "/public/x", &[("via", "1.1 test, 1.1 test, 1.1 test")]);
    assert_eq!((plan.head.value("via"), plan.answer.value("via")), (Some("1.1 test"), Some("1.1 test")));
    let Turn::Done(finished) = gateway.begin_with("/public/x", &[("via", "1.1 test, 1.1 test, 1.1 test, 1.1 test")])
    else {
        panic!("it was not refused")
    };
    let (answer, log) = made(finished);
    assert_eq!((answer.status, &log["code"], &log["level"]), (508, &"loop_detected".into(), &"error".into()));
    assert_eq!(answer.head.value("proxy-status"), Some("test; error=proxy_loop_detected"));
}

#[test]
fn failures_of_an_upstream_say_that_it_was_the_upstream() {
    for (failure, error) in [
        (Answer::Unreachable, Some("test; error=destination_unavailable")),
        (Answer::Timeout, Some("test; error=http_response_timeout")),
        (Answer::BodyTooLarge, None),
    ] {
        for target in ["/public/x", "/raw/x"] {
            let mut gateway = Fixture::default();
            let (handle, _) = planned(&mut gateway, target, &[]);
            let (answer, _) = made(gateway.answer(handle, failure.clone()));
            assert_eq!(answer.head.value("proxy-status"), error, "{target}");
        }
    }
    let mut gateway = with("proxy_status = false");
    let (handle, _) = planned(&mut gateway, "/public/x", &[]);
    assert_eq!(made(gateway.answer(handle, Answer::Timeout)).0.head.value("proxy-status"), None);
}

#[test]
fn an_answer_that_is_passed_on_tells_its_status_where_the_file_says_so() {
    let mut gateway = with("proxy_status = true");
    let (handle, _) = planned(&mut gateway, "/public/x", &[]);
    let Some(Reply::Relay(relay)) = gateway.answer(handle, status(404)).reply else { panic!("not relayed") };
    assert_eq!(relay.head.append, [("proxy-status".into(), "test; received-status=404; next-hop=shop".into())]);
}

#[test]
fn the_log_tells_how_long_the_upstream_took_also_where_it_failed() {
    for (answer, status) in [(status(200), 200), (Answer::Timeout, 504), (Answer::ClientGone, 499)] {
        let mut gateway = Fixture::default();
        let (handle, _) = planned(&mut gateway, "/public/x", &[]);
        gateway.now += 40;
        let log: serde_json::Value = serde_json::from_str(&gateway.answer(handle, answer).log).unwrap();
        assert_eq!(
            (&log["status"], &log["upstream"], &log["upstream_ms"]),
            (&status.into(), &"shop".into(), &40.into())
        );
    }
    let (_, log) = Fixture::default().refused("GET", "/nothing", &[]);
    assert_eq!((log.get("upstream"), log.get("upstream_ms")), (None, None));
}
