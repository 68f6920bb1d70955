//! The health paths, a gateway that drains, and routes that a variable closes.

use gateway::{
    blueprint::compile::compile,
    driver::{Driver, Turn},
    http::{reply::Made, request::Header},
    pipeline::{
        gateway::Gateway,
        start::{CannotStart, Place, Reason},
    },
    ports::dependencies::{Component, Probe, Trouble},
    stages::authn::Unfit,
};
use serde_json::{Value, json};

use crate::fixture::{Fixture, Memory, NOW, SECRET, bearer, head, made};

const CONFIG: &str = r#"
[gateway]
name = "test"
drain = { on = "${DRAIN:-off}", retry_after = "45s" }
cors = { origins = ["https://app.test"] }

[health]
required = ["database", "upstream:shop"]
operator = { auth = "main", scopes = ["gateway:operate"] }

[issuers.main]
algorithm = "HS256"
issuer = "https://issuer.test/"
audience = "api"
secret = "${JWT_SECRET}"

[upstreams.shop]
targets = ["${SHOP_URL}"]
prefix = "/v1"
health = "/healthz"
credentials = { bearer = "${SHOP_TOKEN}" }

[upstreams.stock]
targets = ["service:STOCK"]
health = "/up"

[upstreams.silent]
targets = ["${SHOP_URL}"]

[routes."GET /closed"]
upstream = "silent"
auth = "none"
maintenance = "${MAINTENANCE:-off}"

[routes."ANY /{rest...}"]
upstream = "shop"
auth = "none"

[routes."GET /stock"]
upstream = "stock"
auth = "none"
"#;

const RANDOM: &str = "3kF1c0m2S5n8vQxZ7yTtWqLpR4uJ6hGdEaBsYwNiOeM=";

fn start(variables: &[(&str, &str)], environment: Option<&str>) -> Result<Gateway, CannotStart> {
    let compiled = compile("gateway.toml", CONFIG);
    let blueprint = compiled.clone().into_blueprint().unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
    let usual = [("JWT_SECRET", SECRET), ("SHOP_URL", "https://shop.test/base"), ("SHOP_TOKEN", RANDOM)];
    let value = |name: &str| {
        let given = variables.iter().chain(&usual).find(|(known, _)| *known == name);
        given.map(|(_, value)| (*value).to_owned()).filter(|value| value != "(none)")
    };
    let values: Vec<Option<String>> = blueprint.variables.0.iter().map(|variable| value(&variable.name)).collect();
    let place = Place { environment: environment.map(str::to_owned), release: 0xfeed, now: NOW };
    Gateway::start_at(blueprint, &values, place)
}

fn fixture(variables: &[(&str, &str)], troubles: Vec<(Component, Trouble)>) -> Fixture {
    let gateway = start(variables, None).unwrap_or_else(|why| panic!("{}", why.message()));
    Fixture { driver: Driver::new(gateway.into(), Memory { troubles, ..Memory::default() }), now: NOW }
}

fn shop() -> Component {
    let credential = Some(("authorization".to_owned(), format!("Bearer {RANDOM}")));
    Component::Upstream(Probe { url: "https://shop.test/base/v1/healthz".into(), binding: String::new(), credential })
}

fn stock() -> Component {
    Component::Upstream(Probe { url: "https://stock/up".into(), binding: "STOCK".into(), credential: None })
}

fn document(answer: &Made) -> Value {
    serde_json::from_slice(answer.body.as_bytes()).unwrap()
}

fn statuses(document: &Value) -> Vec<(&str, &str)> {
    let components = document["components"].as_array().unwrap().iter();
    components.map(|one| (one["name"].as_str().unwrap(), one["status"].as_str().unwrap())).collect()
}

#[test]
fn the_summary_names_every_component_and_no_more() {
    let mut gateway = fixture(&[], Vec::new());
    gateway.now = NOW + 61_500;
    let (answer, log) = gateway.refused("GET", "/health", &[]);
    let document = document(&answer);
    let names = ["database", "key_value", "cache", "objects", "upstream:shop", "upstream:stock"];
    assert_eq!(statuses(&document), names.map(|name| (name, "pass")));
    assert_eq!(document["checks"]["upstream.shop:responseTime"][0]["componentType"], "system");
    assert_eq!(
        document["checks"]["database:responseTime"],
        json!([{ "componentType": "datastore", "observedValue": 0, "observedUnit": "ms", "status": "pass",
            "time": "2027-01-15T08:01:01.500Z" }])
    );
    let expected = (200, "pass".into(), "test".into(), "2027-01-15T08:01:01.500Z".into(), 61.into());
    let found = (
        answer.status,
        document["status"].clone(),
        document["serviceId"].clone(),
        document["timestamp"].clone(),
        document["uptime_seconds"].clone(),
    );
    assert_eq!(found, expected);
    let heads = ["content-type", "cache-control"].map(|name| answer.head.value(name));
    assert_eq!(heads, [Some("application/health+json"), Some("no-store")]);
    assert_eq!((&log["route"], &log["level"]), (&"/health".into(), &"info".into()));
    let keys: Vec<&String> = document["components"][0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["name", "response_time_ms", "status"], "what is for the operator stays with the operator");
}

#[test]
fn what_is_required_fails_and_what_is_not_warns() {
    let troubles = |component, trouble| vec![(component, trouble)];
    let cases = [
        (troubles(Component::Cache, Trouble::Failed), 200, "warn"),
        (troubles(stock(), Trouble::Status(500)), 200, "warn"),
        (troubles(Component::Database, Trouble::Timeout), 503, "fail"),
        (troubles(shop(), Trouble::Status(503)), 503, "fail"),
        (troubles(Component::Database, Trouble::Absent), 503, "fail"),
        // Not there and not needed: not spoken of.
        (troubles(Component::Objects, Trouble::Absent), 200, "pass"),
    ];
    for (troubles, status, word) in cases {
        let shown = format!("{troubles:?}");
        let mut gateway = fixture(&[], troubles);
        let (answer, _) = gateway.refused("GET", "/health", &[]);
        assert_eq!((answer.status, document(&answer)["status"].as_str()), (status, Some(word)), "{shown}");
        let (answer, _) = gateway.refused("GET", "/health/ready", &[]);
        assert_eq!(answer.status, status, "{shown}");
    }
}

#[test]
fn readiness_names_what_is_required_and_failing() {
    let troubles = vec![(shop(), Trouble::Failed), (Component::Database, Trouble::Timeout), (stock(), Trouble::Failed)];
    let (answer, log) = fixture(&[], troubles).refused("GET", "/health/ready", &[]);
    let document = document(&answer);
    let errors: Vec<&str> =
        document["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
    assert_eq!(errors, ["database", "upstream:shop"]);
    assert_eq!((answer.status, answer.head.value("retry-after")), (503, Some("5")));
    assert_eq!((&log["route"], &log["code"]), (&"/health/ready".into(), &"not_ready".into()));
}

#[test]
fn without_the_section_the_platform_is_required_where_it_is_there() {
    let ready = |troubles| Fixture::on(Memory { troubles, ..Memory::default() }).refused("GET", "/health/ready", &[]).0;
    for (component, needed) in [
        (Component::Database, true),
        (Component::KeyValue, true),
        (Component::Objects, true),
        (Component::Cache, false),
    ] {
        assert_eq!(ready(vec![(component.clone(), Trouble::Failed)]).status, if needed { 503 } else { 200 });
        assert_eq!(ready(vec![(component, Trouble::Absent)]).status, 200);
    }
    let answer = ready(Vec::new());
    assert_eq!(&*answer.body, r#"{"status":"pass"}"#);
}

#[test]
fn liveness_and_startup_ask_nobody() {
    let mut gateway = Fixture::on(Memory { pending: 9.into(), ..Memory::default() });
    for path in ["/health/live", "/health/startup"] {
        let (answer, _) = gateway.refused("GET", path, &[]);
        assert_eq!((answer.status, &*answer.body), (200, r#"{"status":"pass"}"#));
    }
    assert!(matches!(gateway.begin("GET", "/health/ready", &[]), Turn::Parked(_)));
}

#[test]
fn a_component_that_is_slow_holds_up_no_other_and_tells_its_time() {
    let platform = Memory { pending: 1.into(), ..Memory::default() };
    let mut gateway = Fixture { driver: Driver::new(start(&[], None).ok().unwrap().into(), platform), now: NOW };
    let handle = match gateway.begin("GET", "/health", &[]) {
        Turn::Parked(handle) => handle,
        other => panic!("expected to park, got {other:?}"),
    };
    let Turn::Done(finished) = gateway.driver.park(NOW + 7, handle) else {
        panic!("one poll is enough for all of them")
    };
    let document = document(&made(finished).0);
    let times = document["components"].as_array().unwrap().iter().map(|one| one["response_time_ms"].as_u64());
    assert!(times.into_iter().all(|time| time == Some(7)), "{document}");
}

#[test]
fn other_methods_are_refused_and_head_is_not() {
    let mut gateway = fixture(&[], Vec::new());
    for path in ["/health", "/health/live", "/health/ready", "/health/startup", "/health/detailed"] {
        for method in ["POST", "OPTIONS", "DELETE", "BREW"] {
            let (answer, log) = gateway.refused(method, path, &[]);
            assert_eq!((answer.status, answer.head.value("allow")), (405, Some("GET, HEAD")), "{method} {path}");
            assert_eq!(log["route"], path);
        }
    }
    assert_eq!(gateway.refused("HEAD", "/health", &[]).0.status, 200);
    assert_eq!(gateway.refused("HEAD", "/health/live?x", &[]).0.status, 200);
}

#[test]
fn the_details_are_for_the_operator() {
    let mut gateway = fixture(&[], vec![(shop(), Trouble::Status(503)), (Component::Cache, Trouble::Timeout)]);
    let (operator, customer) = (bearer("gateway:operate"), bearer("items:read"));
    assert_eq!(gateway.refused("GET", "/health/detailed", &[]).0.status, 401);
    let (answer, log) = gateway.refused("GET", "/health/detailed", &[(Header::Authorization, &customer)]);
    assert_eq!((answer.status, &log["code"], &log["principal"]), (403, &"scope_missing".into(), &"u1".into()));
    let (answer, _) = gateway.refused("GET", "/health/detailed", &[(Header::Authorization, &operator)]);
    let text = std::str::from_utf8(answer.body.as_bytes()).unwrap();
    assert!(!text.contains("shop.test") && !text.contains(RANDOM), "no addresses and no secrets: {text}");
    let document = document(&answer);
    assert_eq!((answer.status, &document["status"]), (503, &"fail".into()));
    let component =
        |at: usize| (document["components"][at]["error"].as_str(), document["components"][at]["required"].as_bool());
    assert_eq!(component(0), (None, Some(true)));
    assert_eq!(component(2), (Some("timeout"), Some(false)));
    assert_eq!(component(4), (Some("status 503"), Some(true)));
    assert_eq!(document["releaseId"], "000000000000feed");
    assert_eq!(
        (&document["environment"], &document["isolate_started"]),
        (&Value::Null, &"2027-01-15T08:00:00.000Z".into())
    );
}

#[test]
fn without_an_operator_there_are_no_details_whatever_route_is_there() {
    let open = "[gateway]\nname = \"test\"\n\n[upstreams.shop]\ntargets = [\"${SHOP_URL}\"]\n\n\
                [routes.\"ANY /{rest...}\"]\nupstream = \"shop\"\nauth = \"none\"\n";
    let mut gateway = Fixture::of(open, Memory::default());
    let (answer, log) = gateway.refused("GET", "/health/detailed", &[]);
    assert_eq!((answer.status, &log["code"]), (404, &"route_not_found".into()));
    gateway.forwarded("GET", "/health/other", &[]);
}

#[test]
fn a_gateway_that_drains_refuses_every_route_and_stays_alive() {
    let mut gateway = fixture(&[("DRAIN", "on")], Vec::new());
    let origin = [(Header::Origin, "https://app.test")];
    let (answer, log) = gateway.refused("POST", "/anything", &origin);
    assert_eq!((answer.status, &log["code"]), (503, &"draining".into()));
    let heads = ["retry-after", "access-control-allow-origin"].map(|name| answer.head.value(name));
    assert_eq!(heads, [Some("45"), Some("https://app.test")]);
    for path in ["/health/live", "/health/startup"] {
        assert_eq!(gateway.refused("GET", path, &[]).0.status, 200, "{path}");
    }
    let (answer, log) = gateway.refused("GET", "/health/ready", &[]);
    assert_eq!((answer.status, &log["code"], answer.head.value("retry-after")), (503, &"draining".into(), Some("45")));
    let (answer, _) = gateway.refused("GET", "/health", &[]);
    let document = document(&answer);
    assert_eq!((answer.status, &document["status"], &document["notes"]), (200, &"warn".into(), &json!(["draining"])));
}

#[test]
fn variables_close_and_open_without_another_file() {
    for (value, closed) in [("on", true), ("1", true), ("true", true), ("off", false), ("0", false), ("(none)", false)]
    {
        let mut gateway = fixture(&[("MAINTENANCE", value)], Vec::new());
        match gateway.begin("GET", "/closed", &[]) {
            Turn::Done(finished) => assert!(closed && made(finished).1["code"] == "maintenance", "{value}"),
            Turn::Effect(..) => assert!(!closed, "{value}"),
            other => panic!("{other:?}"),
        }
        gateway.forwarded("GET", "/open", &[]);
        assert_eq!(gateway.refused("GET", "/health", &[]).0.status, 200);
    }
}

#[test]
fn a_gateway_in_an_environment_does_not_start_with_an_example_secret() {
    let example = [("JWT_SECRET", "change-me-to-something-of-32-bytes")];
    let warned = start(&example, None).ok().unwrap();
    assert_eq!(warned.warnings().len(), 1);
    assert!(warned.warnings()[0].contains("JWT_SECRET"));
    let refused = start(&example, Some("production")).err().unwrap();
    assert_eq!(refused.reasons, [Reason::ExampleSecret("JWT_SECRET".into())]);
    assert!(!refused.message().contains("change-me"), "a reason holds no value");
    let started = start(&[("JWT_SECRET", RANDOM)], Some("production")).ok().unwrap();
    assert!(started.warnings().is_empty());
}

#[test]
fn all_reasons_come_at_once_and_consequences_do_not_count() {
    let values = [
        ("JWT_SECRET", "kR7-vQ2!xP9z"),
        ("SHOP_URL", "(none)"),
        ("SHOP_TOKEN", "(none)"),
        ("DRAIN", "yes"),
        ("MAINTENANCE", ""),
    ];
    let refused = start(&values, Some("staging")).err().unwrap();
    let expected = [
        Reason::Switch("DRAIN".into()),
        Reason::Issuer("main".into(), Unfit::ShortSecret),
        Reason::Missing("SHOP_URL".into()),
        Reason::MissingSecret("SHOP_TOKEN".into()),
        Reason::Switch("MAINTENANCE".into()),
    ];
    for reason in &expected {
        assert!(refused.reasons.contains(reason), "{reason:?} is not among {:?}", refused.reasons);
    }
    assert_eq!(refused.reasons.len(), expected.len(), "{:?}", refused.reasons);
    // A key that is not there is not short as well.
    let refused = start(&[("JWT_SECRET", "(none)")], None).err().unwrap();
    assert_eq!(refused.reasons, [Reason::MissingSecret("JWT_SECRET".into())]);
}

#[test]
fn what_the_gateway_requires_must_be_there_although_nothing_names_it() {
    let config = "[gateway]\nname = \"test\"\nrequires = [\"ENCRYPTION_KEY\"]\n\n\
                  [routes.\"GET /\"]\nauth = \"none\"\nrespond = \"hello\"\n";
    let start = |value: Option<&str>| {
        let blueprint = compile("gateway.toml", config).into_blueprint().unwrap();
        let place = Place { environment: Some("production".into()), ..Place::default() };
        Gateway::start_at(blueprint, &[value.map(str::to_owned)], place).err().map(|refused| refused.reasons)
    };
    assert_eq!(start(None), Some(vec![Reason::MissingSecret("ENCRYPTION_KEY".into())]));
    assert_eq!(start(Some("changeme")), Some(vec![Reason::ExampleSecret("ENCRYPTION_KEY".into())]));
    assert_eq!(start(Some(RANDOM)), None);
}

#[test]
fn a_request_that_is_parked_is_told_nothing_until_all_have_answered() {
    let mut gateway = Fixture::on(Memory { pending: 2.into(), ..Memory::default() });
    let parked = gateway.driver.begin(NOW, head("GET", "/health", &[]));
    let Turn::Parked(handle) = parked else { panic!("{parked:?}") };
    assert_eq!(gateway.driver.park(NOW + 1, handle), Turn::Parked(handle));
    assert!(matches!(gateway.driver.park(NOW + 2, handle), Turn::Done(_)));
}
