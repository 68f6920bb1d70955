//! Metrics: what the isolates count, and the objects in which it comes together.
//!
//! An isolate counts in place (`tally`) and hands over what it has, from time to time, to one of a few objects (`shard`):
//! the one of its own number, so that no object has them all. What an object has (`board`) has a limit, whoever sends. Not
//! here: when it is handed over (`fleet::outbox`), and how it is written for those who read (`stages::metrics`).

pub mod board;
pub mod family;
pub mod packed;
pub mod shard;
pub mod tally;
pub mod top;

use serde::{Deserialize, Serialize};

use crate::fleet::message::Protocol;

/// Where the buckets of histograms end, in milliseconds; the last one has no end. A Worker's clock stands still while it
/// computes and shows whole milliseconds: nothing finer than 1 ms is ever seen. From there in steps of 1, 2.5 and 5 up to
/// 10 s, beyond which a client has nearly always left; 2 ms stands for 2.5.
pub const BOUNDS_MS: [u64; 13] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];

/// How many buckets there are.
pub const BUCKETS: usize = BOUNDS_MS.len().saturating_add(1);

/// How many took how long: how many took as long as each of [`BOUNDS_MS`] and longer than the one before, how many longer
/// than all, and all times together, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times([u64; BUCKETS + 1]);

impl Times {
    /// As they travel; `None` for what are none.
    #[must_use]
    pub fn of(numbers: &[u64]) -> Option<Self> {
        numbers.try_into().ok().map(Self)
    }

    /// One more that took so long.
    #[inline]
    pub fn add(&mut self, ms: u64) {
        let at = BOUNDS_MS.iter().position(|bound| ms <= *bound).unwrap_or(BOUNDS_MS.len());
        if let Some(bucket) = self.0.get_mut(at) {
            *bucket = bucket.saturating_add(1);
        }
        if let Some(sum) = self.0.last_mut() {
            *sum = sum.saturating_add(ms);
        }
    }

    /// The buckets.
    #[must_use]
    pub fn buckets(&self) -> &[u64] {
        self.0.split_last().map_or(&[], |(_, buckets)| buckets)
    }

    /// All times together, in milliseconds.
    #[must_use]
    pub fn sum_ms(&self) -> u64 {
        self.0.last().copied().unwrap_or_default()
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets().iter().fold(0, |sum, bucket| sum.saturating_add(*bucket))
    }

    /// As they travel.
    #[must_use]
    pub fn numbers(&self) -> &[u64] {
        &self.0
    }
}

/// A series of a family; or what is to be added to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// The number of its family.
    pub family: u8,
    /// The values of its labels, in the order of the family's.
    pub labels: Vec<String>,
    /// One of a counter, those of [`Times`] of a histogram.
    pub numbers: Vec<u64>,
}

impl Series {
    /// Of a family.
    #[must_use]
    pub fn new(family: family::Family, labels: Vec<String>, numbers: &[u64]) -> Self {
        Self { family: family.number(), labels, numbers: numbers.to_vec() }
    }

    /// The number of a counter.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.numbers.first().copied().unwrap_or_default()
    }
}

/// What an isolate hands over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// Which isolate.
    pub isolate: u64,
    /// The how manieth time: each number is added once.
    pub number: u64,
    /// What to add, [`packed`].
    pub series: Vec<u8>,
}

/// What a caller asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// Add this.
    Add(Delta),
    /// Tell everything.
    Read,
}

/// What the object answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// It is added.
    Added,
    /// It had been added before.
    Known,
    /// Everything that there is.
    Reading(Reading),
}

/// What an object has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// All series, by family, then by labels, [`packed`].
    pub series: Vec<u8>,
    /// How many isolates handed something over within the last minute.
    pub isolates: u32,
}

/// The messages of the object `Metrics`.
#[derive(Debug)]
pub struct Metrics;

impl Protocol for Metrics {
    type Question = Question;
    type Answer = Answer;
    const FORMAT: u8 = 1;
}

/// The name of the object in which an isolate's counts come together.
#[must_use]
pub fn shard_of(isolate: u64, shards: u16) -> u64 {
    isolate.checked_rem(u64::from(shards)).unwrap_or_default()
}

/// The name of the object of a number.
#[must_use]
pub fn name_of(shard: u64) -> String {
    format!("shard:{shard}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_falls_into_the_first_bucket_that_holds_it() {
        let mut times = Times::default();
        for ms in [0, 1, 2, 3, 5, 10_000, 10_001, u64::MAX] {
            times.add(ms);
        }
        assert_eq!(times.buckets(), [2, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!((times.count(), times.sum_ms()), (8, u64::MAX));
        assert_eq!((Times::of(times.numbers()), Times::of(&[1])), (Some(times), None));
        assert!(BOUNDS_MS.is_sorted_by(|left, right| left < right));
    }

    #[test]
    fn isolates_spread_over_all_shards() {
        let named: Vec<String> = (0..5).map(|isolate| name_of(shard_of(isolate, 4))).collect();
        assert_eq!(named, ["shard:0", "shard:1", "shard:2", "shard:3", "shard:0"]);
        assert_eq!(shard_of(u64::MAX, 0), 0);
    }
}
