//! Two isolates, the log, the objects that count and those of metrics, on stores in memory: the test carries the messages.

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
        reply::{Made, Reply},
    },
    pipeline::run::Finished,
    ports::{
        dependencies::Trouble,
        entropy::Entropy,
        errands::{Class, Destination, Errand},
        upstream::Head,
    },
};
use serde_json::{Value, json};

use crate::fixture::{Fixture, Memory, NOW, bearer_of, head_by_name, made};

pub(super) const CONFIG: &str = r#"
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
pub(super) struct World {
    pub(super) isolates: [Fixture; 2],
    pub(super) log: (Log, Store),
    pub(super) ledgers: BTreeMap<String, (Ledger, Store)>,
    pub(super) shards: BTreeMap<String, (Shard, Store)>,
    /// What the upstream answers.
    pub(super) upstream: Head,
    /// What does not answer.
    pub(super) away: Vec<Class>,
    /// The queue takes nothing.
    pub(super) is_silent: bool,
    /// The audit rows: action, resource and status.
    pub(super) rows: Vec<(String, String, String)>,
    pub(super) details: Vec<Option<String>>,
    pub(super) log_lines: Vec<Value>,
}

fn served<M: Machine>(objects: &mut BTreeMap<String, (M, Store)>, name: &str, now: Millis, message: &[u8]) -> Vec<u8> {
    let (machine, store) = objects.entry(name.to_owned()).or_insert_with(|| {
        let mut store = Store::default();
        (M::restore(now, &mut store).unwrap(), store)
    });
    machine.serve(now, message, store).unwrap()
}

impl World {
    pub(super) fn new() -> Self {
        Self::of(CONFIG)
    }

    pub(super) fn of(config: &str) -> Self {
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
            upstream: Head { status: 200, told: None },
            away: Vec::new(),
            is_silent: false,
            rows: Vec::new(),
            details: Vec::new(),
            log_lines: Vec::new(),
        }
    }

    pub(super) fn now(&self) -> Millis {
        self.isolates[0].now
    }

    pub(super) fn later(&mut self, ms: Millis) {
        self.isolates.iter_mut().for_each(|isolate| isolate.now += ms);
    }

    pub(super) fn run(&mut self, errand: &Errand) -> Result<Vec<u8>, Trouble> {
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

    pub(super) fn refresh(&mut self, isolate: usize) {
        let sent = self.now();
        let errand = self.isolates[isolate].driver.gateway().fleet.question(sent).unwrap();
        let returned = self.run(&errand);
        let _ = self.isolates[isolate].driver.gateway().fleet.learn(sent, sent, returned);
    }

    pub(super) fn replenish(&mut self, isolate: usize) {
        let now = self.now();
        while let Some((number, errand)) = self.isolates[isolate].driver.gateway().fleet.limits.question(now) {
            let returned = self.run(&errand);
            self.isolates[isolate].driver.gateway().fleet.limits.heard(now, number, returned);
        }
    }

    /// What is due behind responses of all isolates, and what they have counted.
    pub(super) fn behind(&mut self) {
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

    pub(super) fn send(
        &mut self,
        isolate: usize,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Made {
        let gateway = self.isolates[isolate].driver.gateway();
        let head = head_by_name(method, target, &gateway.named_headers, headers);
        let now = self.now();
        let mut turn = self.isolates[isolate].driver.begin(now, head);
        loop {
            let (handle, answer) = match turn {
                Turn::Done(Finished { reply: Some(Reply::Relay(_)), .. }) => {
                    return Made { status: self.upstream.status, ..Made::default() };
                }
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
                Turn::Effect(handle, Effect::Forward(_)) => (handle, Answer::Head(self.upstream)),
                Turn::Effect(handle, Effect::Read(..)) => (handle, Answer::Returned(Ok(body.into()))),
                other => panic!("{other:?}"),
            };
            turn = self.isolates[isolate].driver.step(now, handle, answer);
        }
    }

    /// The statuses of so many requests from an address, each followed by what is due behind it.
    pub(super) fn get(&mut self, isolate: usize, count: usize, target: &str, from: &str) -> Vec<u16> {
        (0..count)
            .map(|_| {
                let status = self.send(isolate, "GET", target, &[("x-from", from)], "").status;
                self.behind();
                status
            })
            .collect()
    }

    pub(super) fn operate_as(&mut self, role: &str, method: &str, below: &str, body: &str) -> (u16, Value) {
        let token = bearer_of(json!({ "sub": "ada", "roles": [role], "exp": self.now() / 1_000 + 60 }));
        let made = self.send(0, method, &format!("/admin/v1{below}"), &[("authorization", &token)], body);
        (made.status, serde_json::from_str(&made.body).unwrap_or_default())
    }

    pub(super) fn operate(&mut self, method: &str, below: &str, body: &str) -> (u16, Value) {
        self.operate_as("operator", method, below, body)
    }

    /// The lines of the page of metrics that begin so, without what follows.
    pub(super) fn counted(&mut self, name: &str) -> Vec<String> {
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
pub(super) fn hashed(value: &str) -> String {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(value);
    digest[..8].iter().fold("#".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}
