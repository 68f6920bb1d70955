//! What operators see of a key and change about it.

use gateway::ports::errands::Class;
use serde_json::{Value, json};

use super::fleet::{CONFIG, World, hashed};
use crate::fixture::bearer_of;

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
