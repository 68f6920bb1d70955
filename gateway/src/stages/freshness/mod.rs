//! How well a request wants to know what the fleet has learnt, and what becomes of it when that is not known well enough.
//!
//! Not here: what is known (`fleet::signals`), and what it means (`kill_switch`, `drain`, `maintenance`).

#[cfg(feature = "compiler")]
pub mod keys;

use serde::{Deserialize, Serialize};

use crate::{
    fleet::isolate::Standing,
    http::{
        Millis,
        problem::{Fault, Kind, Problem},
    },
};

/// The keys of this stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Config {
    /// `freshness`, in milliseconds: what is known counts as true for so long.
    pub freshness_ms: u32,
    /// `max_stale`, in milliseconds: how old what is known may be for a request that is not to wait. The same as
    /// `freshness_ms` where requests wait.
    pub max_stale_ms: u32,
    /// `when_away`: what becomes of a request when the log does not answer.
    pub when_away: WhenAway,
}

/// `freshness` where the file says nothing, in milliseconds.
pub const FRESHNESS_MS: u32 = 1_000;
/// `max_stale` where the file says nothing, in milliseconds.
pub const MAX_STALE_MS: u32 = 10_000;

impl Default for Config {
    fn default() -> Self {
        Self { freshness_ms: FRESHNESS_MS, max_stale_ms: MAX_STALE_MS, when_away: WhenAway::Serve }
    }
}

impl Config {
    /// For what must know: the operator's own paths.
    pub const STRICT: Self =
        Self { freshness_ms: FRESHNESS_MS, max_stale_ms: FRESHNESS_MS, when_away: WhenAway::Serve };
}

/// `[gateway] signals`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signals {
    /// Whether the log is asked at all.
    pub on: bool,
    /// Whether through relays.
    pub relays: bool,
}

impl Default for Signals {
    fn default() -> Self {
        Self { on: true, relays: true }
    }
}

/// What becomes of a request when the log does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum WhenAway {
    /// It is served by what was known last.
    Serve,
    /// It is refused.
    Refuse,
}

/// 503: it is not known whether the request may be served.
pub const STATE_UNKNOWN: Kind = Kind {
    code: "state_unknown",
    status: 503,
    title: "The gateway does not know whether it may answer",
    fault: Fault::Gateway,
};

/// What to do about what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is good enough.
    Go,
    /// Somebody must ask first.
    Wait,
}

/// Whether what is known is good enough.
///
/// # Errors
/// [`STATE_UNKNOWN`] when it is not, the log has just failed to answer, and the route insists.
pub fn judge(config: Config, standing: Standing) -> Result<Verdict, Problem> {
    let enough = |age: Millis| age <= Millis::from(config.max_stale_ms);
    match standing {
        Standing::Alone => Ok(Verdict::Go),
        Standing::Knows(age) | Standing::CutOff(Some(age)) if enough(age) => Ok(Verdict::Go),
        Standing::Knows(_) | Standing::KnowsNothing => Ok(Verdict::Wait),
        Standing::CutOff(_) if config.when_away == WhenAway::Serve => Ok(Verdict::Go),
        Standing::CutOff(_) => {
            let detail = "What the gateway has to know in order to answer cannot be asked at the moment.";
            Err(Problem::new(&STATE_UNKNOWN, detail).header("retry-after", "1"))
        }
    }
}

/// What is told of `[gateway] signals` where configurations are compared.
#[cfg(feature = "explain")]
pub fn told_signals(Signals { on, relays }: Signals, teller: &mut crate::config::told::Teller<'_>) {
    if !on || !relays {
        teller.put("signals", if on { "without relays" } else { "no" });
    }
}

/// What is told of this stage where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(config: &Config, teller: &mut crate::config::told::Teller<'_>) {
    use crate::config::duration::show;
    let normal = Config::default();
    if config.freshness_ms != normal.freshness_ms {
        teller.put("freshness", show(u64::from(config.freshness_ms)));
    }
    if config.max_stale_ms == config.freshness_ms {
        teller.put("when_stale", "wait");
    } else if config.max_stale_ms != normal.max_stale_ms {
        teller.put("max_stale", show(u64::from(config.max_stale_ms)));
    }
    if config.when_away == WhenAway::Refuse {
        teller.put("when_away", "refuse");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(config: Config, standing: Standing) -> Option<Verdict> {
        judge(config, standing).ok()
    }

    #[test]
    fn what_is_too_old_waits_and_what_is_young_enough_does_not() {
        let serves = Config::default();
        for (config, bound) in [(serves, 10_000), (Config::STRICT, 1_000)] {
            assert_eq!(verdict(config, Standing::Knows(bound)), Some(Verdict::Go));
            assert_eq!(verdict(config, Standing::Knows(bound + 1)), Some(Verdict::Wait));
            assert_eq!(verdict(config, Standing::KnowsNothing), Some(Verdict::Wait));
            assert_eq!(verdict(config, Standing::Alone), Some(Verdict::Go));
        }
    }

    #[test]
    fn a_log_that_is_away_refuses_only_where_the_route_insists() {
        let insists = Config { when_away: WhenAway::Refuse, ..Config::default() };
        for standing in [Standing::CutOff(None), Standing::CutOff(Some(10_001))] {
            assert_eq!(verdict(Config::default(), standing), Some(Verdict::Go));
            let problem = judge(insists, standing).unwrap_err();
            assert_eq!((problem.kind, problem.headers.value("retry-after")), (&STATE_UNKNOWN, Some("1")));
        }
        assert_eq!(verdict(insists, Standing::CutOff(Some(10_000))), Some(Verdict::Go));
    }
}
