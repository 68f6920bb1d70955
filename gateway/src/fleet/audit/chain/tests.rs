//! Whatever is done to a chain is found.

use proptest::prelude::*;

use super::*;
use crate::fleet::audit::row::Status;

fn row(number: u64) -> Row {
    Row {
        id: format!("01980000-0000-7000-8000-{number:012}"),
        timestamp: 1_800_000_000_000 + number,
        action: "order.create".into(),
        user_id: number.is_multiple_of(2).then(|| format!("user-{number}")),
        ip_address: None,
        user_agent: Some(String::new()),
        resource_type: Some("order".into()),
        resource_id: Some(number.to_string()),
        details: Some("{}".into()),
        status: Status::Success,
        error_message: None,
        request_id: None,
        sequence: None,
        previous_hash: None,
        hash: None,
    }
}

/// Rows as the database has them once they are linked.
fn linked(from: Head, count: u64) -> Vec<Row> {
    let rows: Vec<Row> = (1..=count).map(row).collect();
    let links = link(from, &rows);
    let set = |(row, link): (Row, Link)| Row {
        sequence: Some(link.sequence),
        previous_hash: Some(link.previous_hash),
        hash: Some(link.hash),
        ..row
    };
    rows.into_iter().zip(links).map(set).collect()
}

fn why(rows: &[Row], anchor: Option<Head>) -> Option<(u64, Why)> {
    verify(Head::default(), rows, anchor).err().map(|broken| (broken.sequence, broken.why))
}

fn head_of(row: &Row) -> Head {
    Head::parse(row.sequence.unwrap(), row.hash.as_deref().unwrap()).unwrap()
}

#[test]
fn the_hash_of_a_row_is_the_one_that_was_agreed_on() {
    let rows = linked(Head::default(), 2);
    assert_eq!(rows[0].previous_hash, Some("0".repeat(64)));
    // Computed by hand with other tools: docs/audit.md says of which bytes.
    assert_eq!(rows[0].hash.as_deref(), Some("41b1d81143a8c28e85591933a754bb6009914dfd40eb122717b5e58b7e4bc076"));
    assert_eq!(rows[1].previous_hash, rows[0].hash);
}

#[test]
fn a_chain_that_nobody_touched_holds_and_what_is_not_linked_is_only_counted() {
    let mut rows = linked(Head::default(), 5);
    rows.push(row(6));
    rows.insert(2, row(7));
    let verified = verify(Head::default(), &rows, Some(head_of(&rows[3]))).unwrap();
    assert_eq!((verified.head, verified.linked, verified.unlinked), (head_of(&rows[5]), 5, 2));
    assert_eq!(verify(Head::default(), [], None), Ok(Verified::default()));
}

#[test]
fn a_part_of_a_chain_holds_behind_the_row_before_it() {
    let rows = linked(Head::default(), 5);
    assert!(verify(head_of(&rows[1]), &rows[2..], None).is_ok());
    assert_eq!(verify(head_of(&rows[0]), &rows[2..], None).unwrap_err().why, Why::Gap);
    let other = Head { hash: [7; 32], ..head_of(&rows[1]) };
    assert_eq!(verify(other, &rows[2..], None).unwrap_err().why, Why::Previous);
}

#[test]
fn only_the_anchor_misses_what_was_cut_off_at_the_end() {
    let rows = linked(Head::default(), 5);
    let anchor = Some(head_of(&rows[4]));
    assert_eq!(why(&rows[..3], None), None);
    assert_eq!(why(&rows[..3], anchor), Some((4, Why::Anchor)));
    assert_eq!(why(&[], anchor), Some((1, Why::Anchor)));
    assert_eq!(why(&rows, Some(Head { sequence: 5, hash: [0; 32] })), Some((5, Why::Anchor)));
}

#[test]
fn a_chain_that_was_made_anew_behind_a_change_does_not_lead_to_the_anchor() {
    let anchor = head_of(&linked(Head::default(), 5)[4]);
    let mut forged: Vec<Row> = (1..=5).map(row).collect();
    forged[2].user_id = Some("somebody else".into());
    let links = link(Head::default(), &forged);
    for (row, link) in forged.iter_mut().zip(links) {
        (row.sequence, row.previous_hash, row.hash) = (Some(link.sequence), Some(link.previous_hash), Some(link.hash));
    }
    assert_eq!(why(&forged, None), None);
    assert_eq!(why(&forged, Some(anchor)), Some((5, Why::Anchor)));
}

#[test]
fn a_row_is_not_moved_between_its_columns() {
    let of = |row: &Row| link(Head::default(), std::slice::from_ref(row))[0].hash.clone();
    let (mut left, mut right) = (row(1), row(1));
    (left.resource_type, left.resource_id) = (Some("ab".into()), Some("c".into()));
    (right.resource_type, right.resource_id) = (Some("a".into()), Some("bc".into()));
    assert_ne!(of(&left), of(&right));
    (right.resource_type, right.resource_id) = (None, Some("abc".into()));
    assert_ne!(of(&left), of(&right));
    let (mut absent, mut empty) = (row(1), row(1));
    (absent.error_message, empty.error_message) = (None, Some(String::new()));
    assert_ne!(of(&absent), of(&empty));
}

#[test]
fn hashes_have_one_spelling() {
    let hash = "0123456789abcdef".repeat(4);
    assert_eq!(Head::parse(1, &hash).unwrap().hex(), hash);
    for wrong in
        [String::new(), hash.to_uppercase(), "0".repeat(63), "0".repeat(66), "\u{e9}".repeat(32), "+".repeat(64)]
    {
        assert_eq!(Head::parse(1, &wrong), None, "{wrong}");
    }
}

/// Everything that can be done to one row.
fn changed(row: &mut Row, what: u8) {
    let text = |text: &mut Option<String>| *text = Some(text.clone().unwrap_or_default() + "x");
    match what {
        0 => row.id.push('x'),
        1 => row.timestamp += 1,
        2 => row.action.push('x'),
        3 => text(&mut row.user_id),
        4 => text(&mut row.ip_address),
        5 => text(&mut row.user_agent),
        6 => text(&mut row.resource_type),
        7 => text(&mut row.resource_id),
        8 => text(&mut row.details),
        9 => row.status = Status::Failure,
        10 => text(&mut row.error_message),
        11 => text(&mut row.request_id),
        12 => row.sequence = None,
        13 => row.sequence = row.sequence.map(|sequence| sequence + 1),
        14 => text(&mut row.previous_hash),
        15 => text(&mut row.hash),
        16 => row.hash = None,
        17 => row.user_agent = None,
        _ => row.previous_hash = None,
    }
}

proptest! {
    #[test]
    fn any_change_to_a_row_is_found_at_its_place(count in 1_u64..20, at in any::<prop::sample::Index>(), what in 0_u8..19) {
        let mut rows = linked(Head::default(), count);
        let anchor = head_of(&rows[rows.len() - 1]);
        let at = at.index(rows.len());
        changed(&mut rows[at], what);
        let broken = why(&rows, Some(anchor)).map(|(sequence, _)| sequence);
        // A row that pretends not to be linked leaves a gap where the next one stands.
        prop_assert_eq!(broken, Some(at as u64 + 1));
    }

    #[test]
    fn any_row_that_is_taken_out_added_or_moved_is_found(
        count in 2_u64..20, at in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(), what in 0_u8..4
    ) {
        let mut rows = linked(Head::default(), count);
        let anchor = Some(head_of(&rows[rows.len() - 1]));
        let (at, to) = (at.index(rows.len()), to.index(rows.len()));
        match what {
            0 => drop(rows.remove(at)),
            1 => rows.insert(to, rows[at].clone()),
            2 if at != to => rows.swap(at, to),
            2 => drop(rows.remove(at)),
            // One that continues the chain at its place.
            _ => {
                let before = if at == 0 { Head::default() } else { head_of(&rows[at - 1]) };
                let forged = row(99);
                let link = link(before, std::slice::from_ref(&forged)).remove(0);
                let (sequence, previous_hash, hash) = (Some(link.sequence), Some(link.previous_hash), Some(link.hash));
                rows.insert(at, Row { sequence, previous_hash, hash, ..forged });
            }
        }
        prop_assert!(why(&rows, anchor).is_some());
    }
}
