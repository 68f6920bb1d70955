//! What waits, when it is due, and what a flood costs.

use super::*;
use crate::ports::{clock::Clock, entropy::Entropy};

const NOW: Millis = 1_800_000_000_000;

struct Ports;

impl Clock for Ports {
    fn now(&self) -> Millis {
        NOW
    }
}

impl Entropy for Ports {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0xab);
    }
}

fn row(action: &str) -> Row {
    Row::new(&Ports, action, Status::Failure)
}

fn events() -> Events {
    let events = Events::default();
    events.send_from_now_on();
    events
}

fn sent(events: &Events) -> Vec<Row> {
    let messages: Vec<String> = serde_json::from_slice(&events.flush().unwrap().1.message).unwrap();
    messages.iter().map(|message| Row::read(message).unwrap()).collect()
}

#[test]
fn a_row_is_due_once_and_sent_once() {
    let events = events();
    assert_eq!((events.due(), events.flush()), (Due::Not, None));
    events.about_request(NOW, row("a"));
    events.about_security(NOW, row("b"));
    assert_eq!((events.due(), events.due()), (Due::Later, Due::Not));
    let rows = sent(&events);
    assert_eq!(rows.iter().map(|row| row.action.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(events.flush(), None);
    events.about_request(NOW, row("c"));
    assert_eq!(events.due(), Due::Later, "the next one is due again");
}

#[test]
fn a_flush_that_never_came_is_due_again() {
    let events = events();
    events.about_request(NOW, row("a"));
    assert_eq!(events.due(), Due::Later);
    events.about_request(NOW + FLUSH_LOST_MS - 1, row("a"));
    assert_eq!(events.due(), Due::Not);
    events.about_request(NOW + FLUSH_LOST_MS, row("a"));
    assert_eq!((events.due(), sent(&events).len()), (Due::Later, 3));
}

#[test]
fn a_flood_of_refusals_costs_a_bounded_number_of_rows_and_leaves_room_for_others() {
    let events = events();
    for _ in 0..1_284 {
        events.about_security(NOW, row("security.token_refused"));
    }
    assert_eq!(events.due(), Due::Later, "a flood does not hurry");
    events.about_request(NOW, row("order.create"));
    let lines = events.with_lines(String::new());
    assert_eq!(lines.lines().count(), MOST_OF_SECURITY + 1, "what is only counted has no line");
    let rows = sent(&events);
    assert_eq!(rows.len(), MOST_OF_SECURITY + 2);
    let last = rows.last().unwrap();
    assert_eq!(
        (last.action.as_str(), last.details.as_deref()),
        (MORE, Some(r#"{"count":1234,"first_action":"security.token_refused"}"#))
    );
    assert_eq!(last.error_message.as_deref(), Some("and 1234 more that were not kept one by one"));
    events.about_security(NOW, row("security.token_refused"));
    assert_eq!(sent(&events).len(), 1, "the next flush has room again");
}

#[test]
fn rows_of_routes_hurry_before_there_is_no_room_left() {
    let events = events();
    let mut due = Vec::new();
    for number in 0..200 {
        events.about_request(NOW, row("order.create"));
        due.push((number, events.due()));
    }
    due.retain(|(_, due)| *due != Due::Not);
    assert_eq!(due, [(0, Due::Later), (24, Due::Now)]);
    let rows = sent(&events);
    assert_eq!(rows.len(), MOST_TEXTS);
    assert_eq!(rows.last().unwrap().details.as_deref(), Some(r#"{"count":101,"first_action":"order.create"}"#));
}

#[test]
fn what_is_sent_at_once_fits_into_the_queue_however_large_rows_are() {
    let events = events();
    let details = serde_json::to_string(&"\"".repeat(4_000)).unwrap();
    for _ in 0..99 {
        events.about_request(NOW, Row { details: Some(details.clone()), ..row("a") });
    }
    let errand = events.flush().unwrap().1;
    let texts: Vec<String> = serde_json::from_slice(&errand.message).unwrap();
    assert!(texts.iter().map(String::len).sum::<usize>() <= MOST_TEXT_BYTES);
    assert!(Row::read(texts.last().unwrap()).unwrap().error_message.is_some());
}

#[test]
fn without_a_queue_there_are_lines_only() {
    let events = Events::default();
    events.about_request(NOW, row("a"));
    assert_eq!((events.due(), events.flush()), (Due::Not, None));
    let lines = events.with_lines("{\"msg\":\"request\"}".to_owned());
    let (request, audit) = lines.split_once('\n').unwrap();
    assert_eq!(request, "{\"msg\":\"request\"}");
    let audit: serde_json::Value = serde_json::from_str(audit).unwrap();
    assert_eq!((&audit["msg"], &audit["action"], &audit["level"]), (&"audit".into(), &"a".into(), &"warn".into()));
    assert_eq!(events.with_lines("x".to_owned()), "x", "a line is written once");
}

#[test]
fn what_no_table_takes_is_not_kept() {
    let events = events();
    events.about_request(NOW, row("Not an action"));
    assert_eq!((events.flush(), events.with_lines(String::new())), (None, String::new()));
}
