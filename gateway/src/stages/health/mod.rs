//! Whether this gateway lives, and whether what it stands on answers: the paths under `/health`.
//!
//! Nothing is remembered between two requests: each asks anew, everything at once, and nothing for longer than the
//! timeout. Who may see the details has been settled before.

mod document;
#[cfg(feature = "compiler")]
pub mod keys;
pub mod migrations;
mod together;

use serde::{Deserialize, Serialize};

pub use self::document::{About, detailed, summary};
use crate::{
    config::operator::Operator,
    http::{
        Millis,
        edits::Edits,
        problem::{Fault, Kind, Problem},
        reply::Made,
    },
    ports::{
        clock::Clock,
        dependencies::{Component, Dependencies, Probe, Trouble},
    },
};

/// `[health]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// How long a component is waited for, in milliseconds.
    pub timeout_ms: u32,
    /// The components without which the gateway is not ready. `None`: the platform's, as far as they are there.
    pub required: Option<Vec<String>>,
    /// Who may see the details; `None`: nobody.
    pub operator: Option<Operator>,
}

/// How long a component is waited for when the file says nothing.
pub const DEFAULT_TIMEOUT_MS: u32 = 2_000;

impl Default for Config {
    fn default() -> Self {
        Self { timeout_ms: DEFAULT_TIMEOUT_MS, required: None, operator: None }
    }
}

/// What the platform gives, by the names of the file.
pub const PLATFORM: [(&str, Component); 4] = [
    ("database", Component::Database),
    ("key_value", Component::KeyValue),
    ("cache", Component::Cache),
    ("objects", Component::Objects),
];

/// What is required when the file says nothing, if it is there.
const REQUIRED: [&str; 3] = ["database", "key_value", "objects"];

/// The name of an upstream among the components.
#[must_use]
pub fn upstream(name: &str) -> String {
    format!("upstream:{name}")
}

/// 503: something that the gateway cannot do without did not answer.
pub const NOT_READY: Kind =
    Kind { code: "not_ready", status: 503, title: "The gateway is not ready", fault: Fault::Gateway };

/// Everything, in short.
pub const SUMMARY: &str = "/health";
/// Whether the code runs.
pub const LIVE: &str = "/health/live";
/// Whether requests can be served.
pub const READY: &str = "/health/ready";
/// Whether the gateway has started.
pub const STARTUP: &str = "/health/startup";
/// Everything, for the operator.
pub const DETAILED: &str = "/health/detailed";

/// How far the database is.
pub const MIGRATIONS: &str = "/health/migrations";

/// The health path that a path is; also the label of its answers in logs.
#[must_use]
pub fn path(path: &str) -> Option<&'static str> {
    // One look is enough for nearly all requests.
    path.strip_prefix(SUMMARY)?;
    [SUMMARY, LIVE, READY, STARTUP, DETAILED, MIGRATIONS].into_iter().find(|own| *own == path)
}

/// A component, and what it is to the gateway.
#[derive(Debug)]
pub struct Watched {
    name: String,
    component: Component,
    need: Need,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// Without it the gateway does less, or is slower.
    None,
    /// It is needed where the Worker has it.
    IfThere,
    /// It is needed.
    Always,
}

/// All components: the platform's, and the upstreams that can be asked.
pub fn watched(config: &Config, upstreams: impl Iterator<Item = (String, Probe)>) -> Vec<Watched> {
    let need = |name: &str| match &config.required {
        None if REQUIRED.contains(&name) => Need::IfThere,
        Some(names) if names.iter().any(|known| known == name) => Need::Always,
        _ => Need::None,
    };
    let platform = PLATFORM.into_iter().map(|(name, component)| (name.to_owned(), component));
    let upstreams = upstreams.map(|(name, probe)| (upstream(&name), Component::Upstream(probe)));
    platform.chain(upstreams).map(|(name, component)| Watched { need: need(&name), name, component }).collect()
}

/// How a component is.
#[derive(Debug)]
pub struct Measured<'w> {
    name: &'w str,
    component: &'w Component,
    is_required: bool,
    took_ms: Millis,
    trouble: Option<Trouble>,
}

impl Measured<'_> {
    fn is_failing(&self) -> bool {
        self.is_required && self.trouble.is_some()
    }
}

/// Asks all components at once, or only those that are required. What the Worker does not have and does not need is left
/// out.
pub async fn ask<'w, P: Clock + Dependencies>(
    components: &'w [Watched],
    only_required: bool,
    within_ms: u32,
    ports: &P,
) -> Vec<Measured<'w>> {
    let asked = components.iter().filter(|watched| !only_required || watched.need != Need::None);
    let measured = asked.map(|watched| measure(watched, within_ms, ports));
    let measured = together::together(measured).await;
    measured.into_iter().flatten().collect()
}

async fn measure<'w, P: Clock + Dependencies>(watched: &'w Watched, within_ms: u32, ports: &P) -> Option<Measured<'w>> {
    let Watched { name, component, need } = watched;
    let started = ports.now();
    let trouble = ports.ask(component, within_ms).await.err();
    if trouble == Some(Trouble::Absent) && *need != Need::Always {
        return None;
    }
    let (is_required, took_ms) = (*need != Need::None, ports.now().saturating_sub(started));
    Some(Measured { name, component, is_required, took_ms, trouble })
}

/// The answer of a gateway that lives, has started or is ready.
#[must_use]
pub fn passes() -> Made {
    answer(200, r#"{"status":"pass"}"#.into())
}

/// The answer to `/health/ready`.
///
/// # Errors
/// [`NOT_READY`], naming the components that did not answer.
pub fn ready(measured: &[Measured<'_>]) -> Result<Made, Problem> {
    let mut failing = measured.iter().filter(|measured| measured.is_failing()).peekable();
    if failing.peek().is_none() {
        return Ok(passes());
    }
    let problem =
        Problem::new(&NOT_READY, "Something that the gateway stands on did not answer.").header("retry-after", "5");
    Err(failing.fold(problem, |problem, failing| problem.field(failing.name.to_owned(), "an answer")))
}

fn answer(status: u16, body: String) -> Made {
    let mut head = Edits::default();
    head.set("content-type", "application/health+json");
    head.set("cache-control", "no-store");
    Made { status, head, body: body.into() }
}

/// What is told of it where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(config: &Config, teller: &mut crate::config::told::Teller<'_>) {
    use crate::config::{duration, operator, told};
    let Config { timeout_ms, required, operator } = config;
    teller.put("health.timeout", duration::show(u64::from(*timeout_ms)));
    if let Some(required) = required {
        teller.put("health.required", told::sorted(required));
    }
    operator::told(operator.as_ref(), "health", teller);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(required: Option<&[&str]>) -> Vec<(String, Need)> {
        let required = required.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        let probe = Probe { url: "https://a.test/".into(), binding: String::new(), credential: None };
        let watched = watched(&Config { required, ..Config::default() }, [("shop".to_owned(), probe)].into_iter());
        watched.into_iter().map(|watched| (watched.name, watched.need)).collect()
    }

    #[test]
    fn what_is_required_is_said_or_what_the_platform_has() {
        let of = |needs: [Need; 5]| -> Vec<(String, Need)> {
            let names = ["database", "key_value", "cache", "objects", "upstream:shop"].map(str::to_owned);
            names.into_iter().zip(needs).collect()
        };
        use Need::{Always, IfThere};
        assert_eq!(names(None), of([IfThere, IfThere, Need::None, IfThere, Need::None]));
        assert_eq!(names(Some(&[])), of([Need::None; 5]));
        let said = of([Need::None, Need::None, Always, Need::None, Always]);
        assert_eq!(names(Some(&["cache", "upstream:shop"])), said);
    }

    #[test]
    fn only_the_paths_themselves_are_health_paths() {
        for own in [SUMMARY, LIVE, READY, STARTUP, DETAILED, MIGRATIONS] {
            assert_eq!(path(own), Some(own));
        }
        for other in ["", "/", "/healthz", "/health/", "/health/live/", "/Health", "/health/liveness"] {
            assert_eq!(path(other), None, "{other}");
        }
    }
}
