//! The families of metrics: what each is called, and which labels its series have. A family is declared here and nowhere
//! else; who counts says `outbox.add(Family::…)`.

use super::BUCKETS;

/// What kind of numbers a family has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A count that only grows.
    Counter,
    /// How many took how long.
    Histogram,
    /// The keys with the most hits within the last hour, as estimates ([`top`](super::top)).
    Top,
}

impl Kind {
    /// How many numbers a series has.
    #[must_use]
    pub fn numbers(self) -> usize {
        match self {
            Self::Counter => 1,
            Self::Histogram => BUCKETS.saturating_add(1),
            Self::Top => 2,
        }
    }
}

/// What there is to say of a family.
#[derive(Debug, PartialEq, Eq)]
pub struct About {
    /// Its name, without the `_total` of counters.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// The names of its labels, the one with the most values first: that one gives way when there are too many series.
    pub labels: &'static [&'static str],
    /// What it counts.
    pub help: &'static str,
}

/// Declares [`Family`] from one entry for each. Their order is their number in messages: new ones come last, none goes.
macro_rules! families {
    ($($Family:ident: $Kind:ident $name:literal [$($label:literal),*] $help:literal,)*) => {
        /// A family of metrics.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Family {
            $(#[doc = $help] $Family,)*
        }

        impl Family {
            /// All of them, by number.
            pub const ALL: &'static [Self] = &[$(Self::$Family,)*];

            /// What there is to say of it.
            #[must_use]
            pub const fn about(self) -> &'static About {
                match self {
                    $(Self::$Family => const {
                        &About { name: $name, kind: Kind::$Kind, labels: &[$($label),*], help: $help }
                    },)*
                }
            }
        }
    };
}

families! {
    Requests: Counter "ferrogate_requests" ["route", "status", "outcome"]
        "Requests by route, class of status and outcome: forwarded, answered by the gateway, or the stage that refused.",
    Duration: Histogram "ferrogate_request_duration_seconds" ["route"]
        "Time from the head of a request to the head of its answer.",
    UpstreamDuration: Histogram "ferrogate_upstream_duration_seconds" ["upstream"]
        "Time until an upstream had sent the head of its answer, or had failed.",
    Problems: Counter "ferrogate_problems" ["code"]
        "Requests that were refused, by the code of the problem.",
    Awaits: Counter "ferrogate_platform_awaits" []
        "How often requests waited for the platform: objects, databases, queues.",
    Awaiting: Counter "ferrogate_requests_awaiting" []
        "Requests that waited for the platform at all.",
    Dropped: Counter "ferrogate_outbox_dropped" ["kind"]
        "What isolates could not hand over: counted requests (metrics) and rows (audit).",
    Flushes: Counter "ferrogate_outbox_flushes" []
        "How often isolates handed over what they had counted.",
    RateLimits: Counter "ferrogate_rate_limit_requests" ["route", "limit", "plan", "outcome"]
        "Requests that met a rate limit, by what it said: passed, refused, shadow, alone or unavailable.",
    RefusedKeys: Top "ferrogate_rate_limit_refused_keys" ["limit", "key"]
        "Refusals by rate limits within the last hour of those that were refused most; an estimate.",
    Threats: Counter "ferrogate_threats" ["kind"]
        "Events that count against clients, by kind.",
    Blocked: Counter "ferrogate_blocked_requests" ["mode"]
        "Requests of clients that were blocked; in mode shadow they were served.",
}

impl Family {
    /// The family of a number; `None` for one that is unknown here, as of a newer version.
    #[must_use]
    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_never_changes_its_family() {
        let names: Vec<&str> = Family::ALL.iter().map(|family| family.about().name).collect();
        let known = [
            "ferrogate_requests",
            "ferrogate_request_duration_seconds",
            "ferrogate_upstream_duration_seconds",
            "ferrogate_problems",
            "ferrogate_platform_awaits",
            "ferrogate_requests_awaiting",
            "ferrogate_outbox_dropped",
            "ferrogate_outbox_flushes",
            "ferrogate_rate_limit_requests",
            "ferrogate_rate_limit_refused_keys",
            "ferrogate_threats",
            "ferrogate_blocked_requests",
        ];
        assert_eq!(names[..known.len()], known);
        for (number, family) in Family::ALL.iter().enumerate() {
            assert_eq!((usize::from(family.number()), Family::of(number as u8)), (number, Some(*family)));
        }
        assert_eq!(Family::of(Family::ALL.len() as u8), None);
    }

    #[test]
    fn names_are_those_of_prometheus() {
        for family in Family::ALL {
            let About { name, kind, labels, help } = family.about();
            let letters = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            assert!(letters(name) && name.starts_with("ferrogate_") && !name.ends_with("_total"), "{name}");
            assert_eq!(*kind == Kind::Histogram, name.ends_with("_seconds"), "{name}");
            assert!(labels.iter().all(|label| letters(label) && !["le", "shard"].contains(label)), "{labels:?}");
            assert!(help.ends_with('.') && !help.contains(['\\', '"', '\n']), "{help}");
        }
    }
}
