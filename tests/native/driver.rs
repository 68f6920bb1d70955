//! The driver: turns, handles, deadlines, requests that nobody waits for.

use gateway::{
    driver::{
        Turn, UNWATCHED_MS,
        effects::{Answer, Effect},
        slots::Handle,
    },
    ports::upstream::BodyEnd,
};
use serde_json::Value;

use crate::fixture::{Fixture, Memory, status};

fn parked(gateway: &mut Fixture) -> Handle {
    match gateway.begin("GET", "/health/ready", &[]) {
        Turn::Parked(handle) => handle,
        other => panic!("expected to park, got {other:?}"),
    }
}

#[test]
fn a_request_parks_until_the_platform_answers() {
    let mut gateway = Fixture::on(Memory { pending: 2.into(), ..Memory::default() });
    let handle = parked(&mut gateway);
    assert_eq!(gateway.driver.park(gateway.now, handle), Turn::Parked(handle));
    assert!(matches!(gateway.driver.park(gateway.now, handle), Turn::Done(_)));
    assert_eq!(gateway.driver.park(gateway.now, handle), Turn::Stale);
}

#[test]
fn a_handle_is_good_for_one_request_only() {
    let mut gateway = Fixture::default();
    let (old, _) = gateway.forwarded("GET", "/public/a", &[]);
    gateway.answer(old, status(200));
    let (new, _) = gateway.forwarded("GET", "/public/b", &[]);
    assert_eq!(old.index, new.index);
    assert_eq!(gateway.driver.step(gateway.now, old, status(500)), Turn::Stale);
    assert!(gateway.answer(new, status(200)).log.contains("/public/b"));
}

#[test]
fn a_dropped_request_frees_its_slot_and_says_so_in_the_log() {
    let mut gateway = Fixture::default();
    let (handle, _) = gateway.forwarded("GET", "/public/a", &[]);
    let Turn::Done(finished) = gateway.driver.drop_slot(gateway.now, handle) else { panic!("no log line") };
    assert_eq!(serde_json::from_str::<Value>(&finished.log).unwrap()["code"], "client_gone");
    assert_eq!(gateway.driver.in_flight(), 0);
    assert_eq!(gateway.driver.drop_slot(gateway.now, handle), Turn::Stale);
}

#[test]
fn a_parked_request_can_be_dropped() {
    let mut gateway = Fixture::on(Memory { pending: 99.into(), ..Memory::default() });
    let handle = parked(&mut gateway);
    assert_eq!(gateway.driver.drop_slot(gateway.now, handle), Turn::Stale);
    assert_eq!(gateway.driver.in_flight(), 0);
}

#[test]
fn a_watched_request_whose_deadline_has_passed_is_swept_by_later_ones() {
    let mut gateway = Fixture::default();
    let (lost, plan) = gateway.forwarded("GET", "/public/a", &[]);
    gateway.driver.watched(gateway.now, lost);
    gateway.now += u64::from(plan.timeout_ms) + 5_000;
    gateway.refused("GET", "/health/live", &[]);
    assert_eq!(gateway.driver.in_flight(), 1, "not before its time");
    gateway.now += 1;
    gateway.refused("GET", "/health/live", &[]);
    assert_eq!(gateway.driver.in_flight(), 0);
    assert_eq!(gateway.driver.step(gateway.now, lost, status(200)), Turn::Stale);
}

#[test]
fn a_request_that_nobody_watches_is_swept_soon() {
    let mut gateway = Fixture::default();
    let (lost, _) = gateway.forwarded("GET", "/public/a", &[]);
    gateway.now += UNWATCHED_MS;
    gateway.refused("GET", "/health/live", &[]);
    assert_eq!(gateway.driver.in_flight(), 1, "not before its time");
    gateway.now += 1;
    gateway.refused("GET", "/health/live", &[]);
    assert_eq!(gateway.driver.in_flight(), 0);
    gateway.driver.watched(gateway.now, lost);
}

#[test]
fn an_observed_answer_is_delivered_first_and_logged_when_its_body_ends() {
    for (end, label) in [(BodyEnd::Complete, "complete"), (BodyEnd::Broken, "broken")] {
        let mut gateway = Fixture::default();
        let (handle, _) = gateway.forwarded("GET", "/watched", &[]);
        let turn = gateway.driver.step(gateway.now, handle, status(200));
        assert!(matches!(turn, Turn::Effect(_, Effect::Deliver(..))));
        gateway.now += 1234;
        let finished = gateway.answer(handle, Answer::BodyEnd(end, 0));
        assert_eq!(finished.reply, None);
        let log: Value = serde_json::from_str(&finished.log).unwrap();
        assert_eq!((&log["body"], &log["duration_ms"]), (&label.into(), &1234.into()));
    }
}

#[test]
fn an_answer_to_a_question_that_was_not_asked_fails_the_request_and_nothing_else() {
    let mut gateway = Fixture::default();
    let (handle, _) = gateway.forwarded("GET", "/public/a", &[]);
    let finished = gateway.answer(handle, Answer::BodyEnd(BodyEnd::Complete, 0));
    assert!(finished.log.contains("upstream_unreachable"));
}
