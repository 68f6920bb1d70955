//! `freshness`, `when_stale`, `max_stale`, `when_away`: the keys of this stage in policies and routes.

use super::{Config, FRESHNESS_MS, MAX_STALE_MS, Signals, WhenAway};
use crate::config::{
    diagnostics::Code,
    keys::keys,
    kinds,
    layers::{RouteFacts, Stack},
    model::Shape,
    reader::{Item, Located},
};

/// What a request does when what is known is old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenStale {
    /// It waits until the log has been asked.
    Wait,
    /// It is served, up to an age.
    Serve,
}

keys! {
    /// What the fleet must have learnt before a request is served.
    pub struct Keys {
        /// For how long what an isolate knows of switches and other signals counts as true. It is asked anew behind
        /// responses, so that busy isolates always know.
        /// Example: `freshness = "5s"`
        freshness: u32 [Default("\"1s\"")] = kinds::milliseconds(100..=3_600_000),
        /// What a request does when an isolate knows less: `"serve"`, it is served up to the age in `max_stale`, or `"wait"`,
        /// the log is asked first.
        /// Example: `when_stale = "wait"`
        when_stale: WhenStale [Default("\"serve\"")] = kinds::word(&[("serve", WhenStale::Serve), ("wait", WhenStale::Wait)]),
        /// How old what is known may be for a request that does not wait. Not with `when_stale = "wait"`.
        /// Example: `max_stale = "30s"`
        max_stale: Located<u32> [Default("\"10s\"")] = located_age(),
        /// What becomes of a request that would have to wait when the log does not answer: `"serve"` by what was known last,
        /// or `"refuse"` with 503 `state_unknown`.
        /// Example: `when_away = "refuse"`
        when_away: WhenAway [Default("\"serve\"")] = kinds::word(&[("serve", WhenAway::Serve), ("refuse", WhenAway::Refuse)]),
    }
}

keys! {
    /// The table of `signals`.
    pub struct Table {
        /// Whether isolates ask an object on their own continent, which asks the one that numbers.
        relays: bool [Default("true")] = kinds::boolean(),
    }
}

/// `signals = true`, `signals = false` or a table.
#[must_use]
pub fn signals() -> kinds::Kind<'static, Signals> {
    let table = || kinds::table::<Table, Signals>(|keys| Some(Signals { on: true, relays: keys.relays.or(true)? }));
    let read = move |item: &Item<'_>| match item.as_boolean() {
        Some(on) => Some(Signals { on, ..Signals::default() }),
        None if item.is_table() => table().read(item),
        None => item.wrong_type("true, false or a table"),
    };
    kinds::Kind::new(read, move || Shape::Any(vec![kinds::boolean().shape(), table().shape()]))
}

fn located_age() -> kinds::Kind<'static, Located<u32>> {
    let kind = || kinds::milliseconds(100..=86_400_000);
    kinds::Kind::new(move |item| Some(item.located(kind().read(item)?)), move || kind().shape())
}

/// This stage's part of a route's policy.
pub fn resolve(keys: &Stack<'_, Keys>, route: &mut RouteFacts<'_>) -> Option<Config> {
    let freshness_ms = keys.pick(|keys| &keys.freshness).map_or(Some(FRESHNESS_MS), |setting| setting.value)?;
    let stale = keys.pick(|keys| &keys.when_stale).map_or(Some(WhenStale::Serve), |setting| setting.value)?;
    let max_stale = keys.pick(|keys| &keys.max_stale);
    let when_away = keys.pick(|keys| &keys.when_away).map_or(Some(WhenAway::Serve), |setting| setting.value)?;
    let max_stale_ms = match (stale, max_stale) {
        (WhenStale::Wait, _) => freshness_ms,
        (WhenStale::Serve, None) => MAX_STALE_MS.max(freshness_ms),
        (WhenStale::Serve, Some(setting)) => {
            let Located { value, span } = setting.value.as_ref()?;
            if *value < freshness_ms {
                let message = "`max_stale` is shorter than `freshness`";
                let draft = route.report.draft(Code::OutOfRange, span, message);
                draft.help("what is younger than `freshness` is never stale").report();
                return None;
            }
            *value
        }
    };
    Some(Config { freshness_ms, max_stale_ms, when_away })
}
