//! The valid name that somebody probably meant.

/// Names longer than this are not compared: nobody mistypes them by one letter and the cost is quadratic.
const LONGEST: usize = 80;

/// The candidate closest to `name`, if one is close enough to be a slip: at most a third of the letters differ.
#[must_use]
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let allowed = (name.chars().count() / 3).max(1);
    let distance = |candidate: &'c str| (distance(name, candidate), candidate);
    let best = candidates.into_iter().map(distance).min_by_key(|(distance, _)| *distance);
    best.filter(|(distance, _)| *distance <= allowed).map(|(_, candidate)| candidate)
}

/// How many letters must be changed, added, left out or swapped with their neighbour; case does not count.
#[must_use]
pub fn distance(left: &str, right: &str) -> usize {
    if left.len() > LONGEST || right.len() > LONGEST {
        return usize::MAX;
    }
    let left: Vec<char> = left.to_lowercase().chars().collect();
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (row, letter) in left.iter().enumerate() {
        let previous = row.checked_sub(1).and_then(|row| left.get(row));
        let current = next_row(*letter, previous.copied(), &right, &before, &above);
        before = std::mem::replace(&mut above, current);
    }
    above.last().copied().unwrap_or(usize::MAX)
}

/// One row of the table of distances (optimal string alignment), from the two rows above it.
fn next_row(letter: char, previous: Option<char>, right: &[char], before: &[usize], above: &[usize]) -> Vec<usize> {
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX);
    let mut row = vec![at(above, 0).saturating_add(1)];
    for (column, other) in right.iter().enumerate() {
        let next = column.saturating_add(1);
        let change = at(above, column).saturating_add(usize::from(letter != *other));
        let leave_out = at(above, next).saturating_add(1);
        let add = at(&row, column).saturating_add(1);
        let swapped =
            column.checked_sub(1).filter(|left| previous == Some(*other) && right.get(*left) == Some(&letter));
        let swap = swapped.map_or(usize::MAX, |left| at(before, left).saturating_add(1));
        row.push(change.min(leave_out).min(add).min(swap));
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name() {
        let names = ["upstream", "use", "auth", "scopes", "cors"];
        assert_eq!(nearest("upsteam", names), Some("upstream"));
        assert_eq!(nearest("atuh", names), Some("auth"));
        assert_eq!(nearest("Scope", names), Some("scopes"));
        assert_eq!(nearest("usr", names), Some("use"));
    }

    #[test]
    fn a_name_that_is_far_from_all_finds_none() {
        assert_eq!(nearest("rate_limit", ["upstream", "use", "auth"]), None);
        assert_eq!(nearest("", ["upstream"]), None);
        assert_eq!(nearest(&"a".repeat(500), ["a"]), None);
    }

    #[test]
    fn distances_are_those_of_optimal_string_alignment() {
        let cases =
            [("", "", 0), ("a", "", 1), ("ab", "ba", 1), ("kitten", "sitting", 3), ("ca", "abc", 3), ("A", "a", 0)];
        for (left, right, expected) in cases {
            assert_eq!(distance(left, right), expected, "{left} {right}");
            assert_eq!(distance(right, left), expected, "{right} {left}");
        }
    }
}
