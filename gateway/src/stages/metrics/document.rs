//! The JSON document: the same numbers as in the text, all objects together, worked out for people.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{About, Readings, VERSION};
use crate::{
    fleet::metrics::{BOUNDS_MS, Times, board::Board, family::Family},
    http::{Millis, timestamp::rfc3339},
};

#[derive(Serialize)]
struct Document<'a> {
    timestamp: &'a str,
    name: &'a str,
    environment: Option<&'a str>,
    release: String,
    version: &'static str,
    shards: Shards,
    /// That have handed something over within the last minute.
    isolates: u32,
    requests: Requests<'a>,
    routes: Vec<Route<'a>>,
    upstreams: Vec<Upstream<'a>>,
    problems: Counts<'a>,
    platform: Platform,
    outbox: Outbox<'a>,
}

#[derive(Serialize)]
struct Shards {
    asked: usize,
    missing: usize,
}

type Counts<'a> = BTreeMap<&'a str, u64>;

#[derive(Default, Serialize)]
struct Requests<'a> {
    total: u64,
    /// By class.
    status: Counts<'a>,
    outcome: Counts<'a>,
    /// The share that was answered with 5xx.
    error_rate: f64,
}

#[derive(Serialize)]
struct Route<'a> {
    route: &'a str,
    requests: Requests<'a>,
    duration_ms: Duration,
}

#[derive(Serialize)]
struct Upstream<'a> {
    upstream: &'a str,
    total: u64,
    duration_ms: Duration,
}

#[derive(Default, Serialize)]
struct Duration {
    mean: f64,
    p50: f64,
    p95: f64,
    p99: f64,
}

#[derive(Serialize)]
struct Platform {
    awaits: u64,
    requests_awaiting: u64,
    awaits_per_request: f64,
}

#[derive(Serialize)]
struct Outbox<'a> {
    flushes: u64,
    dropped: Counts<'a>,
}

/// The document.
#[must_use]
pub fn document(about: &About<'_>, readings: &Readings, now: Millis) -> String {
    let mut board = Board::default();
    for series in readings.iter().flatten().flat_map(|reading| &reading.series) {
        board.add(series.clone());
    }
    let isolates = readings.iter().flatten().fold(0, |sum: u32, reading| sum.saturating_add(reading.isolates));
    let sum = |family| board.counts(family).fold(0, |sum: u64, (_, count)| sum.saturating_add(count));
    let (awaits, requests) = (sum(Family::Awaits), sum(Family::Requests));
    let time = rfc3339(now);
    let document = Document {
        timestamp: time.as_str(),
        name: about.name,
        environment: about.environment,
        release: about.release(),
        version: VERSION,
        shards: Shards { asked: readings.len(), missing: readings.iter().filter(|reading| reading.is_none()).count() },
        isolates,
        requests: Requests::of(&board),
        routes: routes(&board),
        upstreams: upstreams(&board),
        problems: by_first(&board, Family::Problems),
        platform: Platform {
            awaits,
            requests_awaiting: sum(Family::Awaiting),
            awaits_per_request: rounded(share(awaits, requests), 10_000.0),
        },
        outbox: Outbox { flushes: sum(Family::Flushes), dropped: by_first(&board, Family::Dropped) },
    };
    // A struct of texts and numbers always becomes JSON; an empty body is what is left if that ever fails.
    serde_json::to_string(&document).unwrap_or_default()
}

fn routes(board: &Board) -> Vec<Route<'_>> {
    let mut by_route: BTreeMap<&str, Requests<'_>> = BTreeMap::new();
    for (labels, more) in board.counts(Family::Requests) {
        by_route.entry(labels.first().map_or("", String::as_str)).or_default().add(labels, more);
    }
    let mut routes = Vec::new();
    for (labels, times) in board.times(Family::Duration) {
        let route = labels.first().map_or("", String::as_str);
        let requests = by_route.remove(route).unwrap_or_default().rated();
        routes.push(Route { route, requests, duration_ms: Duration::of(times) });
    }
    routes
}

fn upstreams(board: &Board) -> Vec<Upstream<'_>> {
    let mut upstreams = Vec::new();
    for (labels, times) in board.times(Family::UpstreamDuration) {
        let upstream = labels.first().map_or("", String::as_str);
        upstreams.push(Upstream { upstream, total: times.count(), duration_ms: Duration::of(times) });
    }
    upstreams
}

fn by_first(board: &Board, family: Family) -> Counts<'_> {
    let mut counts = Counts::new();
    for (labels, more) in board.counts(family) {
        add(&mut counts, labels.first(), more);
    }
    counts
}

fn add<'a>(counts: &mut Counts<'a>, name: Option<&'a String>, more: u64) {
    let count = counts.entry(name.map_or("", String::as_str)).or_default();
    *count = count.saturating_add(more);
}

impl<'a> Requests<'a> {
    fn of(board: &'a Board) -> Self {
        let mut requests = Self::default();
        for (labels, more) in board.counts(Family::Requests) {
            requests.add(labels, more);
        }
        requests.rated()
    }

    fn add(&mut self, labels: &'a [String], more: u64) {
        self.total = self.total.saturating_add(more);
        add(&mut self.status, labels.get(1), more);
        add(&mut self.outcome, labels.get(2), more);
    }

    fn rated(self) -> Self {
        let errors = self.status.get("5xx").copied().unwrap_or_default();
        Self { error_rate: rounded(share(errors, self.total), 10_000.0), ..self }
    }
}

impl Duration {
    fn of(times: &Times) -> Self {
        let quantile = |share| rounded(quantile(times, share), 10.0);
        let mean = rounded(share(times.sum_ms, times.count()), 10.0);
        Self { mean, p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99) }
    }
}

/// How long that share of all takes at the most, in milliseconds; within a bucket as if they were spread evenly. As long as
/// the last bound where it is longer: nothing more is known.
fn quantile(times: &Times, share: f64) -> f64 {
    if times.count() == 0 {
        return 0.0;
    }
    let (wanted, mut below) = (share * times.count() as f64, 0.0);
    let mut start = 0.0;
    for (end, count) in BOUNDS_MS.iter().zip(&times.buckets) {
        let (end, count) = (*end as f64, *count as f64);
        if count > 0.0 && below + count >= wanted {
            return start + (end - start) * (wanted - below) / count;
        }
        below += count;
        start = end;
    }
    start
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn rounded(number: f64, steps: f64) -> f64 {
    (number * steps).round() / steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(all: &[u64]) -> Times {
        let mut times = Times::default();
        all.iter().for_each(|ms| times.add(*ms));
        times
    }

    #[test]
    fn a_quantile_lies_within_its_bucket() {
        let cases: [(&[u64], f64, f64); 6] = [
            (&[], 0.5, 0.0),
            (&[3], 0.5, 3.5),
            (&[0, 0, 0, 400], 0.5, 0.7),
            (&[30, 40, 60, 70], 0.5, 50.0),
            (&[30, 40, 60, 70], 0.99, 99.0),
            (&[20_000], 0.99, 10_000.0),
        ];
        for (all, share, expected) in cases {
            let found = rounded(quantile(&times(all), share), 10.0);
            assert!((found - expected).abs() < 0.05, "{all:?} {share}: {found}");
        }
    }
}
