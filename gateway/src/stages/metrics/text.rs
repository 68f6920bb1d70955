//! The text that Prometheus reads: its own format, 0.0.4, or OpenMetrics 1.0. They differ in the names of counters, the
//! unit, the kind of information, and the end.
//!
//! Each object's series stay apart, by the label `shard`: when one does not answer, its series are missing for a while
//! and no sum falls, which would look like a restart. The same bounds are written alike in both formats (`1.0`), so that
//! they are the same series.

use super::{About, Readings, VERSION};
use crate::fleet::metrics::{
    Series, Times, Value,
    family::{self, Family, Kind},
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
pub fn exposition(about: &About<'_>, readings: &Readings, format: Format) -> String {
    let mut page = Page { text: String::new(), format };
    page.info(about);
    let of = |shard: usize, found: &[Series], family: Family, page: &mut Page| {
        let shard = shard.to_string();
        for series in found.iter().filter(|series| Family::of(series.family) == Some(family)) {
            page.series(family.about(), series, &shard);
        }
    };
    for family in Family::ALL {
        page.family(family.about());
        for (shard, reading) in readings.iter().enumerate() {
            of(shard, reading.as_ref().map_or(&[], |reading| &reading.series), *family, &mut page);
        }
    }
    page.gauges(readings);
    if format == Format::OpenMetrics {
        page.text.push_str("# EOF\n");
    }
    page.text
}

struct Page {
    text: String,
    format: Format,
}

impl Page {
    fn push(&mut self, parts: &[&str]) {
        self.text.extend(parts.iter().copied());
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.push(&["# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind, "\n"]);
    }

    fn family(&mut self, about: &family::About) {
        match (about.kind, self.format) {
            (Kind::Counter, Format::OpenMetrics) => self.head(about.name, "counter", about.help),
            (Kind::Counter, Format::Text) => self.head(&[about.name, "_total"].concat(), "counter", about.help),
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
        let (names, release) = (["name", "environment", "release", "version"], about.release());
        let values = [about.name, about.environment.unwrap_or_default(), &release, VERSION];
        self.sample("ferrogate_app_info", names.into_iter().zip(values), "1");
    }

    fn gauges(&mut self, readings: &Readings) {
        self.head("ferrogate_isolates", "gauge", "Isolates that handed over counts within the last minute.");
        for (shard, reading) in readings.iter().enumerate() {
            if let Some(reading) = reading {
                let labels = [("shard", &*shard.to_string())];
                self.sample("ferrogate_isolates", labels.into_iter(), &reading.isolates.to_string());
            }
        }
        let name = "ferrogate_metrics_shards_missing";
        self.head(name, "gauge", "Objects with counts that did not answer in time: their series are missing here.");
        let missing = readings.iter().filter(|reading| reading.is_none()).count();
        self.sample(name, [].into_iter(), &missing.to_string());
    }

    fn series(&mut self, about: &family::About, series: &Series, shard: &str) {
        let labels = about.labels.iter().copied().zip(series.labels.iter().map(String::as_str));
        let labels = labels.chain([("shard", shard)]);
        match &series.value {
            Value::Count(count) => self.sample(&[about.name, "_total"].concat(), labels, &count.to_string()),
            Value::Times(times) => self.histogram(about.name, labels, times),
        }
    }

    fn histogram<'l>(&mut self, name: &str, labels: impl Iterator<Item = Label<'l>> + Clone, times: &Times) {
        let (bucket, mut sum) = ([name, "_bucket"].concat(), 0_u64);
        for (end, more) in ENDS.iter().zip(&times.buckets) {
            sum = sum.saturating_add(*more);
            self.sample(&bucket, labels.clone().chain([("le", *end)]), &sum.to_string());
        }
        let ms = times.sum_ms;
        let seconds = format!("{}.{:03}", ms / 1_000, ms % 1_000);
        self.sample(&[name, "_sum"].concat(), labels.clone(), &seconds);
        self.sample(&[name, "_count"].concat(), labels, &sum.to_string());
    }

    fn sample<'l>(&mut self, name: &str, labels: impl Iterator<Item = Label<'l>>, value: &str) {
        self.text.push_str(name);
        let mut before = "{";
        for (label, value) in labels {
            self.push(&[before, label, "=\""]);
            self.escaped(value);
            before = "\",";
        }
        let end = if before == "{" { " " } else { "\"} " };
        self.push(&[end, value, "\n"]);
    }

    fn escaped(&mut self, value: &str) {
        for letter in value.chars() {
            match letter {
                '\\' => self.text.push_str("\\\\"),
                '"' => self.text.push_str("\\\""),
                '\n' => self.text.push_str("\\n"),
                other => self.text.push(other),
            }
        }
    }
}

/// A name and a value.
type Label<'l> = (&'l str, &'l str);
