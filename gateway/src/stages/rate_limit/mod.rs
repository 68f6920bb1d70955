//! How many requests there may be: the limits of a route, what a request is counted under, and what clients are told.
//!
//! Not here: how the fleet counts (`fleet::limits`), and the way of a request through its limits (`pipeline::limits`).

#[cfg(feature = "compiler")]
pub mod keys;

use serde::{Deserialize, Serialize};

use crate::{
    config::rate::Key,
    fleet::limits::{Count, Rule, slices::Told},
    http::{
        Millis,
        edits::Edits,
        problem::{Fault, Kind, Problem},
    },
};

/// The key of this stage: `rate_limit`.
pub type Config = Vec<Limit>;

/// A limit on the requests of a route.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limit {
    /// Of this one among all. It stays when the limit is changed.
    pub id: u64,
    /// What clients are told it is.
    pub name: String,
    /// How many in which time.
    pub rule: Rule,
    /// What has a count of its own.
    pub keys: Vec<Key>,
    /// How much a request counts.
    pub cost: u32,
    /// What becomes of requests when nobody counts.
    pub on_error: OnError,
    /// Whether it only looks.
    pub is_shadow: bool,
    /// Whether clients are told no numbers.
    pub is_hidden: bool,
}

impl Limit {
    /// Whether it is asked behind `authz`: only then it is known what it counts by.
    #[must_use]
    pub fn is_late(&self) -> bool {
        let names_caller =
            |key: &Key| matches!(key, Key::Principal | Key::Tenant | Key::ApiKey | Key::Plan | Key::Claim(_));
        self.keys.iter().any(names_caller)
    }
}

/// What becomes of requests when the object does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OnError {
    /// Each isolate lets in this part of the limit, in percent.
    Local(u8),
    /// They go on.
    Open,
    /// They are refused.
    Closed,
}

/// 429: too many.
pub const RATE_LIMITED: Kind =
    Kind { code: "rate_limited", status: 429, title: "Too many requests", fault: Fault::Client };

/// 503: nobody counts at the moment.
pub const RATE_LIMIT_UNAVAILABLE: Kind = Kind {
    code: "rate_limit_unavailable",
    status: 503,
    title: "It is not known how many requests there were",
    fault: Fault::Gateway,
};

/// What a limit has said to a request: the later, the worse for whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Nothing was taken from it: another limit has refused the request.
    Spared,
    /// There was room.
    Passed,
    /// There was none, and the limit only looks.
    Shadow,
    /// Nobody has counted, and this isolate has let it in by itself.
    Alone,
    /// Nobody has counted, so it was refused.
    Unavailable,
    /// There was no room.
    Refused,
}

impl Outcome {
    /// Its name in metrics and logs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Spared => "spared",
            Self::Passed => "passed",
            Self::Shadow => "shadow",
            Self::Alone => "alone",
            Self::Unavailable => "unavailable",
            Self::Refused => "refused",
        }
    }
}

/// What a client is told about a limit that its request has met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading<'g> {
    /// The limit.
    pub limit: &'g Limit,
    /// What holds for this request: the rule of the limit, or what an operator has said.
    pub rule: Rule,
    /// How much of it is left.
    pub told: Told,
    /// What it has said.
    pub outcome: Outcome,
}

/// The refusal of a request that is one too many; there will be room in so many milliseconds.
#[must_use]
pub fn refusal(limit: &Limit, free_ms: Millis) -> Problem {
    let detail = if limit.is_hidden {
        "There were too many requests.".to_owned()
    } else {
        format!("There were more requests than the limit allows: {}.", limit.name)
    };
    Problem::new(&RATE_LIMITED, detail).header("retry-after", seconds(free_ms).to_string())
}

/// The refusal while nobody counts.
#[must_use]
pub fn unavailable(limit: &Limit) -> Problem {
    let detail = format!("This route is closed while its requests cannot be counted: {}.", limit.name);
    Problem::new(&RATE_LIMIT_UNAVAILABLE, detail).header("retry-after", "1")
}

/// Whole seconds, at least one: who comes after as many is not too early.
fn seconds(ms: Millis) -> Millis {
    ms.div_ceil(1_000).max(1)
}

/// Tells the limits that a request has met, and what is left of each (draft-ietf-httpapi-ratelimit-headers-10).
pub fn finish(head: &mut Edits, readings: &[Reading<'_>]) {
    let mut shown = readings.iter().filter(|reading| !reading.limit.is_hidden && !reading.limit.is_shadow).peekable();
    if shown.peek().is_none() {
        return;
    }
    let (mut policies, mut states) = (String::new(), String::new());
    for reading in shown {
        let separator = if policies.is_empty() { "" } else { ", " };
        let Reading { limit, rule, told, outcome } = reading;
        let name = &limit.name;
        policies.push_str(&format!("{separator}\"{name}\";q={}{}", rule.limit, window(rule)));
        let alone = if *outcome == Outcome::Alone { ";local" } else { "" };
        let reset_s = told.reset_ms.div_ceil(1_000);
        states.push_str(&format!("{separator}\"{name}\";r={};t={reset_s}{alone}", told.left));
    }
    head.set("ratelimit-policy", policies);
    head.set("ratelimit", states);
}

/// The parameter that tells the window, in seconds. Months have no length.
fn window(rule: &Rule) -> String {
    match rule.count {
        Count::Fixed(crate::fleet::limits::Calendar::Month) => String::new(),
        Count::Sliding(_) | Count::Fixed(_) | Count::Bucket(..) => format!(";w={}", rule.window_ms().div_euclid(1_000)),
    }
}

/// What is told of this stage where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(config: &Config, teller: &mut crate::config::told::Teller<'_>) {
    if !config.is_empty() {
        let names: Vec<&str> = config.iter().map(|limit| limit.name.as_str()).collect();
        teller.put("rate_limit", names.join(", "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(count: Count, is_hidden: bool) -> Limit {
        let rule = Rule { limit: 60, count, exact: false };
        let (keys, on_error) = (vec![Key::Address], OnError::Open);
        Limit { id: 1, name: "60/min".into(), rule, keys, cost: 1, on_error, is_shadow: false, is_hidden }
    }

    #[test]
    fn a_refusal_says_which_limit_and_when_to_come_back() {
        let problem = refusal(&limit(Count::Sliding(60_000), false), 1_001);
        assert_eq!((problem.kind.status, problem.headers.value("retry-after")), (429, Some("2")));
        assert!(problem.detail.contains("60/min"));
        assert_eq!(refusal(&limit(Count::Sliding(60_000), false), 0).headers.value("retry-after"), Some("1"));
        assert!(!refusal(&limit(Count::Sliding(60_000), true), 0).detail.contains("60"));
    }

    #[test]
    fn answers_tell_what_is_left_but_of_hidden_limits() {
        let (open, hidden) = (limit(Count::Sliding(60_000), false), limit(Count::Sliding(1), true));
        let told = Told { left: 7, reset_ms: 1_001, lease: None };
        let readings =
            [&open, &hidden, &open].map(|limit| Reading { limit, rule: limit.rule, told, outcome: Outcome::Passed });
        let mut head = Edits::default();
        finish(&mut head, &readings);
        assert_eq!(head.value("ratelimit-policy"), Some("\"60/min\";q=60;w=60, \"60/min\";q=60;w=60"));
        assert_eq!(head.value("ratelimit"), Some("\"60/min\";r=7;t=2, \"60/min\";r=7;t=2"));
        let mut head = Edits::default();
        finish(&mut head, &[Reading { limit: &hidden, rule: hidden.rule, told, outcome: Outcome::Alone }]);
        assert_eq!(head, Edits::default());
    }
}
