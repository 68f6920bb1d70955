//! What is counted of whole requests, who reads it, and what of it a reader gets.

use gateway::{
    blueprint::compile::compile,
    config::binary,
    driver::{
        Driver, Turn,
        effects::{Answer, Effect},
    },
    fleet::{
        machine::Hosted,
        message,
        metrics::{Metrics, Reading, shard::Shard},
        outbox::Due,
        store::Memory as Store,
    },
    http::request::Header,
    pipeline::{
        gateway::Gateway,
        start::{Place, Reason},
    },
    ports::{
        dependencies::Trouble,
        errands::{Destination, Errand},
    },
};
use serde_json::Value;

use crate::fixture::{CONFIG, Fixture, Memory, NOW, SECRET, bearer, made, status};

const TOKEN: &str = "3kF1c0m2S5n8vQxZ7yTtWqLpR4uJ6hGdEaBsYwNiOeM=";
const SECTION: &str = "[metrics]\ntoken = \"${METRICS_TOKEN}\"\nshards = 2\n";
const OPERATED: &str = "[metrics]\npath = \"/internal/metrics\"\noperator = { auth = \"main\", scopes = [\"gateway:operate\"] }\nshards = 2\n";

/// A gateway that counts, and the objects that it hands over to.
struct Counting {
    fixture: Fixture,
    shards: Vec<(Shard, Store)>,
}

fn start(section: &str, token: Option<&str>) -> Result<Gateway, Vec<Reason>> {
    let source = format!("{CONFIG}\n{section}");
    let compiled = compile("gateway.toml", &source);
    let blueprint = compiled.clone().into_blueprint().unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
    let value = |name: &str| match name {
        "JWT_SECRET" => Some(SECRET.to_owned()),
        "SHOP_URL" => Some("http://shop.test/base/".to_owned()),
        _ => token.map(str::to_owned),
    };
    let values: Vec<Option<String>> = blueprint.variables.0.iter().map(|variable| value(&variable.name)).collect();
    let place = Place { release: 0xfeed, now: NOW, ..Place::default() };
    Gateway::start_at(blueprint, &values, place).map_err(|why| why.reasons)
}

fn counting(section: &str) -> Counting {
    let gateway = start(section, Some(TOKEN)).unwrap_or_else(|why| panic!("{why:?}"));
    let platform = Memory::default();
    gateway.count(&platform);
    let fixture = Fixture { driver: Driver::new(gateway.into(), platform), now: NOW };
    Counting { fixture, shards: (0..2).map(|_| (Shard::default(), Store::default())).collect() }
}

impl Counting {
    /// Has an errand done by the object that it is for.
    fn run(&mut self, errand: &Errand) -> Vec<u8> {
        let Destination::Object(_, name) = &errand.to else { panic!("{:?}", errand.to) };
        let number: usize = name.strip_prefix("shard:").unwrap().parse().unwrap();
        let (shard, store) = &mut self.shards[number];
        shard.serve(self.fixture.now, &errand.message, store).unwrap()
    }

    /// Empties the outbox.
    fn flush(&mut self) {
        while let Some((number, errand)) = self.fixture.driver.gateway().flush(self.fixture.now) {
            self.run(&errand);
            self.fixture.driver.gateway().fleet.flushed(number, Some(Vec::new()));
        }
    }

    /// What has been counted, as lines of the text without their shard.
    fn counted(&mut self) -> Vec<String> {
        self.flush();
        let authorization = format!("Bearer {TOKEN}");
        let page = self.page("/metrics", &[(Header::Authorization, &authorization)]).1;
        let lines = page.lines().filter(|line| !line.starts_with('#')).map(|line| line.replace(",shard=\"0\"", ""));
        lines.map(|line| line.replace("{shard=\"0\"}", "")).collect()
    }

    /// A page of metrics, with all its errands done.
    fn page(&mut self, path: &str, headers: &[(Header, &str)]) -> (u16, String, String) {
        let mut turn = self.fixture.begin("GET", path, headers);
        loop {
            match turn {
                Turn::Effect(handle, Effect::Run(errand, _)) => {
                    let answer = Answer::Returned(Ok(self.run(&errand)));
                    turn = self.fixture.driver.step(self.fixture.now, handle, answer);
                }
                Turn::Done(finished) => {
                    let (made, _) = made(finished);
                    let kind = made.head.value("content-type").unwrap().to_owned();
                    return (made.status, made.body.to_string(), kind);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

fn of<'l>(lines: &'l [String], name: &str) -> Vec<&'l str> {
    lines.iter().filter_map(|line| line.strip_prefix(name)).collect()
}

#[test]
fn every_outcome_is_counted_under_its_route_and_its_reason() {
    let mut gateway = counting(SECTION);
    let fixture = &mut gateway.fixture;
    let customer = bearer("items:read");
    for _ in 0..2 {
        let (handle, _) = fixture.forwarded("GET", "/items/7", &[(Header::Authorization, &customer)]);
        fixture.answer(handle, status(200));
    }
    let (handle, _) = fixture.forwarded("GET", "/public/x", &[]);
    fixture.answer(handle, Answer::Unreachable);
    let (handle, _) = fixture.forwarded("GET", "/public/x", &[]);
    fixture.driver.drop_slot(fixture.now, handle);
    fixture.refused("GET", "/items/7", &[]);
    fixture.refused("GET", "/items/7", &[(Header::Authorization, &bearer("other"))]);
    fixture.refused("GET", "/nowhere", &[]);
    fixture.refused("POST", "/public/x", &[]);
    fixture.refused("GET", "/health/live", &[]);
    fixture.refused(
        "OPTIONS",
        "/items/7",
        &[(Header::Origin, "https://evil.test"), (Header::AccessControlRequestMethod, "GET")],
    );
    fixture.refused("GET", "/metrics", &[]);
    let lines = gateway.counted();
    let expected = [
        "{route=\"-\",status=\"4xx\",outcome=\"routing\"} 2",
        "{route=\"/health/live\",status=\"2xx\",outcome=\"answered\"} 1",
        "{route=\"/metrics\",status=\"4xx\",outcome=\"authn\"} 1",
        "{route=\"GET /items/{id}\",status=\"2xx\",outcome=\"forwarded\"} 2",
        "{route=\"GET /items/{id}\",status=\"4xx\",outcome=\"authn\"} 1",
        "{route=\"GET /items/{id}\",status=\"4xx\",outcome=\"authz\"} 1",
        "{route=\"GET /items/{id}\",status=\"4xx\",outcome=\"cors\"} 1",
        "{route=\"GET /public/{rest...}\",status=\"4xx\",outcome=\"forward\"} 1",
        "{route=\"GET /public/{rest...}\",status=\"5xx\",outcome=\"forward\"} 1",
    ];
    assert_eq!(of(&lines, "ferrogate_requests_total"), expected);
    let problems = [
        "{code=\"client_gone\"} 1",
        "{code=\"cors_origin_refused\"} 1",
        "{code=\"method_not_allowed\"} 1",
        "{code=\"route_not_found\"} 1",
        "{code=\"scope_missing\"} 1",
        "{code=\"token_missing\"} 2",
        "{code=\"upstream_unreachable\"} 1",
    ];
    assert_eq!(of(&lines, "ferrogate_problems_total"), problems);
    let info = of(&lines, "ferrogate_app_info");
    assert_eq!(info, ["{name=\"test\",environment=\"\",release=\"000000000000feed\",version=\"0.1.0\"} 1"]);
}

#[test]
fn times_are_those_of_the_request_and_of_its_upstream() {
    let mut gateway = counting(SECTION);
    let (handle, _) = gateway.fixture.forwarded("GET", "/public/x", &[]);
    gateway.fixture.now += 40;
    gateway.fixture.answer(handle, status(200));
    let lines = gateway.counted();
    for (family, label) in [("request", "route=\"GET /public/{rest...}\""), ("upstream", "upstream=\"shop\"")] {
        let name = format!("ferrogate_{family}_duration_seconds");
        let sample = |suffix: &str| of(&lines, &format!("{name}{suffix}{{{label}")).join("\n");
        assert_eq!((sample("_sum"), sample("_count")), ("} 0.040".into(), "} 1".into()), "{family}");
        let buckets = sample("_bucket");
        assert!(buckets.contains(",le=\"0.025\"} 0\n,le=\"0.05\"} 1\n"), "{buckets}");
    }
}

#[test]
fn waiting_for_the_platform_is_counted() {
    let mut gateway = counting(SECTION);
    gateway.fixture.refused("GET", "/health/ready", &[]);
    gateway.fixture.refused("GET", "/health/live", &[]);
    let first = gateway.counted();
    // Four components, and nothing of the log, for this gateway belongs to no fleet.
    let awaits = |lines: &[String]| {
        (
            of(lines, "ferrogate_platform_awaits_total ").join(""),
            of(lines, "ferrogate_requests_awaiting_total ").join(""),
        )
    };
    assert_eq!(awaits(&first), ("3".into(), "1".into()));
    // The page itself has asked two objects.
    assert_eq!(awaits(&gateway.counted()), ("5".into(), "2".into()));
}

#[test]
fn what_no_wasm_has_answered_is_counted_too() {
    let mut gateway = counting(SECTION);
    gateway.fixture.driver.gateway().count_others("restarting", 3);
    gateway.fixture.driver.gateway().count_others("unknown", 1);
    let lines = gateway.counted();
    assert_eq!(of(&lines, "ferrogate_requests_total"), ["{route=\"-\",status=\"5xx\",outcome=\"entry\"} 3"]);
    assert_eq!(of(&lines, "ferrogate_request_duration_seconds_count"), Vec::<&str>::new());
}

#[test]
fn the_kinds_that_javascript_knows_are_counted_with_their_status() {
    let source = include_str!("../../src/entry/plain.mjs");
    let kinds = source.split("const KINDS = {").nth(1).unwrap().split("};").next().unwrap();
    let mut found = 0;
    for line in kinds.lines().filter(|line| line.contains(": [")) {
        let (code, rest) = line.trim().split_once(": [").unwrap();
        let class = format!("{}xx", &rest[..1]);
        let mut gateway = counting(SECTION);
        gateway.fixture.driver.gateway().count_others(code, 1);
        let expected = format!("{{route=\"-\",status=\"{class}\",outcome=\"entry\"}} 1");
        assert_eq!(of(&gateway.counted(), "ferrogate_requests_total"), [expected], "{code}");
        found += 1;
    }
    assert_eq!(found, 9);
}

#[test]
fn without_the_section_nothing_is_counted_and_nothing_is_there() {
    let mut gateway = Fixture::default();
    gateway.driver.gateway().count(&Memory::default());
    for path in ["/metrics", "/api/v1/monitoring/metrics"] {
        assert_eq!(gateway.refused("GET", path, &[]).1["code"], "route_not_found");
    }
    let fleet = &gateway.driver.gateway().fleet;
    assert_eq!((fleet.outbox.due(), gateway.driver.gateway().flush(gateway.now)), (Due::Never, None));
}

#[test]
fn a_scraper_is_let_in_by_its_token_and_nobody_else() {
    let mut gateway = counting(SECTION);
    let cases = [
        (None, 401, "token_missing"),
        (Some(format!("Bearer x{TOKEN}")), 401, "token_invalid"),
        (Some(format!("Basic {TOKEN}")), 401, "token_missing"),
        (Some(bearer("gateway:operate")), 401, "token_invalid"),
    ];
    for path in ["/metrics", "/api/v1/monitoring/metrics"] {
        for (sent, status, code) in &cases {
            let headers: Vec<_> = sent.iter().map(|sent| (Header::Authorization, sent.as_str())).collect();
            let (answer, log) = gateway.fixture.refused("GET", path, &headers);
            assert_eq!(
                (answer.status, log["code"].as_str(), log["route"].as_str()),
                (*status, Some(*code), Some(path))
            );
            assert!(answer.head.value("www-authenticate").unwrap().starts_with("Bearer realm=\"test\""));
        }
        let (status, ..) = gateway.page(path, &[(Header::Authorization, &format!("bearer {TOKEN}"))]);
        assert_eq!(status, 200);
    }
}

#[test]
fn an_operator_is_let_in_as_on_a_route() {
    let mut gateway = counting(OPERATED);
    let (operator, customer) = (bearer("gateway:operate"), bearer("items:read"));
    assert_eq!(gateway.fixture.refused("GET", "/metrics", &[]).1["code"], "route_not_found", "it is elsewhere");
    for path in ["/internal/metrics", "/api/v1/monitoring/metrics"] {
        let (answer, log) = gateway.fixture.refused("GET", path, &[(Header::Authorization, &customer)]);
        assert_eq!((answer.status, &log["code"], &log["principal"]), (403, &"scope_missing".into(), &"u1".into()));
        assert_eq!(gateway.page(path, &[(Header::Authorization, &operator)]).0, 200);
        let static_token = format!("Bearer {TOKEN}");
        let (answer, _) = gateway.fixture.refused("GET", path, &[(Header::Authorization, &static_token)]);
        assert_eq!(answer.status, 401, "there is no such token");
    }
}

#[test]
fn the_format_is_the_one_that_is_asked_for_and_nobody_keeps_it() {
    let mut gateway = counting(SECTION);
    let authorization = format!("Bearer {TOKEN}");
    let kinds = [
        ("text/plain", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
    ];
    for (accept, kind) in kinds {
        let headers = [(Header::Authorization, &*authorization), (Header::Accept, accept)];
        let (_, page, found) = gateway.page("/metrics", &headers);
        assert_eq!((found.as_str(), page.ends_with("# EOF\n")), (kind, accept.starts_with("app")));
    }
    let (_, document, kind) = gateway.page("/api/v1/monitoring/metrics", &[(Header::Authorization, &authorization)]);
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!((kind.as_str(), &document["shards"]["asked"]), ("application/json", &2.into()));
    let Turn::Effect(mut handle, _) =
        gateway.fixture.begin("HEAD", "/metrics", &[(Header::Authorization, &authorization)])
    else {
        panic!("HEAD asks as GET does")
    };
    let answer = loop {
        match gateway.fixture.driver.step(NOW, handle, Answer::Returned(Err(Trouble::Failed))) {
            Turn::Effect(next, _) => handle = next,
            Turn::Done(finished) => break made(finished).0,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((answer.status, answer.head.value("cache-control")), (200, Some("no-store")));
    assert!(answer.body.contains("ferrogate_metrics_shards_missing 2\n"));
    for method in ["POST", "DELETE", "OPTIONS"] {
        let (answer, log) = gateway.fixture.refused(method, "/metrics", &[]);
        assert_eq!((answer.status, answer.head.value("allow")), (405, Some("GET, HEAD")));
        assert_eq!(log["route"], "/metrics");
    }
}

#[test]
fn an_object_that_does_not_answer_takes_no_time_from_the_others() {
    let mut gateway = counting("[metrics]\ntoken = \"${METRICS_TOKEN}\"\nshards = 4\n");
    let authorization = format!("Bearer {TOKEN}");
    let mut turn = gateway.fixture.begin("GET", "/metrics", &[(Header::Authorization, &authorization)]);
    let mut given = Vec::new();
    let page = loop {
        match turn {
            Turn::Effect(handle, Effect::Run(errand, within_ms)) => {
                given.push(within_ms);
                let Destination::Object(_, name) = &errand.to else { panic!("{errand:?}") };
                let answer = if name == "shard:1" {
                    gateway.fixture.now += u64::from(within_ms);
                    Answer::Timeout
                } else {
                    let reading = Reading { isolates: 1, ..Reading::default() };
                    let answer = gateway::fleet::metrics::Answer::Reading(reading);
                    Answer::Returned(Ok(message::answer::<Metrics>(&answer, message::Spoken::Newest)))
                };
                turn = gateway.fixture.driver.step(gateway.fixture.now, handle, answer);
            }
            Turn::Done(finished) => break made(finished).0,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((given, gateway.fixture.now), (vec![500, 666, 667, 1_334], NOW + 666));
    assert!(
        page.body.contains("ferrogate_metrics_shards_missing 1\n")
            && page.body.contains("ferrogate_isolates{shard=\"3\"} 1\n")
    );
    assert!(!page.body.contains("ferrogate_isolates{shard=\"1\"}"));
}

#[test]
fn a_gateway_with_a_short_token_or_none_does_not_start() {
    assert_eq!(start(SECTION, Some(&TOKEN[..31])).err(), Some(vec![Reason::ShortMetricsToken]));
    assert_eq!(start(SECTION, None).err(), Some(vec![Reason::MissingSecret("METRICS_TOKEN".into())]));
    assert!(start(SECTION, Some(TOKEN)).is_ok() && start(OPERATED, None).is_ok());
}

#[test]
fn guards_of_the_whole_gateway_stand_before_metrics() {
    let config = format!("{CONFIG}\n{SECTION}").replace("name = \"test\"", "name = \"test\"\nhosts = [\"other.test\"]");
    let compiled = compile("gateway.toml", &config).into_blueprint().unwrap();
    assert!(binary::encode([(None, &compiled)]).is_ok());
    let values: Vec<Option<String>> = compiled
        .variables
        .0
        .iter()
        .map(|variable| match variable.name.as_str() {
            "SHOP_URL" => Some("https://shop.test".into()),
            _ => Some(SECRET.to_owned()),
        })
        .collect();
    let gateway = Gateway::start(compiled, &values).unwrap_or_else(|why| panic!("{}", why.message()));
    let mut fixture = Fixture { driver: Driver::new(gateway.into(), Memory::default()), now: NOW };
    assert_eq!(fixture.refused("GET", "/metrics", &[]).1["code"], "host_refused");
}
