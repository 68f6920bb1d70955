//! How many requests there may be: the limits of a route, what a request is counted under, and what clients are told.
//!
//! Not here: how the fleet counts (`fleet::limits`), and the way of a request through its limits (`pipeline::limits`).

#[cfg(feature = "compiler")]
pub mod keys;
#[cfg(feature = "compiler")]
pub mod table;

use serde::{Deserialize, Serialize};

use crate::{
    config::rate::Key,
    fleet::limits::{Count, Rule, adaptive::Adapts, slices::Told},
    http::{
        Millis,
        edits::Edits,
        problem::{Fault, Kind, Problem},
    },
};

/// What the keys of this stage come to: `rate_limit` and `rate_limit_headers`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Config {
    /// The limits of the route.
    pub limits: Vec<Limit>,
    /// Whether those of the caller's plan hold as well.
    pub by_plan: bool,
    /// In which headers callers are told what is left.
    pub headers: Headers,
}

impl Config {
    /// Whether something is asked here, or behind `authz` if `is_late`.
    #[must_use]
    pub fn has_some(&self, is_late: bool) -> bool {
        is_late && self.by_plan || self.limits.iter().any(|limit| limit.is_late() == is_late)
    }
}

/// The headers that tell what is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Headers {
    /// `RateLimit-Policy` and `RateLimit`.
    #[default]
    Standard,
    /// These, and `X-RateLimit-*` for older clients.
    Both,
    /// None but `Retry-After`.
    None,
}

/// `[plans.NAME]`: limits of callers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// What holds for those who have it.
    pub limits: Vec<Limit>,
}

/// The plan of those without a token, and of those whose token names none of the file.
pub const ANONYMOUS: &str = "anonymous";
/// See [`ANONYMOUS`].
pub const AUTHENTICATED: &str = "authenticated";

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
    pub cost: Cost,
    /// What becomes of requests when nobody counts.
    pub on_error: OnError,
    /// Whether the first request for a key waits for nobody.
    pub is_eager: bool,
    /// Of a limit on requests at once: until when one is in flight.
    pub until: Until,
    /// How it gives way to the health of the upstream, if it does.
    pub adapts: Option<Adapts>,
    /// Whether it is the gateway that is limited, not the caller.
    pub is_quota: bool,
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
        // A place in flight and a call to the upstream are for those who may have it.
        self.is_quota || self.counts_flight() || self.keys.iter().any(names_caller)
    }

    /// Whether it counts requests at once.
    #[must_use]
    pub fn counts_flight(&self) -> bool {
        matches!(self.rule.count, Count::Flight(_))
    }

    /// Whether the end of the answer's body must be known.
    #[must_use]
    pub fn needs_end(&self) -> bool {
        self.counts_flight() && self.until == Until::Body || matches!(self.cost, Cost::Body { .. })
    }
}

/// How much a request counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cost {
    /// Always as much.
    Fixed(u32),
    /// As much as the upstream says in a header of its answer, in lower case.
    Header {
        /// Which one.
        name: String,
        /// What is taken until that is known, and the most that is believed.
        most: u32,
        /// What counts if it does not say.
        otherwise: u32,
    },
    /// By the length of the answer's body.
    Body {
        /// So many bytes are one.
        each: u32,
        /// What is taken until the length is known, and the most that counts.
        most: u32,
    },
}

impl Cost {
    /// What is taken from the limit before anything is known.
    #[must_use]
    pub fn most(&self) -> u32 {
        match self {
            Self::Fixed(most) | Self::Header { most, .. } | Self::Body { most, .. } => *most,
        }
    }

    /// What it comes to with an answer that says this in the header.
    #[must_use]
    pub fn of_header(&self, told: Option<u32>) -> u32 {
        match self {
            Self::Header { most, otherwise, .. } => told.unwrap_or(*otherwise).min(*most),
            Self::Fixed(_) | Self::Body { .. } => self.most(),
        }
    }

    /// What it comes to with a body of so many bytes.
    #[must_use]
    pub fn of_body(&self, bytes: u32) -> u32 {
        match self {
            Self::Body { each, most } => bytes.div_ceil((*each).max(1)).clamp(1, *most),
            Self::Fixed(_) | Self::Header { .. } => self.most(),
        }
    }
}

/// Until when a request is in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Until {
    /// The head of the answer is there.
    #[default]
    Head,
    /// Its body has ended.
    Body,
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
    /// How much of it is left.
    pub told: Told,
    /// What it has said.
    pub outcome: Outcome,
    /// What it was counted under.
    pub key: String,
    /// The rule as it held for this request: its own, or what an operator has said.
    pub rule: Rule,
    /// How much it has taken.
    pub cost: u32,
}

/// 503: the gateway may not ask the upstream more often.
pub const UPSTREAM_QUOTA: Kind = Kind {
    code: "upstream_quota_exceeded",
    status: 503,
    title: "The gateway may not ask the upstream more often",
    fault: Fault::Upstream,
};

/// The refusal of a request that is one too many; there will be room in so many milliseconds.
#[must_use]
pub fn refusal(limit: &Limit, free_ms: Millis) -> Problem {
    let after = seconds(free_ms).to_string();
    if limit.is_quota {
        let detail = "The upstream was asked as often as the gateway may.";
        return Problem::new(&UPSTREAM_QUOTA, detail).header("retry-after", after);
    }
    let detail = if limit.is_hidden {
        "There were too many requests.".to_owned()
    } else {
        format!("There were more requests than the limit allows: {}.", limit.name)
    };
    Problem::new(&RATE_LIMITED, detail).header("retry-after", after)
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

/// Tells the limits that a request has met, and what is left of each (draft-ietf-httpapi-ratelimit-headers-10). The limits of
/// the gateway itself are none of the caller's business.
pub fn finish(head: &mut Edits, headers: Headers, readings: &[Reading<'_>], now: Millis) {
    let is_shown = |limit: &Limit| !(limit.is_hidden || limit.is_shadow || limit.is_quota);
    let mut shown = readings.iter().filter(|reading| is_shown(reading.limit)).peekable();
    if shown.peek().is_none() || headers == Headers::None {
        return;
    }
    // Enough for most, so that nothing has to be moved.
    let (mut policies, mut states) = (String::with_capacity(64), String::with_capacity(64));
    let mut nearest: Option<&Reading<'_>> = None;
    for reading in shown {
        let Reading { limit, told, outcome, rule, .. } = reading;
        quoted(&mut policies, &limit.name);
        number(&mut policies, ";q=", rule.limit.into());
        window(&mut policies, rule);
        quoted(&mut states, &limit.name);
        number(&mut states, ";r=", told.left.into());
        number(&mut states, ";t=", told.reset_ms.div_ceil(1_000));
        states.push_str(if *outcome == Outcome::Alone { ";local" } else { "" });
        nearest = nearest.filter(|nearest| nearest.told.left <= told.left).or(Some(reading));
    }
    head.set("ratelimit-policy", policies);
    head.set("ratelimit", states);
    if let Some(reading) = nearest.filter(|_| headers == Headers::Both) {
        let reset_s = now.saturating_add(reading.told.reset_ms).div_ceil(1_000);
        head.set("x-ratelimit-limit", reading.rule.limit.to_string());
        head.set("x-ratelimit-remaining", reading.told.left.to_string());
        head.set("x-ratelimit-reset", reset_s.to_string());
    }
}

/// The next item of a list.
fn quoted(text: &mut String, name: &str) {
    text.push_str(if text.is_empty() { "\"" } else { ", \"" });
    text.push_str(name);
    text.push('"');
}

/// A parameter of an item.
fn number(text: &mut String, name: &str, number: u64) {
    text.push_str(name);
    text.push_str(itoa::Buffer::new().format(number));
}

/// The parameters that tell the window, in seconds, and what is counted if it is not requests. Months have no length, and
/// requests at once no window.
fn window(text: &mut String, rule: &Rule) {
    match rule.count {
        Count::Fixed(crate::fleet::limits::Calendar::Month) => {}
        Count::Flight(_) => text.push_str(";qu=\"concurrent-requests\""),
        Count::Sliding(_) | Count::Fixed(_) | Count::Bucket(..) => {
            number(text, ";w=", rule.window_ms().div_euclid(1_000));
        }
    }
}

/// Everything that limits say, where configurations are compared: two that differ in anything are told differently.
#[cfg(feature = "explain")]
#[must_use]
pub fn words(limits: &[Limit]) -> String {
    let one = |limit: &Limit| {
        let Limit { id: _, name, rule, keys, cost, on_error, is_eager, until, adapts, .. } = limit;
        let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        let flags = [
            (rule.exact, "exact"),
            (*is_eager, "first local"),
            (limit.is_shadow, "shadow"),
            (limit.is_hidden, "hidden"),
            (*until == Until::Body, "until body"),
        ];
        let flags: String = flags.iter().filter(|(is_set, _)| *is_set).map(|(_, word)| format!(", {word}")).collect();
        let adapts = adapts.map(|adapts| format!(", {adapts:?}")).unwrap_or_default();
        let (count, per) = (rule.count, keys.join(" and "));
        format!("{name} ({} {count:?} per {per}, cost {cost:?}, on_error {on_error:?}{flags}{adapts})", rule.limit)
    };
    limits.iter().map(one).collect::<Vec<String>>().join("; ")
}

/// What is told of this stage where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(config: &Config, teller: &mut crate::config::told::Teller<'_>) {
    if config.by_plan || !config.limits.is_empty() {
        let plan = if config.by_plan { "plan; " } else { "" };
        teller.put("rate_limit", format!("{plan}{}", words(&config.limits)));
    }
    if config.headers != Headers::Standard {
        teller.put("rate_limit_headers", format!("{:?}", config.headers).to_ascii_lowercase());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(count: Count, is_hidden: bool) -> Limit {
        let rule = Rule { limit: 60, count, exact: false };
        let (keys, on_error) = (vec![Key::Address], OnError::Open);
        let name = "60/min".to_owned();
        let (cost, until) = (Cost::Fixed(1), Until::Head);
        let (is_eager, is_shadow, is_quota, adapts) = (false, false, false, None);
        Limit { id: 1, name, rule, keys, cost, on_error, is_eager, until, adapts, is_quota, is_shadow, is_hidden }
    }

    fn reading(limit: &Limit, left: u32) -> Reading<'_> {
        let told = Told { left, reset_ms: 1_001, lease: None };
        Reading { limit, told, outcome: Outcome::Passed, key: String::new(), rule: limit.rule, cost: 1 }
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
        let readings = [&open, &hidden, &open].map(|limit| reading(limit, 7));
        let mut head = Edits::default();
        finish(&mut head, Headers::Standard, &readings, 0);
        assert_eq!(head.value("ratelimit-policy"), Some("\"60/min\";q=60;w=60, \"60/min\";q=60;w=60"));
        assert_eq!(head.value("ratelimit"), Some("\"60/min\";r=7;t=2, \"60/min\";r=7;t=2"));
        let mut head = Edits::default();
        finish(&mut head, Headers::Both, &[reading(&hidden, 7)], 0);
        finish(&mut head, Headers::None, &readings, 0);
        assert_eq!(head, Edits::default());
    }

    #[test]
    fn older_clients_are_told_of_the_limit_that_is_nearest() {
        let open = limit(Count::Sliding(60_000), false);
        let mut head = Edits::default();
        finish(&mut head, Headers::Both, &[reading(&open, 7), reading(&open, 3), reading(&open, 5)], 5_000);
        let told = ["limit", "remaining", "reset"].map(|name| head.value(&format!("x-ratelimit-{name}")));
        assert_eq!(told, [Some("60"), Some("3"), Some("7")]);
    }

    #[test]
    fn a_cost_is_never_more_than_was_taken() {
        let header = Cost::Header { name: "x-cost".into(), most: 10, otherwise: 2 };
        assert_eq!([None, Some(0), Some(3), Some(11)].map(|told| header.of_header(told)), [2, 0, 3, 10]);
        let body = Cost::Body { each: 1_000, most: 5 };
        assert_eq!([0, 1, 1_000, 1_001, 9_000].map(|bytes| body.of_body(bytes)), [1, 1, 1, 2, 5]);
    }
}
