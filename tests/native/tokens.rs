//! Who is believed: whole requests with every kind of token, and those that wait for the platform.

use base64ct::{Base64UrlUnpadded, Encoding};
use gateway::{
    driver::{
        Turn,
        effects::{Answer, Effect},
    },
    http::request::Header,
    ports::signatures::Verify,
};
use serde_json::Value;

use crate::fixture::{CONFIG, Fixture, Memory, NOW, SECRET, bearer, head, made, status};

const PAGE: &str = "https://app.test";

/// An issuer with a public key beside the one of the fixture, and routes that take both or none.
const MORE: &str = r#"
[issuers.identity]
algorithm = "ES256"
issuer = "https://identity.test/"
audience = "api"
keys = [
  '{"kty":"EC","crv":"P-256","kid":"1","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}',
  '{"kty":"EC","crv":"P-256","kid":"2","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}',
]

[routes."GET /both"]
upstream = "shop"
use = "browser"
auth = ["main", "identity"]
scopes = ["items:read"]
request_headers = { set = { "x-user-id" = "{claims.sub}" } }
response_headers = { set = { "x-served-for" = "{claims.sub}" } }

[routes."GET /maybe"]
upstream = "shop"
auth = { issuers = ["main", "identity"], optional = true }
request_headers = { set = { "x-user-id" = "{claims.sub}" } }
"#;

fn gateway() -> Fixture {
    Fixture::of(&format!("{CONFIG}{MORE}"), Memory::default())
}

/// `Authorization` with a token of the issuer that has public keys. What it is signed with is for the platform to say.
fn identity(kid: &str, claims: &str) -> String {
    let exp = NOW / 1000 + 60;
    let claims = format!(
        r#"{{"iss":"https://identity.test/","aud":"api","sub":"u2","scope":"items:read","exp":{exp}{claims}}}"#
    );
    let part = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let header = format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{kid}"}}"#);
    format!("Bearer {}.{}.{}", part(&header), part(&claims), "A".repeat(86))
}

fn signed(header: &str, claims: &str, secret: &str) -> String {
    use hmac::{Hmac, Mac};
    let part = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let unsigned = format!("{}.{}", part(header), part(claims));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(unsigned.as_bytes());
    format!("Bearer {unsigned}.{}", Base64UrlUnpadded::encode_string(&mac.finalize().into_bytes()))
}

/// Claims that are good for `/items/{id}`, with something replaced.
fn claims(old: &str, new: &str) -> String {
    let whole = r#"{"iss":"https://issuer.test/","aud":"api","sub":"u1","scope":"items:read","exp":1800000060}"#;
    assert!(whole.contains(old), "{old}");
    whole.replace(old, new)
}

#[test]
fn every_kind_of_bad_token_is_refused_with_its_code_and_challenge() {
    let header = r#"{"alg":"HS256","typ":"JWT"}"#;
    let with = |old: &str, new: &str| signed(header, &claims(old, new), SECRET);
    let good = with("api", "api");
    let tampered = {
        let (left, _) = good.rsplit_once('.').unwrap();
        let (_, signature) = with("u1", "admin").rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        format!("{left}.{signature}")
    };
    let cases: [(&str, Option<String>, u16, &str); 20] = [
        ("no header", None, 401, "token_missing"),
        ("an empty header", Some(String::new()), 401, "token_missing"),
        ("another scheme", Some(good.replace("Bearer", "Basic")), 401, "token_missing"),
        ("no scheme", Some(good.replace("Bearer ", "")), 401, "token_missing"),
        ("no token", Some("Bearer".into()), 401, "token_missing"),
        ("two tokens", Some(format!("{good}, {good}")), 400, "authorization_malformed"),
        ("the scheme twice", Some(good.replace("Bearer", "Bearer Bearer")), 400, "authorization_malformed"),
        ("a short token", Some("Bearer abc".into()), 401, "token_invalid"),
        ("a long token", Some(format!("Bearer {}", "x".repeat(8_193))), 401, "token_invalid"),
        ("a tampered signature", Some(tampered), 401, "token_invalid"),
        ("no signature", Some(format!("{}.", good.rsplit_once('.').unwrap().0)), 401, "token_invalid"),
        (
            "another secret",
            Some(signed(header, &claims("api", "api"), "a secret of somebody else entirely")),
            401,
            "token_invalid",
        ),
        ("no algorithm", Some(signed(r#"{"alg":"none"}"#, &claims("api", "api"), SECRET)), 401, "token_invalid"),
        (
            "another type",
            Some(signed(r#"{"alg":"HS256","typ":"logout+jwt"}"#, &claims("api", "api"), SECRET)),
            401,
            "token_invalid",
        ),
        ("another issuer", Some(with("issuer.test", "evil.test")), 401, "token_invalid"),
        ("another audience", Some(with("api", "app")), 401, "token_invalid"),
        ("expired", Some(with("1800000060", "1799999970")), 401, "token_expired"),
        ("not valid yet", Some(with("\"exp\"", "\"nbf\":1800000031,\"exp\"")), 401, "token_invalid"),
        ("from the future", Some(with("\"exp\"", "\"iat\":1800000031,\"exp\"")), 401, "token_invalid"),
        ("a wrong scope", Some(with("items:read", "items:write")), 403, "scope_missing"),
    ];
    let mut gateway = gateway();
    for (what, authorization, expected, code) in cases {
        let mut headers = vec![(Header::Origin, PAGE)];
        headers.extend(authorization.as_deref().map(|value| (Header::Authorization, value)));
        let (answer, log) = gateway.refused("GET", "/items/42", &headers);
        assert_eq!((answer.status, &log["code"]), (expected, &code.into()), "{what}");
        let challenge = answer.head.value("www-authenticate").unwrap();
        let error = match code {
            "token_missing" => None,
            "authorization_malformed" => Some("error=\"invalid_request\", error_description=\""),
            "scope_missing" => Some("error=\"insufficient_scope\""),
            _ => Some("error=\"invalid_token\", error_description=\""),
        };
        assert!(challenge.starts_with("Bearer realm=\"test\""), "{what}: {challenge}");
        assert_eq!(challenge.contains("error="), error.is_some(), "{what}: {challenge}");
        assert!(challenge.contains(error.unwrap_or_default()), "{what}: {challenge}");
        assert_eq!(answer.head.value("access-control-allow-origin"), Some(PAGE), "{what}");
    }
    gateway.forwarded("GET", "/items/42", &[(Header::Authorization, &good)]);
}

/// A request that must wait for the platform to check a signature.
fn asks(gateway: &mut Fixture, target: &str, authorization: &str) -> (gateway::driver::slots::Handle, Verify) {
    match gateway.begin("GET", target, &[(Header::Authorization, authorization), (Header::Origin, PAGE)]) {
        Turn::Effect(handle, Effect::Verify(verify)) => (handle, verify),
        other => panic!("expected a signature, got {other:?}"),
    }
}

#[test]
fn a_token_with_a_public_key_is_checked_by_the_platform_and_then_remembered() {
    let mut gateway = gateway();
    let token = identity("2", "");
    let (handle, verify) = asks(&mut gateway, "/both", &token);
    assert_eq!((verify.key.issuer, verify.key.key), (1, 1));
    assert_eq!(format!("Bearer {}.{}", verify.signed, verify.signature), token);
    let Turn::Effect(handle, Effect::Forward(plan)) = gateway.driver.step(gateway.now, handle, Answer::Verified(true))
    else {
        panic!("expected a forward");
    };
    assert_eq!((plan.head.value("x-user-id"), plan.answer.value("x-served-for")), (Some("u2"), Some("u2")));
    assert!(gateway.answer(handle, status(200)).log.contains(r#""principal":"u2""#));
    let (_, plan) = gateway.forwarded("GET", "/both", &[(Header::Authorization, &token)]);
    assert_eq!(plan.head.value("x-user-id"), Some("u2"));
}

#[test]
fn a_refusal_after_the_platform_has_spoken_has_the_headers_of_its_route() {
    let expired = format!(r#","x":1,"nbf":{}"#, NOW / 1000 + 600);
    let weak = identity("1", r#","sc":1"#).clone();
    for (token, answer, expected, code) in [
        (identity("1", ""), Answer::Verified(false), 401, "token_invalid"),
        (identity("1", &expired), Answer::Verified(true), 401, "token_invalid"),
        (weak, Answer::KeyUnusable, 500, "internal"),
        (identity("1", ""), Answer::Head(gateway::ports::upstream::Head { status: 200, told: None }), 500, "internal"),
        (identity("1", ""), Answer::ClientGone, 499, "client_gone"),
    ] {
        let mut gateway = gateway();
        let (handle, _) = asks(&mut gateway, "/both", &token);
        let (answer, log) = made(gateway.answer(handle, answer));
        assert_eq!((answer.status, &log["code"], &log["route"]), (expected, &code.into(), &"GET /both".into()));
        assert_eq!(answer.head.constant, Some(0), "security headers");
        assert_eq!(answer.head.value("access-control-allow-origin"), Some(PAGE));
        assert_eq!(answer.head.value("x-request-id"), log["request_id"].as_str());
        assert_eq!(answer.head.value("x-served-for"), None);
        assert_eq!(answer.head.value("www-authenticate").is_some(), expected == 401);
        assert_eq!(gateway.driver.in_flight(), 0);
    }
}

#[test]
fn a_wrong_signature_is_asked_for_again_each_time() {
    let mut gateway = gateway();
    for _ in 0..3 {
        let (handle, _) = asks(&mut gateway, "/both", &identity("1", ""));
        assert_eq!(made(gateway.answer(handle, Answer::Verified(false))).0.status, 401);
    }
}

#[test]
fn a_request_whose_client_leaves_during_the_check_frees_its_slot() {
    let mut gateway = gateway();
    let (handle, _) = asks(&mut gateway, "/both", &identity("1", ""));
    let Turn::Done(finished) = gateway.driver.drop_slot(gateway.now, handle) else { panic!("no log line") };
    assert_eq!(serde_json::from_str::<Value>(&finished.log).unwrap()["code"], "client_gone");
    let (lost, _) = asks(&mut gateway, "/both", &identity("1", ""));
    gateway.now += 6_001;
    gateway.refused("GET", "/health/live", &[]);
    assert_eq!(gateway.driver.in_flight(), 0, "one that nobody dropped is swept");
    assert_eq!(gateway.driver.step(gateway.now, lost, Answer::Verified(true)), Turn::Stale);
}

#[test]
fn each_issuer_of_a_route_is_asked_for_its_own_tokens() {
    let mut gateway = gateway();
    let own = bearer("items:read");
    let (_, plan) = gateway.forwarded("GET", "/both", &[(Header::Authorization, &own)]);
    assert_eq!(plan.head.value("x-user-id"), Some("u1"));
    asks(&mut gateway, "/both", &identity("1", ""));
    let stranger = signed(r#"{"alg":"HS256"}"#, &claims("issuer.test", "evil.test"), SECRET);
    let (answer, log) = gateway.refused("GET", "/both", &[(Header::Authorization, &stranger)]);
    assert_eq!((answer.status, &log["code"]), (401, &"token_invalid".into()));
    let confused = signed(r#"{"alg":"HS256"}"#, &claims("https://issuer.test/", "https://identity.test/"), SECRET);
    let (answer, _) = gateway.refused("GET", "/both", &[(Header::Authorization, &confused)]);
    assert_eq!(answer.status, 401, "a secret of one is worth nothing with the other");
}

#[test]
fn a_token_may_be_left_out_where_it_is_optional_but_not_be_bad() {
    let mut gateway = gateway();
    for headers in [vec![], vec![(Header::Authorization, "Basic dTpw")]] {
        let (_, plan) = gateway.forwarded("GET", "/maybe", &headers);
        assert_eq!(plan.head.value("x-user-id"), None);
        assert!(plan.head.remove.iter().any(|name| name == "x-user-id"), "what the client sends does not get through");
    }
    let own = bearer("");
    let (_, plan) = gateway.forwarded("GET", "/maybe", &[(Header::Authorization, &own)]);
    assert_eq!(plan.head.value("x-user-id"), Some("u1"));
    for (value, expected) in [("Bearer a.b.c", 401), ("Bearer", 401), ("Bearer a b", 400)] {
        assert_eq!(gateway.refused("GET", "/maybe", &[(Header::Authorization, value)]).0.status, expected, "{value}");
    }
}

#[test]
fn a_key_that_cannot_be_used_keeps_the_gateway_from_starting() {
    use gateway::{blueprint::compile::compile, pipeline::gateway::Gateway};
    let config = format!("{CONFIG}{MORE}").replace("keys = [", "keys = [\n  \"${JWKS}\",");
    let start = |jwks: &str| {
        let blueprint = compile("f", &config).into_blueprint().unwrap();
        let value = |name: &str| match name {
            "JWKS" => jwks.to_owned(),
            "SHOP_URL" => "http://shop.test".to_owned(),
            _ => SECRET.to_owned(),
        };
        let values: Vec<Option<String>> = blueprint.variables.0.iter().map(|it| Some(value(&it.name))).collect();
        Gateway::start(blueprint, &values).err().map(|why| why.message())
    };
    let key = |more: &str| {
        format!(
            r#"{{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"{more}}}"#
        )
    };
    assert_eq!(start(&key(r#","kid":"3""#)), None);
    assert_eq!(start(&key(r#","kid":"1""#)).as_deref(), Some("two keys of issuer `identity` have the same `kid`"));
    let private = start(&key(r#","kid":"3","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI""#)).unwrap();
    assert!(private.starts_with("a key of issuer `identity` is private"), "{private}");
    assert!(!private.contains("jpsQ"));
    assert!(start("").is_some());
}

#[test]
fn an_explanation_says_what_the_platform_would_be_asked() {
    use gateway::explain::{answer::Answer as Said, explain, explanation::Ended, request::Request, unused};
    let started = crate::explain::started(&format!("{CONFIG}{MORE}"));
    let explained = |claims: Option<Value>, token: Option<String>, answers: &[Said]| {
        let mut request = Request::new("GET", "https://api.test/both");
        request.claims = claims.and_then(|claims| claims.as_object().cloned());
        request.headers.extend(token.map(|value| ("authorization".to_owned(), value)));
        let explanation = explain(&started, &request, NOW, answers);
        let left = unused(&started, &request, NOW, answers, &explanation);
        (explanation.ended, explanation.to_string(), left)
    };
    let theirs = serde_json::json!({ "iss": "https://identity.test/", "sub": "u2", "scope": "items:read" });
    let (ended, text, _) = explained(Some(theirs.clone()), None, &[]);
    assert_eq!(ended, Ended::WouldBeSent);
    assert!(text.contains("verifies The signature of the token, with key 1 of https://identity.test/."), "{text}");
    assert!(
        text.contains("issuer = https://identity.test/") && text.contains("sends    http://shop.test/base/both"),
        "{text}"
    );
    let own = serde_json::json!({ "sub": "u1", "scope": "items:read" });
    let (_, text, _) = explained(Some(own), None, &[]);
    assert!(text.contains("issuer = https://issuer.test/") && !text.contains("verifies"), "{text}");
    let (_, text, left) = explained(Some(theirs), None, &[Said::Signed(false), Said::Status(200)]);
    assert!(text.contains("code = token_invalid") && text.contains("answered with unsigned"), "{text}");
    assert_eq!(left, [Said::Status(200)]);
    let (ended, text, _) = explained(None, Some(identity("2", "")), &[]);
    assert_eq!(ended, Ended::WouldBeSent);
    assert!(text.contains("ends     The signature would be checked now; nothing was said about it."), "{text}");
    let (_, text, left) = explained(None, Some(identity("2", "")), &[Said::Signed(true), Said::Status(200)]);
    assert!(text.contains("subject = u2") && text.contains("answers  200 from the upstream"), "{text}");
    assert_eq!(left, []);
}

#[test]
fn a_head_with_any_token_is_answered() {
    let mut gateway = gateway();
    for target in ["/items/1", "/both", "/maybe"] {
        for value in [".", "..", "...", "Bearer .", "Bearer ..", "Bearer e30.e30.", "Bearer e30..", "Bearer \u{e9}"] {
            match gateway.driver.begin(NOW, head("GET", target, &[(Header::Authorization, value)])) {
                Turn::Done(finished) => assert!(matches!(made(finished).0.status, 400 | 401), "{value}"),
                Turn::Effect(_, Effect::Forward(_)) => assert_eq!((target, value.starts_with('.')), ("/maybe", true)),
                other => panic!("{value}: {other:?}"),
            }
        }
    }
}
