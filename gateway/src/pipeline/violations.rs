//! Problems that come too often: a line in the log when more than ten requests to a route in a minute are refused for the
//! same reason. Each isolate sees what it sees. How many there are in all is in the metrics.

use std::cell::RefCell;

use serde::Serialize;

use crate::{
    http::{Millis, timestamp::rfc3339},
    pipeline::{exchange::Exchange, finish::Log},
    ports::Ports,
    routing::table::RouteIndex,
};

/// So many are still all right.
const MOST: u32 = 10;

/// Within this time, in milliseconds.
const WINDOW_MS: Millis = 60_000;

/// Of how many pairs of a problem and a route is remembered. A new one takes the place of the oldest.
const MOST_PAIRS: usize = 64;

/// What is remembered of one.
#[derive(Clone, Copy, Debug)]
struct Pair {
    code: &'static str,
    route: Option<RouteIndex>,
    since: Millis,
    count: u32,
}

/// What an isolate remembers.
#[derive(Debug, Default)]
pub(super) struct Violations(RefCell<Vec<Pair>>);

impl Violations {
    /// Counts one. Says whether it is the first one too many of a window.
    fn count(&self, now: Millis, code: &'static str, route: Option<RouteIndex>) -> bool {
        let mut pairs = self.0.borrow_mut();
        let new = Pair { code, route, since: now, count: 1 };
        match pairs.iter_mut().find(|pair| pair.code == code && pair.route == route) {
            Some(pair) if now.abs_diff(pair.since) < WINDOW_MS => {
                pair.count = pair.count.saturating_add(1);
                return pair.count == MOST.saturating_add(1);
            }
            Some(pair) => *pair = new,
            None => {
                if pairs.len() >= MOST_PAIRS
                    && let Some(oldest) = pairs.iter_mut().min_by_key(|pair| pair.since)
                {
                    *oldest = new;
                } else {
                    pairs.push(new);
                }
            }
        }
        false
    }
}

#[derive(Serialize)]
struct Line<'a> {
    timestamp: &'a str,
    level: &'static str,
    msg: &'static str,
    code: &'static str,
    route: &'a str,
    count: u32,
    window: &'static str,
}

/// Takes note of a refusal.
#[inline(always)]
pub(super) fn note<P: Ports>(exchange: &Exchange<'_>, log: Log, ports: &P) {
    if let Some(code) = log.code() {
        note_refusal(exchange, code, ports.now());
    }
}

#[cold]
#[inline(never)]
fn note_refusal(exchange: &Exchange<'_>, code: &'static str, now: Millis) {
    let gateway = exchange.gateway;
    let route = exchange.route.map(crate::pipeline::gateway::ReadyRoute::index);
    if !gateway.logging.warns_of_errors() || !gateway.violations.count(now, code, route) {
        return;
    }
    let moment = rfc3339(now);
    let line = Line {
        timestamp: moment.as_str(),
        level: "warn",
        msg: "errors",
        code,
        route: exchange.label(),
        count: MOST.saturating_add(1),
        window: "1m",
    };
    gateway.fleet.events.say(&serde_json::to_string(&line).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_of_a_minute_is_told_and_no_other() {
        let violations = Violations::default();
        let told: Vec<u64> = (0..30).filter(|at| violations.count(at * 1_000, "x", None)).collect();
        assert_eq!(told, [10]);
        let told: Vec<u64> = (60..90).filter(|at| violations.count(at * 1_000, "x", None)).collect();
        assert_eq!(told, [70]);
        assert!((0..10).all(|at| !violations.count(200_000 + at * 6_001, "x", None)), "ten in a minute are all right");
    }

    #[test]
    fn problems_and_routes_are_counted_apart_and_only_so_many() {
        let violations = Violations::default();
        for round in 0..10 {
            assert!(!violations.count(round, "x", None) && !violations.count(round, "y", None));
            assert!(!violations.count(round, "x", Some(0)));
        }
        let codes: Vec<&'static str> = (0..200).map(|number| &*format!("c{number}").leak()).collect();
        codes.iter().for_each(|code| {
            violations.count(20, code, None);
        });
        assert_eq!(violations.0.borrow().len(), MOST_PAIRS);
    }
}
