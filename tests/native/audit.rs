//! What requests leave in the audit log, what a change is held up by, and how far the database is. The chain itself is
//! tested beside its code, real queues and databases in `tests/fleet`.

use std::{cell::Cell, pin::pin, rc::Rc, task::Context};

use gateway::{
    driver::{
        Turn,
        effects::{Answer, Effect, Effects},
        slots::Handle,
        wire,
    },
    fleet::audit::row::{Row, Status},
    http::{
        problem::Problem,
        request::{ABSENT, Header, RequestHead},
    },
    pipeline::{audit::record, gateway::Gateway, run::Finished},
    ports::{
        dependencies::Trouble,
        errands::{Destination, Errand},
    },
    stages::audit::AUDIT_UNAVAILABLE,
};
use serde_json::{Value, json};

use crate::fixture::{CONFIG, Fixture, Memory, NOW, bearer, bearer_of, made, status};

const ROUTES: &str = r#"
[routes."PUT /orders/{id}"]
upstream = "shop"
auth = "main"
scopes = ["orders:write"]
audit = { action = "order.update", resource = "order", resource_id = "{path.id}/{claims.line}" }

[routes."GET /visits"]
respond = "ok"
auth = "none"
audit = "shop.visit"
"#;

fn fixture(more: &str) -> Fixture {
    let config = CONFIG.replacen("[gateway]\n", &format!("[gateway]\n{more}\n"), 1) + ROUTES;
    let fixture = Fixture::of(&config, Memory::default());
    fixture.driver.gateway().fleet.events.send_from_now_on();
    fixture
}

/// A request with headers by their names, whoever knows them.
fn begin(gateway: &mut Fixture, method: &str, url: &str, headers: &[(&str, &str)]) -> Turn {
    let named = gateway.driver.gateway().named_headers.clone();
    let names = named.iter().map(String::as_str).chain(Header::ALL.map(Header::name));
    let (mut text, mut lengths) = (format!("{method}{url}"), vec![method.len() as u32, url.len() as u32]);
    for name in names {
        let value = headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        lengths.push(value.map_or(ABSENT, |value| value.len() as u32));
        text.push_str(value.unwrap_or_default());
    }
    let head = RequestHead::read(text, &lengths, named.len()).unwrap();
    gateway.driver.begin(NOW, head)
}

/// The rows that wait for the queue.
fn rows(gateway: &Fixture) -> Vec<Row> {
    let Some((_, errand)) = gateway.driver.gateway().fleet.events.flush() else { return Vec::new() };
    assert_eq!(errand.to, Destination::Queue);
    let messages: Vec<String> = serde_json::from_slice(&errand.message).unwrap();
    messages.iter().map(|message| Row::read(message).unwrap()).collect()
}

fn forwarded(turn: Turn) -> Handle {
    match turn {
        Turn::Effect(handle, Effect::Forward(_)) => handle,
        other => panic!("expected a forward, got {other:?}"),
    }
}

fn done(turn: Turn) -> Finished {
    match turn {
        Turn::Done(finished) => finished,
        other => panic!("expected the end, got {other:?}"),
    }
}

/// The lines of a request: the log's and those of rows.
fn lines(finished: &Finished) -> Vec<Value> {
    finished.log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_request_of_a_route_that_says_so_leaves_a_row_and_a_line() {
    let mut gateway = fixture("");
    let token = bearer_of(json!({ "scope": "orders:write", "line": 7 }));
    let headers = [
        ("authorization", token.as_str()),
        ("cf-connecting-ip", "192.0.2.60"),
        ("user-agent", "curl/8\u{fffd}"),
        ("x-request-id", "r-1"),
    ];
    let turn = begin(&mut gateway, "PUT", "https://api.test/orders/o-9?secret=1", &headers);
    assert_eq!(rows(&gateway), [], "nothing is known before there is an answer");
    let finished = gateway.answer(forwarded(turn), status(201));
    assert_eq!(wire::due(gateway.driver.gateway()) & wire::FLUSHES, wire::FLUSHES);
    let rows = rows(&gateway);
    let expected = Row {
        user_id: Some("u1".into()),
        ip_address: Some("192.0.2.60".into()),
        user_agent: Some("curl/8\u{fffd}".into()),
        resource_type: Some("order".into()),
        resource_id: Some("o-9/7".into()),
        details: Some(r#"{"method":"PUT","route":"PUT /orders/{id}","status":201}"#.into()),
        request_id: Some("r-1".into()),
        ..rows[0].clone()
    };
    assert_eq!(rows, [expected]);
    assert_eq!((rows[0].action.as_str(), rows[0].status, rows[0].timestamp), ("order.update", Status::Success, NOW));
    let [request, audit] = lines(&finished).try_into().unwrap();
    assert_eq!((&request["msg"], &request["status"]), (&json!("request"), &json!(201)));
    assert_eq!(
        (&audit["msg"], &audit["action"], &audit["id"]),
        (&json!("audit"), &json!("order.update"), &json!(rows[0].id))
    );
    assert!(!finished.log.contains("192.0.2.60") && !finished.log.contains("secret"));
}

#[test]
fn what_failed_is_a_failure_whoever_said_so() {
    let mut gateway = fixture("");
    let turn = begin(&mut gateway, "PUT", "https://api.test/orders/o-9", &[("authorization", &bearer("orders:write"))]);
    gateway.answer(forwarded(turn), status(409));
    let turn = begin(&mut gateway, "PUT", "https://api.test/orders/o-9", &[("authorization", &bearer("orders:write"))]);
    gateway.answer(forwarded(turn), Answer::Timeout);
    done(begin(&mut gateway, "PUT", "https://api.test/orders/o-9", &[]));
    let told: Vec<_> = rows(&gateway).into_iter().map(|row| (row.status, row.error_message)).collect();
    let failed = |code: &str| (Status::Failure, Some(code.to_owned()));
    assert_eq!(told, [(Status::Failure, None), failed("upstream_timeout"), failed("token_missing")]);
}

#[test]
fn an_answer_of_the_gateway_counts_and_a_template_that_cannot_be_filled_leaves_its_column_out() {
    let mut gateway = fixture("");
    done(begin(&mut gateway, "GET", "https://api.test/visits", &[]));
    let turn = begin(&mut gateway, "PUT", "https://api.test/orders/o-9", &[("authorization", &bearer("orders:write"))]);
    gateway.answer(forwarded(turn), status(200));
    let rows = rows(&gateway);
    assert_eq!((rows[0].action.as_str(), &rows[0].user_id), ("shop.visit", &None));
    assert_eq!((rows[1].resource_type.as_deref(), &rows[1].resource_id), (Some("order"), &None));
}

#[test]
fn refusals_that_matter_for_security_leave_rows_and_others_do_not() {
    let mut gateway = fixture("hosts = [\"api.test\"]\nhttps = \"refuse\"");
    let good = bearer("items:read");
    let cases = [
        ("https://api.test/items/1", Some("Bearer a.b.c"), Some(("security.token_refused", "token_invalid"))),
        (
            "https://api.test/items/1",
            Some("Bearer a, Bearer b"),
            Some(("security.token_refused", "authorization_malformed")),
        ),
        ("https://api.test/items/1", None, None),
        ("https://api.test/nowhere", None, None),
        ("https://api.test/public/a//b", None, None),
        ("https://else.test/public/x", None, Some(("security.blocked", "host_refused"))),
        ("https://a@api.test/public/x", None, Some(("security.blocked", "host_malformed"))),
        ("http://api.test/public/x", None, Some(("security.blocked", "https_required"))),
        ("https://api.test/items/1", Some(good.as_str()), None),
    ];
    for (url, authorization, expected) in cases {
        let headers: Vec<_> = authorization.map(|value| ("authorization", value)).into_iter().collect();
        begin(&mut gateway, "GET", url, &headers);
        let told: Vec<_> = rows(&gateway).into_iter().map(|row| (row.action, row.error_message.unwrap())).collect();
        let expected: Vec<_> =
            expected.map(|(action, code)| (action.to_owned(), code.to_owned())).into_iter().collect();
        assert_eq!(told, expected, "{url} {authorization:?}");
    }
}

#[test]
fn a_denied_access_says_who_asked_for_which_route() {
    let mut gateway = fixture("");
    let headers = [("authorization", &*bearer("else")), ("cf-connecting-ip", "2001:DB8::1")];
    let finished = done(begin(&mut gateway, "GET", "https://api.test/items/1", &headers));
    let [row] = rows(&gateway).try_into().unwrap();
    assert_eq!((row.action.as_str(), row.user_id.as_deref()), ("security.access_denied", Some("u1")));
    assert_eq!(row.ip_address.as_deref(), Some("2001:db8::1"));
    assert_eq!((row.resource_type.as_deref(), row.resource_id.as_deref()), (Some("route"), Some("GET /items/{id}")));
    assert_eq!(lines(&finished).len(), 2);
}

#[test]
fn security_events_can_be_switched_off_and_need_a_queue() {
    let off = CONFIG.to_owned() + "[audit]\nsecurity = false\n";
    let mut off = Fixture::of(&off, Memory::default());
    off.driver.gateway().fleet.events.send_from_now_on();
    let mut alone = Fixture::default();
    for gateway in [&mut off, &mut alone] {
        let (_, log) =
            made(done(begin(gateway, "GET", "https://api.test/items/1", &[("authorization", "Bearer a.b.c")])));
        assert_eq!((log["code"].as_str(), rows(gateway)), (Some("token_invalid"), Vec::new()));
    }
}

#[test]
fn the_user_agent_is_packed_only_where_rows_are_sent() {
    let gateway = Fixture::default();
    assert!(!gateway.driver.gateway().reads(Header::UserAgent));
    assert!(fixture("").driver.gateway().reads(Header::UserAgent));
}

/// What becomes of a row that a change must not be made without, when the queue answers like this.
fn recorded(gateway: &Gateway, answer: Answer) -> (Errand, Result<(), Problem>) {
    let effects = Effects::new(Rc::new(Memory::default()), Rc::new(Cell::new(NOW)));
    let exchange = effects.exchange();
    let row = Row::new(&effects, "admin.drain", Status::Success);
    let mut recording = pin!(record(gateway, row, &effects));
    let mut context = Context::from_waker(std::task::Waker::noop());
    assert!(recording.as_mut().poll(&mut context).is_pending(), "it waits for the queue");
    let Some(Effect::Run(errand, _)) = exchange.effect.take() else { panic!("no errand") };
    exchange.answer.set(Some(answer));
    match recording.as_mut().poll(&mut context) {
        std::task::Poll::Ready(result) => (errand, result),
        std::task::Poll::Pending => panic!("it still waits"),
    }
}

#[test]
fn a_change_waits_until_its_row_is_on_record_and_is_refused_if_it_cannot_be() {
    let gateway = fixture("");
    let gateway = gateway.driver.gateway();
    let (errand, result) = recorded(gateway, Answer::Returned(Ok(Vec::new())));
    assert!(result.is_ok());
    let [message]: [String; 1] = serde_json::from_slice(&errand.message).unwrap();
    assert_eq!((errand.to, Row::read(&message).unwrap().action.as_str()), (Destination::Queue, "admin.drain"));
    assert!(gateway.fleet.events.with_lines(String::new()).contains("admin.drain"));
    let lost = [
        Answer::Timeout,
        Answer::ClientGone,
        Answer::Returned(Err(Trouble::Absent)),
        Answer::Returned(Err(Trouble::Failed)),
    ];
    for answer in lost {
        let (_, result) = recorded(gateway, answer);
        let problem = result.unwrap_err();
        assert_eq!((problem.kind, problem.headers.value("retry-after")), (&AUDIT_UNAVAILABLE, Some("5")));
    }
    assert_eq!(gateway.fleet.events.with_lines(String::new()), "", "what is not on record is in no log either");
}

/// The next question to the database: its handle and its SQL.
fn asked(turn: Turn) -> (Handle, String) {
    let Turn::Effect(handle, Effect::Run(errand, _)) = turn else { panic!("no errand: {turn:?}") };
    assert_eq!(errand.to, Destination::Database);
    let statements: Value = serde_json::from_slice(&errand.message).unwrap();
    (handle, statements[0]["sql"].as_str().unwrap().to_owned())
}

fn answered(json: &str) -> Answer {
    Answer::Returned(Ok(json.as_bytes().to_vec()))
}

#[test]
fn the_health_path_of_migrations_asks_for_the_table_and_then_what_is_in_it() {
    let mut gateway = Fixture::default();
    let turn = gateway.begin("GET", "/health/migrations", &[]);
    let (handle, sql) = asked(turn);
    assert!(sql.contains("sqlite_master"), "{sql}");
    let (handle, sql) = asked(gateway.driver.step(NOW, handle, answered(r#"[[{"name":"d1_migrations"}]]"#)));
    assert!(sql.contains("FROM d1_migrations"), "{sql}");
    let (answer, log) = made(gateway.answer(handle, answered(r#"[[{"name":"0001_audit_logs.sql"}]]"#)));
    let document: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((answer.status, &document["status"]), (200, &json!("current")));
    assert_eq!((answer.head.value("cache-control"), &log["route"]), (Some("no-store"), &json!("/health/migrations")));
}

#[test]
fn a_database_without_migrations_has_them_all_pending_and_one_that_is_away_is_a_problem() {
    let mut gateway = Fixture::default();
    let turn = gateway.begin("GET", "/health/migrations", &[]);
    let (handle, _) = asked(turn);
    let (answer, _) = made(gateway.answer(handle, answered("[[]]")));
    let document: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((&document["status"], &document["current"]), (&json!("pending"), &Value::Null));
    for lost in [Answer::Timeout, Answer::Returned(Err(Trouble::Absent)), answered("x")] {
        let turn = gateway.begin("GET", "/health/migrations", &[]);
        let (handle, _) = asked(turn);
        let (answer, log) = made(gateway.answer(handle, lost));
        assert_eq!((answer.status, &log["code"]), (503, &json!("not_ready")));
    }
    assert_eq!(gateway.refused("POST", "/health/migrations", &[]).0.status, 405);
}
