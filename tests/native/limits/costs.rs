//! What requests take of their limits, and what comes back: all or nothing, and never more than was taken.

use gateway::{
    ports::{errands::Class, upstream::Head},
    stages::rate_limit::RATE_LIMITED,
};
use serde_json::json;

use super::fleet::{CONFIG, World};
use crate::fixture::bearer_of;

const ROUTES: &str = r#"
[routes."GET /shrinks"]
use = "open"
upstream = "shop"
rate_limit = { limit = "40/min per global", name = "shrinks", cost = { header = "x-cost", most = 30 }, adaptive = { least = "10%", errors = "10%" } }

[routes."GET /pair"]
use = "open"
respond = "here"
rate_limit = [{ limit = "8/hour per global", name = "all" }, { limit = "4/hour", name = "each" }]

[routes."GET /steps"]
auth = "main"
respond = "here"
rate_limit = [{ limit = "8/hour per global", name = "early" }, { limit = "4/hour per principal", name = "late" }]

[routes."GET /soon"]
auth = "main"
respond = "here"
rate_limit = [{ limit = "1/hour", name = "soon", first = "local" }, { limit = "1/hour per principal", name = "late" }]
"#;

fn world() -> World {
    World::of(&[CONFIG, ROUTES].concat())
}

/// A request of somebody from somewhere: the status, and how soon to come again.
fn sent(world: &mut World, target: &str, subject: &str, from: &str) -> (u16, Option<String>) {
    let token = bearer_of(json!({ "sub": subject }));
    let made = world.send(0, "GET", target, &[("authorization", &token), ("x-from", from)], "");
    world.behind();
    (made.status, made.head.value("retry-after").map(str::to_owned))
}

#[test]
fn a_limit_that_has_shrunk_below_the_cost_of_a_request_gets_back_no_more_than_was_taken() {
    let mut world = world();
    world.upstream = Head { status: 500, told: Some(0) };
    for _ in 0..10 {
        assert_eq!(world.get(0, 12, "/shrinks", ""), [500; 12], "what costs nothing is always let in");
        world.later(5_000);
    }
    world.upstream.told = Some(4);
    let last = world.send(0, "GET", "/shrinks", &[], "");
    assert_eq!(last.status, 500);
    assert_eq!(world.get(0, 2, "/shrinks", ""), [RATE_LIMITED.status; 2], "four of four are used");
}

#[test]
fn who_counts_alone_takes_from_all_limits_or_from_none() {
    let mut world = world();
    world.away.push(Class::Limits);
    let came = [1, 1, 2, 3].map(|from| sent(&mut world, "/pair", "", &format!("192.0.2.{from}")).0);
    assert_eq!(came, [200, 429, 200, 429], "what one refuses takes nothing from the other");
}

#[test]
fn what_was_taken_alone_comes_back_when_a_later_limit_refuses() {
    let mut world = world();
    world.away.push(Class::Limits);
    let came = ["ada", "ada", "bob", "eve"].map(|subject| sent(&mut world, "/steps", subject, ""));
    let again = || Some("1".to_owned());
    assert_eq!(came, [(200, None), (429, again()), (200, None), (429, again())], "the object is soon asked again");
}

#[test]
fn what_a_first_request_owes_is_taken_back_when_a_later_limit_refuses() {
    let mut world = world();
    let came = [("ada", 1), ("ada", 2), ("bob", 2), ("eve", 2)]
        .map(|(subject, from)| sent(&mut world, "/soon", subject, &format!("192.0.2.{from}")).0);
    assert_eq!(came, [200, 429, 200, 429]);
}
