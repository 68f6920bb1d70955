//! `ferrogate admin limits`.

use serde_json::{Value, json};

use super::{CONFIG, Machine};

fn listed() -> Value {
    let other = json!({
        "name": "login", "key": "address=192.0.2.7", "limit": 500, "reason": "A sale.", "by": "ada",
        "since": "2027-01-15T07:55:00.000Z", "until": "2027-01-15T08:09:00.000Z",
    });
    json!({
        "limits": [
            {
                "id": "00000000000000a1", "name": "login", "limit": 5, "window": "1m", "counted_by": ["address"],
                "mode": "enforce", "routes": ["POST /login"], "counts": { "passed": 40, "refused": 7, "shadow": 0 },
            },
            {
                "id": "00000000000000a2", "name": "wide", "limit": 100, "window": "month", "mode": "shadow",
                "counted_by": ["principal", "path.id"], "routes": ["GET /a", "GET /b"],
                "counts": { "passed": 3, "refused": 0, "shadow": 2 },
            },
            {
                "id": "00000000000000a3", "name": "new", "limit": 1, "window": "1h", "mode": "enforce",
                "counted_by": ["global"], "routes": ["GET /c"], "counts": null,
            },
        ],
        "refused_keys": [{ "limit": "login", "key": "address=192.0.2.7\u{1b}", "refused": 6, "error": 0 }],
        "refused_error": 0, "overrides": [other], "shards_missing": 0,
    })
}

#[test]
fn limits_are_listed_with_their_counts_and_whom_they_refuse() {
    let machine = Machine::answering(200, &listed().to_string());
    assert_eq!(machine.run("admin limits"), 0, "{}", machine.err.borrow());
    assert_eq!(machine.request()["url"], "http://127.0.0.1:8787/admin/v1/limits");
    let expected = "\
LIMIT  RATE                   COUNTED BY             ROUTES             PASSED  REFUSED
login  5 in 1m                address                POST /login        40      7
wide   100 in month (shadow)  principal and path.id  GET /a and 1 more  3       2
new    1 in 1h                global                 GET /c             -       -

refused most within the last hour, each up to 0 less:
REFUSED  LIMIT  KEY
6        login  address=192.0.2.7\\u{1b}

OVERRIDDEN  KEY                TO   UNTIL                           BY   REASON
login       address=192.0.2.7  500  2027-01-15T08:09:00Z, in 9 min  ada  A sale.
";
    assert_eq!(*machine.out.borrow(), expected);
    let machine = Machine::answering(200, &listed().to_string());
    assert_eq!(machine.run("admin limits list --format json"), 0);
    assert_eq!(serde_json::from_str::<Value>(&machine.out.borrow()).unwrap(), listed());
    let none = Machine::answering(200, r#"{"limits":[]}"#);
    assert_eq!(none.run("admin limits"), 0);
    assert_eq!(*none.out.borrow(), "no route has a limit\n");
}

#[test]
fn a_key_is_shown_and_reset() {
    let line = "--limit 60/min_per_principal --route GET_/a --key principal=bob&co --key header:x-a==b";
    let query = "?limit=60/min%20per%20principal&route=GET%20/a&principal=bob%26co&header%3Ax-a=%3Db";
    let stands = json!({
        "name": "login", "key": "address=192.0.2.7", "limit": 5, "window": "1m", "used": 4, "leased": 1, "left": 0,
        "free_at": "2027-01-15T08:01:00.004Z", "reset_at": "2027-01-15T08:01:00.004Z", "override": null,
    });
    let machine = Machine::answering(200, &stands.to_string());
    assert_eq!(machine.run(&format!("admin limits show {line}")), 0, "{}", machine.err.borrow());
    assert_eq!(machine.request()["url"], format!("http://127.0.0.1:8787/admin/v1/limits/key{query}"));
    let expected = "\
login of address=192.0.2.7: 0 of 5 left in 1m, 4 used, 1 held
the next request has room at 2027-01-15T08:01:00Z, in 60 s
";
    assert_eq!(*machine.out.borrow(), expected);
    let machine = Machine::answering(204, "");
    assert_eq!(machine.run(&format!("admin limits reset {line}")), 0);
    let request = machine.request();
    assert_eq!((&request["method"], &request["body"]), (&json!("DELETE"), &Value::Null));
    assert_eq!(*machine.out.borrow(), "what was counted is forgotten\n");
}

#[test]
fn a_key_gets_another_limit_and_its_own_again() {
    let shown = listed()["overrides"][0].to_string();
    let machine = Machine::answering(200, &shown);
    let line = "admin limits override --limit login --key address=192.0.2.7 --to 500 --for 9m --reason A_sale.";
    assert_eq!(machine.run(line), 0, "{}", machine.err.borrow());
    let request = machine.request();
    let below = "http://127.0.0.1:8787/admin/v1/limits/override?limit=login&address=192.0.2.7";
    assert_eq!((&request["method"], &request["url"]), (&json!("PUT"), &json!(below)));
    let body: Value = serde_json::from_str(request["body"].as_str().unwrap()).unwrap();
    assert_eq!(body, json!({ "limit": 500, "for": "9m", "reason": "A sale." }));
    let expected = "login of address=192.0.2.7 is 500 until 2027-01-15T08:09:00Z, in 9 min: A sale.\n";
    assert_eq!(*machine.out.borrow(), expected);
    let machine = Machine::answering(204, "");
    assert_eq!(machine.run("admin limits override --limit login --key address=192.0.2.7 --off"), 0);
    assert_eq!((&machine.request()["method"], &machine.request()["url"]), (&json!("DELETE"), &json!(below)));
    assert_eq!(*machine.out.borrow(), "the limit is its own again\n");
}

#[test]
fn what_is_wrong_is_refused_before_anything_is_sent() {
    for (line, expected) in [
        ("remove --limit a", "ACTION"),
        ("show", "expected --limit NAME"),
        ("show --limit a --key address", "--key takes NAME=VALUE; found address"),
        ("show --limit a --off", "`show` takes no --off"),
        ("list --limit a", "`list` takes no --limit"),
        ("override --limit a --reason x", "needs --to N"),
        ("override --limit a --to 0 --reason x", "needs --to N"),
        ("override --limit a --to 5", "needs --reason TEXT"),
        ("override --limit a --to 5 --reason x --for 1h --until x", "one of --for and --until"),
        ("override --limit a --off --to 5", "`override --off` takes no --to"),
    ] {
        let machine = Machine::answering(200, "{}");
        assert_eq!(machine.run(&format!("admin limits {line}")), 2, "{line}");
        assert!(machine.err.borrow().contains(expected), "{line}: {}", machine.err.borrow());
        assert!(machine.asked.borrow().is_empty(), "{line}");
    }
}

#[test]
fn the_nearest_limit_is_named_where_the_gateway_knows_none() {
    let problem = json!({
        "code": "admin_request_invalid", "title": "t", "detail": "d",
        "errors": [{ "field": "limit", "expected": "a limit of this gateway" }],
    });
    let mut machine = Machine::at_home(400, &problem.to_string());
    let limited = CONFIG.replace("tags = [\"orders\"]", "rate_limit = { limit = \"5/min\", name = \"login\" }");
    machine.files[0].1 = Box::leak(limited.into_boxed_str());
    assert_eq!(machine.run("admin limits show --limit logn --key address=192.0.2.7"), 1);
    assert!(machine.err.borrow().contains("a limit of this gateway; did you mean login?"), "{}", machine.err.borrow());
}
