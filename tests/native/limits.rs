//! Rate limits of a fleet of two isolates: what is counted and told of them, and what operators see and change. The log, the
//! objects that count and those of metrics run here on stores in memory, and the test carries the messages.

use std::collections::BTreeMap;

use gateway::{
    driver::{
        Turn,
        effects::{Answer, Effect},
    },
    fleet::{
        audit::row::Row,
        limits::ledger::Ledger,
        machine::{Hosted, Machine},
        metrics::shard::Shard,
        signals::log::Log,
        store::Memory as Store,
    },
    http::{
        Millis,
        reply::Made,
        request::{ABSENT, Header, RequestHead},
    },
    ports::{
        dependencies::Trouble,
        entropy::Entropy,
        errands::{Class, Destination, Errand},
    },
};
use serde_json::{Value, json};

use crate::fixture::{Fixture, Memory, NOW, bearer_of, made};

const CONFIG: &str = r#"
[gateway]
name = "test"
address_from = { header = "x-from" }

[issuers.main]
algorithm = "HS256"
issuer = "https://issuer.test/"
audience = "api"
secret = "${JWT_SECRET}"
roles = "roles"

[admin]
auth = "main"

[metrics]
operator = { auth = "main", scopes = ["operate"] }
shards = 2

[policies.open]
auth = "none"

[routes."GET /few"]
use = "open"
respond = "here"
rate_limit = { limit = "2/min", name = "few" }

[routes."GET /both"]
use = "open"
respond = "here"
rate_limit = [{ limit = "1/hour", name = "narrow" }, { limit = "100/day", name = "wide" }]

[routes."GET /shadow"]
use = "open"
respond = "here"
rate_limit = { limit = "1/hour per global", name = "watched", mode = "shadow" }

[routes."GET /closed"]
use = "open"
respond = "here"
rate_limit = { limit = "9/min", name = "shut", on_error = "closed" }

[routes."GET /bucket"]
use = "open"
respond = "here"
rate_limit = { limit = "1/hour per global", name = "drops", algorithm = "token_bucket", burst = 2 }

[routes."GET /shops/{id}"]
auth = "main"
respond = "here"
rate_limit = [{ limit = "1/hour per principal and path.id", name = "mine" }, { limit = "3/hour per header:x-key and claim:plan", name = "keyed" }]

[plans.anonymous]
limits = { limit = "1/hour", name = "less" }

[plans.authenticated]
limits = []

[plans.gold]
limits = { limit = "2/hour per principal", name = "more" }

[routes."GET /planned"]
use = "open"
respond = "here"
rate_limit = "plan"

[routes."GET /pressed"]
auth = "main"
respond = "here"
rate_limit = { limit = "1/hour per api_key", name = "pressed" }

[upstreams.shop]
targets = ["${SHOP_URL}"]

[routes."GET /held"]
auth = "main"
upstream = "shop"
rate_limit = { limit = 3, algorithm = "concurrency", per = "tenant", name = "at_once" }

[routes."GET /reset/{token}"]
use = "open"
respond = "here"
rate_limit = { limit = "1/hour per path.token", name = "once" }

[routes."GET /one"]
use = "open"
respond = "here"
rate_limit = "7/day per route"

[routes."GET /two"]
use = "open"
respond = "here"
rate_limit = "7/day per route"
"#;

/// What isolates are told apart by.
struct Random(u8);

impl Entropy for Random {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

/// Two isolates and what they share.
struct World {
    isolates: [Fixture; 2],
    log: (Log, Store),
    ledgers: BTreeMap<String, (Ledger, Store)>,
    shards: BTreeMap<String, (Shard, Store)>,
    /// What does not answer.
    away: Vec<Class>,
    /// The queue takes nothing.
    is_silent: bool,
    /// The audit rows: action, resource and status.
    rows: Vec<(String, String, String)>,
    details: Vec<Option<String>>,
    log_lines: Vec<Value>,
}

fn served<M: Machine>(objects: &mut BTreeMap<String, (M, Store)>, name: &str, now: Millis, message: &[u8]) -> Vec<u8> {
    let (machine, store) = objects.entry(name.to_owned()).or_insert_with(|| {
        let mut store = Store::default();
        (M::restore(now, &mut store).unwrap(), store)
    });
    machine.serve(now, message, store).unwrap()
}

impl World {
    fn new() -> Self {
        Self::of(CONFIG)
    }

    fn of(config: &str) -> Self {
        let isolate = |number: u8| {
            let fixture = Fixture::of(config, Memory::default());
            fixture.driver.gateway().join_fleet();
            fixture.driver.gateway().count(&Random(number));
            fixture
        };
        let mut store = Store::default();
        let log = (Log::restore(NOW, &mut store).unwrap(), store);
        Self {
            isolates: [isolate(1), isolate(2)],
            log,
            ledgers: BTreeMap::new(),
            shards: BTreeMap::new(),
            away: Vec::new(),
            is_silent: false,
            rows: Vec::new(),
            details: Vec::new(),
            log_lines: Vec::new(),
        }
    }

    fn now(&self) -> Millis {
        self.isolates[0].now
    }

    fn later(&mut self, ms: Millis) {
        self.isolates.iter_mut().for_each(|isolate| isolate.now += ms);
    }

    fn run(&mut self, errand: &Errand) -> Result<Vec<u8>, Trouble> {
        let (now, message) = (self.now(), &errand.message);
        match &errand.to {
            Destination::Queue if self.is_silent => Err(Trouble::Failed),
            Destination::Queue => {
                let messages: Vec<String> = serde_json::from_slice(message).unwrap();
                for row in messages.iter().map(|message| Row::read(message).unwrap()) {
                    self.rows.push((row.action, row.resource_id.unwrap(), row.status.word().to_owned()));
                    self.details.push(row.details);
                }
                Ok(Vec::new())
            }
            Destination::Object(class, _) if self.away.contains(class) => Err(Trouble::Failed),
            Destination::Object(Class::Limits, name) => Ok(served(&mut self.ledgers, name, now, message)),
            Destination::Object(Class::Metrics, name) => Ok(served(&mut self.shards, name, now, message)),
            Destination::Relay if self.away.contains(&Class::Signals) => Err(Trouble::Failed),
            Destination::Object(Class::Signals, _) | Destination::Relay => {
                Ok(self.log.0.serve(now, message, &mut self.log.1).unwrap())
            }
            other => panic!("{other:?}"),
        }
    }

    fn refresh(&mut self, isolate: usize) {
        let sent = self.now();
        let errand = self.isolates[isolate].driver.gateway().fleet.question(sent).unwrap();
        let returned = self.run(&errand);
        let _ = self.isolates[isolate].driver.gateway().fleet.learn(sent, sent, returned);
    }

    fn replenish(&mut self, isolate: usize) {
        let now = self.now();
        while let Some((number, errand)) = self.isolates[isolate].driver.gateway().fleet.limits.question(now) {
            let returned = self.run(&errand);
            self.isolates[isolate].driver.gateway().fleet.limits.heard(now, number, returned);
        }
    }

    /// What is due behind responses of all isolates, and what they have counted.
    fn behind(&mut self) {
        for isolate in 0..2 {
            if self.isolates[isolate].driver.gateway().fleet.asks() {
                self.refresh(isolate);
            }
            self.replenish(isolate);
            while let Some((number, errand)) = self.isolates[isolate].driver.gateway().flush(self.isolates[isolate].now)
            {
                let arrived = self.run(&errand).is_ok();
                self.isolates[isolate].driver.gateway().fleet.flushed(number, arrived.then(Vec::new));
            }
        }
    }

    fn send(&mut self, isolate: usize, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Made {
        let gateway = self.isolates[isolate].driver.gateway();
        let url = format!("https://api.test{target}");
        let (mut text, mut lengths) = (format!("{method}{url}"), vec![method.len() as u32, url.len() as u32]);
        let names = gateway.named_headers.clone();
        let known =
            Header::ALL.iter().map(|header| if *header == Header::Authorization { "authorization" } else { "" });
        for name in names.iter().map(String::as_str).chain(known) {
            let value = headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
            lengths.push(value.map_or(ABSENT, |value| value.len() as u32));
            text.push_str(value.unwrap_or_default());
        }
        let head = RequestHead::read(text, &lengths, names.len()).unwrap();
        let now = self.now();
        let mut turn = self.isolates[isolate].driver.begin(now, head);
        loop {
            let (handle, answer) = match turn {
                Turn::Done(finished) => {
                    let (made, log) = made(finished);
                    self.log_lines.push(log);
                    return made;
                }
                Turn::Effect(handle, Effect::Refresh(_)) => {
                    self.refresh(isolate);
                    (handle, Answer::Returned(Ok(Vec::new())))
                }
                Turn::Effect(handle, Effect::Replenish(..)) => {
                    self.replenish(isolate);
                    (handle, Answer::Returned(Ok(Vec::new())))
                }
                Turn::Effect(handle, Effect::Run(errand, _)) => (handle, Answer::Returned(self.run(&errand))),
                Turn::Effect(handle, Effect::Read(..)) => (handle, Answer::Returned(Ok(body.into()))),
                other => panic!("{other:?}"),
            };
            turn = self.isolates[isolate].driver.step(now, handle, answer);
        }
    }

    /// The statuses of so many requests from an address, each followed by what is due behind it.
    fn get(&mut self, isolate: usize, count: usize, target: &str, from: &str) -> Vec<u16> {
        (0..count)
            .map(|_| {
                let status = self.send(isolate, "GET", target, &[("x-from", from)], "").status;
                self.behind();
                status
            })
            .collect()
    }

    fn operate_as(&mut self, role: &str, method: &str, below: &str, body: &str) -> (u16, Value) {
        let token = bearer_of(json!({ "sub": "ada", "roles": [role], "exp": self.now() / 1_000 + 60 }));
        let made = self.send(0, method, &format!("/admin/v1{below}"), &[("authorization", &token)], body);
        (made.status, serde_json::from_str(&made.body).unwrap_or_default())
    }

    fn operate(&mut self, method: &str, below: &str, body: &str) -> (u16, Value) {
        self.operate_as("operator", method, below, body)
    }

    /// The lines of the page of metrics that begin so, without what follows.
    fn counted(&mut self, name: &str) -> Vec<String> {
        self.behind();
        let token = bearer_of(json!({ "sub": "ada", "scope": "operate", "exp": self.now() / 1_000 + 60 }));
        let page = self.send(0, "GET", "/metrics", &[("authorization", &token)], "");
        let lines = page.body.lines().filter_map(|line| line.strip_prefix(name));
        let mut lines: Vec<String> = lines.map(without_shard).collect();
        lines.sort_unstable();
        lines
    }
}

fn without_shard(line: &str) -> String {
    line.replace(",shard=\"0\"", "").replace(",shard=\"1\"", "")
}

/// A part of a hash, as a value that may be secret is shown.
fn hashed(value: &str) -> String {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(value);
    digest[..8].iter().fold("#".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

#[test]
fn what_each_limit_says_is_counted_by_route_and_outcome() {
    let mut world = World::new();
    assert_eq!(world.get(0, 3, "/few", "192.0.2.1"), [200, 200, 429]);
    assert_eq!(world.get(0, 2, "/both", "192.0.2.1"), [200, 429]);
    assert_eq!(world.get(0, 2, "/shadow", "192.0.2.1"), [200, 200]);
    world.away.push(Class::Limits);
    assert_eq!(world.get(1, 1, "/closed", "192.0.2.9"), [503]);
    assert_eq!(world.get(1, 2, "/one", "192.0.2.9"), [200, 429]);
    world.away.clear();
    let expected = [
        ("GET /both", "narrow", "passed", 1),
        ("GET /both", "narrow", "refused", 1),
        ("GET /both", "wide", "passed", 1),
        ("GET /closed", "shut", "unavailable", 1),
        ("GET /few", "few", "passed", 2),
        ("GET /few", "few", "refused", 1),
        ("GET /one", "7/day per route", "alone", 1),
        ("GET /one", "7/day per route", "refused", 1),
        ("GET /shadow", "watched", "passed", 1),
        ("GET /shadow", "watched", "shadow", 1),
    ];
    let expected = expected.map(|(route, limit, outcome, count)| {
        format!("{{route=\"{route}\",limit=\"{limit}\",plan=\"\",outcome=\"{outcome}\"}} {count}")
    });
    assert_eq!(world.counted("ferrogate_rate_limit_requests_total"), expected);
}

#[test]
fn the_log_line_says_which_limit_has_refused_and_nothing_of_one_that_has_room() {
    let mut world = World::new();
    let line = |world: &World| world.log_lines.last().unwrap()["rate_limit"].clone();
    for (target, expected) in [
        ("/both", Value::Null),
        ("/both", json!({ "limit": "narrow", "outcome": "refused" })),
        ("/shadow", Value::Null),
        ("/shadow", json!({ "limit": "watched", "outcome": "shadow" })),
    ] {
        world.get(0, 1, target, "192.0.2.1");
        assert_eq!(line(&world), expected, "{target}");
    }
    world.away.push(Class::Limits);
    world.get(1, 1, "/closed", "192.0.2.9");
    assert_eq!(line(&world), json!({ "limit": "shut", "outcome": "unavailable" }));
    world.get(1, 1, "/one", "192.0.2.9");
    assert_eq!(line(&world), json!({ "limit": "7/day per route", "outcome": "alone" }));
}

#[test]
fn keys_that_are_refused_most_are_told_without_secrets() {
    let mut world = World::new();
    world.get(0, 12, "/few", "2001:db8::7");
    world.get(1, 4, "/few", "192.0.2.1");
    let token = bearer_of(json!({ "sub": "bob the builder", "plan": "gold plated" }));
    for _ in 0..3 {
        world.send(1, "GET", "/shops/9", &[("authorization", &token), ("x-key", "k-e-y")], "");
        world.behind();
    }
    for shop in 10..15 {
        world.send(1, "GET", &format!("/shops/{shop}"), &[("authorization", &token), ("x-key", "k-e-y")], "");
        world.behind();
    }
    world.get(0, 3, "/shadow", "192.0.2.1");
    world.get(0, 2, "/reset/s-e-c-r-e-t", "192.0.2.1");
    world.get(0, 2, &format!("/reset/{}", "long".repeat(60)), "192.0.2.1");
    let (eve, long) = (bearer_of(json!({ "sub": "eve" })), "7".repeat(200));
    for _ in 0..2 {
        world.send(1, "GET", &format!("/shops/{long}"), &[("authorization", &eve)], "");
        world.behind();
    }
    let keyed = format!("header:x-key={}&claim:plan={}", hashed("k-e-y"), hashed("gold plated"));
    let expected = [
        "{limit=\"few\",key=\"address=2001:db8::/64\"} 10".to_owned(),
        format!("{{limit=\"keyed\",key=\"{keyed}\"}} 3"),
        "{limit=\"few\",key=\"address=192.0.2.1\"} 2".to_owned(),
        "{limit=\"mine\",key=\"issuer=https://issuer.test/&principal=bob%20the%20builder&path.id=9\"} 2".to_owned(),
        "{limit=\"watched\",key=\"global\"} 2".to_owned(),
        format!(
            "{{limit=\"mine\",key=\"{}\"}} 1",
            hashed(&format!("issuer=https://issuer.test/&principal=eve&path.id={long}"))
        ),
        format!("{{limit=\"once\",key=\"path.token={}\"}} 1", hashed("s-e-c-r-e-t")),
        format!("{{limit=\"once\",key=\"path.token={}\"}} 1", hashed(&"long".repeat(60))),
    ];
    let mut told = world.counted("ferrogate_rate_limit_refused_keys{").into_iter().map(|line| format!("{{{line}"));
    assert_eq!(told.by_ref().collect::<std::collections::BTreeSet<_>>(), expected.into_iter().collect());
    assert_eq!(world.counted("ferrogate_rate_limit_refused_keys_error"), [" 0"]);
    let page = world.counted("").join("\n");
    assert!(["k-e-y", "gold", "s-e-c", "long"].iter().all(|secret| !page.contains(secret)), "{page}");
    world.later(3_600_000);
    assert_eq!(world.counted("ferrogate_rate_limit_refused_keys{"), [""; 0]);
}

#[test]
fn operators_see_every_limit_with_its_counts_and_who_was_refused() {
    let mut world = World::new();
    world.get(0, 3, "/few", "192.0.2.1");
    world.get(1, 2, "/one", "192.0.2.1");
    let (status, document) = world.operate("GET", "/limits", "");
    assert_eq!(status, 200, "{document}");
    let limits = document["limits"].as_array().unwrap();
    let names: Vec<_> = limits.iter().map(|limit| limit["name"].as_str().unwrap()).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(
        sorted,
        [
            "7/day per route",
            "7/day per route",
            "at_once",
            "drops",
            "few",
            "keyed",
            "less",
            "mine",
            "more",
            "narrow",
            "once",
            "pressed",
            "shut",
            "watched",
            "wide"
        ]
    );
    let of = |name: &str| limits[names.iter().position(|known| *known == name).unwrap()].clone();
    let few = of("few");
    assert_eq!(few["id"].as_str().unwrap().len(), 16);
    let expected = json!({
        "id": few["id"], "name": "few", "limit": 2, "window": "1m", "algorithm": "sliding_window",
        "counted_by": ["address"], "cost": 1, "exact": false, "mode": "enforce", "on_error": "local",
        "routes": ["GET /few"],
        "counts": { "passed": 2, "refused": 1, "shadow": 0, "alone": 0, "unavailable": 0 },
    });
    assert_eq!(few, expected);
    assert_eq!((&of("drops")["burst"], &of("drops")["algorithm"]), (&json!(2), &json!("token_bucket")));
    assert_eq!(of("watched")["mode"], "shadow");
    let by_route = |route: &str| {
        let of = limits.iter().find(|limit| limit["routes"] == json!([route])).unwrap();
        of["counts"]["passed"].clone()
    };
    assert_eq!((by_route("GET /one"), by_route("GET /two")), (json!(2), json!(0)), "limits with one name are two");
    let refused = json!([{ "limit": "few", "key": "address=192.0.2.1", "refused": 1, "error": 0 }]);
    assert_eq!((&document["refused_keys"], &document["shards_missing"]), (&refused, &json!(0)));
}

#[test]
fn limits_of_plans_are_told_with_their_plan() {
    let mut world = World::new();
    assert_eq!(world.get(0, 2, "/planned", "192.0.2.1"), [200, 429]);
    let expected = ["passed", "refused"]
        .map(|outcome| format!("{{route=\"GET /planned\",limit=\"less\",plan=\"anonymous\",outcome=\"{outcome}\"}} 1"));
    assert_eq!(world.counted("ferrogate_rate_limit_requests_total"), expected);
    let (_, document) = world.operate("GET", "/limits", "");
    let of = |name: &str| {
        let limits = document["limits"].as_array().unwrap();
        limits.iter().find(|limit| limit["name"] == name).unwrap().clone()
    };
    assert_eq!((&of("less")["plan"], &of("less")["counts"]["refused"]), (&json!("anonymous"), &json!(1)));
    assert_eq!((&of("more")["plan"], &of("more")["routes"]), (&json!("gold"), &json!(["GET /planned"])));
    assert_eq!((&of("at_once")["window"], &of("at_once")["algorithm"]), (&Value::Null, &json!("concurrency")));
    assert_eq!(of("few").get("plan"), None);
}

#[test]
fn a_key_is_looked_at_and_reset_and_all_isolates_let_it_in_again() {
    let mut world = World::new();
    let key = "/limits/key?limit=few&address=192.0.2.1";
    assert_eq!(world.get(0, 1, "/few", "192.0.2.1"), [200]);
    assert_eq!(world.get(1, 2, "/few", "192.0.2.1"), [200, 429]);
    let (_, shown) = world.operate("GET", key, "");
    assert_eq!((&shown["key"], &shown["left"], &shown["limit"]), (&json!("address=192.0.2.1"), &json!(0), &json!(2)));
    assert_eq!(shown["used"].as_u64().unwrap() + shown["leased"].as_u64().unwrap(), 2);
    assert!(
        shown["free_at"].as_str().unwrap() < shown["reset_at"].as_str().unwrap().to_owned().as_str()
            || shown["free_at"] == shown["reset_at"]
    );
    assert_eq!(world.operate("DELETE", key, "").0, 204);
    let (_, shown) = world.operate("GET", key, "");
    assert_eq!((&shown["left"], &shown["free_at"], &shown["used"]), (&json!(2), &Value::Null, &json!(0)));
    assert_eq!(world.get(0, 1, "/few", "192.0.2.1"), [200], "here at once");
    assert_eq!(world.get(1, 1, "/few", "192.0.2.1"), [429], "it has not heard of it");
    world.later(1_000);
    assert_eq!(world.get(1, 3, "/few", "192.0.2.1"), [429, 200, 429], "behind a response it hears");
    assert_eq!(world.get(1, 1, "/few", "192.0.2.2"), [200]);
    let row = |status: &str| ("limit.reset".to_owned(), "few address=192.0.2.1".to_owned(), status.to_owned());
    assert_eq!(world.rows, [row("attempt"), row("success")]);
}

#[test]
fn another_limit_for_a_key_holds_everywhere_until_it_ends() {
    let mut world = World::new();
    let path = "/limits/override?limit=few&address=192.0.2.1";
    assert_eq!(world.get(1, 3, "/few", "192.0.2.1"), [200, 200, 429]);
    let (status, shown) = world.operate("PUT", path, r#"{"limit":4,"reason":"A sale.","for":"30s"}"#);
    let expected = json!({
        "name": "few", "key": "address=192.0.2.1", "limit": 4, "reason": "A sale.", "by": "ada",
        "since": "2027-01-15T08:00:00.000Z", "until": "2027-01-15T08:00:30.000Z",
    });
    assert_eq!((status, &shown), (200, &expected));
    let first = world.send(0, "GET", "/few", &[("x-from", "192.0.2.1")], "");
    assert_eq!((first.status, first.head.value("ratelimit-policy")), (200, Some("\"few\";q=4;w=60")));
    let other = world.send(0, "GET", "/few", &[("x-from", "192.0.2.2")], "");
    assert_eq!(other.head.value("ratelimit-policy"), Some("\"few\";q=2;w=60"), "that is another key");
    world.later(1_000);
    assert_eq!(world.get(1, 3, "/few", "192.0.2.1"), [429, 200, 429], "one is left of four");
    assert_eq!(world.operate("GET", "/limits", "").1["overrides"], json!([expected]));
    let (_, stands) = world.operate("GET", "/limits/key?limit=few&address=192.0.2.1", "");
    assert_eq!((&stands["limit"], &stands["left"], &stands["override"]), (&json!(4), &json!(0), &expected));
    world.later(100_000);
    assert_eq!(world.get(1, 3, "/few", "192.0.2.1"), [200, 200, 429], "it is over");
    assert_eq!(world.operate("GET", "/limits", "").1["overrides"], json!([]));
    let details: Value = serde_json::from_str(world.details[0].as_ref().unwrap()).unwrap();
    assert_eq!(details, expected);
}

#[test]
fn another_limit_is_taken_back_before_its_time_and_a_bucket_grows_by_as_much() {
    let mut world = World::new();
    let path = "/limits/override?limit=drops";
    assert_eq!(world.get(0, 3, "/bucket", ""), [200, 200, 429]);
    assert_eq!(world.operate("PUT", path, r#"{"limit":3,"reason":"x"}"#).0, 200);
    let (_, stands) = world.operate("GET", "/limits/key?limit=drops", "");
    assert_eq!((&stands["key"], &stands["limit"]), (&json!("global"), &json!(3)));
    assert_eq!(world.operate("DELETE", "/limits/key?limit=drops", "").0, 204);
    assert_eq!(world.get(0, 7, "/bucket", ""), [200, 200, 200, 200, 200, 200, 429]);
    assert_eq!(world.operate("DELETE", path, "").0, 204);
    assert_eq!(world.operate("DELETE", path, "").0, 204, "twice is once");
    assert_eq!(world.operate("GET", "/limits/key?limit=drops", "").1["override"], Value::Null);
    let actions: Vec<&str> = world.rows.iter().map(|(action, ..)| action.as_str()).collect();
    assert_eq!(actions.iter().filter(|action| **action == "limit.lift").count(), 4);
}

#[test]
fn a_refusal_by_a_lower_limit_does_not_outlive_it() {
    let mut world = World::new();
    let path = "/limits/override?limit=few&address=192.0.2.1";
    for ends in ["by itself", "before its time"] {
        assert_eq!(world.operate("PUT", path, r#"{"limit":1,"reason":"x","for":"5s"}"#).0, 200);
        assert_eq!(world.get(0, 2, "/few", "192.0.2.1"), [200, 429], "{ends}");
        if ends == "by itself" {
            world.later(5_000);
        } else {
            assert_eq!(world.operate("DELETE", path, "").0, 204);
        }
        assert_eq!(world.get(0, 2, "/few", "192.0.2.1"), [200, 429], "{ends}");
        world.later(80_000);
    }
}

#[test]
fn a_key_is_named_by_what_its_limit_counts_by() {
    let mut world = World::new();
    let token = bearer_of(json!({ "sub": "bob the builder", "plan": "gold" }));
    for _ in 0..2 {
        world.send(0, "GET", "/shops/9", &[("authorization", &token), ("x-key", "k-e-y")], "");
    }
    for claims in [json!({ "jti": "seven" }), json!({ "sub": "ida" })] {
        assert_eq!(world.send(0, "GET", "/pressed", &[("authorization", &bearer_of(claims))], "").status, 200);
    }
    for (query, left) in [
        ("limit=mine&principal=bob+the+builder&path.id=9", 0),
        ("limit=mine&issuer=https://issuer.test/&principal=bob%20the%20builder&path.id=9", 0),
        ("limit=mine&issuer=https://other.test/&principal=bob+the+builder&path.id=9", 1),
        ("limit=mine&principal=bob+the+builder&path.id=8", 1),
        ("limit=keyed&header:x-key=k-e-y&claim:plan=gold", 1),
        ("limit=keyed&header%3Ax-key=k-e-y&claim:plan=lead", 3),
        ("limit=mine&address=192.0.2.1&path.id=9", 1),
        ("limit=7/day+per+route&route=GET+/one", 7),
        ("limit=pressed&api_key=seven", 0),
        ("limit=pressed&api_key=eight", 1),
        ("limit=pressed&principal=ida", 0),
        ("limit=pressed&address=192.0.2.1", 1),
        ("limit=at_once&tenant=acme", 3),
        ("limit=less&address=192.0.2.9", 1),
    ] {
        let (status, shown) = world.operate("GET", &format!("/limits/key?{query}"), "");
        assert_eq!((status, &shown["left"]), (200, &json!(left)), "{query} {shown}");
    }
    let (_, shown) = world.operate("GET", "/limits/key?limit=keyed&header:x-key=k-e-y&claim:plan=gold", "");
    assert_eq!(shown["key"], format!("header:x-key={}&claim:plan={}", hashed("k-e-y"), hashed("gold")));
}

#[test]
fn what_is_wrong_with_a_query_is_named() {
    let mut world = World::new();
    for (query, field) in [
        ("", "limit"),
        ("?limit=", "limit"),
        ("?limit=unknown&address=192.0.2.1", "limit"),
        ("?limit=few&address=192.0.2.1&route=GET+/both", "limit"),
        ("?limit=7/day+per+route", "limit"),
        ("?limit=few", "address"),
        ("?limit=few&address=nowhere", "address"),
        ("?limit=few&address=192.0.2.1&principal=bob", "principal"),
        ("?limit=few&address=192.0.2.1&address=192.0.2.2", "address"),
        ("?limit=mine&path.id=9", "principal"),
        ("?limit=mine&principal=bob", "path.id"),
        ("?limit=keyed&header:x-key=k", "claim:plan"),
        ("?limit=drops&address=192.0.2.1", "address"),
    ] {
        for (method, path) in [("GET", "/limits/key"), ("DELETE", "/limits/key"), ("PUT", "/limits/override")] {
            let (status, document) = world.operate(method, &format!("{path}{query}"), r#"{"limit":5,"reason":"x"}"#);
            let found = (status, document["code"].as_str(), document["errors"][0]["field"].as_str());
            assert_eq!(found, (400, Some("admin_request_invalid"), Some(field)), "{method} {query}");
        }
    }
    let (status, document) = world.operate("PUT", "/limits/override?limit=drops", r#"{"limit":0,"reason":"x"}"#);
    assert_eq!((status, &document["errors"][0]["field"]), (400, &json!("/limit")));
    assert_eq!(world.rows, [], "nothing was attempted");
}

#[test]
fn what_cannot_be_done_is_said_and_what_cannot_be_put_on_record_is_not_done() {
    let mut world = World::new();
    let (key, other) = ("/limits/key?limit=drops", "/limits/override?limit=drops");
    let body = r#"{"limit":50,"reason":"x"}"#;
    world.get(0, 3, "/bucket", "");
    for (class, asked) in
        [(Class::Limits, ("DELETE", key)), (Class::Limits, ("GET", key)), (Class::Signals, ("PUT", other))]
    {
        world.away = vec![class];
        let (status, document) = world.operate(asked.0, asked.1, body);
        assert_eq!((status, &document["code"]), (503, &json!("fleet_unreachable")), "{asked:?}");
        world.away.clear();
        world.later(20_000);
    }
    assert_eq!(world.rows.last().unwrap().2, "failure");
    world.is_silent = true;
    for (method, path) in [("DELETE", key), ("PUT", other), ("DELETE", other)] {
        let (status, document) = world.operate(method, path, body);
        assert_eq!((status, &document["code"]), (503, &json!("audit_unavailable")), "{method}");
    }
    world.is_silent = false;
    let (_, stands) = world.operate("GET", key, "");
    assert_eq!((&stands["left"], &stands["override"]), (&json!(0), &Value::Null));
}

#[test]
fn only_operators_see_who_was_refused() {
    let mut world = World::new();
    for (method, path) in
        [("GET", "/limits"), ("GET", "/limits/key?limit=drops"), ("PUT", "/limits/override?limit=drops")]
    {
        let (status, document) = world.operate_as("viewer", method, path, "{}");
        assert_eq!((status, &document["code"]), (403, &json!("role_missing")), "{method} {path}");
        assert_ne!(world.operate_as("admin", method, path, "{}").0, 403);
    }
    assert_eq!(world.operate("POST", "/limits", "").0, 405);
}

#[test]
fn where_nobody_counts_there_are_no_counts() {
    let config = CONFIG.replace("[metrics]\noperator = { auth = \"main\", scopes = [\"operate\"] }\nshards = 2\n", "");
    let mut world = World::of(&config);
    world.get(0, 3, "/few", "192.0.2.1");
    let (status, document) = world.operate("GET", "/limits", "");
    assert_eq!((status, &document["limits"][0]["counts"], &document["refused_keys"]), (200, &Value::Null, &json!([])));
}
