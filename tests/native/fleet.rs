//! The gateway as part of a fleet: the log runs here on a store in memory, and the test carries the messages.

use gateway::{
    driver::{
        Turn,
        effects::{Answer, Effect},
    },
    fleet::{
        audit::row::Row,
        machine::{Hosted as _, Machine as _},
        message,
        signals::{Question, Signals, log::Log},
        store::Memory as Store,
    },
    http::{Millis, method::Method, reply::Made, request::Header},
    ports::{
        dependencies::Trouble,
        errands::{Destination, Errand},
    },
};
use serde_json::{Value, json};

use crate::fixture::{Fixture, Memory, NOW, bearer_of, made, status};

const CONFIG: &str = r#"
[gateway]
name = "test"

[issuers.main]
algorithm = "HS256"
issuer = "https://issuer.test/"
audience = "api"
secret = "${JWT_SECRET}"
roles = "roles"

[admin]
auth = "main"

[upstreams.shop]
targets = ["${SHOP_URL}"]

[upstreams.mail]
targets = ["${SHOP_URL}"]

[routes."GET /items/{id}"]
upstream = "shop"
auth = "none"
tags = ["items"]

[routes."PUT /items/{id}"]
upstream = "shop"
auth = "none"
tags = ["items"]
when_stale = "wait"
when_away = "refuse"

[routes."GET /letters"]
upstream = "mail"
auth = "none"
"#;

/// A gateway, its log, and what becomes of messages.
struct Fleet {
    gateway: Fixture,
    log: Log,
    store: Store,
    /// The log does not answer.
    is_away: bool,
    /// The queue takes nothing.
    is_silent: bool,
    /// The audit rows that the queue has taken: action, resource and status.
    rows: Vec<(String, String, String)>,
    /// How long the log takes to answer.
    takes_ms: Millis,
    /// What was asked so far.
    asked: usize,
}

/// What became of a request.
#[derive(Debug)]
enum Came {
    Answered(Made),
    Sent,
}

impl Fleet {
    fn new() -> Self {
        Self::of(CONFIG)
    }

    fn of(config: &str) -> Self {
        let gateway = Fixture::of(config, Memory::default());
        gateway.driver.gateway().join_fleet();
        let mut store = Store::default();
        let log = Log::restore(NOW, &mut store).unwrap();
        Self { gateway, log, store, is_away: false, is_silent: false, rows: Vec::new(), takes_ms: 0, asked: 0 }
    }

    fn run(&mut self, errand: Errand) -> Result<Vec<u8>, Trouble> {
        self.asked += 1;
        if errand.to == Destination::Queue {
            return if self.is_silent { Err(Trouble::Failed) } else { self.keep(&errand) };
        }
        if self.is_away {
            return Err(Trouble::Failed);
        }
        Ok(self.log.serve(self.gateway.now, &errand.message, &mut self.store).unwrap())
    }

    fn keep(&mut self, errand: &Errand) -> Result<Vec<u8>, Trouble> {
        let messages: Vec<String> = serde_json::from_slice(&errand.message).unwrap();
        self.rows.extend(messages.iter().map(|message| {
            let row = Row::read(message).unwrap();
            assert_eq!(row.user_id.as_deref(), Some("ada"));
            (row.action, row.resource_id.unwrap(), row.status.word().to_owned())
        }));
        Ok(Vec::new())
    }

    /// Sends the question that is due behind a response, if one is.
    fn behind(&mut self) {
        if self.gateway.driver.gateway().fleet.asks() {
            self.refresh();
        }
    }

    fn refresh(&mut self) {
        let sent = self.gateway.now;
        let errand = self.gateway.driver.gateway().fleet.question(sent).unwrap();
        let returned = self.run(errand);
        self.later(self.takes_ms);
        let _ = self.gateway.driver.gateway().fleet.learn(self.gateway.now, sent, returned);
    }

    fn ask(&mut self, method: &str, target: &str, token: Option<&str>, body: &str) -> Came {
        let authorization = token;
        let headers: Vec<_> = authorization.iter().map(|value| (Header::Authorization, *value)).collect();
        let mut turn = self.gateway.begin(method, target, &headers);
        let came = loop {
            let (handle, answer) = match turn {
                Turn::Done(finished) => break Came::Answered(made(finished).0),
                Turn::Effect(handle, Effect::Refresh(_)) => {
                    self.refresh();
                    (handle, Answer::Returned(Ok(Vec::new())))
                }
                Turn::Effect(handle, Effect::Run(errand, _)) => (handle, Answer::Returned(self.run(errand))),
                Turn::Effect(handle, Effect::Read(..)) => (handle, Answer::Returned(Ok(body.into()))),
                Turn::Effect(handle, Effect::Forward(_)) => {
                    self.gateway.answer(handle, status(200));
                    break Came::Sent;
                }
                other => panic!("{other:?}"),
            };
            turn = self.gateway.driver.step(self.gateway.now, handle, answer);
        };
        self.behind();
        came
    }

    fn get(&mut self, target: &str) -> Came {
        self.ask("GET", target, None, "")
    }

    /// What an operator is answered: the status and the document.
    fn operate(&mut self, method: Method, target: &str, roles: &[&str], body: &str) -> (u16, Value) {
        let token = bearer_of(json!({ "sub": "ada", "roles": roles }));
        let Came::Answered(made) = self.ask(method.name(), target, Some(&token), body) else { panic!("sent on") };
        (made.status, serde_json::from_str(&made.body).unwrap_or_default())
    }

    fn kill(&mut self, query: &str) {
        let target = format!("/admin/v1/switches/kill{query}");
        let (status, document) =
            self.operate(Method::Put, &target, &["operator"], r#"{"reason":"A leak.","for":"1m"}"#);
        assert_eq!(status, 200, "{document}");
    }

    fn later(&mut self, ms: Millis) {
        self.gateway.now += ms;
    }
}

fn refused(came: Came) -> (u16, String, Option<String>) {
    let Came::Answered(made) = came else { panic!("sent on") };
    let document: Value = serde_json::from_str(&made.body).unwrap();
    (made.status, document["code"].as_str().unwrap().to_owned(), made.head.value("retry-after").map(str::to_owned))
}

fn killed(seconds: &str) -> (u16, String, Option<String>) {
    (503, "kill_switch".to_owned(), Some(seconds.to_owned()))
}

#[test]
fn a_gateway_without_a_log_asks_nobody() {
    let mut gateway = Fixture::of(CONFIG, Memory::default());
    gateway.forwarded("GET", "/items/1", &[]);
}

#[test]
fn the_first_request_waits_for_the_log_and_the_next_ones_do_not() {
    let mut fleet = Fleet::new();
    assert!(matches!(fleet.get("/items/1"), Came::Sent));
    assert_eq!(fleet.asked, 1);
    fleet.later(400);
    assert!(matches!(fleet.get("/items/1"), Came::Sent));
    assert_eq!(fleet.asked, 1, "what is young is not asked for");
    fleet.later(200);
    fleet.gateway.forwarded("GET", "/items/1", &[]);
}

#[test]
fn what_is_half_as_old_as_it_may_be_is_asked_for_behind_the_response() {
    let mut fleet = Fleet::new();
    fleet.get("/items/1");
    fleet.later(501);
    let (handle, _) = fleet.gateway.forwarded("GET", "/items/1", &[]);
    fleet.gateway.answer(handle, status(200));
    assert!(fleet.gateway.driver.gateway().fleet.asks());
    let question = fleet.gateway.driver.gateway().fleet.question(fleet.gateway.now);
    assert!(question.is_some());
    // It is out: nobody else sends one.
    let (handle, _) = fleet.gateway.forwarded("GET", "/items/1", &[]);
    fleet.gateway.answer(handle, status(200));
    assert!(!fleet.gateway.driver.gateway().fleet.asks());
}

#[test]
fn the_whole_gateway_an_api_an_upstream_or_a_route_is_stopped_and_health_stays_up() {
    for (query, stopped, goes_on) in [
        ("", vec!["/items/1", "/letters"], vec![]),
        ("?tag=items", vec!["/items/1"], vec!["/letters"]),
        ("?upstream=mail", vec!["/letters"], vec!["/items/1"]),
        ("?route=GET%20/items/%7Bid%7D", vec!["/items/1"], vec!["/letters"]),
    ] {
        let mut fleet = Fleet::new();
        fleet.kill(query);
        for target in stopped {
            assert_eq!(refused(fleet.get(target)), killed("60"), "{query} {target}");
        }
        for target in goes_on {
            assert!(matches!(fleet.get(target), Came::Sent), "{query} {target}");
        }
        for target in ["/health/live", "/health/ready", "/health/startup"] {
            let Came::Answered(made) = fleet.get(target) else { panic!("sent on") };
            assert_eq!(made.status, 200, "{query} {target}");
        }
    }
}

#[test]
fn a_switch_ends_by_itself_and_can_be_released_before() {
    let mut fleet = Fleet::new();
    fleet.kill("");
    fleet.later(59_999);
    assert_eq!(refused(fleet.get("/letters")), killed("1"));
    fleet.later(1);
    assert!(matches!(fleet.get("/letters"), Came::Sent));
    fleet.kill("");
    let (status, _) = fleet.operate(Method::Delete, "/admin/v1/switches/kill", &["operator"], "");
    assert_eq!(status, 204);
    assert!(matches!(fleet.get("/letters"), Came::Sent));
    let (again, _) = fleet.operate(Method::Delete, "/admin/v1/switches/kill", &["operator"], "");
    assert_eq!(again, 204, "releasing twice is releasing once");
}

#[test]
fn a_drain_and_maintenance_are_told_as_those_of_the_file_are() {
    let mut fleet = Fleet::new();
    let body = r#"{"reason":"Back at noon.","for":"1h","retry_after":"30s"}"#;
    fleet.operate(Method::Put, "/admin/v1/switches/maintenance?tag=items", &["operator"], body);
    let told = |code: &str| (503, code.to_owned(), Some("30".to_owned()));
    assert_eq!(refused(fleet.get("/items/1")), told("maintenance"));
    assert!(matches!(fleet.get("/letters"), Came::Sent));
    fleet.operate(Method::Put, "/admin/v1/switches/drain", &["operator"], body);
    assert_eq!(refused(fleet.get("/letters")), told("draining"));
    assert_eq!(refused(fleet.get("/health/ready")), told("draining"));
    assert_eq!(fleet.operate(Method::Get, "/admin/v1/switches", &["viewer"], "").0, 200, "operators get in");
}

#[test]
fn a_switch_of_another_isolate_holds_when_it_is_learnt_of() {
    let mut fleet = Fleet::new();
    fleet.get("/items/1");
    // Another isolate of the same fleet throws it.
    let mut other = Fleet::new();
    std::mem::swap(&mut fleet.store, &mut other.store);
    std::mem::swap(&mut fleet.log, &mut other.log);
    other.kill("");
    std::mem::swap(&mut fleet.store, &mut other.store);
    std::mem::swap(&mut fleet.log, &mut other.log);
    fleet.later(500);
    assert!(matches!(fleet.get("/items/1"), Came::Sent), "it is not known here yet");
    fleet.later(501);
    assert_eq!(refused(fleet.ask("PUT", "/items/1", None, "")), killed("59"), "a route that waits does know");
}

#[test]
fn when_the_log_is_away_a_route_serves_or_refuses_as_it_says() {
    let mut fleet = Fleet::new();
    fleet.is_away = true;
    assert!(matches!(fleet.get("/items/1"), Came::Sent));
    assert_eq!(refused(fleet.ask("PUT", "/items/1", None, "")), (503, "state_unknown".into(), Some("1".into())));
    let before = fleet.asked;
    fleet.get("/items/1");
    assert_eq!(fleet.asked, before, "for a while nobody waits for it");
    fleet.later(11_000);
    fleet.is_away = false;
    assert!(matches!(fleet.ask("PUT", "/items/1", None, ""), Came::Sent));
}

#[test]
fn operators_have_roles_and_others_learn_nothing() {
    let mut fleet = Fleet::new();
    let code = |(status, document): (u16, Value)| (status, document["code"].as_str().unwrap_or_default().to_owned());
    let (index, kill, nothing) = ("/admin/v1", "/admin/v1/switches/kill", "/admin/v1/nothing");
    for target in [index, kill, nothing] {
        let came = fleet.ask("GET", target, None, "");
        assert_eq!(refused(came).0, 401, "{target}");
        assert_eq!(
            code(fleet.operate(Method::Get, target, &["customer"], "")),
            (403, "role_missing".into()),
            "{target}"
        );
    }
    assert_eq!(fleet.operate(Method::Get, index, &["viewer"], "").0, 200);
    assert_eq!(code(fleet.operate(Method::Get, nothing, &["admin"], "")), (404, "route_not_found".into()));
    assert_eq!(code(fleet.operate(Method::Put, kill, &["viewer"], "{}")), (403, "role_missing".into()));
    assert_eq!(code(fleet.operate(Method::Put, kill, &["admin"], "{}")), (400, "admin_request_invalid".into()));
    assert_eq!(code(fleet.operate(Method::Get, kill, &["viewer"], "")), (404, "route_not_found".into()));
    assert_eq!(code(fleet.operate(Method::Put, index, &["admin"], "")), (405, "method_not_allowed".into()));
    assert_eq!(
        code(fleet.operate(Method::Put, "/admin/v1/switches/kill?tag=other", &["admin"], "{}")),
        (400, "admin_request_invalid".into())
    );
}

#[test]
fn a_switch_is_shown_as_it_was_thrown() {
    let mut fleet = Fleet::new();
    let body = r#"{"reason":"A leak.","until":"2027-01-15T09:00:00Z"}"#;
    let put = fleet.operate(Method::Put, "/admin/v1/switches/kill?tag=items", &["admin"], body);
    let shown = json!({
        "kind": "kill", "scope": "tag:items", "reason": "A leak.", "by": "ada", "since": "2027-01-15T08:00:00.000Z",
        "until": "2027-01-15T09:00:00.000Z", "retry_after": 3600,
    });
    assert_eq!(put, (200, shown.clone()));
    assert_eq!(fleet.operate(Method::Get, "/admin/v1/switches/kill?tag=items", &["viewer"], ""), (200, shown.clone()));
    let all = fleet.operate(Method::Get, "/admin/v1/switches", &["viewer"], "");
    assert_eq!(all, (200, json!({ "switches": [shown] })));
    let (_, signals) = fleet.operate(Method::Get, "/admin/v1/signals", &["viewer"], "");
    assert_eq!((&signals["sequence"], &signals["switches"]), (&json!(1), &json!(1)));
    fleet.operate(Method::Put, "/admin/v1/switches/kill?tag=items", &["admin"], body);
    assert_eq!(fleet.operate(Method::Get, "/admin/v1/switches", &["viewer"], ""), all, "twice is once");
}

#[test]
fn without_the_section_there_are_no_paths_for_operators() {
    let mut fleet = Fleet::of(&CONFIG.replace("[admin]\nauth = \"main\"\n", ""));
    assert_eq!(fleet.operate(Method::Get, "/admin/v1", &["admin"], "").0, 404);
}

#[test]
fn a_log_that_is_away_is_told_to_operators() {
    let mut fleet = Fleet::new();
    fleet.is_away = true;
    let body = r#"{"reason":"A leak."}"#;
    for (method, target) in [(Method::Put, "/admin/v1/switches/kill"), (Method::Delete, "/admin/v1/switches/kill")] {
        let (status, document) = fleet.operate(method, target, &["admin"], body);
        assert_eq!((status, &document["code"]), (503, &json!("fleet_unreachable")));
    }
    assert_eq!(fleet.operate(Method::Get, "/admin/v1/switches", &["admin"], "").0, 503);
}

#[test]
fn every_change_is_on_record_before_it_is_made_and_with_its_outcome() {
    let mut fleet = Fleet::new();
    fleet.kill("?tag=items");
    fleet.operate(Method::Delete, "/admin/v1/switches/kill?tag=items", &["operator"], "");
    fleet.is_away = true;
    fleet.operate(Method::Put, "/admin/v1/switches/drain", &["operator"], r#"{"reason":"x"}"#);
    let row = |action: &str, what: &str, status: &str| (action.to_owned(), what.to_owned(), status.to_owned());
    let expected = [
        row("switch.throw", "kill:tag:items", "attempt"),
        row("switch.throw", "kill:tag:items", "success"),
        row("switch.release", "kill:tag:items", "attempt"),
        row("switch.release", "kill:tag:items", "success"),
        row("switch.throw", "drain:gateway", "attempt"),
        row("switch.throw", "drain:gateway", "failure"),
    ];
    assert_eq!(fleet.rows, expected);
}

#[test]
fn what_cannot_be_put_on_record_is_not_done() {
    let mut fleet = Fleet::new();
    fleet.is_silent = true;
    let (status, document) =
        fleet.operate(Method::Put, "/admin/v1/switches/kill", &["operator"], r#"{"reason":"A leak."}"#);
    assert_eq!((status, &document["code"]), (503, &json!("audit_unavailable")));
    assert!(matches!(fleet.get("/letters"), Came::Sent));
}

#[test]
fn a_log_that_is_slower_than_a_route_is_strict_still_answers_it() {
    let strict = CONFIG.replace("when_stale = \"wait\"", "when_stale = \"wait\"\nfreshness = \"100ms\"");
    let mut fleet = Fleet::of(&strict);
    fleet.takes_ms = 150;
    assert!(matches!(fleet.ask("PUT", "/items/1", None, ""), Came::Sent));
    assert_eq!(fleet.asked, 2, "once for the request, and once behind its response");
    fleet.kill("");
    fleet.later(500);
    assert_eq!(refused(fleet.ask("PUT", "/items/1", None, "")).1, "kill_switch");
}

#[test]
fn a_relay_may_know_less_the_stricter_a_route_is() {
    let accepted = |freshness: u32| {
        let fleet = Fleet::new();
        let isolate = &fleet.gateway.driver.gateway().fleet;
        isolate.served(NOW, freshness);
        let question = isolate.question(NOW).unwrap().message;
        match message::read_question::<Signals>(&question) {
            Some((Question::Read(_, accepted_ms), _)) => accepted_ms,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!([60_000, 1_000, 100].map(accepted), [250, 250, 25]);
}
