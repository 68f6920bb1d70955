//! Reading an export again, to check its chain away from the database: JSON in lines, as `reading::json_line` writes it, or
//! a list. Only the command line does that.

use serde_json::{Map, Value};

use super::{
    chain::{self, Broken, Head, Verified},
    row::{Row, Status},
};
use crate::http::timestamp;

/// A line that is no row of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Which one, from 1: the line, or the place in the list.
    pub place: usize,
    /// What was expected.
    pub message: String,
}

/// What the chain of an export comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The place of its first row; 0 where it has none.
    pub first: u64,
    /// What was found.
    pub verified: Verified,
}

/// Reads an export.
///
/// # Errors
/// The first thing in it that is no row.
pub fn parse(text: &str) -> Result<Vec<Row>, Wrong> {
    if let Ok(Value::Array(list)) = serde_json::from_str::<Value>(text) {
        return list.into_iter().zip(1..).map(|(value, place)| row(value, place)).collect();
    }
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    lines
        .map(|(line, place)| {
            let value = serde_json::from_str(line);
            row(value.map_err(|error| Wrong { place, message: format!("expected a row in JSON: {error}") })?, place)
        })
        .collect()
}

/// Checks the chain of an export in the order of its places. Where it begins in the middle of the chain, its first row is
/// believed when it says which hash was before it. `anchor`: where the chain must lead to, or pass.
///
/// # Errors
/// The first broken place.
pub fn check(mut rows: Vec<Row>, anchor: Option<Head>) -> Result<Checked, Broken> {
    rows.sort_by_key(|row| row.sequence.unwrap_or(u64::MAX));
    let first = rows.first().and_then(|row| Some((row.sequence?, row.previous_hash.as_deref()?)));
    let before = first.filter(|(sequence, _)| *sequence > 1);
    let from = before.and_then(|(sequence, hash)| Head::parse(sequence.checked_sub(1)?, hash)).unwrap_or_default();
    let verified = chain::verify(from, &rows, anchor)?;
    Ok(Checked { first: if verified.linked == 0 { 0 } else { from.sequence.saturating_add(1) }, verified })
}

fn row(value: Value, place: usize) -> Result<Row, Wrong> {
    let wrong = |message: &str| Wrong { place, message: message.to_owned() };
    let Value::Object(mut members) = value else { return Err(wrong("expected an object, a row of an export")) };
    let mut text = |name: &str| match members.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong(&format!("expected `{name}` to be a text"))),
    };
    let time = text("timestamp")?.and_then(|time| timestamp::parse(&time));
    let status = text("status")?.as_deref().and_then(Status::parse);
    let status = status.ok_or_else(|| wrong("expected `status` to be attempt, success or failure"))?;
    let absent = |name: &str| wrong(&format!("expected `{name}`"));
    Ok(Row {
        id: text("id")?.ok_or_else(|| absent("id"))?,
        timestamp: time.ok_or_else(|| wrong("expected `timestamp` as in 2026-11-21T10:12:13.456Z"))?,
        action: text("action")?.ok_or_else(|| absent("action"))?,
        user_id: text("user_id")?,
        ip_address: text("ip_address")?,
        user_agent: text("user_agent")?,
        resource_type: text("resource_type")?,
        resource_id: text("resource_id")?,
        details: text("details")?,
        status,
        error_message: text("error_message")?,
        request_id: text("request_id")?,
        previous_hash: text("previous_hash")?,
        hash: text("hash")?,
        sequence: sequence(&mut members).map_err(wrong)?,
    })
}

fn sequence(members: &mut Map<String, Value>) -> Result<Option<u64>, &'static str> {
    match members.remove("sequence") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_u64().map(Some).ok_or("expected `sequence` to be a whole number"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::audit::{chain::Why, reading};

    const STATUSES: [&str; 3] = ["attempt", "success", "failure"];

    fn linked() -> Vec<Row> {
        let row = |number: u64| {
            let id = format!("01980000-0000-7000-8000-{number:012}");
            let json = serde_json::json!({ "id": id, "timestamp": 1_800_000_000_000 + number, "action": "a.b", "status": STATUSES[number as usize % 3],
                "details": "{\"b\": 1,  \"a\": []}", "user_id": "\u{e9}\"" });
            serde_json::from_value::<Row>(json).unwrap()
        };
        let rows: Vec<Row> = (1..=5).map(row).collect();
        let links = chain::link(Head::default(), &rows);
        let set = |(row, link): (Row, chain::Link)| Row {
            sequence: Some(link.sequence),
            previous_hash: Some(link.previous_hash),
            hash: Some(link.hash),
            ..row
        };
        rows.into_iter().zip(links).map(set).collect()
    }

    #[test]
    fn what_was_exported_is_read_letter_by_letter() {
        let rows = linked();
        let lines: String = rows.iter().rev().map(reading::json_line).collect();
        let mut read = parse(&lines).unwrap();
        read.reverse();
        assert_eq!(read, rows);
        let list = format!("[{}]", lines.trim_end().replace('\n', ","));
        assert_eq!(parse(&list).unwrap().len(), 5);
        let checked = check(parse(&lines).unwrap(), None).unwrap();
        assert_eq!((checked.first, checked.verified.linked), (1, 5));
    }

    #[test]
    fn a_part_is_checked_from_its_first_row_on() {
        let rows = linked();
        let checked = check(rows[2..].to_vec(), None).unwrap();
        assert_eq!((checked.first, checked.verified.linked), (3, 3));
        let broken = check([&rows[2..3], &rows[4..]].concat(), None).unwrap_err();
        assert_eq!((broken.sequence, broken.why), (4, Why::Gap));
        assert_eq!(check(Vec::new(), None).unwrap().first, 0);
    }

    #[test]
    fn what_is_no_row_is_named_by_its_place() {
        let good = reading::json_line(&linked()[0]);
        let cases = [
            ("x", "expected a row in JSON"),
            ("[1]", "expected an object"),
            ("{}", "expected `status`"),
            (r#"{"status":"success"}"#, "expected `id`"),
            (r#"{"status":"success","id":7}"#, "expected `id` to be a text"),
            (&good.replace("2027", "27"), "expected `timestamp`"),
            (&good.replace("\"sequence\":1", "\"sequence\":\"1\""), "expected `sequence`"),
            (&good.replace("\"details\":\"", "\"details\":7,\"x\":\""), "expected `details` to be a text"),
        ];
        for (line, message) in cases {
            let wrong = parse(&format!("{good}\n{line}")).err().or_else(|| parse(line).err()).unwrap();
            assert!(wrong.message.starts_with(message), "{line}: {wrong:?}");
        }
        assert_eq!(parse(&format!("{good}\nx")).unwrap_err().place, 3);
    }
}
