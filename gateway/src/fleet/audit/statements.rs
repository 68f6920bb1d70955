//! Every statement that audit has for the database. The table is `migrations/0001_audit_logs.sql`.
//!
//! Many rows are one value, a list in JSON: a batch then counts as one query, whatever its size.

use serde::Serialize;

use super::{
    chain::{Head, Link},
    row::Row,
};
use crate::ports::statements::{Record, Statement};

/// The columns of a row, without its place in the chain.
pub(super) const COLUMNS: &str = "id, timestamp, action, user_id, ip_address, user_agent, resource_type, resource_id, \
                                  details, status, error_message, request_id";

/// How many rows are linked at once.
pub const LINKED_AT_ONCE: u64 = 200;

/// How many rows of the chain are looked at in one page.
pub const PAGE: u64 = 500;

/// Adds rows. One that is there already stays as it is: the queue may bring it twice.
#[must_use]
pub fn insert(rows: &[Row]) -> Statement {
    Statement::new("INSERT INTO audit_logs (")
        .then(COLUMNS)
        .then(
            ") SELECT value ->> 'id', value ->> 'timestamp', value ->> 'action', value ->> 'user_id', \
             value ->> 'ip_address', value ->> 'user_agent', value ->> 'resource_type', value ->> 'resource_id', \
             value ->> 'details', value ->> 'status', value ->> 'error_message', value ->> 'request_id' \
             FROM json_each(?) WHERE true ON CONFLICT (id) DO NOTHING",
        )
        .with(json(rows))
}

/// The rows that are in no chain yet, the oldest first.
#[must_use]
pub fn unlinked() -> Statement {
    Statement::new("SELECT ")
        .then(COLUMNS)
        .then(" FROM audit_logs WHERE sequence IS NULL ORDER BY timestamp, id LIMIT ?")
        .with(LINKED_AT_ONCE)
}

/// Gives rows their places. A row that has one keeps it, and a place that is taken is not taken again: so it does no harm
/// if this is done twice.
#[must_use]
pub fn store(links: &str) -> Statement {
    Statement::new(
        "UPDATE OR IGNORE audit_logs SET sequence = link.value ->> 'sequence', \
         previous_hash = link.value ->> 'previous_hash', hash = link.value ->> 'hash' \
         FROM json_each(?) AS link WHERE audit_logs.id = link.value ->> 'id' AND audit_logs.sequence IS NULL",
    )
    .with(links)
}

/// Links as [`store`] takes them.
#[must_use]
pub fn links(links: &[Link]) -> String {
    json(links)
}

/// The end of the chain in the database: see [`head_of`].
#[must_use]
pub fn last() -> Statement {
    Statement::new("SELECT sequence, hash FROM audit_logs WHERE sequence IS NOT NULL ORDER BY sequence DESC LIMIT 1")
}

/// How many rows are in no chain yet: in the column `count`.
#[must_use]
pub fn count_unlinked() -> Statement {
    Statement::new("SELECT count(*) AS count FROM audit_logs WHERE sequence IS NULL")
}

/// The rows of the chain behind a place, for `chain::Check`.
#[must_use]
pub fn linked_after(sequence: u64) -> Statement {
    Statement::new("SELECT ")
        .then(COLUMNS)
        .then(", sequence, previous_hash, hash FROM audit_logs WHERE sequence > ? ORDER BY sequence LIMIT ?")
        .with(sequence)
        .with(PAGE)
}

/// What [`last`] has found, as the head of a chain; `None` where it cannot be one.
#[must_use]
pub fn head_of(last: &Record) -> Option<Head> {
    Head::parse(last.number("sequence")?, &last.text("hash")?)
}

fn json<T: Serialize>(list: &[T]) -> String {
    serde_json::to_string(list).unwrap_or_default()
}
