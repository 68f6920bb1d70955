//! That docs/problems.md tells of every refusal once, with its status, in order.

use std::collections::BTreeSet;

use crate::layers::sources;

const PAGE: &str = include_str!("../../docs/problems.md");

/// Status and code of each row below a heading.
fn rows(heading: &str) -> Vec<(String, String)> {
    let (_, below) = PAGE.split_once(heading).unwrap();
    let section = below.split("\n## ").next().unwrap();
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect::<Vec<_>>();
    let rows = section.lines().filter(|line| line.starts_with("| ")).map(cells);
    rows.filter(|cells| cells[1] != "status").map(|cells| (cells[1].clone(), cells[2].clone())).collect()
}

/// Status and code of every kind of problem that the crate declares, its tests apart.
fn declared() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (_, source) in sources() {
        let code = source.split("#[cfg(test)]").next().unwrap();
        for declaration in code.split(": Kind =").skip(1) {
            let after = |key: &str| declaration.split_once(key).unwrap().1;
            let name = after("code: \"").split('"').next().unwrap();
            let status: String = after("status: ").chars().take_while(char::is_ascii_digit).collect();
            found.insert((status, name.to_owned()));
        }
    }
    found
}

#[test]
fn every_refusal_has_one_row_with_its_status() {
    let rows = rows("## Made by the gateway's decisions");
    let told: BTreeSet<_> = rows.iter().cloned().collect();
    assert_eq!(told.len(), rows.len(), "a row stands twice");
    let declared = declared();
    assert!(declared.len() > 30, "{declared:?}");
    assert_eq!(declared.difference(&told).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "not told");
    assert_eq!(told.difference(&declared).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "not there");
}

#[test]
fn rows_are_in_order_of_their_status() {
    for heading in ["## Made by the gateway's decisions", "## Made in JavaScript, without wasm"] {
        // What is never sent stands last.
        let sent: Vec<String> = rows(heading).into_iter().map(|(status, _)| status).filter(|s| s != "499").collect();
        assert!(sent.is_sorted(), "{heading}: {sent:?}");
    }
}
