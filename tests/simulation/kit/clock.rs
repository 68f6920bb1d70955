//! Clocks that are wrong: each has an offset, runs too fast or too slow by a bounded part, and can be set.

use gateway::http::Millis;

use super::{Random, sim::Time};

/// What a right clock shows when a schedule begins.
const BEGIN: i64 = 1_800_000_000_000;

/// The clock of an actor.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    offset: i64,
    drift_ppm: i64,
    /// When it was set back, and by how much.
    back: Vec<(Time, u64)>,
    latest: Millis,
}

impl Clock {
    /// By how much a clock runs too fast or too slow at most, in millionths.
    pub(crate) const MOST_DRIFT_PPM: u64 = 200;
    /// How far a clock is off at first, in milliseconds.
    pub(crate) const MOST_OFFSET: u64 = 3_000;

    /// A clock that is wrong in some way.
    pub(super) fn drawn(random: &mut Random) -> Self {
        let mut around = |most: u64| random.between(0, 2 * most) as i64 - most as i64;
        Self { offset: around(Self::MOST_OFFSET), drift_ppm: around(Self::MOST_DRIFT_PPM), ..Self::default() }
    }

    /// What it shows.
    pub(crate) fn reading(&self, now: Time) -> Millis {
        let now = now as i64;
        u64::try_from(BEGIN + self.offset + now + now * self.drift_ppm / 1_000_000).unwrap()
    }

    /// Sets it forward, or back.
    pub(super) fn set(&mut self, now: Time, by: i64) {
        self.latest = self.latest(now);
        self.offset += by;
        if by < 0 {
            self.back.push((now, by.unsigned_abs()));
        }
    }

    /// The latest moment that it ever showed.
    pub(crate) fn latest(&self, now: Time) -> Millis {
        self.latest.max(self.reading(now))
    }

    /// When it was set back, and by how much.
    pub(crate) fn set_back(&self) -> &[(Time, u64)] {
        &self.back
    }
}
