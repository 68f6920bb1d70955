//! Limits that give way when the upstream is not well: one step down for each bad stretch of time, smaller steps up again for
//! each good one (additive increase, multiplicative decrease; RFC 5681 section 3.1 does so with windows). Each isolate judges by
//! its own calls. No IO, no clock. Not here: what the limit is, and how it is counted.

use serde::{Deserialize, Serialize};

use crate::http::Millis;

/// How a limit gives way to the health of the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Adapts {
    /// The part of the limit that is always there, in percent.
    pub least: u8,
    /// From this part of calls that fail it gets tighter, in percent.
    pub errors: u8,
    /// A call that takes longer than this counts as failed, in milliseconds.
    pub slow_ms: Option<u32>,
}

/// The whole limit, in parts of it.
pub const WHOLE: u32 = 10_000;

/// A stretch of time that is judged as one, in milliseconds, and how many calls it has at least to say something bad.
const STRETCH_MS: Millis = 5_000;
const FEWEST: u32 = 10;

/// What is left of a limit after a bad stretch, in parts of four, and what comes back after a good one.
const KEPT: u32 = 3;
const BACK: u32 = 500;

/// What an isolate knows of the health that a limit follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pressure {
    share: u32,
    since: Millis,
    calls: u32,
    bad: u32,
}

impl Default for Pressure {
    fn default() -> Self {
        Self { share: WHOLE, since: 0, calls: 0, bad: 0 }
    }
}

impl Pressure {
    /// One call has ended.
    pub fn saw(&mut self, now: Millis, adapts: Adapts, is_bad: bool) {
        self.move_to(now, adapts);
        self.calls = self.calls.saturating_add(1);
        self.bad = self.bad.saturating_add(is_bad.into());
    }

    /// The part of the limit that holds now, of [`WHOLE`].
    pub fn share(&mut self, now: Millis, adapts: Adapts) -> u32 {
        self.move_to(now, adapts);
        self.share
    }

    /// Judges what has passed. Stretches without calls are good ones: else nobody would ever ask again.
    fn move_to(&mut self, now: Millis, adapts: Adapts) {
        let passed = now.saturating_sub(self.since).div_euclid(STRETCH_MS);
        if passed == 0 && now >= self.since {
            return;
        }
        let least = u32::from(adapts.least).saturating_mul(100).min(WHOLE);
        let is_bad = self.calls >= FEWEST
            && u64::from(self.bad).saturating_mul(100) >= u64::from(self.calls).saturating_mul(adapts.errors.into());
        let quiet = u32::try_from(passed).unwrap_or(u32::MAX).saturating_sub(is_bad.into());
        if is_bad {
            self.share = self.share.saturating_mul(KEPT).div_euclid(4);
        }
        self.share = self.share.max(least).saturating_add(quiet.saturating_mul(BACK)).min(WHOLE);
        (self.since, self.calls, self.bad) = (now, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ADAPTS: Adapts = Adapts { least: 20, errors: 10, slow_ms: None };

    /// So many stretches with a hundred calls each, of which so many fail.
    fn after(pressure: &mut Pressure, now: &mut Millis, stretches: u32, bad: u32) -> u32 {
        for _ in 0..stretches {
            (0..100).for_each(|call| pressure.saw(*now, ADAPTS, call < bad));
            *now += STRETCH_MS;
        }
        pressure.share(*now, ADAPTS)
    }

    #[test]
    fn a_limit_shrinks_while_the_upstream_fails_and_comes_back_when_it_does_not() {
        let (mut pressure, mut now) = (Pressure::default(), 1_000_000);
        assert_eq!(after(&mut pressure, &mut now, 1, 9), WHOLE, "fewer than a tenth fail");
        assert_eq!(after(&mut pressure, &mut now, 1, 10), 7_500);
        assert_eq!(after(&mut pressure, &mut now, 1, 50), 5_625);
        assert_eq!(after(&mut pressure, &mut now, 9, 100), 2_000, "never less than the least");
        assert_eq!(after(&mut pressure, &mut now, 1, 0), 2_500);
        assert_eq!(after(&mut pressure, &mut now, 15, 0), WHOLE);
    }

    #[test]
    fn few_calls_say_nothing_and_silence_is_good() {
        let mut pressure = Pressure::default();
        (0..100).for_each(|_| pressure.saw(STRETCH_MS, ADAPTS, true));
        assert_eq!(pressure.share(2 * STRETCH_MS, ADAPTS), 7_500);
        (0..9).for_each(|_| pressure.saw(2 * STRETCH_MS, ADAPTS, true));
        assert_eq!(pressure.share(3 * STRETCH_MS, ADAPTS), 8_000);
        assert_eq!(pressure.share(99 * STRETCH_MS, ADAPTS), WHOLE);
    }

    /// An upstream that can do so many calls a stretch, and fails all that come beyond; so many come if all are let in.
    fn run(pressure: &mut Pressure, now: &mut Millis, stretches: u32, capacity: u32) -> Vec<u32> {
        let stretch = |_| {
            let let_in = 400 * pressure.share(*now, ADAPTS) / WHOLE;
            (0..let_in).for_each(|call| pressure.saw(*now, ADAPTS, call >= capacity));
            *now += STRETCH_MS;
            let_in.saturating_sub(capacity)
        };
        (0..stretches).map(stretch).collect()
    }

    #[test]
    fn an_upstream_that_can_do_less_is_sent_less_until_it_can_do_more() {
        let (mut pressure, mut now) = (Pressure::default(), 1_000_000);
        assert_eq!(run(&mut pressure, &mut now, 20, 500), [0; 20]);
        let failures = run(&mut pressure, &mut now, 100, 160);
        // Within four stretches it fails no more than now and then, by what comes back in a step or two.
        assert!(failures[4..].iter().all(|failed| *failed <= 40), "{failures:?}");
        let often = failures[4..].iter().filter(|failed| **failed > 16).count();
        assert!(often * 3 < failures.len(), "{failures:?}");
        run(&mut pressure, &mut now, 16, 500);
        assert_eq!(pressure.share(now, ADAPTS), WHOLE);
    }

    proptest! {
        #[test]
        fn whatever_happens_it_stays_between_its_bounds(
            calls in proptest::collection::vec((0_u64..20_000, any::<bool>()), 0..400),
            least in 1_u8..=100,
            errors in 1_u8..=100,
        ) {
            let adapts = Adapts { least, errors, slow_ms: None };
            let (mut pressure, mut now) = (Pressure::default(), 0);
            for (step, is_bad) in calls {
                now += step;
                pressure.saw(now, adapts, is_bad);
                let share = pressure.share(now, adapts);
                prop_assert!((u32::from(least) * 100..=WHOLE).contains(&share), "{}", share);
            }
            prop_assert_eq!(pressure.share(now + 100 * STRETCH_MS, adapts), WHOLE);
        }
    }
}
