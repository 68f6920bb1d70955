//! Abuse in a fleet of isolates over the real objects, which run on stores in memory: who is refused where and for how long,
//! what counts, and what operators see and do.

use gateway::{
    driver::{
        Turn,
        effects::{Answer, Effect},
    },
    fleet::{
        abuse::warden::Warden,
        audit::row::Row,
        machine::{Hosted as _, Machine},
        outbox::Due,
        signals::log::Log,
        store::Memory as Store,
    },
    http::{
        Millis,
        reply::Made,
        request::{Header, RequestHead},
    },
    ports::{
        dependencies::Trouble,
        errands::{Class, Destination, Errand},
    },
};
use serde_json::{Value, json};

use crate::fixture::{Fixture, Memory, NOW, bearer_of, made, packed, status};

const CONFIG: &str = r#"
[gateway]
name = "test"
cors = { origins = ["https://app.test"] }

[issuers.main]
algorithm = "HS256"
issuer = "https://issuer.test/"
audience = "api"
secret = "${JWT_SECRET}"
roles = "roles"

[admin]
auth = "main"

[abuse]
threshold = 5
weights = { failed_login = 0 }
exempt = ["198.51.100.0/24"]

[upstreams.shop]
targets = ["${SHOP_URL}"]

[routes."GET /items"]
upstream = "shop"
auth = "none"
cors = { origins = ["https://app.test"] }

[routes."GET /mine"]
upstream = "shop"
auth = "main"

[routes."POST /login"]
upstream = "shop"
auth = "none"
login = "{request.headers.x-user}"
condition = "client.suspicious == false"
"#;

const HOUR: Millis = 3_600_000;

/// Isolates, the log and the objects.
struct Fleet {
    isolates: Vec<Fixture>,
    log: (Log, Store),
    parts: Vec<(Warden, Store)>,
    now: Millis,
    /// The objects that add up do not answer.
    is_away: bool,
    /// How often one was asked how somebody stands.
    looks: usize,
    rows: Vec<Row>,
    /// What the upstream answers.
    upstream: u16,
}

/// A request of somebody.
#[derive(Clone, Default)]
struct Asked<'a> {
    method: &'a str,
    target: &'a str,
    from: Option<&'a str>,
    named: Vec<(&'a str, &'a str)>,
    token: Option<String>,
    origin: Option<&'a str>,
    body: &'a str,
}

impl<'a> Asked<'a> {
    fn get(target: &'a str, from: &'a str) -> Self {
        Self { method: "GET", target, from: Some(from), ..Self::default() }
    }

    fn head(&self, names: &[String]) -> RequestHead {
        let named = |name: &str| match name {
            "cf-connecting-ip" => self.from,
            _ => self.named.iter().find(|(known, _)| *known == name).map(|(_, value)| *value),
        };
        packed(self.method, self.target, names, named, |header| match header {
            Header::Authorization => self.token.as_deref(),
            Header::Origin => self.origin,
            _ => None,
        })
    }
}

/// What became of a request.
#[derive(Debug)]
enum Came {
    Answered(Made, String),
    Sent,
}

impl Fleet {
    fn new(isolates: usize) -> Self {
        Self::of(CONFIG, isolates)
    }

    fn of(config: &str, isolates: usize) -> Self {
        let mut store = Store::default();
        let log = Log::restore(NOW, &mut store).unwrap();
        let part = || {
            let mut store = Store::default();
            (Warden::restore(NOW, &mut store).unwrap(), store)
        };
        let mut fleet = Self {
            isolates: Vec::new(),
            log: (log, store),
            parts: (0..4).map(|_| part()).collect(),
            now: NOW,
            is_away: false,
            looks: 0,
            rows: Vec::new(),
            upstream: 200,
        };
        (0..isolates).for_each(|_| fleet.start(config));
        fleet
    }

    /// One more isolate.
    fn start(&mut self, config: &str) {
        let isolate = Fixture::of(config, Memory::default());
        isolate.driver.gateway().join_fleet();
        isolate.driver.gateway().watch(&Memory::default());
        self.isolates.push(isolate);
    }

    fn run(&mut self, errand: Errand) -> Result<Vec<u8>, Trouble> {
        match errand.to {
            Destination::Object(Class::Abuse, name) => {
                if self.is_away {
                    return Err(Trouble::Failed);
                }
                self.looks += usize::from(errand.message[1] == 1);
                let part: usize = name.strip_prefix("part:").unwrap().parse().unwrap();
                let (warden, store) = &mut self.parts[part];
                let answer = warden.serve(self.now, &errand.message, store).unwrap();
                self.wake(part);
                Ok(answer)
            }
            Destination::Queue => {
                let texts: Vec<String> = serde_json::from_slice(&errand.message).unwrap();
                self.rows.extend(texts.iter().map(|text| Row::read(text).unwrap()));
                Ok(Vec::new())
            }
            Destination::Object(Class::Limits, _) => Err(Trouble::Failed),
            _ => Ok(self.log.0.serve(self.now, &errand.message, &mut self.log.1).unwrap()),
        }
    }

    /// The alarm of an object, if it is due: what it has to tell the log.
    fn wake(&mut self, part: usize) {
        loop {
            let (warden, store) = &mut self.parts[part];
            if Machine::next_wake(warden).is_none_or(|at| at > self.now) {
                return;
            }
            Machine::wake(warden, self.now, store).unwrap();
            while let Some(errand) = Machine::errand(warden, self.now, store).unwrap() {
                let answer = self.log.0.serve(self.now, &errand.message, &mut self.log.1).unwrap();
                Machine::returned(warden, self.now, Ok(answer), store).unwrap();
            }
        }
    }

    fn later(&mut self, ms: Millis) {
        self.now += ms;
        (0..self.parts.len()).for_each(|part| self.wake(part));
    }

    fn refresh(&mut self, isolate: usize) {
        let errand = self.isolates[isolate].driver.gateway().fleet.question(self.now).unwrap();
        let returned = self.run(errand);
        let _ = self.isolates[isolate].driver.gateway().fleet.learn(self.now, self.now, returned);
    }

    fn ask(&mut self, isolate: usize, asked: &Asked<'_>) -> Came {
        self.isolates[isolate].now = self.now;
        let names = self.isolates[isolate].driver.gateway().named_headers.clone();
        let mut turn = self.isolates[isolate].driver.begin(self.now, asked.head(&names));
        let mut sent = false;
        let came = loop {
            let (handle, answer) = match turn {
                Turn::Done(_) if sent => break Came::Sent,
                Turn::Done(finished) => {
                    let log = finished.log.clone();
                    break Came::Answered(made(finished).0, log);
                }
                Turn::Effect(handle, Effect::Refresh(_)) => {
                    self.refresh(isolate);
                    (handle, Answer::Returned(Ok(Vec::new())))
                }
                Turn::Effect(handle, Effect::Replenish(..)) => (handle, Answer::Returned(Ok(Vec::new()))),
                Turn::Effect(handle, Effect::Run(errand, _)) => (handle, Answer::Returned(self.run(errand))),
                Turn::Effect(handle, Effect::Read(..)) => (handle, Answer::Returned(Ok(asked.body.into()))),
                Turn::Effect(handle, Effect::Forward(_)) => {
                    sent = true;
                    (handle, status(self.upstream))
                }
                other => panic!("{other:?}"),
            };
            turn = self.isolates[isolate].driver.step(self.now, handle, answer);
        };
        if self.isolates[isolate].driver.gateway().fleet.asks() {
            self.refresh(isolate);
        }
        came
    }

    /// What is due behind responses.
    fn flush(&mut self, isolate: usize) {
        if self.isolates[isolate].driver.gateway().fleet.due() == Due::Never {
            return;
        }
        while let Some((number, errand)) = self.isolates[isolate].driver.gateway().flush(self.now) {
            let answer = self.run(errand).ok();
            self.isolates[isolate].driver.gateway().fleet.flushed(number, answer);
        }
    }

    /// The code of a refusal and its `Retry-After`; `served` if it went on.
    fn code(&mut self, isolate: usize, asked: &Asked<'_>) -> (String, Option<String>) {
        match self.ask(isolate, asked) {
            Came::Sent => ("served".to_owned(), None),
            Came::Answered(made, _) => {
                let document: Value = serde_json::from_str(&made.body).unwrap_or_default();
                let code = document["code"].as_str().map_or_else(|| made.status.to_string(), str::to_owned);
                (code, made.head.value("retry-after").map(str::to_owned))
            }
        }
    }

    fn get(&mut self, isolate: usize, from: &str) -> String {
        self.code(isolate, &Asked::get("/items", from)).0
    }

    /// Makes somebody be blocked through the first isolate.
    fn scan(&mut self, from: &str) {
        for number in 0..5 {
            let target = format!("/nothing/{number}");
            assert_eq!(self.code(0, &Asked::get(&target, from)).0, "route_not_found");
        }
        self.flush(0);
    }

    /// What an operator is answered: the status and the document.
    fn operate(&mut self, method: &str, target: &str, body: &str) -> (u16, Value) {
        let token = Some(bearer_of(json!({ "sub": "ada", "roles": ["operator"] })));
        let asked = Asked { method, target, body, token, from: Some("203.0.113.9"), ..Asked::default() };
        let Came::Answered(made, _) = self.ask(0, &asked) else { panic!("sent on") };
        (made.status, serde_json::from_str(&made.body).unwrap_or_default())
    }
}

const BAD: &str = "192.0.2.66";
const GOOD: &str = "192.0.2.1";

#[test]
fn the_fifth_event_blocks_an_address_in_every_isolate_for_an_hour() {
    let mut fleet = Fleet::new(2);
    assert_eq!((fleet.get(0, BAD), fleet.get(1, BAD)), ("served".into(), "served".into()));
    fleet.scan(BAD);
    let refused = ("address_blocked".to_owned(), Some("3600".to_owned()));
    assert_eq!(fleet.code(0, &Asked::get("/items", BAD)), refused, "at once where it was reported");
    fleet.later(1_000);
    fleet.refresh(1);
    let (code, after) = fleet.code(1, &Asked::get("/items", BAD));
    assert_eq!((&*code, after.as_deref()), ("address_blocked", Some("3599")));
    assert_eq!(fleet.looks, 0, "the log has told its end");
    assert_eq!((fleet.get(0, GOOD), fleet.get(1, GOOD)), ("served".into(), "served".into()));
    fleet.later(HOUR - 1_001);
    assert_eq!(fleet.get(1, BAD), "address_blocked");
    fleet.later(1);
    assert_eq!((fleet.get(0, BAD), fleet.get(1, BAD)), ("served".into(), "served".into()));
}

#[test]
fn four_events_block_nobody_and_neither_do_five_that_are_too_far_apart() {
    let mut fleet = Fleet::new(1);
    for _ in 0..20 {
        assert_eq!(fleet.code(0, &Asked::get("/nothing", BAD)).0, "route_not_found");
        fleet.flush(0);
        fleet.later(75_000);
    }
    assert_eq!(fleet.get(0, BAD), "served");
}

#[test]
fn whoever_is_blocked_is_told_nothing_of_what_there_is() {
    let mut fleet = Fleet::new(1);
    fleet.scan(BAD);
    for target in ["/nothing", "/mine", "//"] {
        assert_eq!(fleet.code(0, &Asked::get(target, BAD)).0, "address_blocked", "{target}");
    }
    for target in ["/health/live", "/health/ready"] {
        assert_eq!(fleet.code(0, &Asked::get(target, BAD)).0, "200", "{target}");
    }
    let (status, document) = {
        let token = Some(bearer_of(json!({ "sub": "ada", "roles": ["operator"] })));
        let asked = Asked { token, ..Asked::get("/admin/v1/blocks", BAD) };
        let Came::Answered(made, _) = fleet.ask(0, &asked) else { panic!("sent on") };
        (made.status, serde_json::from_str::<Value>(&made.body).unwrap())
    };
    assert_eq!((status, &document["blocked"][0]["name"]), (200, &json!(BAD)), "an operator is never locked out");
}

#[test]
fn pages_read_the_refusal_and_preflights_go_on() {
    let mut fleet = Fleet::new(1);
    fleet.scan(BAD);
    let asked = Asked { origin: Some("https://app.test"), ..Asked::get("/items", BAD) };
    let Came::Answered(made, log) = fleet.ask(0, &asked) else { panic!("sent on") };
    assert_eq!(made.head.value("access-control-allow-origin"), Some("https://app.test"));
    assert!(!made.body.contains(BAD) && !log.contains(BAD), "no address is told or logged");
    let asked = Asked { method: "OPTIONS", ..Asked::get("/items", BAD) };
    assert_eq!(fleet.code(0, &asked).0, "204");
}

#[test]
fn bad_tokens_count_and_expired_and_missing_ones_do_not() {
    let mut fleet = Fleet::new(1);
    let expired = bearer_of(json!({ "exp": NOW / 1000 - 3_600 }));
    for _ in 0..9 {
        assert_eq!(fleet.code(0, &Asked::get("/mine", BAD)).0, "token_missing");
        let asked = Asked { token: Some(expired.clone()), ..Asked::get("/mine", BAD) };
        assert_eq!(fleet.code(0, &asked).0, "token_expired");
    }
    fleet.flush(0);
    assert_eq!(fleet.get(0, BAD), "served");
    for _ in 0..5 {
        let asked = Asked { token: Some("Bearer a.b.c".into()), ..Asked::get("/mine", BAD) };
        assert_eq!(fleet.code(0, &asked).0, "token_invalid");
    }
    fleet.flush(0);
    assert_eq!(fleet.get(0, BAD), "address_blocked");
}

#[test]
fn who_passes_a_limit_is_blocked_where_that_has_a_weight() {
    const SCARCE: &str = r#"
[routes."GET /scarce"]
upstream = "shop"
auth = "none"
rate_limit = "4/hour"
"#;
    let weighed = CONFIG.replace("failed_login = 0", "rate_limited = 5");
    for (config, then) in [(CONFIG, "served"), (&weighed, "address_blocked")] {
        let mut fleet = Fleet::of(&[config, SCARCE].concat(), 1);
        let scarce = Asked::get("/scarce", BAD);
        // Those who count limits are away, so the isolate lets in a quarter.
        assert_eq!([fleet.code(0, &scarce).0, fleet.code(0, &scarce).0], ["served", "rate_limited"]);
        fleet.flush(0);
        assert_eq!((&*fleet.get(0, BAD), &*fleet.get(0, GOOD)), (then, "served"));
    }
}

#[test]
fn who_is_exempt_or_not_known_is_never_blocked() {
    let mut fleet = Fleet::new(1);
    fleet.scan("198.51.100.7");
    assert_eq!(fleet.get(0, "198.51.100.7"), "served");
    for _ in 0..9 {
        fleet.code(0, &Asked { from: None, ..Asked::get("/nothing", "") });
    }
    fleet.flush(0);
    assert_eq!(fleet.code(0, &Asked { from: None, ..Asked::get("/items", "") }).0, "served");
}

#[test]
fn one_customer_has_many_addresses_of_ipv6() {
    let mut fleet = Fleet::new(1);
    for number in 1..=5 {
        fleet.code(0, &Asked::get("/nothing", &format!("2001:db8:1:2::{number}")));
    }
    fleet.flush(0);
    assert_eq!(fleet.get(0, "2001:db8:1:2:ffff::9"), "address_blocked");
    assert_eq!(fleet.get(0, "2001:db8:1:3::1"), "served");
}

#[test]
fn in_shadow_nobody_is_refused_and_all_is_listed() {
    let mut fleet = Fleet::of(&CONFIG.replace("threshold = 5", "threshold = 5\nmode = \"shadow\""), 1);
    fleet.scan(BAD);
    assert_eq!(fleet.get(0, BAD), "served");
    let (_, document) = fleet.operate("GET", "/admin/v1/blocks", "");
    assert_eq!(document["blocked"][0]["name"], BAD);
    assert_eq!(fleet.operate("GET", "/admin/v1/abuse", "").1["mode"], "shadow");
}

#[test]
fn a_new_isolate_knows_before_its_first_request_and_asks_once() {
    let mut fleet = Fleet::new(1);
    fleet.scan(BAD);
    fleet.start(CONFIG);
    for _ in 0..3 {
        assert_eq!(fleet.code(1, &Asked::get("/items", BAD)).1.as_deref(), Some("3600"));
        assert_eq!(fleet.get(1, GOOD), "served");
    }
    assert_eq!(fleet.looks, 1, "the whole of the log has no ends");
}

#[test]
fn while_the_objects_are_away_the_known_are_refused_and_others_go_on() {
    let mut fleet = Fleet::new(1);
    fleet.scan(BAD);
    fleet.start(CONFIG);
    fleet.is_away = true;
    assert_eq!((fleet.get(0, BAD), fleet.get(1, BAD)), ("address_blocked".into(), "served".into()));
    fleet.is_away = false;
    fleet.later(4_999);
    assert_eq!(fleet.get(1, BAD), "served", "it is left alone for a while");
    fleet.later(1);
    assert_eq!(fleet.get(1, BAD), "address_blocked");
}

#[test]
fn an_operator_lists_blocks_and_unblocks_and_that_is_on_record() {
    let mut fleet = Fleet::new(2);
    fleet.scan(BAD);
    let (status, document) = fleet.operate("GET", "/admin/v1/blocks?address=192.0.2.66", "");
    assert_eq!(
        (status, &document["reason"], &document["by"]),
        (200, &json!("not_found 5 within 5m"), &json!("gateway"))
    );
    assert_eq!(fleet.operate("DELETE", "/admin/v1/blocks?address=192.0.2.66", "").0, 204);
    assert_eq!(fleet.get(0, BAD), "served", "here at once");
    fleet.later(1_000);
    fleet.refresh(1);
    assert_eq!(fleet.get(1, BAD), "served");
    let body = r#"{"reason":"Scans.","for":"10m"}"#;
    let (status, document) = fleet.operate("PUT", "/admin/v1/blocks?address=203.0.113.0/24", body);
    assert_eq!((status, &document["name"], &document["by"]), (200, &json!("203.0.113.0/24"), &json!("ada")));
    assert_eq!(fleet.get(0, "203.0.113.77"), "address_blocked", "here at once");
    fleet.later(1_000);
    fleet.refresh(1);
    let (code, after) = fleet.code(1, &Asked::get("/items", "203.0.113.78"));
    assert_eq!((&*code, after.as_deref()), ("address_blocked", Some("599")));
    assert_eq!(fleet.get(1, "203.0.114.1"), "served");
    let rows = fleet.rows.iter().filter(|row| row.resource_type.as_deref() == Some("address"));
    let rows: Vec<(&str, &str, &str)> =
        rows.map(|row| (row.action.as_str(), row.resource_id.as_deref().unwrap(), row.status.word())).collect();
    let expected = [
        ("block.remove", BAD, "attempt"),
        ("block.remove", BAD, "success"),
        ("block.add", "203.0.113.0/24", "attempt"),
        ("block.add", "203.0.113.0/24", "success"),
    ];
    assert_eq!(rows, expected);
    let (_, totals) = fleet.operate("GET", "/admin/v1/abuse", "");
    let told = ["blocked_addresses", "total_blocks", "total_threats"].map(|name| totals[name].as_u64().unwrap());
    assert_eq!((told, &totals["threats"]["not_found"]), ([1, 2, 5], &json!(5)));
}

#[test]
fn what_an_operator_may_not_say_is_refused() {
    let mut fleet = Fleet::new(1);
    let body = r#"{"reason":"Scans."}"#;
    for (method, target, body, status, field) in [
        ("PUT", "/admin/v1/blocks", body, 400, "address"),
        ("PUT", "/admin/v1/blocks?address=192.0.2.0/20", body, 400, "address"),
        ("PUT", "/admin/v1/blocks?address=198.51.100.7", body, 400, "address"),
        ("PUT", "/admin/v1/blocks?address=192.0.2.7", "{}", 400, "/reason"),
        ("PUT", "/admin/v1/blocks?address=192.0.2.7", r#"{"reason":"x","retry_after":"1s"}"#, 400, "/retry_after"),
        ("PUT", "/admin/v1/blocks?address=192.0.2.7", r#"{"reason":"x","for":"31d"}"#, 400, "/for"),
        ("GET", "/admin/v1/blocks?limit=0", "", 400, "limit"),
        ("GET", "/admin/v1/blocks?cursor=x", "", 400, "query"),
        ("GET", "/admin/v1/suspicious?by=me", "", 400, "query"),
        ("GET", "/admin/v1/blocks?address=192.0.2.7", "", 404, ""),
        ("DELETE", "/admin/v1/blocks?address=192.0.2.7", "", 204, ""),
        ("POST", "/admin/v1/blocks?address=192.0.2.7", "", 405, ""),
    ] {
        let (found, document) = fleet.operate(method, target, body);
        assert_eq!((found, document["errors"][0]["field"].as_str().unwrap_or_default()), (status, field), "{target}");
    }
    fleet.flush(0);
    assert_eq!(fleet.get(0, "203.0.113.9"), "served", "an operator may mistype");
    let viewer = Some(bearer_of(json!({ "sub": "eve", "roles": ["viewer"] })));
    for (target, code) in [("/blocks", "role_missing"), ("/suspicious", "role_missing"), ("/abuse", "200")] {
        let target = format!("/admin/v1{target}");
        assert_eq!(fleet.code(0, &Asked { token: viewer.clone(), ..Asked::get(&target, GOOD) }).0, code, "{target}");
    }
    fleet.is_away = true;
    assert_eq!(fleet.operate("GET", "/admin/v1/abuse", "").1["code"], "fleet_unreachable");
}

#[test]
fn lists_go_through_all_objects_in_pages() {
    let mut fleet = Fleet::new(1);
    for number in 1..=40 {
        let target = format!("/admin/v1/blocks?address=203.0.113.{number}");
        assert_eq!(fleet.operate("PUT", &target, r#"{"reason":"Scans."}"#).0, 200);
    }
    let (mut all, mut target) = (std::collections::BTreeSet::new(), "/admin/v1/blocks?limit=7".to_owned());
    loop {
        let (_, page) = fleet.operate("GET", &target, "");
        let blocked = page["blocked"].as_array().unwrap();
        assert!(blocked.len() <= 7);
        all.extend(blocked.iter().map(|block| block["name"].to_string()));
        let Some(next) = page["next"].as_str() else { break };
        target = format!("/admin/v1/blocks?limit=7&after={next}");
    }
    assert_eq!(all.len(), 40);
}

#[test]
fn failed_logins_make_addresses_and_users_suspicious_and_a_condition_knows() {
    let mut fleet = Fleet::new(2);
    let login = |user: &'static str, from: &'static str| Asked {
        method: "POST",
        named: vec![("x-user", user)],
        ..Asked::get("/login", from)
    };
    fleet.upstream = 401;
    for from in ["10.0.0.1", "10.0.0.2", "10.0.0.3"] {
        for _ in 0..2 {
            assert_eq!(fleet.code(0, &login("ada", from)).0, "served");
        }
    }
    fleet.flush(0);
    fleet.upstream = 200;
    assert_eq!(fleet.code(0, &login("ada", GOOD)).0, "condition_failed", "six for ada");
    assert_eq!(fleet.code(0, &login("bob", "10.0.0.1")).0, "served");
    fleet.later(1_000);
    fleet.refresh(1);
    assert_eq!(fleet.code(1, &login("ada", GOOD)).0, "condition_failed", "everywhere");
    fleet.upstream = 403;
    for user in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"] {
        fleet.code(0, &login(user, BAD));
    }
    fleet.flush(0);
    assert_eq!(fleet.code(0, &login("bob", BAD)).0, "condition_failed", "eleven from one address");
    assert_eq!(fleet.get(0, BAD), "served", "suspicious is not blocked");
    let (_, document) = fleet.operate("GET", "/admin/v1/suspicious", "");
    let mut told: Vec<String> = document["suspicious"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{} {}: {}", one["type"], one["name"], one["reason"]).replace('"', ""))
        .collect();
    told.sort_unstable();
    assert_eq!(told, [format!("address {BAD}: 11 failed logins"), "user ada: 6 failed logins".to_owned()]);
    fleet.later(HOUR + 120_000);
    fleet.upstream = 200;
    assert_eq!(fleet.code(0, &login("ada", BAD)).0, "served", "it ends by itself");
}

#[test]
fn a_user_of_many_addresses_is_suspicious() {
    let mut fleet = Fleet::new(1);
    for (number, from) in ["10.0.0.1", "10.0.0.2", "10.0.0.2", "10.0.0.3", "10.0.0.4"].iter().enumerate() {
        let asked = Asked { token: Some(bearer_of(json!({ "sub": "eve" }))), ..Asked::get("/mine", from) };
        assert_eq!(fleet.code(0, &asked).0, "served");
        fleet.flush(0);
        let (_, document) = fleet.operate("GET", "/admin/v1/suspicious", "");
        let suspicious = document["suspicious"].as_array().unwrap();
        assert_eq!(suspicious.len(), usize::from(number == 4), "{from}");
        if let Some(one) = suspicious.first() {
            assert_eq!((&one["name"], &one["reason"]), (&json!("https://issuer.test/ eve"), &json!("4 addresses")));
        }
    }
}
