//! Whether this gateway lives, and whether what it stands on answers.
//!
//! `/health/live` asks nobody: it says that the code runs. `/health/ready` asks the database, the key-value
//! store and an object once each.

use crate::{
    http::{
        edits::Edits,
        problem::{Fault, Kind, Problem},
        reply::Made,
    },
    ports::dependencies::Dependencies,
};

/// 503: some service did not answer.
pub const NOT_READY: Kind =
    Kind { code: "not_ready", status: 503, title: "The gateway is not ready", fault: Fault::Gateway };

/// The label of these answers in logs.
pub const LIVE: &str = "/health/live";
/// The label of these answers in logs.
pub const READY: &str = "/health/ready";

/// The answer to `/health/live`.
#[must_use]
pub fn live() -> Made {
    document(r#"{"status":"live"}"#)
}

/// The answer to `/health/ready`.
///
/// # Errors
/// [`NOT_READY`], naming the services that did not answer.
pub async fn ready(dependencies: &impl Dependencies) -> Result<Made, Problem> {
    let down = dependencies.check().await;
    if down.is_empty() {
        return Ok(document(r#"{"status":"ready"}"#));
    }
    let problem =
        Problem::new(&NOT_READY, "A service that the gateway stands on did not answer.").header("retry-after", "5");
    Err(down.into_iter().fold(problem, |problem, service| problem.field(service.name, "an answer")))
}

fn document(body: &'static str) -> Made {
    let mut head = Edits::default();
    head.set("content-type", "application/json");
    head.set("cache-control", "no-store");
    Made { status: 200, head, body: body.into() }
}
