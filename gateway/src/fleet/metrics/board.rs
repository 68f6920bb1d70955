//! All series that there are, with a limit: what would be one too many becomes `other`. Adding is the same in any order.

use super::{
    Series,
    family::{Family, Kind},
    packed::{self, Reader},
};

/// Most series of a family. Beyond them a new value of the first label becomes [`OTHER`].
pub const MOST_SERIES: usize = 2_000;

/// Most series of a family whose first label is [`OTHER`]. Beyond them all labels are.
const MOST_OTHERS: usize = 64;

/// The longest value of a label, in bytes. A longer one becomes [`OTHER`].
pub const LONGEST_LABEL: usize = 256;

/// What stands for values that there is no place for.
pub const OTHER: &str = "other";

/// Series in the order of families and labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Board(Vec<Series>);

impl Board {
    /// Adds a series to the one with the same labels. Says to which family; `None` if it is of none that is known, or not
    /// as series of that family are: then nothing was added.
    pub fn add(&mut self, mut series: Series) -> Option<Family> {
        let family = Family::of(series.family)?;
        let about = family.about();
        let is_alike = series.labels.len() == about.labels.len() && series.numbers.len() == about.kind.numbers();
        // Estimates are no numbers to add.
        if !is_alike || about.kind == Kind::Top {
            return None;
        }
        match self.place(&mut series) {
            Ok(at) => {
                let known = self.0.get_mut(at)?;
                for (number, more) in known.numbers.iter_mut().zip(series.numbers) {
                    *number = number.saturating_add(more);
                }
            }
            Err(at) => self.0.insert(at, series),
        }
        Some(family)
    }

    /// Adds what is packed. Says to which families.
    pub fn add_all(&mut self, packed: &[u8]) -> Vec<Family> {
        let mut changed = Vec::new();
        for family in Reader(packed).filter_map(|series| self.add(series)) {
            if !changed.contains(&family) {
                changed.push(family);
            }
        }
        changed
    }

    /// The series of a family, packed, behind what there is.
    pub fn pack(&self, family: Family, bytes: &mut Vec<u8>) {
        for Series { labels, numbers, .. } in self.of(family) {
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            packed::put(bytes, family, &labels, numbers);
        }
    }

    /// The series of a family, by labels.
    #[must_use]
    pub fn of(&self, family: Family) -> &[Series] {
        let number = family.number();
        let start = self.0.partition_point(|series| series.family < number);
        let end = self.0.partition_point(|series| series.family <= number);
        self.0.get(start..end).unwrap_or_default()
    }

    /// Where a series is, or where it belongs; with labels for which there is a place.
    fn place(&self, series: &mut Series) -> Result<usize, usize> {
        for label in series.labels.iter_mut().filter(|label| label.len() > LONGEST_LABEL) {
            OTHER.clone_into(label);
        }
        let known = Family::of(series.family).map_or(0, |family| self.of(family).len());
        for (most, given_way) in [(MOST_SERIES, 1), (MOST_SERIES.saturating_add(MOST_OTHERS), usize::MAX)] {
            let found = self.find(series);
            if found.is_ok() || known < most {
                return found;
            }
            for label in series.labels.iter_mut().take(given_way) {
                OTHER.clone_into(label);
            }
        }
        self.find(series)
    }

    fn find(&self, wanted: &Series) -> Result<usize, usize> {
        self.0.binary_search_by(|series| (series.family, &series.labels).cmp(&(wanted.family, &wanted.labels)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::metrics::Times;
    use proptest::prelude::*;

    fn series(family: Family, labels: &[&str], numbers: &[u64]) -> Series {
        Series::new(family, labels.iter().map(|label| (*label).to_owned()).collect(), numbers)
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
        let wrong = [
            series(Family::Requests, &["GET /"], &[1]),
            series(Family::Awaits, &["x"], &[1]),
            series(Family::Duration, &["GET /"], &[1]),
            series(Family::Problems, &["x"], Times::default().numbers()),
            Series { family: 200, ..series(Family::Awaits, &[], &[1]) },
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
            board.add(series(Family::Requests, &[&route, &status, "forwarded"], &[1]));
        }
        board.add(series(Family::Problems, &["x".repeat(LONGEST_LABEL + 1).as_str()], &[1]));
        let found = board.of(Family::Requests);
        assert_eq!(found.len(), MOST_SERIES + MOST_OTHERS + 1);
        assert_eq!(found.iter().map(Series::count).sum::<u64>(), 10_000, "nothing is lost");
        let has = |labels: [&str; 3]| found.iter().any(|series| series.labels == labels);
        assert!(has(["other", "7xx", "forwarded"]) && has(["other", "other", "other"]));
        assert_eq!(board.of(Family::Problems), [series(Family::Problems, &["other"], &[1])]);
        // What has a place keeps it.
        board.add(series(Family::Requests, &["GET /7", "7xx", "forwarded"], &[5]));
        let kept = series(Family::Requests, &["GET /7", "7xx", "forwarded"], &[6]);
        assert!(board.of(Family::Requests).contains(&kept));
    }

    fn some_series() -> impl Strategy<Value = Series> {
        let counter = ("[a-c]", "[45]xx", 0_u64..1_000)
            .prop_map(|(route, status, times)| series(Family::Requests, &[&route, &status, "forwarded"], &[times]));
        let histogram = ("[a-c]", proptest::collection::vec(0_u64..20_000, 0..4)).prop_map(|(route, all)| {
            let mut times = Times::default();
            all.iter().for_each(|ms| times.add(*ms));
            series(Family::Duration, &[&route], times.numbers())
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
            let grouped: Vec<Series> = [board(first), board(second)].iter().flat_map(|board| board.0.clone()).collect();
            prop_assert_eq!(&board(&grouped), &whole);
        }
    }
}
