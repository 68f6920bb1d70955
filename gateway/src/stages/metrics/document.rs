//! The JSON document: the same numbers as in the text, all objects together, worked out for people. Written by hand: it is
//! a few numbers under names, and what would write any structure is larger than this.

use super::{About, Readings, VERSION, push};
use crate::{
    fleet::metrics::{BOUNDS_MS, Series, Times, board::Board, family::Family},
    http::{Millis, timestamp::rfc3339},
};

/// How many of what, by name.
type Counts<'a> = Vec<(&'a str, u64)>;

/// The document.
#[must_use]
#[inline(never)]
pub fn document(about: &About<'_>, readings: &Readings, now: Millis) -> String {
    let mut board = Board::default();
    for reading in readings.iter().flatten() {
        board.add_all(&reading.series);
    }
    let isolates = readings.iter().flatten().fold(0, |sum: u64, reading| sum.saturating_add(reading.isolates.into()));
    let missing = readings.iter().filter(|reading| reading.is_none()).count();
    let mut page = Page(String::from("{"));
    page.text("timestamp", rfc3339(now).as_str());
    page.text("name", about.name);
    match about.environment {
        Some(environment) => page.text("environment", environment),
        None => page.raw("environment", "null"),
    }
    page.text("release", &about.release());
    page.text("version", VERSION);
    page.object("shards", |page| {
        page.number("asked", readings.len() as u64);
        page.number("missing", missing as u64);
    });
    page.number("isolates", isolates);
    let requests = board.of(Family::Requests);
    page.requests(requests);
    page.list("routes", board.of(Family::Duration), |page, route, times| {
        page.text("route", route);
        // They stand together, for the route is their first label.
        let first = requests.partition_point(|series| first(series) < route);
        let count = requests.iter().skip(first).take_while(|series| self::first(series) == route).count();
        page.requests(requests.get(first..first.saturating_add(count)).unwrap_or_default());
        page.duration(times);
    });
    page.list("upstreams", board.of(Family::UpstreamDuration), |page, upstream, times| {
        page.text("upstream", upstream);
        page.number("total", times.count());
        page.duration(times);
    });
    page.counts("problems", &by(board.of(Family::Problems), 0));
    page.counts("rate_limits", &by(board.of(Family::RateLimits), 3));
    let (awaits, all) = (sum(board.of(Family::Awaits)), sum(requests));
    page.object("platform", |page| {
        page.number("awaits", awaits);
        page.number("requests_awaiting", sum(board.of(Family::Awaiting)));
        page.decimal("awaits_per_request", scaled(awaits, all, 10_000), 4);
    });
    page.object("outbox", |page| {
        page.number("flushes", sum(board.of(Family::Flushes)));
        page.counts("dropped", &by(board.of(Family::Dropped), 0));
    });
    page.0.push('}');
    page.0
}

fn first(series: &Series) -> &str {
    series.labels.first().map_or("", String::as_str)
}

fn sum(series: &[Series]) -> u64 {
    series.iter().fold(0, |sum, series| sum.saturating_add(series.count()))
}

/// Counters by one of their labels.
fn by(series: &[Series], label: usize) -> Counts<'_> {
    let mut counts = Counts::new();
    for one in series {
        let name = one.labels.get(label).map_or("", String::as_str);
        match counts.iter().position(|(known, _)| *known >= name) {
            Some(at) if counts.get(at).is_some_and(|(known, _)| *known == name) => {
                if let Some((_, count)) = counts.get_mut(at) {
                    *count = count.saturating_add(one.count());
                }
            }
            at => counts.insert(at.unwrap_or(counts.len()), (name, one.count())),
        }
    }
    counts
}

/// How many steps the share of a part of the whole has; 0 of nothing.
fn scaled(part: u64, whole: u64, steps: u64) -> u64 {
    let half = whole.checked_div(2).unwrap_or_default();
    part.saturating_mul(steps).saturating_add(half).checked_div(whole).unwrap_or_default()
}

/// How long so many per cent of all take at the most, in tenths of a millisecond; within a bucket as if they were spread
/// evenly. The last bound where it is longer: nothing more is known.
fn quantile(times: &Times, percent: u64) -> u64 {
    let wanted = times.count().saturating_mul(percent);
    let (mut below, mut start) = (0_u64, 0_u64);
    for (end, count) in BOUNDS_MS.iter().zip(times.buckets()) {
        let (end, count) = (end.saturating_mul(10), count.saturating_mul(100));
        if count > 0 && below.saturating_add(count) >= wanted {
            let within = scaled(wanted.saturating_sub(below), count, end.saturating_sub(start));
            return start.saturating_add(within);
        }
        below = below.saturating_add(count);
        start = end;
    }
    if wanted == 0 { 0 } else { start }
}

/// JSON on its way: whatever is written ends with what comes before the next member.
struct Page(String);

impl Page {
    #[inline(never)]
    fn raw(&mut self, key: &str, value: &str) {
        let before = if self.0.ends_with(['{', '[']) { "\"" } else { ",\"" };
        push(&mut self.0, &[before, key, "\":", value]);
    }

    #[inline(never)]
    fn text(&mut self, key: &str, value: &str) {
        self.raw(key, &quoted(value));
    }

    #[inline(never)]
    fn number(&mut self, key: &str, value: u64) {
        self.raw(key, &value.to_string());
    }

    /// A number with so many decimals, given in its smallest steps.
    #[inline(never)]
    fn decimal(&mut self, key: &str, steps: u64, decimals: usize) {
        let digits =
            ["0".repeat(decimals.saturating_sub(steps.to_string().len().saturating_sub(1))), steps.to_string()]
                .concat();
        let (whole, part) = digits.split_at_checked(digits.len().saturating_sub(decimals)).unwrap_or((&digits, "0"));
        self.raw(key, &[whole, ".", part].concat());
    }

    fn object(&mut self, key: &str, members: impl FnOnce(&mut Self)) {
        self.raw(key, "{");
        members(self);
        self.0.push('}');
    }

    #[inline(never)]
    fn counts(&mut self, key: &str, counts: &Counts<'_>) {
        self.raw(key, "{");
        for (name, count) in counts {
            let quoted = quoted(name);
            self.number(quoted.trim_matches('"'), *count);
        }
        self.0.push('}');
    }

    /// One object for each series, with its first label and its times.
    fn list(&mut self, key: &str, series: &[Series], mut members: impl FnMut(&mut Self, &str, &Times)) {
        self.raw(key, "[");
        for one in series {
            let Some(times) = Times::of(&one.numbers) else { continue };
            self.0.push_str(if self.0.ends_with('[') { "{" } else { ",{" });
            members(self, first(one), &times);
            self.0.push('}');
        }
        self.0.push(']');
    }

    #[inline(never)]
    fn requests(&mut self, series: &[Series]) {
        self.raw("requests", "{");
        let (total, status) = (sum(series), by(series, 1));
        self.number("total", total);
        self.counts("status", &status);
        self.counts("outcome", &by(series, 2));
        let errors = status.iter().find(|(class, _)| *class == "5xx").map_or(0, |(_, errors)| *errors);
        self.decimal("error_rate", scaled(errors, total, 10_000), 4);
        self.0.push('}');
    }

    #[inline(never)]
    fn duration(&mut self, times: &Times) {
        self.raw("duration_ms", "{");
        self.decimal("mean", scaled(times.sum_ms(), times.count(), 10), 1);
        for (name, percent) in [("p50", 50), ("p95", 95), ("p99", 99)] {
            self.decimal(name, quantile(times, percent), 1);
        }
        self.0.push('}');
    }
}

/// A text of JSON.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_lies_within_its_bucket() {
        let cases: [(&[u64], u64, u64); 6] = [
            (&[], 50, 0),
            (&[3], 50, 35),
            (&[0, 0, 0, 400], 50, 7),
            (&[30, 40, 60, 70], 50, 500),
            (&[30, 40, 60, 70], 99, 990),
            (&[20_000], 99, 100_000),
        ];
        for (all, percent, expected) in cases {
            let mut times = Times::default();
            all.iter().for_each(|ms| times.add(*ms));
            assert_eq!(quantile(&times, percent), expected, "{all:?} {percent}");
        }
    }

    #[test]
    fn shares_are_rounded_and_written_with_their_decimals() {
        for (part, whole, expected) in
            [(0, 0, "0.0000"), (1, 3, "0.3333"), (2, 3, "0.6667"), (7, 7, "1.0000"), (25, 2, "12.5000")]
        {
            let mut page = Page("{".into());
            page.decimal("x", scaled(part, whole, 10_000), 4);
            assert_eq!(page.0, format!("{{\"x\":{expected}"));
        }
    }
}
