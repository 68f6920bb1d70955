//! What fits, how rows travel, and what is refused.

use proptest::prelude::*;

use super::*;

struct At(Millis);

impl Clock for At {
    fn now(&self) -> Millis {
        self.0
    }
}

impl Entropy for At {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0xff);
    }
}

fn row() -> Row {
    Row::new(&At(1_800_000_000_000), "order.create", Status::Success)
}

#[test]
fn ids_sort_by_time() {
    let ids: Vec<String> =
        [1, 255, 256, 1_800_000_000_000].map(|now| Row::new(&At(now), "a", Status::Success).id).into();
    assert!(ids.is_sorted(), "{ids:?}");
    assert_eq!(ids[3], "01a3185c-5000-7fff-bfff-ffffffffffff");
}

#[test]
fn what_cannot_be_a_row_is_none() {
    let refused = [
        Row { id: "x".into(), ..row() },
        Row { id: "\u{e9}".repeat(18), ..row() },
        Row { action: String::new(), ..row() },
        Row { action: "a".repeat(101), ..row() },
        Row { timestamp: LATEST + 1, ..row() },
    ];
    for row in refused {
        assert_eq!(row.clone().bounded(), None, "{row:?}");
    }
    for action in ["a", "2fa.enable", "order.create", "a_b.c_1"] {
        assert!(is_action(action), "{action}");
    }
    for action in ["", ".", "a.", ".a", "a..b", "A", "a b", "a-b", "\u{e9}"] {
        assert!(!is_action(action), "{action}");
    }
}

#[test]
fn texts_are_cut_between_characters_and_control_characters_replaced() {
    let long = Row {
        user_agent: Some("\u{e9}".repeat(300)),
        user_id: Some(format!("{}\u{e9}", "a".repeat(255))),
        error_message: Some("a\nb\u{0}\u{7f}\u{85}".into()),
        ..row()
    };
    let bounded = long.bounded().unwrap();
    assert_eq!(bounded.user_agent, Some("\u{e9}".repeat(256)));
    assert_eq!(bounded.user_id, Some("a".repeat(255)));
    assert_eq!(bounded.error_message.as_deref(), Some("a\u{fffd}b\u{fffd}\u{fffd}\u{fffd}"));
}

#[test]
fn details_are_whole_or_left_out() {
    let details = |text: &str| Row { details: Some(text.to_owned()), ..row() }.bounded().unwrap().details.unwrap();
    assert_eq!(details(r#"{"a":[1,null]}"#), r#"{"a":[1,null]}"#);
    let left_out = r#"{"left_out":true}"#;
    let longest = format!("\"{}\"", "a".repeat(8_190));
    assert_eq!(details(&longest), longest);
    assert_eq!(details(&format!("\"{}\"", "a".repeat(8_191))), left_out);
    for wrong in ["", "{", "a", "{} {}", "\u{0}"] {
        assert_eq!(details(wrong), left_out, "{wrong}");
    }
}

#[test]
fn a_message_begins_with_its_format_and_no_other_is_read() {
    let message = row().message();
    assert_eq!(
        message,
        "1 {\"id\":\"01a3185c-5000-7fff-bfff-ffffffffffff\",\"timestamp\":1800000000000,\"action\":\"order.create\",\
         \"status\":\"success\"}"
    );
    assert_eq!(Row::read(&message), Some(row()));
    for wrong in
        ["", "1", "1 ", "1 {}", "0 {}", "x {}", &message[2..], &message.replacen('1', "2", 1), &(message.clone() + "x")]
    {
        assert_eq!(Row::read(wrong), None, "{wrong}");
    }
}

#[test]
fn nobody_sends_a_row_that_is_linked() {
    let sent = Row { sequence: Some(1), previous_hash: Some("0".into()), hash: Some("1".into()), ..row() };
    assert_eq!(Row::read(&sent.message()), Some(row()));
}

#[test]
fn a_line_is_visible_ascii_and_names_no_address() {
    let row = Row {
        ip_address: Some("192.0.2.60".into()),
        user_agent: Some("agent".into()),
        user_id: Some("\u{202e}\u{e9}\"".into()),
        request_id: Some("r".into()),
        ..row()
    };
    let line = row.line();
    assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
    assert!(!line.contains("192.0.2.60") && !line.contains("agent"), "{line}");
    let read: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(read["user_id"], "\u{202e}\u{e9}\"");
    assert_eq!((&read["timestamp"], &read["level"]), (&"2027-01-15T08:00:00.000Z".into(), &"info".into()));
}

proptest! {
    #[test]
    fn what_is_bounded_fits_the_table_and_stays_as_it_is(text in any::<String>(), action in "[a-z.]{0,8}") {
        let some = || Some(text.clone());
        let row = Row {
            action, user_id: some(), user_agent: some(), resource_id: some(), details: some(), error_message: some(), ..row()
        };
        if let Some(bounded) = row.bounded() {
            prop_assert_eq!(Row::read(&bounded.message()), Some(bounded.clone()));
            prop_assert!(bounded.user_agent.unwrap().chars().count() <= 512);
            prop_assert!(bounded.details.unwrap().len() <= LONGEST_DETAILS);
        }
    }

    #[test]
    fn any_text_is_read_or_refused_without_a_panic(text in "1 .{0,60}") {
        let _ = Row::read(&text);
    }
}
