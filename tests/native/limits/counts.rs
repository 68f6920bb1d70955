//! What is told of what limits have said: in the metrics, in the log, and to operators.

use gateway::ports::errands::Class;
use serde_json::{Value, json};

use super::fleet::{World, hashed};
use crate::fixture::bearer_of;

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
