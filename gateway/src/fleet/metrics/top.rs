//! Which keys were refused most, in bounded memory: a *space-saving* sketch (Metwally, Agrawal, El Abbadi 2005), and one of the
//! last hour.
//!
//! It keeps [`KEPT`] keys with an estimate each. A key that there is no place for takes that of the one with the lowest
//! estimate, and its estimate as the error of its own. So of *n* hits in all, an estimate is never too low, and too high
//! by its error at most, which is *n* / [`KEPT`] at most; and whoever has more hits than that is kept. Merging two adds what
//! each may have missed of the keys of the other: all of this holds for the sum.

use super::{
    Series,
    board::LONGEST_LABEL,
    family::Family,
    packed::{self, Reader},
};
use crate::http::Millis;

/// How many keys are kept: those with more than one hit in a hundred.
pub const KEPT: usize = 100;

/// How many are shown.
pub const SHOWN: usize = 20;

/// How long one sketch of the hour is added to, in milliseconds, and how many there are.
const PART_MS: Millis = 600_000;
const PARTS: u64 = 6;

/// Keys, each as a series with its labels and the numbers of [`numbers`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Top(Vec<Series>);

/// The estimate of a key, and by how much it may be too high.
#[must_use]
pub fn numbers(key: &Series) -> (u64, u64) {
    (key.count(), key.numbers.get(1).copied().unwrap_or_default())
}

impl Top {
    /// One more hit of a key.
    pub fn hit(&mut self, labels: [&str; 2]) {
        if let Some(known) = self.0.iter_mut().find(|known| known.labels == labels) {
            return add(known, 1, 0);
        }
        let floor = self.floor();
        if self.0.len() >= KEPT {
            self.drop_lowest();
        }
        let numbers = [floor.saturating_add(1), floor];
        self.0.push(Series::new(Family::RefusedKeys, labels.map(str::to_owned).to_vec(), &numbers));
    }

    /// The most hits that a key can have that is not kept, and the most by which an estimate is too high.
    #[must_use]
    pub fn floor(&self) -> u64 {
        if self.0.len() < KEPT { 0 } else { self.0.iter().map(Series::count).min().unwrap_or_default() }
    }

    /// Adds what another one has.
    pub fn merge(&mut self, other: &Self) {
        let (own, others) = (self.floor(), other.floor());
        for known in &mut self.0 {
            let (count, error) = other.of(known).map_or((others, others), numbers);
            add(known, count, error);
        }
        for new in &other.0 {
            if self.of(new).is_none() {
                let mut new = new.clone();
                add(&mut new, own, own);
                self.0.push(new);
            }
        }
        while self.0.len() > KEPT {
            self.drop_lowest();
        }
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys with the highest estimates, those first.
    #[must_use]
    pub fn highest(mut self, most: usize) -> Vec<Series> {
        let mut highest = Vec::new();
        while highest.len() < most {
            let by_count = |at: &usize| self.0.get(*at).map(Series::count);
            // The first of equals.
            let Some(at) = (0..self.0.len()).rev().max_by_key(by_count) else { break };
            highest.push(self.0.remove(at));
        }
        highest
    }

    /// Its keys, packed, behind what there is.
    pub fn pack(&self, bytes: &mut Vec<u8>) {
        self.0.iter().for_each(|known| put(bytes, known, &known.numbers));
    }

    /// What is packed, if it is keys.
    #[must_use]
    pub fn read(packed: &[u8]) -> Self {
        let mut top = Self::default();
        for key in Reader(packed).filter(|key| is_key(key, 2)) {
            if top.of(&key).is_none() && top.0.len() < KEPT {
                top.0.push(key);
            }
        }
        top
    }

    fn of(&self, wanted: &Series) -> Option<&Series> {
        self.0.iter().find(|known| known.labels == wanted.labels)
    }

    fn drop_lowest(&mut self) {
        let lowest = (0..self.0.len()).min_by_key(|at| self.0.get(*at).map(Series::count));
        lowest.map(|at| self.0.swap_remove(at));
    }
}

/// Whether a series is a key, with so many numbers.
fn is_key(series: &Series, numbers: usize) -> bool {
    series.family == Family::RefusedKeys.number()
        && series.labels.len() == 2
        && series.labels.iter().all(|label| label.len() <= LONGEST_LABEL)
        && series.numbers.len() == numbers
}

fn add(key: &mut Series, count: u64, error: u64) {
    for (number, more) in key.numbers.iter_mut().zip([count, error]) {
        *number = number.saturating_add(more);
    }
}

fn put(bytes: &mut Vec<u8>, key: &Series, numbers: &[u64]) {
    let labels: Vec<&str> = key.labels.iter().map(String::as_str).collect();
    packed::put(bytes, Family::RefusedKeys, &labels, numbers);
}

/// The keys of the last hour: of the ten minutes that have begun, and the fifty before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hour(Vec<(u64, Top)>);

impl Hour {
    /// Adds what has come now. A clock that is set back adds to what it added to last.
    pub fn add(&mut self, now: Millis, top: &Top) {
        let part = now.div_euclid(PART_MS);
        self.forget(part);
        if self.0.last().is_none_or(|(last, _)| *last < part) {
            self.0.push((part, Top::default()));
        }
        if let Some((_, known)) = self.0.last_mut() {
            known.merge(top);
        }
    }

    /// All keys of the hour.
    #[must_use]
    pub fn top(&self, now: Millis) -> Top {
        let begins = now.div_euclid(PART_MS).saturating_sub(PARTS);
        let mut all = Top::default();
        self.0.iter().filter(|(part, _)| *part > begins).for_each(|(_, top)| all.merge(top));
        all
    }

    fn forget(&mut self, part: u64) {
        self.0.retain(|(known, _)| known.saturating_add(PARTS) > part);
    }

    /// All of it as it is stored, behind what there is.
    pub fn pack(&self, bytes: &mut Vec<u8>) {
        for (part, top) in &self.0 {
            for key in &top.0 {
                let (count, error) = numbers(key);
                put(bytes, key, &[count, error, *part]);
            }
        }
    }

    /// What was stored.
    #[must_use]
    pub fn read(packed: &[u8]) -> Self {
        let mut hour = Self::default();
        for mut key in Reader(packed).filter(|key| is_key(key, 3)) {
            let Some(part) = key.numbers.pop() else { continue };
            if hour.0.last().is_none_or(|(last, _)| *last < part) {
                hour.0.push((part, Top::default()));
            }
            if let Some((_, top)) = hour.0.last_mut().filter(|(_, top)| top.0.len() < KEPT) {
                top.0.push(key);
            }
        }
        hour
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn of(hits: &[u16]) -> Top {
        let mut top = Top::default();
        hits.iter().for_each(|key| top.hit(["a", &key.to_string()]));
        top
    }

    fn keys(top: &Top) -> BTreeMap<String, (u64, u64)> {
        top.0.iter().map(|key| (key.labels[1].clone(), numbers(key))).collect()
    }

    fn truth(hits: &[u16]) -> BTreeMap<String, u64> {
        let mut truth = BTreeMap::new();
        hits.iter().for_each(|key| *truth.entry(key.to_string()).or_default() += 1);
        truth
    }

    /// What is promised of a sketch of these hits.
    fn check(top: &Top, hits: &[u16]) -> Result<(), TestCaseError> {
        let (kept, truth) = (keys(top), truth(hits));
        let share = hits.len() as u64 / KEPT as u64;
        prop_assert!(kept.len() <= KEPT && kept.len() == top.0.len());
        prop_assert!(top.floor() <= share, "{} of {}", top.floor(), hits.len());
        for (key, (count, error)) in &kept {
            let real = truth.get(key).copied().unwrap_or_default();
            prop_assert!(
                *count >= real && count - error <= real && *error <= top.floor(),
                "{key}: {count} {error} {real}"
            );
        }
        for (key, real) in &truth {
            prop_assert!(kept.contains_key(key) || *real <= top.floor(), "{key} has {real} and is not kept");
        }
        Ok(())
    }

    /// Few with many hits, and many with few.
    fn hits() -> impl Strategy<Value = Vec<u16>> {
        let key = prop_oneof![3 => 0_u16..8, 2 => 0_u16..150, 1 => 0_u16..4_000];
        proptest::collection::vec(key, 0..600)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        #[test]
        fn no_estimate_is_too_low_nor_too_high_by_more_than_its_error(hits in hits()) {
            check(&of(&hits), &hits)?;
        }

        #[test]
        fn merging_any_number_of_them_in_any_groups_keeps_that(all in proptest::collection::vec(hits(), 1..5)) {
            let mut merged = Top::default();
            all.iter().for_each(|hits| merged.merge(&of(hits)));
            check(&merged, &all.concat())?;
            let (first, second) = all.split_at(all.len() / 2);
            let side = |all: &[Vec<u16>]| all.iter().fold(Top::default(), |mut top, hits| {
                top.merge(&of(hits));
                top
            });
            let mut grouped = side(first);
            grouped.merge(&side(second));
            check(&grouped, &all.concat())?;
        }

        #[test]
        fn what_is_packed_is_read(all in proptest::collection::vec(hits(), 0..3)) {
            let mut hour = Hour::default();
            for (part, hits) in all.iter().enumerate() {
                let (top, mut bytes) = (of(hits), Vec::new());
                top.pack(&mut bytes);
                prop_assert_eq!(&Top::read(&bytes), &top);
                if !top.is_empty() {
                    hour.add(part as u64 * PART_MS, &top);
                }
            }
            let mut bytes = Vec::new();
            hour.pack(&mut bytes);
            prop_assert_eq!(Hour::read(&bytes), hour);
        }

        #[test]
        fn any_bytes_are_read_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let (_, _) = (Top::read(&bytes), Hour::read(&bytes));
        }
    }

    #[test]
    fn an_hour_ends_and_a_clock_that_is_set_back_loses_nothing() {
        let mut hour = Hour::default();
        for part in 10..20 {
            hour.add(part * PART_MS, &of(&[part as u16]));
        }
        let told = |hour: &Hour, now: Millis| keys(&hour.top(now)).into_keys().collect::<Vec<_>>();
        assert_eq!(told(&hour, 19 * PART_MS), ["14", "15", "16", "17", "18", "19"]);
        assert_eq!(told(&hour, 24 * PART_MS + 7), ["19"]);
        assert_eq!((told(&hour, 25 * PART_MS), hour.0.len()), (Vec::new(), 6));
        hour.add(3 * PART_MS, &of(&[3]));
        assert_eq!(hour.0.len(), 6);
        assert!(told(&hour, 19 * PART_MS).contains(&"3".to_owned()));
    }

    #[test]
    fn the_highest_come_first_and_of_equals_the_first() {
        let highest = of(&[1, 2, 2, 3, 3, 3, 4]).highest(3);
        let told: Vec<_> = highest.iter().map(|key| (key.labels[1].as_str(), key.count())).collect();
        assert_eq!(told, [("3", 3), ("2", 2), ("1", 1)]);
        assert_eq!(of(&[1]).highest(SHOWN).len(), 1);
    }
}
