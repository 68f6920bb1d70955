//! What a request leaves in the audit log.
//!
//! Two classes. What may come late or get lost: rows about requests that have been answered ([`note`]), which nobody waits
//! for. What must not: rows about changes ([`record`]), without which there is no change.

use serde::Serialize;

use crate::{
    fleet::audit::row::{Row, Status},
    http::{problem::Problem, request::Header},
    pipeline::{
        exchange::Exchange,
        finish::Log,
        gateway::{Gateway, Inconsistent},
        run::inconsistent,
    },
    ports::{
        Ports,
        errands::{Destination, Errand},
        witness::Decision,
    },
    stages::audit::{self, AUDIT_UNAVAILABLE, Rule},
};

/// How long the queue is waited for, in milliseconds.
const RECORD_MS: u32 = 2_000;

/// Puts a row on record that a change must not be made without: before it is made, and with its outcome behind it. What is
/// changed in the database needs no such call: its row goes there in the same batch (`fleet::audit::statements::insert`).
///
/// # Errors
/// [`AUDIT_UNAVAILABLE`]: the row is perhaps not on record, so the change is not to be made.
pub async fn record<P: Ports>(gateway: &Gateway, row: Row, ports: &P) -> Result<(), Problem> {
    let row = row.bounded().ok_or_else(|| inconsistent(Inconsistent))?;
    let message = serde_json::to_vec(&[row.message()]).unwrap_or_default();
    let sent = ports.run(Errand { to: Destination::Queue, message }, RECORD_MS).await;
    if sent.is_err() {
        let detail = "What is changed has to be put on record first, and that is not possible at the moment.";
        return Err(Problem::new(&AUDIT_UNAVAILABLE, detail).header("retry-after", "5"));
    }
    gateway.fleet.events.log(&row);
    Ok(())
}

/// A row that says who asked, from where, and in which request.
#[must_use]
pub fn row<P: Ports>(exchange: &Exchange<'_>, action: &str, status: Status, ports: &P) -> Row {
    let text = |text: &str| Some(text.to_owned());
    Row {
        user_id: exchange.principal.as_ref().and_then(|principal| text(principal.subject()?)),
        ip_address: exchange.address().map(|address| address.to_string()),
        user_agent: exchange.header(Header::UserAgent).and_then(text),
        request_id: text(&exchange.request_id),
        ..Row::new(ports, action, status)
    }
}

/// Takes note of a request that has been answered, where its route says so or its refusal matters for security.
#[inline(always)]
pub(super) fn note<P: Ports>(exchange: &Exchange<'_>, log: Log, ports: &P) {
    if let Some(rule) = exchange.route.and_then(|route| route.policy().audit.as_deref()) {
        note_request(exchange, rule, log, ports);
    }
    if log.code().is_some() {
        note_refusal(exchange, log, ports);
    }
}

#[cold]
#[inline(never)]
fn note_request<P: Ports>(exchange: &Exchange<'_>, rule: &Rule, log: Log, ports: &P) {
    ports.saw(|| Decision::passed("audit", "The request leaves a row in the audit log.").fact("action", &rule.action));
    let status = if log.status() < 400 { Status::Success } else { Status::Failure };
    let resource_id = rule.resource_id.as_ref().and_then(|template| template.fill(|slot| exchange.fact(slot)));
    let row = Row {
        resource_type: rule.resource.clone(),
        resource_id,
        details: Some(details(exchange, log)),
        error_message: log.code().map(str::to_owned),
        ..row(exchange, &rule.action, status, ports)
    };
    exchange.gateway.fleet.events.about_request(ports.now(), row);
}

#[cold]
#[inline(never)]
fn note_refusal<P: Ports>(exchange: &Exchange<'_>, log: Log, ports: &P) {
    let gateway = exchange.gateway;
    let Some(code) = log.code().filter(|_| gateway.audit.security && gateway.fleet.events.sends()) else { return };
    let Some(action) = audit::security(code) else { return };
    let row = Row {
        resource_type: Some("route".to_owned()),
        resource_id: Some(exchange.label().to_owned()),
        details: Some(details(exchange, log)),
        error_message: Some(code.to_owned()),
        ..row(exchange, action, Status::Failure, ports)
    };
    gateway.fleet.events.about_security(ports.now(), row);
}

#[derive(Serialize)]
struct Details<'a> {
    method: &'a str,
    route: &'a str,
    status: u16,
}

/// What the request was, without its path and query: people put secrets there.
fn details(exchange: &Exchange<'_>, log: Log) -> String {
    let details = Details { method: exchange.head.method(), route: exchange.label(), status: log.status() };
    serde_json::to_string(&details).unwrap_or_default()
}
