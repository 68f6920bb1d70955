//! `ferrogate audit verify`.

use gateway::fleet::audit::{
    chain::{self, Head, Link},
    reading,
    row::Row,
};

use super::support::Folder;

/// The export of a chain of so many rows, and where it ends.
fn export(count: u64) -> (Vec<Row>, String) {
    let row = |number: u64| {
        let id = format!("01980000-0000-7000-8000-{number:012}");
        let row = serde_json::json!({ "id": id, "timestamp": 1_800_000_000_000 + number, "action": "a", "status": "success" });
        serde_json::from_value::<Row>(row).unwrap()
    };
    let rows: Vec<Row> = (1..=count).map(row).collect();
    let links = chain::link(Head::default(), &rows);
    let anchor = links.last().map(|link| format!("{}:{}", link.sequence, link.hash)).unwrap_or_default();
    let set = |(row, link): (Row, Link)| Row {
        sequence: Some(link.sequence),
        previous_hash: Some(link.previous_hash),
        hash: Some(link.hash),
        ..row
    };
    (rows.into_iter().zip(links).map(set).collect(), anchor)
}

fn lines(rows: &[Row]) -> String {
    rows.iter().rev().map(reading::json_line).collect()
}

#[test]
fn audit_says_that_a_chain_holds_and_where_it_ends() {
    let folder = Folder::new("audit_holds");
    let (mut rows, anchor) = export(3);
    rows.push(Row { sequence: None, previous_hash: None, hash: None, ..rows[0].clone() });
    folder.write("a.jsonl", &lines(&rows));
    let ran = folder.run("audit verify a.jsonl");
    let expected = format!("a.jsonl: the chain holds: 3 rows, 1 to 3\nnot linked yet: 1\nanchor {anchor}\n");
    assert_eq!((ran.out, ran.err.as_str(), ran.code), (expected, "", Some(0)));
    assert_eq!(folder.run(&format!("audit verify a.jsonl --anchor {anchor}")).code, Some(0));
    folder.write("part.jsonl", &lines(&rows[1..3]));
    let ran = folder.run("audit verify part.jsonl");
    assert!(ran.out.contains("2 rows, 2 to 3\nbefore 2 nothing was looked at\n"), "{}", ran.out);
    folder.write("empty.jsonl", "");
    assert_eq!(folder.run("audit verify empty.jsonl").out, "empty.jsonl: the chain holds: 0 rows\n");
}

#[test]
fn audit_names_the_first_broken_row() {
    let folder = Folder::new("audit_broken");
    let (mut rows, anchor) = export(4);
    rows[1].user_id = Some("somebody else".into());
    folder.write("changed.jsonl", &lines(&rows));
    let ran = folder.run("audit verify changed.jsonl");
    let id = &rows[1].id;
    let expected =
        format!("ferrogate: changed.jsonl: the chain is broken at 2 ({id}): the row is not the one that was linked\n");
    assert_eq!((ran.out.as_str(), ran.err, ran.code), ("", expected, Some(1)));
    let (rows, _) = export(4);
    folder.write("removed.jsonl", &lines(&[&rows[..1], &rows[2..]].concat()));
    assert!(folder.run("audit verify removed.jsonl").err.contains("broken at 2"));
    folder.write("cut.jsonl", &lines(&rows[..3]));
    assert_eq!(folder.run("audit verify cut.jsonl").code, Some(0));
    let ran = folder.run(&format!("audit verify cut.jsonl --anchor {anchor}"));
    assert!(ran.code == Some(1) && ran.err.contains("broken at 4: the chain does not lead to"), "{}", ran.err);
}

#[test]
fn audit_says_what_is_no_export() {
    let folder = Folder::new("audit_wrong");
    folder.write("x.jsonl", "{}\n");
    let ran = folder.run("audit verify x.jsonl");
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (Some(1), "ferrogate: x.jsonl:1: expected `status` to be attempt, success or failure\n")
    );
    for (line, message) in [
        ("audit verify missing", "cannot read missing"),
        ("audit", "a command is missing behind audit: verify"),
        ("audit verify x.jsonl --url https://a.example", "--url is for a gateway, and FILE for an export"),
        ("audit verify --anchor 7", "--anchor is for a FILE"),
        ("audit verifi x.jsonl", "did you mean verify?"),
        ("audit verify x.jsonl --anchor 7", "--anchor takes a number, a colon and 64 hexadecimal digits"),
    ] {
        let ran = folder.run(line);
        assert!(ran.code == Some(2) && ran.err.contains(message), "{line}: {ran:?}");
    }
}
