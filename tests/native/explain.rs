//! Explanations: that they say what the Worker does, that they say it well, and that they keep secrets.

use std::rc::Rc;

use gateway::{
    blueprint::compile::compile,
    driver::{Driver, Turn},
    explain::{
        Started,
        answer::Answer,
        drive::{self, End},
        explain,
        explanation::{Ended, Explanation},
        request::Request,
        unused,
    },
    http::request::Header,
    ports::witness::{Decision, Outcome::Refused},
};
use proptest::{prelude::*, sample::select};
use serde_json::{Map, Value, json};

use crate::fixture::{CONFIG, Memory, NOW, SECRET, bearer};

/// What explanations show beside the routes of the fixture.
const MORE: &str = r#"
[upstreams.vault]
targets = ["service:VAULT"]
credentials = { header = "x-vault-key", value = "${VAULT_TOKEN}" }

[routes."PUT /vault/{id}"]
upstream = "vault"
auth = "main"
body_limit = "1KiB"
request_headers = { set = { "x-org" = "org {claims.org}", "x-user" = "{claims.sub}" } }
response_headers = { set = { "x-for" = "{claims.org}" } }

[routes."GET /old/{rest...}"]
redirect = "/public/{path.rest}"
auth = "none"
"#;

const VAULT_TOKEN: &str = "vault-token-that-nobody-sees";
const EVERYTHING: &str = include_str!("../fixtures/config/good/everything.toml");
const PAGE: (&str, &str) = ("origin", "https://app.test");

pub(crate) fn started(config: &str) -> Started {
    let compiled = compile("gateway.toml", config);
    let blueprint = compiled.clone().into_blueprint().unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
    let value = |name: &str| match name {
        "JWT_SECRET" | "PARTNER_SECRET" | "FILES_HMAC" | "EXPLAIN_SECRET" | "METRICS_TOKEN" => Some(SECRET.to_owned()),
        "VAULT_TOKEN" => Some(VAULT_TOKEN.to_owned()),
        "SHOP_URL" => Some("http://shop.test/base/".to_owned()),
        "AUDIENCE" | "TENANT" => Some("acme".to_owned()),
        "ADMIN_ORIGIN" => Some("https://admin.test".to_owned()),
        _ => None,
    };
    let values: Vec<Option<String>> = blueprint.variables.0.iter().map(|variable| value(&variable.name)).collect();
    Started::new(blueprint, &values).unwrap_or_else(|error| panic!("{}", error.message()))
}

fn fixture() -> Started {
    started(&format!("{CONFIG}{MORE}"))
}

fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> Request {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Request { headers, ..Request::new(method, &format!("https://api.test{target}")) }
}

fn claims(claims: Value) -> Option<Map<String, Value>> {
    claims.as_object().cloned()
}

fn explained(request: &Request, answers: &[Answer]) -> Explanation {
    explain(&fixture(), request, NOW, answers)
}

#[test]
fn explanations_read_well() {
    let preflight = [PAGE, ("access-control-request-method", "GET"), ("access-control-request-headers", "x-a")];
    let allowed = Request {
        claims: claims(json!({ "sub": "u1", "scope": "items:read other" })),
        ..request("GET", "/items/42?a=b", &[PAGE])
    };
    let weak = Request { claims: claims(json!({ "sub": "u1", "scope": "other" })), ..allowed.clone() };
    let expired = Request { claims: claims(json!({ "exp": 1 })), ..allowed.clone() };
    let vault = Request { claims: claims(json!({ "sub": "u1", "org": "acme" })), ..request("PUT", "/vault/7", &[]) };
    let cases: [(&str, Request, &[Answer]); 18] = [
        ("allowed", allowed.clone(), &[]),
        ("no_token", request("GET", "/items/42", &[]), &[]),
        ("wrong_scope", weak, &[]),
        ("expired", expired, &[]),
        ("not_found", request("GET", "/nothing", &[]), &[]),
        ("wrong_method", request("POST", "/items/42", &[]), &[]),
        ("two_meanings", request("GET", "/items/../x", &[]), &[]),
        ("preflight", request("OPTIONS", "/items/42", &preflight[..2]), &[]),
        ("preflight_refused", request("OPTIONS", "/items/42", &preflight), &[]),
        ("redirect", request("GET", "/old/a?b=c", &[]), &[]),
        ("body_too_large", Request { body_length: Some(2_000), ..vault.clone() }, &[]),
        ("credentials", vault, &[Answer::TooLarge]),
        ("unavailable", allowed, &[Answer::Status(503)]),
        ("pass_through", request("GET", "/raw/a?b", &[PAGE]), &[Answer::Status(200)]),
        ("watched", request("GET", "/watched", &[]), &[Answer::Status(200), Answer::Broken]),
        ("readiness", request("GET", "/health/ready", &[]), &[]),
        ("not_ready", request("GET", "/health/ready", &[]), &[Answer::Down("database")]),
        ("unreadable", Request::new("GET", "/items/42"), &[]),
    ];
    for (name, request, answers) in cases {
        insta::assert_snapshot!(name, explained(&request, answers).to_string());
    }
}

#[test]
fn an_explanation_is_stable_json() {
    let vault = Request { claims: claims(json!({ "sub": "u1", "org": "acme" })), ..request("PUT", "/vault/7", &[]) };
    let explanation = explained(&vault, &[Answer::Status(201)]);
    insta::assert_snapshot!("json", serde_json::to_string_pretty(&explanation).unwrap());
}

#[test]
fn what_would_be_sent_is_not_answered() {
    let explanation = explained(&request("GET", "/public/a", &[]), &[]);
    assert_eq!((explanation.ended, &explanation.answer, &explanation.log), (Ended::WouldBeSent, &None, &None));
    assert_eq!(explanation.effects.len(), 1);
}

#[test]
fn an_effect_takes_the_next_answer_that_can_answer_it() {
    let watched = request("GET", "/watched", &[]);
    let ends = |answers: &[Answer]| {
        let log: Value = serde_json::from_str(&explained(&watched, answers).log.unwrap()).unwrap();
        (log["status"].as_u64(), log["body"].as_str().map(str::to_owned))
    };
    let (complete, broken) = (Some("complete".to_owned()), Some("broken".to_owned()));
    assert_eq!(ends(&[Answer::Status(200), Answer::Status(500)]), (Some(200), complete));
    assert_eq!(ends(&[Answer::Broken, Answer::Ready, Answer::Status(200)]), (Some(200), broken));
    assert_eq!(ends(&[Answer::Complete, Answer::Unreachable]), (Some(502), None));
}

#[test]
fn a_word_that_moves_the_cursor_is_escaped() {
    let text = explained(&request("GET", "/\u{1b}[2J\n", &[]), &[]).to_string();
    assert!(text.starts_with("GET https://api.test/\\u{1b}[2J\\n\n"), "{text}");
}

#[test]
fn credentials_and_claims_are_hidden_wherever_a_request_ends() {
    let vault = Request { claims: claims(json!({ "org": HIDDEN_CLAIM })), ..request("PUT", "/vault/7", &[]) };
    for answers in [&[][..], &[Answer::Status(200)], &[Answer::Timeout], &[Answer::TooLarge]] {
        let explanation = explained(&vault, answers);
        let told = [explanation.to_string(), serde_json::to_string(&explanation).unwrap()].concat();
        assert!(told.contains("x-vault-key: ***") && told.contains("org {claims.org}"), "{told}");
        assert!(!told.contains(VAULT_TOKEN) && !told.contains(HIDDEN_CLAIM), "{told}");
    }
}

/// Every header that a decision reads, and one that none does.
fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    let names: Vec<&str> = Header::ALL.iter().map(|header| header.name()).chain(["x-other"]).collect();
    let values = prop_oneof![
        Just("https://app.test".to_owned()),
        Just("https://app.acme.example".to_owned()),
        select(vec!["GET", "PUT", "DELETE", "7", "99999999", "authorization"]).prop_map(str::to_owned),
        ".{0,12}",
    ];
    let name = select(names).prop_map(str::to_owned);
    proptest::collection::vec((name, values), 0..5)
}

fn requests() -> impl Strategy<Value = Request> {
    let methods = select(vec!["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get", "TRACE", ""]);
    let known = vec![
        "/items/42?q",
        "/public/a/b",
        "/raw/x",
        "/watched",
        "/vault/7",
        "/old/a?b",
        "/health/live",
        "/health/ready",
        "/v1/products/7",
        "/v1/orders",
        "/v1/orders/count",
        "/v1/acme/orders/1",
        "/files/a/b",
        "/v1/settings",
    ];
    let target = prop_oneof![4 => select(known).prop_map(str::to_owned), 1 => "/[a-z0-9/.%{}]{0,12}", 1 => ".{0,8}"];
    let url = (select(vec!["https://api.test", "http://u:p@[::1]:80", ""]), target);
    let claims = prop_oneof![
        Just(None),
        Just(claims(json!({ "sub": "u1", "scope": "items:read orders:read orders:write", "org": HIDDEN_CLAIM }))),
        Just(claims(json!({ "scp": ["items:read"], "org": HIDDEN_CLAIM, "exp": 1 }))),
        Just(claims(json!({ "sub": 7, "iss": "other" }))),
    ];
    let length = proptest::option::of(any::<u64>());
    (methods, url, headers(), claims, length).prop_map(|(method, (host, target), headers, claims, body_length)| {
        Request { method: method.to_owned(), url: [host, &target].concat(), headers, body_length, claims }
    })
}

fn answers() -> impl Strategy<Value = Vec<Answer>> {
    let words = ["status=200", "status=503", "unreachable", "timeout", "too_large", "complete", "broken"];
    proptest::collection::vec(select(words.map(|word| Answer::parse(word).unwrap()).to_vec()), 0..3)
}

const HIDDEN_CLAIM: &str = "claim-that-nobody-sees";
const SENT: &str = "token-that-nobody-sees";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// The same effects, answers and log lines as the driver on the ports of the other tests.
    #[test]
    fn explaining_and_serving_are_the_same(request in requests(), answers in answers(), scope in select(vec!["items:read", "other"])) {
        let started = fixture();
        let token = bearer(scope);
        let token = Some(&*token).filter(|_| request.claims.is_some());
        let (Ok(head), Ok(same)) = (request.head(&[], token), request.head(&[], token)) else { return Ok(()) };
        let said: Vec<Answer> = answers.iter().copied().chain([Answer::Ready]).collect();
        let followed = drive::follow(started.gateway(), head, NOW, &said, None);

        let mut driver = Driver::new(Rc::clone(started.gateway()), Memory::default());
        let mut turn = driver.begin(NOW, same);
        let mut effects = followed.effects.iter();
        while let Turn::Effect(handle, effect) = turn {
            let (seen, answer) = effects.next().expect("one more effect");
            prop_assert_eq!(seen, &effect);
            let Some(answer) = answer else {
                prop_assert_eq!(&followed.end, &End::Unanswered);
                return Ok(());
            };
            turn = driver.step(NOW, handle, answer.clone());
        }
        let Turn::Done(finished) = turn else { panic!("expected the end, got {turn:?}") };
        prop_assert_eq!(followed.end, End::Done(finished));
        prop_assert_eq!(effects.count(), 0);
    }

    #[test]
    fn any_request_is_explained_and_no_secret_is_told(mut request in requests(), answers in answers()) {
        request.headers.push(("Authorization".to_owned(), format!("Bearer {SENT}")));
        for started in [started(EVERYTHING), fixture()] {
            let explanation = explain(&started, &request, NOW, &answers);
            let told = [explanation.to_string(), serde_json::to_string(&explanation).unwrap()].concat();
            for secret in [SECRET, VAULT_TOKEN, HIDDEN_CLAIM, SENT, "eyJ"] {
                prop_assert!(!told.contains(secret), "{} tells {}", told, secret);
            }
            prop_assert_eq!(explanation.ended == Ended::Answered, explanation.log.is_some());
            // Such a request is refused before there is a log line of the gateway.
            if explanation.ended == Ended::Unreadable {
                continue;
            }
            let refused: Vec<&Decision> = explanation.decisions.iter().filter(|it| it.outcome == Refused).collect();
            let log = explanation.log.map(|log| serde_json::from_str::<Value>(&log).unwrap()).unwrap_or_default();
            prop_assert_eq!(log["code"].is_string(), refused.len() == 1, "{}", told);
            let code = refused.iter().flat_map(|it| &it.facts).find(|fact| fact.name == "code");
            prop_assert_eq!(log["code"].as_str(), code.map(|fact| &*fact.value));
        }
    }

    #[test]
    fn an_explanation_is_the_same_without_the_answers_that_nobody_asked_for(
        request in requests(),
        mut answers in answers(),
        services in select(vec!["complete", "ready", "down=database"]),
    ) {
        let started = fixture();
        answers.push(Answer::parse(services).unwrap());
        let explanation = explain(&started, &request, NOW, &answers);
        let unused = unused(&started, &request, NOW, &answers, &explanation);
        // Answers of one kind are taken from the front, so those that are left over stand at its end.
        let mut used = answers.clone();
        for answer in unused.iter().rev() {
            let last = used.iter().rposition(|used| used == answer).expect("it was given");
            used.remove(last);
        }
        prop_assert_eq!(explain(&started, &request, NOW, &used), explanation);
    }
}
