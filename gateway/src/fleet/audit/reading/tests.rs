//! Asking and showing: what filters become, where pages end, and that no text of a client does anything.

use proptest::prelude::*;

use super::*;

fn row(number: u64) -> Row {
    Row {
        id: format!("01980000-0000-7000-8000-{number:012}"),
        timestamp: 1_800_000_000_000 + number,
        action: "order.create".into(),
        user_id: Some("u1".into()),
        ip_address: None,
        user_agent: None,
        resource_type: None,
        resource_id: None,
        details: Some(r#"{"b":1, "a":[]}"#.into()),
        status: Status::Success,
        error_message: None,
        request_id: None,
        sequence: Some(number),
        previous_hash: Some("00".into()),
        hash: Some("11".into()),
    }
}

#[test]
fn without_filters_the_newest_rows_are_asked_for() {
    let statement = query(&Filters::default(), None, 50);
    let sql = "SELECT id, timestamp, action, user_id, ip_address, user_agent, resource_type, resource_id, details, status, \
               error_message, request_id, sequence, previous_hash, hash FROM audit_logs WHERE timestamp >= ? \
               ORDER BY timestamp DESC, id DESC LIMIT ?";
    assert_eq!((statement.sql(), statement.values()), (sql, &[Value::Integer(0), Value::Integer(51)][..]));
    let limit = |limit| query(&Filters::default(), None, limit).values()[1].clone();
    assert_eq!((limit(0), limit(u64::MAX)), (Value::Integer(2), Value::Integer(MOST + 1)));
}

#[test]
fn every_filter_is_a_value_and_never_a_part_of_the_statement() {
    let hostile = "' OR 1=1 --";
    let pairs = [
        ("user_id", hostile),
        ("ip_address", hostile),
        ("resource_type", hostile),
        ("resource_id", hostile),
        ("request_id", hostile),
        ("action", "order.*"),
        ("status", "failure"),
        ("from", "2026-11-21"),
        ("to", "2026-11-22T00:00:00Z"),
    ];
    let filters = Filters::read(pairs).unwrap();
    let cursor = Cursor::behind(&row(7));
    let statement = query(&filters, Some(&cursor), 10);
    let (_, conditions) = statement.sql().split_once(" WHERE ").unwrap();
    assert_eq!(
        conditions,
        "timestamp >= ? AND user_id = ? AND ip_address = ? AND resource_type = ? AND resource_id = ? AND request_id = ? \
         AND status = ? AND action >= ? AND action < ? AND timestamp < ? AND (timestamp, id) < (?, ?) \
         ORDER BY timestamp DESC, id DESC LIMIT ?"
    );
    let texts: Vec<String> = statement.values().iter().map(|value| serde_json::to_string(value).unwrap()).collect();
    let hostile = format!("{hostile:?}");
    let five = [hostile.as_str(); 5].join(" ");
    let rest =
        "\"failure\" \"order.\" \"order.{\" 1795305600000 1800000000007 \"01980000-0000-7000-8000-000000000007\" 11";
    assert_eq!(texts.join(" "), format!("1795219200000 {five} {rest}"));
}

#[test]
fn an_action_is_asked_for_as_a_whole_or_by_its_first_words() {
    let of = |action: &str| {
        let statement = query(&Filters::read([("action", action)]).unwrap(), None, 1);
        statement.values().len()
    };
    assert_eq!((of("order.create"), of("order.*"), of("*")), (3, 4, 2));
}

#[test]
fn what_cannot_be_asked_is_refused_by_its_name() {
    let long = "a".repeat(257);
    let cases = [
        ("actions", "x"),
        ("", ""),
        ("action", "Order"),
        ("action", "ord*"),
        ("action", ".*"),
        ("user_id", ""),
        ("user_id", &long),
        ("status", "ok"),
        ("from", "yesterday"),
        ("to", "2026-13-01"),
    ];
    for (name, value) in cases {
        assert_eq!(Filters::read([(name, value)]).unwrap_err().name, name, "{value}");
    }
    let names = Filters::read([("x", "")]).unwrap_err().expected;
    assert!(NAMES.iter().all(|name| names.contains(name)), "{names}");
}

#[test]
fn a_page_says_where_the_next_one_begins_if_there_is_one() {
    let rows: Vec<Row> = [5, 4, 3].map(row).into();
    let read = |text: String| serde_json::from_str::<Json>(&text).unwrap();
    let whole = read(page(&rows, 3));
    assert_eq!((whole["items"].as_array().unwrap().len(), &whole["next"]), (3, &Json::Null));
    let part = read(page(&rows, 2));
    assert_eq!(part["items"].as_array().unwrap().len(), 2);
    let cursor = Cursor::parse(part["next"].as_str().unwrap()).unwrap();
    assert_eq!(cursor, Cursor::behind(&rows[1]));
    assert_eq!(read(page(&[], 2))["next"], Json::Null);
    let first = &whole["items"][0];
    assert_eq!(first["details"], serde_json::json!({ "a": [], "b": 1 }));
    assert_eq!((&first["timestamp"], &first["user_agent"]), (&"2027-01-15T08:00:00.005Z".into(), &Json::Null));
}

#[test]
fn a_line_of_an_export_keeps_details_letter_by_letter() {
    let line = json_line(&row(1));
    assert!(line.ends_with("}\n") && line.matches('\n').count() == 1);
    let read: Json = serde_json::from_str(&line).unwrap();
    assert_eq!(read["details"], r#"{"b":1, "a":[]}"#);
    assert_eq!(read["sequence"], 1);
}

#[test]
fn fields_of_csv_are_quoted_and_no_formula_is_left() {
    let cases = [
        ("", ""),
        ("a b", "a b"),
        ("a,b", "\"a,b\""),
        ("a\"b", "\"a\"\"b\""),
        ("a\r\nb", "\"a\r\nb\""),
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("=\"a\",b", "\"'=\"\"a\"\",b\""),
        ("a=1", "a=1"),
    ];
    for (text, field) in cases {
        assert_eq!(csv_field(text), field, "{text:?}");
    }
    let record = csv_record(&row(1));
    assert!(record.starts_with("01980000-0000-7000-8000-000000000001,2027-01-15T08:00:00.001Z,order.create,u1,,,,,"));
    assert!(record.ends_with(",success,,,1,00,11\r\n"), "{record}");
    let plain = csv_record(&Row { details: None, ..row(1) });
    assert_eq!(plain.matches(',').count(), CSV_HEAD.matches(',').count());
}

proptest! {
    #[test]
    fn a_cursor_is_what_a_page_has_said(timestamp in any::<u64>(), number in 0_u64..1_000_000) {
        let cursor = Cursor::behind(&Row { timestamp, ..row(number) });
        prop_assert_eq!(Cursor::parse(&cursor.text()), Some(cursor));
    }

    #[test]
    fn any_text_is_a_cursor_or_none(text in "[A-Za-z0-9_-]{0,80}|.{0,20}") {
        let _ = Cursor::parse(&text);
    }
}
