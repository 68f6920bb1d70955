//! Rate limits of the whole fleet: what isolates ask the object that counts a key, and what it answers.
//!
//! The object hands out *leases*: tokens that are debited before they are used, for a short time. An isolate spends them
//! without asking, and says afterwards what it has used. The guarantees and why they hold: docs/decisions/0017. Rooms:
//! `span` (what was used, as intervals), `account` (one key), `ledger` (the object), `slices` (the isolate), `overrides`
//! (other limits for single keys). Not here: what
//! a request is counted under and what becomes of a refusal (`stages::rate_limit`).

pub mod account;
pub mod adaptive;
pub mod ledger;
pub mod overrides;
pub mod slices;
mod slot;
pub mod span;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    fleet::message::{self, Protocol},
    http::{Millis, timestamp},
    ports::errands::{Class, Destination, Errand, Returned},
};

/// The shortest and the longest life of a lease, in milliseconds: in less than half a second an answer may not be there.
const SHORTEST_LIFE_MS: Millis = 500;
const LONGEST_LIFE_MS: Millis = 10_000;

/// For how long permits are handed out, in milliseconds: requests begin within it.
const PERMIT_LIFE_MS: Millis = 5_000;

/// A lease lives for this part of the window at most.
const LIVES: Millis = 10;

/// Up to this limit tokens are handed out one by one, for requests that are there.
const FEW: u32 = 20;

/// The part of a limit that may be out unsettled, beyond what requests wait for.
const OUTSTANDING: u32 = 4;

/// How a key is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Count {
    /// In every window of this length, wherever it begins; in milliseconds.
    Sliding(u64),
    /// In every calendar window of this kind, in UTC.
    Fixed(Calendar),
    /// As a bucket that holds so many tokens and gets `limit` more in this time, in milliseconds.
    Bucket(u64, u32),
    /// Those that are there at once. One is there for this long at most, in milliseconds: then whoever has begun it ends it.
    Flight(u64),
}

/// A window that begins where the calendar says, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Calendar {
    /// Windows of so many milliseconds, counted from 1970: minutes, hours and days are those of the calendar.
    Every(u64),
    /// Months.
    Month,
}

impl Calendar {
    /// When the window that holds this moment begins, and when the next one does.
    #[must_use]
    pub fn window(self, now: Millis) -> (Millis, Millis) {
        match self {
            Self::Every(length) => {
                let since = now.checked_rem(length).unwrap_or_default();
                let start = now.saturating_sub(since);
                (start, start.saturating_add(length))
            }
            Self::Month => timestamp::month(now),
        }
    }
}

/// A limit, as the object needs to know it. It comes with every question: the object has no configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rule {
    /// How many tokens.
    pub limit: u32,
    /// In which time.
    pub count: Count,
    /// Whether tokens go one by one, whatever the limit.
    pub exact: bool,
}

impl Rule {
    /// The time that the limit speaks of, in milliseconds; of a month the shortest.
    #[must_use]
    pub fn window_ms(&self) -> Millis {
        match self.count {
            Count::Sliding(window)
            | Count::Fixed(Calendar::Every(window))
            | Count::Bucket(window, _)
            | Count::Flight(window) => window,
            Count::Fixed(Calendar::Month) => 28 * 86_400_000,
        }
    }

    /// How long a lease that begins now may be used by the clock of whoever holds it, and by when it has been used by the
    /// clock of the object: the two may differ by a thousandth, and by their roundings.
    #[must_use]
    pub fn life(&self, now: Millis) -> (Millis, Millis) {
        if let Count::Flight(longest) = self.count {
            // What begins at the last moment is there for its time.
            let whole = PERMIT_LIFE_MS.saturating_add(longest);
            return (PERMIT_LIFE_MS, now.saturating_add(whole).saturating_add(drifted(whole)));
        }
        let life = self.window_ms().checked_div(LIVES).unwrap_or_default();
        let life = life.clamp(SHORTEST_LIFE_MS, LONGEST_LIFE_MS);
        let life = match self.count {
            // What is leased in a window is used in it.
            Count::Fixed(calendar) => {
                let left = calendar.window(now).1.saturating_sub(now);
                life.min(left.saturating_sub(drifted(left)))
            }
            Count::Sliding(_) | Count::Bucket(..) | Count::Flight(_) => life,
        };
        (life, now.saturating_add(life).saturating_add(drifted(life)).saturating_sub(1))
    }

    /// How many tokens there are at most at a time.
    #[must_use]
    pub fn most(&self) -> u32 {
        match self.count {
            Count::Bucket(_, burst) => burst,
            Count::Sliding(_) | Count::Fixed(_) | Count::Flight(_) => self.limit,
        }
    }

    /// Whether requests at once are counted, so that what is taken comes back.
    #[must_use]
    pub fn is_flight(&self) -> bool {
        matches!(self.count, Count::Flight(_))
    }

    /// The same with so many parts of ten thousand of the limit, at least one.
    #[must_use]
    pub fn scaled(self, share: u32) -> Self {
        let part = |whole: u32| {
            let part = u64::from(whole).saturating_mul(share.into()).div_euclid(10_000);
            u32::try_from(part).unwrap_or(whole).clamp(1, whole.max(1))
        };
        let count = match self.count {
            Count::Bucket(window, burst) => Count::Bucket(window, part(burst)),
            count => count,
        };
        Self { limit: part(self.limit), count, ..self }
    }

    /// How many may be out unsettled, beyond those that requests wait for.
    #[must_use]
    pub fn outstanding(&self) -> u32 {
        if self.exact || self.most() <= FEW { 0 } else { self.most().checked_div(OUTSTANDING).unwrap_or_default() }
    }
}

/// By how much two clocks may differ after this time, in milliseconds.
fn drifted(ms: Millis) -> Millis {
    ms.div_euclid(1_000).saturating_add(3)
}

/// A key of a limit: a hash of what requests are counted under.
pub type Key = [u8; 16];

/// What an isolate has used of a lease. It uses no more of it. Of permits: how many are still in use, and none of the others
/// will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// The lease.
    pub lease: u64,
    /// How many tokens were used.
    pub used: u32,
    /// When the last one was, in milliseconds after the lease was asked for.
    pub last_ms: u32,
}

/// What is asked about a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The key.
    pub key: Key,
    /// Its limit.
    pub rule: Rule,
    /// What was used of earlier leases.
    pub settled: Vec<Settlement>,
    /// How many tokens a request waits for: all of them or none.
    pub needs: u32,
    /// How many more others wait for: as many as there are.
    pub waits: u32,
    /// How many more would be used before long.
    pub wants: u32,
}

/// What the object says to that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Tokens.
    Granted {
        /// The name of the lease.
        lease: u64,
        /// How many.
        tokens: u32,
        /// How long they may be used, in milliseconds after they were asked for.
        life_ms: u32,
        /// How many are left beyond these.
        left: u32,
        /// When there will be as many as can be again, in milliseconds from now.
        reset_ms: u64,
    },
    /// There are not as many as are needed.
    Refused {
        /// When there will be, if nobody comes before, in milliseconds from now.
        free_ms: u64,
        /// When it is worth while to ask again: others may give back what they have not used.
        again_ms: u64,
        /// How many are left.
        left: u32,
    },
    /// Nothing was asked for.
    Settled,
}

/// How a key stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// How many tokens were used, as far as isolates have said.
    pub used: u64,
    /// How many isolates hold, or have used without having said so.
    pub leased: u64,
    /// How many are left.
    pub left: u32,
    /// When there is one, if nobody comes before, in milliseconds from now.
    pub free_ms: u64,
    /// When all are there again, likewise.
    pub reset_ms: u64,
}

/// What the object is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// About keys, each by itself.
    Lease(Vec<Ask>),
    /// How a key stands by a rule.
    Look(Key, Rule),
    /// All that was used of a key is to be forgotten.
    Forget(Key, Rule),
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// To each ask its verdict.
    Leased(Vec<Verdict>),
    /// How it stands.
    Looked(Looked),
    /// It is forgotten.
    Forgotten,
}

/// The messages of the object `Limits`.
#[derive(Debug)]
pub struct Limits;

impl Protocol for Limits {
    type Question = Question;
    type Answer = Answer;
    const FORMAT: u8 = 1;
}

/// The moment in the middle: who was seen last before it gives way to others.
fn mean(moments: impl Iterator<Item = Millis>) -> Millis {
    let add = |(sum, count): (u128, u128), moment: Millis| (sum.saturating_add(moment.into()), count.saturating_add(1));
    let (sum, count) = moments.fold((0, 0), add);
    sum.checked_div(count).and_then(|mean| Millis::try_from(mean).ok()).unwrap_or_default()
}

/// How many objects count the keys of a limit.
const OBJECTS: u8 = 64;

/// The hash of a key, and the name of the object that counts it.
#[must_use]
pub fn place_of(limit: u64, key: &str) -> (Key, String) {
    let digest = Sha256::digest(key);
    let mut hash = Key::default();
    hash.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
    (hash, object_of(limit, &hash))
}

/// A key of a fixed length that stands for a long one.
#[must_use]
pub fn digest_of(key: &str) -> String {
    Sha256::digest(key).iter().fold(String::from("#"), |text, byte| text + &format!("{byte:02x}"))
}

/// The name of the object that counts a key.
#[must_use]
pub fn object_of(limit: u64, key: &Key) -> String {
    let number = key.first().copied().unwrap_or_default().checked_rem(OBJECTS).unwrap_or_default();
    format!("{limit:016x}:{number}")
}

/// An ask on its way to an object.
#[must_use]
pub fn errand(object: String, ask: Ask) -> Errand {
    let to = Destination::Object(Class::Limits, object);
    Errand { to, message: message::question::<Limits>(&Question::Lease(vec![ask])) }
}

/// A question about a key on its way to the object that counts it.
#[must_use]
pub fn about(limit: u64, key: &Key, question: &Question) -> Errand {
    let to = Destination::Object(Class::Limits, object_of(limit, key));
    Errand { to, message: message::question::<Limits>(question) }
}

/// What the object has said, if it is understood.
#[must_use]
pub fn verdict(returned: Returned) -> Option<Verdict> {
    match message::read_answer::<Limits>(returned.ok()?)? {
        Answer::Leased(verdicts) => verdicts.first().copied(),
        Answer::Looked(_) | Answer::Forgotten => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn rule(limit: u32, count: Count) -> Rule {
        Rule { limit, count, exact: false }
    }

    #[test]
    fn a_lease_lives_a_tenth_of_the_window_and_ten_seconds_at_most() {
        let lives = [1_000, 60_000, 86_400_000].map(|window| rule(9, Count::Sliding(window)).life(0).0);
        assert_eq!(lives, [500, 6_000, 10_000]);
    }

    #[test]
    fn a_lease_of_a_calendar_window_is_used_in_it() {
        let hourly = rule(9, Count::Fixed(Calendar::Every(3_600_000)));
        assert_eq!(hourly.life(0), (10_000, 10_012));
        assert_eq!(hourly.life(3_595_000), (4_992, 3_599_998));
        assert_eq!(hourly.life(3_599_999), (0, 3_600_001));
    }

    #[test]
    fn a_quarter_is_out_at_most_and_of_small_limits_nothing() {
        let out = [1, 20, 21, 1_000].map(|limit| rule(limit, Count::Sliding(1)).outstanding());
        assert_eq!(out, [0, 0, 5, 250]);
        assert_eq!(rule(9, Count::Bucket(1, 100)).outstanding(), 25);
        assert_eq!(Rule { exact: true, ..rule(1_000, Count::Sliding(1)) }.outstanding(), 0);
    }

    #[test]
    fn calendar_windows_begin_where_the_calendar_says() {
        let day = 86_400_000;
        assert_eq!(Calendar::Every(day).window(3 * day + 5), (3 * day, 4 * day));
        // February of a leap year: 2024-02-29 is 19,782 days after 1970-01-01.
        assert_eq!(Calendar::Month.window(19_782 * day), (19_754 * day, 19_783 * day));
    }
}
