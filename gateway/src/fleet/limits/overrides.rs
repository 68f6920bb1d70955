//! Other limits for single keys, for a time: an operator has more patience with one caller, or less. They travel as signals
//! do, and end by themselves.

use serde::{Deserialize, Serialize};

use super::{Count, Key, Rule, place_of};
use crate::http::Millis;

/// Another limit for a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// The number of the limit.
    pub limit: u64,
    /// The key.
    pub key: Key,
    /// What the limit is called, and the key as it is shown.
    pub names: (String, String),
    /// How many tokens there are instead.
    pub tokens: u32,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub by: String,
    /// Since when.
    pub since: Millis,
    /// When it ends by itself.
    pub until: Millis,
}

impl Override {
    /// Whether it holds.
    #[must_use]
    pub fn holds(&self, now: Millis) -> bool {
        now < self.until
    }

    fn is_of(&self, limit: u64, key: &Key) -> bool {
        self.limit == limit && self.key == *key
    }

    /// The rule with this limit. A bucket holds more or less by as much, and at least one token.
    #[must_use]
    pub fn rule(&self, rule: Rule) -> Rule {
        let scaled = |burst: u32| {
            let scaled = u64::from(burst).saturating_mul(self.tokens.into()).checked_div(rule.limit.into());
            scaled.and_then(|burst| u32::try_from(burst).ok()).unwrap_or(u32::MAX).max(1)
        };
        let count = match rule.count {
            Count::Bucket(window, burst) => Count::Bucket(window, scaled(burst)),
            other => other,
        };
        Rule { limit: self.tokens, count, ..rule }
    }
}

/// All that hold: few, so a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides(pub Vec<Override>);

impl Overrides {
    /// Sets one, in place of another one for the same key.
    pub fn set(&mut self, new: Override) {
        self.lift(new.limit, &new.key);
        self.0.push(new);
    }

    /// Takes one back.
    pub fn lift(&mut self, limit: u64, key: &Key) {
        self.0.retain(|known| !known.is_of(limit, key));
    }

    /// Forgets those whose time is over.
    pub fn expire(&mut self, now: Millis) {
        self.0.retain(|known| known.holds(now));
    }

    /// The one that holds for a key.
    #[must_use]
    pub fn find(&self, now: Millis, limit: u64, key: &Key) -> Option<&Override> {
        self.0.iter().find(|known| known.is_of(limit, key) && known.holds(now))
    }

    /// The other rule of a limit for what requests are counted under.
    #[must_use]
    pub fn rule_of(&self, now: Millis, limit: u64, key: &str, rule: Rule) -> Option<Rule> {
        // Nearly always none is of this limit, and nothing need be hashed.
        if !self.0.iter().any(|known| known.limit == limit) {
            return None;
        }
        self.find(now, limit, &place_of(limit, key).0).map(|found| found.rule(rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule { limit: 60, count: Count::Sliding(60_000), exact: false };

    fn other(limit: u64, key: &str, tokens: u32, until: Millis) -> Override {
        let (names, reason, by) = (("a".into(), "b".into()), String::new(), String::new());
        Override { limit, key: place_of(limit, key).0, names, tokens, reason, by, since: 0, until }
    }

    #[test]
    fn the_rule_of_one_key_is_another_one_until_it_ends() {
        let mut overrides = Overrides::default();
        overrides.set(other(7, "a", 5, 10));
        overrides.set(other(7, "a", 600, 20));
        let limit = |now, limit, key| overrides.rule_of(now, limit, key, RULE).map(|rule| rule.limit);
        assert_eq!(
            [limit(19, 7, "a"), limit(19, 7, "b"), limit(19, 8, "a"), limit(20, 7, "a")],
            [Some(600), None, None, None]
        );
        overrides.lift(7, &place_of(7, "b").0);
        assert_eq!(overrides.0.len(), 1, "there is one for each key");
        overrides.expire(20);
        assert_eq!(overrides, Overrides::default());
    }

    #[test]
    fn a_bucket_holds_more_or_less_by_as_much() {
        let bucket = Rule { count: Count::Bucket(1_000, 90), ..RULE };
        let burst = |tokens| match other(7, "a", tokens, 1).rule(bucket) {
            Rule { limit, count: Count::Bucket(1_000, burst), .. } if limit == tokens => burst,
            rule => panic!("{rule:?}"),
        };
        assert_eq!([burst(60), burst(600), burst(20), burst(0), burst(u32::MAX)], [90, 900, 30, 1, u32::MAX]);
    }
}
