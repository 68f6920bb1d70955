//! What was counted of somebody within a time: few numbers, exact for the one question whether they are too many.

use serde::{Deserialize, Serialize};

use crate::http::Millis;

/// Something that was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Millis,
    /// How much.
    pub amount: u32,
    /// Of which kind.
    pub kind: u8,
    /// By which it is known again: what comes twice counts once.
    pub tag: u64,
}

/// What was counted, in a window of time that slides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally(Vec<Entry>);

impl Tally {
    /// Forgets what lies before the window that ends now.
    pub fn forget(&mut self, now: Millis, window_ms: u32) {
        self.0.retain(|entry| entry.at.saturating_add(window_ms.into()) > now);
    }

    /// Adds an entry, unless it is known: then it only gets younger. Of more than `most` entries the oldest goes: whoever asks
    /// whether there are more than `most`, or as many, needs it no more. Says whether it is new.
    pub fn add(&mut self, entry: Entry, most: usize) -> bool {
        if let Some(known) = self.0.iter_mut().find(|known| known.tag == entry.tag) {
            known.at = known.at.max(entry.at);
            return false;
        }
        if self.0.len() >= most
            && let Some(oldest) = (0_usize..).zip(&self.0).min_by_key(|(_, entry)| entry.at).map(|(at, _)| at)
        {
            self.0.remove(oldest);
        }
        self.0.push(entry);
        true
    }

    /// Whether an entry is known by its tag.
    #[must_use]
    pub fn has(&self, tag: u64) -> bool {
        self.0.iter().any(|known| known.tag == tag)
    }

    /// How much it is together.
    #[must_use]
    pub fn sum(&self) -> u32 {
        self.0.iter().fold(0, |sum, entry| sum.saturating_add(entry.amount))
    }

    /// The same of one kind.
    #[must_use]
    pub fn sum_of(&self, kind: usize) -> u32 {
        let own = self.0.iter().filter(|entry| usize::from(entry.kind) == kind);
        own.fold(0, |sum, entry| sum.saturating_add(entry.amount))
    }

    /// How many entries there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// When nothing of it counts any more; 0: now.
    #[must_use]
    pub fn ends(&self, window_ms: u32) -> Millis {
        self.0.iter().map(|entry| entry.at.saturating_add(window_ms.into())).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(at: Millis, amount: u32, tag: u64) -> Entry {
        Entry { at, amount, kind: 0, tag }
    }

    #[test]
    fn what_comes_twice_counts_once() {
        let mut tally = Tally::default();
        assert!(tally.add(entry(10, 3, 1), 9));
        assert!(!tally.add(entry(20, 3, 1), 9));
        assert_eq!((tally.sum(), tally.count(), tally.ends(5)), (3, 1, 25));
    }

    #[test]
    fn what_lies_before_the_window_is_forgotten() {
        let mut tally = Tally::default();
        tally.add(entry(10, 1, 1), 9);
        tally.add(entry(11, 1, 2), 9);
        tally.forget(109, 100);
        assert_eq!(tally.sum(), 2);
        tally.forget(110, 100);
        assert_eq!(tally.sum(), 1);
        tally.forget(111, 100);
        assert_eq!(tally, Tally::default());
    }

    proptest! {
        #[test]
        fn it_says_of_every_moment_whether_there_are_enough_and_stays_small(
            mut events in proptest::collection::vec((0_u64..2_000, 1_u32..4), 0..60),
            most in 1_usize..12,
        ) {
            events.sort_unstable();
            let mut tally = Tally::default();
            for (number, (at, amount)) in events.iter().enumerate() {
                tally.forget(*at, 300);
                tally.add(entry(*at, *amount, number as u64), most);
                let all = events[..=number].iter().filter(|(earlier, _)| earlier + 300 > *at);
                let truth: u32 = all.map(|(_, amount)| amount).sum();
                prop_assert_eq!(tally.sum() >= most as u32, truth >= most as u32);
                prop_assert!(tally.count() as usize <= most);
            }
        }
    }
}
