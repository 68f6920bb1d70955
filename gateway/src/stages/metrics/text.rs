//! The text that Prometheus reads: its own format, 0.0.4, or OpenMetrics 1.0. They differ in the names of counters, the
//! unit, the kind of information, and the end.
//!
//! Each object's series stay apart, by the label `shard`: when one does not answer, its series are missing for a while
//! and no sum falls, which would look like a restart. The same bounds are written alike in both formats (`1.0`), so that
//! they are the same series.

use super::{About, Reading, Readings, VERSION, push};
use crate::fleet::metrics::{
    Series, Times,
    family::{self, Family, Kind},
    packed::Reader,
    top::{SHOWN, Top},
};

/// How the text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' own, version 0.0.4.
    Text,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

/// Where buckets end, in seconds: [`BOUNDS_MS`](crate::fleet::metrics::BOUNDS_MS) as OpenMetrics writes them, and no end.
const ENDS: [&str; 14] =
    ["0.001", "0.002", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf"];

impl Format {
    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The whole text.
#[must_use]
#[inline(never)]
pub fn exposition(about: &About<'_>, readings: &Readings, format: Format) -> String {
    let mut page = Page { text: String::new(), format };
    page.info(about);
    let mut lists: Vec<_> = readings.iter().map(|reading| Reader(series_of(reading)).peekable()).collect();
    for family in Family::ALL {
        page.family(family.about());
        if family.about().kind == Kind::Top {
            page.keys(family.about(), readings);
        }
        for (shard, list) in lists.iter_mut().enumerate() {
            // An object tells them in the order of their families. What is unknown here is passed over.
            while let Some(series) = list.next_if(|series| series.family <= family.number()) {
                if series.family == family.number() && family.about().kind != Kind::Top {
                    page.series(family.about(), &series, shard);
                }
            }
        }
    }
    page.gauges(readings);
    if format == Format::OpenMetrics {
        page.push(&["# EOF\n"]);
    }
    page.text
}

struct Page {
    text: String,
    format: Format,
}

impl Page {
    fn push(&mut self, parts: &[&str]) {
        push(&mut self.text, parts);
    }

    #[inline(never)]
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.push(&["# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind, "\n"]);
    }

    fn family(&mut self, about: &family::About) {
        match (about.kind, self.format) {
            (Kind::Counter, Format::OpenMetrics) => self.head(about.name, "counter", about.help),
            (Kind::Counter, Format::Text) => self.head(&[about.name, "_total"].concat(), "counter", about.help),
            (Kind::Top, _) => self.head(about.name, "gauge", about.help),
            (Kind::Histogram, format) => {
                self.head(about.name, "histogram", about.help);
                if format == Format::OpenMetrics {
                    self.push(&["# UNIT ", about.name, " seconds\n"]);
                }
            }
        }
    }

    fn info(&mut self, about: &About<'_>) {
        let help = "The gateway, and what it runs.";
        match self.format {
            Format::Text => self.head("ferrogate_app_info", "gauge", help),
            Format::OpenMetrics => self.head("ferrogate_app", "info", help),
        }
        let mut labels = String::new();
        let (release, environment) = (about.release(), about.environment.unwrap_or_default());
        for (name, value) in
            [("name", about.name), ("environment", environment), ("release", &*release), ("version", VERSION)]
        {
            label(&mut labels, name, value);
        }
        self.push(&["ferrogate_app_info{", &labels, "} 1\n"]);
    }

    fn gauges(&mut self, readings: &Readings) {
        self.head("ferrogate_isolates", "gauge", "Isolates that handed over counts within the last minute.");
        let mut missing = 0_usize;
        for (shard, reading) in readings.iter().enumerate() {
            match reading {
                Some(reading) => {
                    let (shard, isolates) = (shard.to_string(), reading.isolates.to_string());
                    self.push(&["ferrogate_isolates{shard=\"", &shard, "\"} ", &isolates, "\n"]);
                }
                None => missing = missing.saturating_add(1),
            }
        }
        let name = "ferrogate_metrics_shards_missing";
        self.head(name, "gauge", "Objects with counts that did not answer in time: their series are missing here.");
        self.push(&[name, " ", &missing.to_string(), "\n"]);
    }

    fn series(&mut self, about: &family::About, series: &Series, shard: usize) {
        let mut labels = String::new();
        for (name, value) in about.labels.iter().zip(&series.labels) {
            label(&mut labels, name, value);
        }
        label(&mut labels, "shard", &shard.to_string());
        match Times::of(&series.numbers) {
            Some(times) => self.histogram(about.name, &labels, &times),
            None => self.push(&[about.name, "_total{", &labels, "} ", &series.count().to_string(), "\n"]),
        }
    }

    /// Those with the most hits of all objects together: the estimates of one object alone say little.
    fn keys(&mut self, about: &family::About, readings: &Readings) {
        let top = merged(readings);
        let floor = top.floor().to_string();
        for key in top.highest(SHOWN) {
            let mut labels = String::new();
            for (name, value) in about.labels.iter().zip(&key.labels) {
                label(&mut labels, name, value);
            }
            self.push(&[about.name, "{", &labels, "} ", &key.count().to_string(), "\n"]);
        }
        let name = [about.name, "_error"].concat();
        self.head(&name, "gauge", "By how much those estimates may be too high at most.");
        self.push(&[&name, " ", &floor, "\n"]);
    }

    fn histogram(&mut self, name: &str, labels: &str, times: &Times) {
        let mut sum = 0_u64;
        for (end, more) in ENDS.iter().zip(times.buckets()) {
            sum = sum.saturating_add(*more);
            self.push(&[name, "_bucket{", labels, ",le=\"", end, "\"} ", &sum.to_string(), "\n"]);
        }
        let ms = times.sum_ms();
        let (whole, part) = ((ms / 1_000).to_string(), (ms % 1_000).to_string());
        let zeros = ["000", "00", "0", ""].get(part.len()).copied().unwrap_or_default();
        let seconds = [&*whole, ".", zeros, &*part].concat();
        self.push(&[
            name,
            "_sum{",
            labels,
            "} ",
            &seconds,
            "\n",
            name,
            "_count{",
            labels,
            "} ",
            &sum.to_string(),
            "\n",
        ]);
    }
}

/// The keys that were refused most, of all objects.
#[must_use]
pub fn merged(readings: &Readings) -> Top {
    let mut all = Top::default();
    readings.iter().for_each(|reading| all.merge(&Top::read(series_of(reading))));
    all
}

fn series_of(reading: &Option<Reading>) -> &[u8] {
    reading.as_ref().map_or(&[], |reading| &reading.series)
}

/// Adds a label to those that are there.
#[inline(never)]
fn label(labels: &mut String, name: &str, value: &str) {
    let before = if labels.is_empty() { "" } else { "," };
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    push(labels, &[before, name, "=\"", &value, "\""]);
}
