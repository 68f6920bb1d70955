//! What `/health` and `/health/detailed` say: `application/health+json` (draft-inadarei-api-health-check), with members
//! beside it that are easier to read. Neither holds an address, an error text or a value of the configuration.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use super::{Measured, answer};
use crate::{
    http::{Millis, reply::Made, timestamp::rfc3339},
    ports::dependencies::{Component, Trouble},
};

/// The gateway that speaks.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// Its name.
    pub name: &'a str,
    /// The environment that it runs in, if it runs in one.
    pub environment: Option<&'a str>,
    /// The hash of its configuration.
    pub release: u64,
    /// When this isolate started it.
    pub started: Millis,
    /// Whether it takes no new requests.
    pub is_draining: bool,
}

const PASS: &str = "pass";
const WARN: &str = "warn";
const FAIL: &str = "fail";

#[derive(Serialize)]
struct Document<'a> {
    status: &'static str,
    version: &'static str,
    #[serde(rename = "serviceId")]
    service_id: &'a str,
    // From here on what only the operator is told.
    #[serde(rename = "releaseId", skip_serializing_if = "Option::is_none")]
    release_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    isolate_started: Option<String>,
    // Up to here.
    timestamp: &'a str,
    uptime_seconds: u64,
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    notes: &'a [&'static str],
    checks: Checks<'a>,
    components: Vec<Named<'a>>,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    status: &'static str,
    response_time_ms: Millis,
    /// For the operator, as the error is.
    #[serde(skip_serializing_if = "Option::is_none")]
    required: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Cow<'static, str>>,
}

/// The member `checks` of the draft: for each component a list of one measurement.
struct Checks<'a> {
    measured: &'a [Measured<'a>],
    time: &'a str,
}

#[derive(Serialize)]
struct Check<'a> {
    #[serde(rename = "componentType")]
    component_type: &'static str,
    #[serde(rename = "observedValue")]
    observed_value: Millis,
    #[serde(rename = "observedUnit")]
    observed_unit: &'static str,
    status: &'static str,
    time: &'a str,
}

impl Serialize for Checks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A colon ends the name of a component there.
        let name = |measured: &Measured<'_>| format!("{}:responseTime", measured.name.replace(':', "."));
        let check = |measured: &Measured<'_>| Check {
            component_type: match measured.component {
                Component::Database | Component::KeyValue | Component::Cache => "datastore",
                Component::Objects => "component",
                Component::Upstream(_) => "system",
            },
            observed_value: measured.took_ms,
            observed_unit: "ms",
            status: status_of(measured),
            time: self.time,
        };
        serializer.collect_map(self.measured.iter().map(|measured| (name(measured), [check(measured)])))
    }
}

fn status_of(measured: &Measured<'_>) -> &'static str {
    if measured.trouble.is_some() { FAIL } else { PASS }
}

/// The answer to `/health`: 503 when something is failing that the gateway cannot do without.
#[must_use]
pub fn summary(about: &About<'_>, measured: &[Measured<'_>], now: Millis) -> Made {
    document(about, measured, now, false)
}

/// The answer to `/health/detailed`.
#[must_use]
pub fn detailed(about: &About<'_>, measured: &[Measured<'_>], now: Millis) -> Made {
    document(about, measured, now, true)
}

fn document(about: &About<'_>, measured: &[Measured<'_>], now: Millis, is_detailed: bool) -> Made {
    let status = overall(about, measured);
    let time = rfc3339(now).as_str().to_owned();
    let document = Document {
        status,
        version: env!("CARGO_PKG_VERSION"),
        service_id: about.name,
        release_id: is_detailed.then(|| format!("{:016x}", about.release)),
        environment: about.environment.filter(|_| is_detailed),
        isolate_started: is_detailed.then(|| rfc3339(about.started).as_str().to_owned()),
        timestamp: &time,
        uptime_seconds: now.saturating_sub(about.started).div_euclid(1_000),
        notes: if about.is_draining { &["draining"] } else { &[] },
        checks: Checks { measured, time: &time },
        components: measured.iter().map(|measured| named(measured, is_detailed)).collect(),
    };
    answer(if status == FAIL { 503 } else { 200 }, serde_json::to_string(&document).unwrap_or_default())
}

fn overall(about: &About<'_>, measured: &[Measured<'_>]) -> &'static str {
    let is_troubled = measured.iter().any(|measured| measured.trouble.is_some());
    match () {
        () if measured.iter().any(Measured::is_failing) => FAIL,
        () if is_troubled || about.is_draining => WARN,
        () => PASS,
    }
}

fn named<'m>(measured: &'m Measured<'_>, is_detailed: bool) -> Named<'m> {
    Named {
        name: measured.name,
        status: status_of(measured),
        response_time_ms: measured.took_ms,
        required: is_detailed.then_some(measured.is_required),
        error: measured.trouble.filter(|_| is_detailed).map(Trouble::word),
    }
}
