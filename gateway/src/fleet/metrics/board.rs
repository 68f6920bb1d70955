//! All series that there are, with a limit: what would be one too many becomes `other`. Adding is the same in any order.

use std::collections::BTreeMap;

use super::{
    Series, Times, Value,
    family::{Family, Kind},
};

/// Most series of a family. Beyond them a new value of the first label becomes [`OTHER`].
pub const MOST_SERIES: usize = 2_000;

/// Most series of a family whose first label is [`OTHER`]. Beyond them all labels are.
const MOST_OTHERS: usize = 64;

/// The longest value of a label, in bytes. A longer one becomes [`OTHER`].
pub const LONGEST_LABEL: usize = 256;

/// What stands for values that there is no place for.
pub const OTHER: &str = "other";

/// Series by their family and labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Board(BTreeMap<Family, BTreeMap<Vec<String>, Value>>);

impl Board {
    /// Adds a series to the one with the same labels. Says to which family; `None` if it is of none that is known, or not
    /// as series of that family are: then nothing was added.
    pub fn add(&mut self, series: Series) -> Option<Family> {
        let Series { family, mut labels, value } = series;
        let family = Family::of(family)?;
        let about = family.about();
        if labels.len() != about.labels.len() || matches!(value, Value::Count(_)) != (about.kind == Kind::Counter) {
            return None;
        }
        let known = self.0.entry(family).or_default();
        bound(known, &mut labels);
        match (known.get_mut(&labels), value) {
            (Some(Value::Count(count)), Value::Count(more)) => *count = count.saturating_add(more),
            (Some(Value::Times(times)), Value::Times(more)) => times.merge(&more),
            (_, value) => drop(known.insert(labels, value)),
        }
        Some(family)
    }

    /// The series of a family, by labels.
    pub fn of(&self, family: Family) -> impl Iterator<Item = (&[String], &Value)> {
        self.0.get(&family).into_iter().flatten().map(|(labels, value)| (labels.as_slice(), value))
    }

    /// The counters of a family, by labels.
    pub fn counts(&self, family: Family) -> impl Iterator<Item = (&[String], u64)> {
        self.of(family).filter_map(|(labels, value)| match value {
            Value::Count(count) => Some((labels, *count)),
            Value::Times(_) => None,
        })
    }

    /// The histograms of a family, by labels.
    pub fn times(&self, family: Family) -> impl Iterator<Item = (&[String], &Times)> {
        self.of(family).filter_map(|(labels, value)| match value {
            Value::Times(times) => Some((labels, times)),
            Value::Count(_) => None,
        })
    }

    /// The series of a family as they travel.
    #[must_use]
    pub fn series_of(&self, family: Family) -> Vec<Series> {
        let series = |(labels, value): (&[String], &Value)| Series {
            family: family.number(),
            labels: labels.to_vec(),
            value: value.clone(),
        };
        self.of(family).map(series).collect()
    }

    /// All series as they travel.
    #[must_use]
    pub fn series(&self) -> Vec<Series> {
        Family::ALL.iter().flat_map(|family| self.series_of(*family)).collect()
    }
}

/// Makes labels of those for which there is a place.
fn bound(known: &BTreeMap<Vec<String>, Value>, labels: &mut [String]) {
    for label in labels.iter_mut().filter(|label| label.len() > LONGEST_LABEL) {
        OTHER.clone_into(label);
    }
    if known.len() < MOST_SERIES || known.contains_key(labels) {
        return;
    }
    if let Some(first) = labels.first_mut() {
        OTHER.clone_into(first);
    }
    if known.len() < MOST_SERIES.saturating_add(MOST_OTHERS) || known.contains_key(labels) {
        return;
    }
    for label in labels {
        OTHER.clone_into(label);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn count(family: Family, labels: &[&str], count: u64) -> Series {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        Series { family: family.number(), labels, value: Value::Count(count) }
    }

    fn board(series: &[Series]) -> Board {
        let mut board = Board::default();
        for one in series {
            board.add(one.clone());
        }
        board
    }

    #[test]
    fn what_is_no_series_of_its_family_is_left_out() {
        let times = Value::Times(Times::default());
        let wrong = [
            count(Family::Requests, &["GET /"], 1),
            count(Family::Awaits, &["x"], 1),
            count(Family::Duration, &["GET /"], 1),
            Series { family: Family::Problems.number(), labels: vec!["x".into()], value: times },
            Series { family: 200, labels: Vec::new(), value: Value::Count(1) },
        ];
        let mut board = Board::default();
        assert!(wrong.into_iter().all(|series| board.add(series).is_none()));
        assert_eq!(board, Board::default());
    }

    #[test]
    fn nobody_makes_a_family_grow_beyond_its_limit() {
        let mut board = Board::default();
        for number in 0..10_000 {
            let (route, status) = (format!("GET /{number}"), format!("{}xx", number % 100));
            board.add(count(Family::Requests, &[&route, &status, "forwarded"], 1));
        }
        board.add(count(Family::Problems, &["x".repeat(LONGEST_LABEL + 1).as_str()], 1));
        let found: Vec<_> = board.counts(Family::Requests).collect();
        assert_eq!(found.len(), MOST_SERIES + MOST_OTHERS + 1);
        assert_eq!(found.iter().map(|(_, count)| count).sum::<u64>(), 10_000, "nothing is lost");
        assert_eq!(
            board.counts(Family::Requests).filter(|(labels, _)| labels == &["other", "7xx", "forwarded"]).count(),
            1
        );
        assert!(board.counts(Family::Requests).any(|(labels, _)| labels == ["other", "other", "other"]));
        assert_eq!(board.counts(Family::Problems).collect::<Vec<_>>(), [(&["other".to_owned()][..], 1)]);
        // What has a place keeps it.
        board.add(count(Family::Requests, &["GET /7", "7xx", "forwarded"], 5));
        assert!(board.counts(Family::Requests).any(|(labels, count)| labels[0] == "GET /7" && count == 6));
    }

    fn some_series() -> impl Strategy<Value = Series> {
        let counter = ("[a-c]", "[45]xx", 0_u64..1_000)
            .prop_map(|(route, status, times)| count(Family::Requests, &[&route, &status, "forwarded"], times));
        let histogram = ("[a-c]", proptest::collection::vec(0_u64..20_000, 0..4)).prop_map(|(route, all)| {
            let mut times = Times::default();
            all.iter().for_each(|ms| times.add(*ms));
            Series { family: Family::Duration.number(), labels: vec![route], value: Value::Times(times) }
        });
        prop_oneof![counter, histogram]
    }

    proptest! {
        #[test]
        fn adding_is_the_same_in_any_order_and_any_groups(
            series in proptest::collection::vec(some_series(), 0..40),
            order in any::<proptest::sample::Index>(),
            cut in any::<proptest::sample::Index>(),
        ) {
            let whole = board(&series);
            let mut turned = series.clone();
            turned.rotate_left(order.index(series.len().max(1)).min(series.len()));
            prop_assert_eq!(&board(&turned), &whole);
            let (first, second) = series.split_at(cut.index(series.len() + 1));
            let grouped: Vec<Series> = [board(first), board(second)].iter().flat_map(Board::series).collect();
            prop_assert_eq!(&board(&grouped), &whole);
        }
    }
}
