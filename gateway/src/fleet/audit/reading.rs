//! Asking for rows, and showing them: filters, pages, and the forms of an export.
//!
//! Pure: what may ask is settled elsewhere, and the statement is run by whoever asked for it.

use std::borrow::Cow;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Serialize;
use serde_json::Value as Json;

use super::{
    row::{self, Row, Status},
    statements::COLUMNS,
};
use crate::{
    http::{
        Millis,
        timestamp::{self, rfc3339},
    },
    ports::statements::{Statement, Value},
};

/// Most rows of a page.
pub const MOST: u64 = 1_000;

/// Which rows are asked for; what is `None` is not asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Exactly this action, or all that begin so: `order.*`.
    pub action: Option<String>,
    /// Who did it.
    pub user_id: Option<String>,
    /// From where.
    pub ip_address: Option<String>,
    /// To what kind of thing.
    pub resource_type: Option<String>,
    /// To which.
    pub resource_id: Option<String>,
    /// In which request.
    pub request_id: Option<String>,
    /// How it went.
    pub status: Option<Status>,
    /// Not before.
    pub from: Option<Millis>,
    /// Before.
    pub to: Option<Millis>,
}

/// The names of filters, as a query has them.
pub const NAMES: [&str; 9] =
    ["action", "user_id", "ip_address", "resource_type", "resource_id", "request_id", "status", "from", "to"];

/// A filter that says nothing that can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// Its name, or what was taken for one.
    pub name: String,
    /// What would have been right.
    pub expected: &'static str,
}

impl Filters {
    /// Reads filters from names and values, decoded.
    ///
    /// # Errors
    /// The first one that is not there or says nothing, so that nobody takes all rows for those that were meant.
    pub fn read<'q>(pairs: impl IntoIterator<Item = (&'q str, &'q str)>) -> Result<Self, Unusable> {
        let mut filters = Self::default();
        for (name, value) in pairs {
            let unusable = |expected| Unusable { name: name.to_owned(), expected };
            filters.set(name, value).map_err(unusable)?;
        }
        Ok(filters)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        const MOMENT: &str = "a moment in UTC: 2026-11-21T10:12:13.456Z, or a date";
        let text = || {
            let fits = !value.is_empty() && value.len() <= row::LONGEST_TEXT;
            fits.then(|| value.to_owned()).ok_or("a text of 1 to 256 bytes")
        };
        let moment = || timestamp::parse(value).ok_or(MOMENT);
        match name {
            "action" => {
                let whole = value.strip_suffix(".*").unwrap_or(value);
                let is_right = value == "*" || row::is_action(whole);
                self.action =
                    Some(is_right.then(|| value.to_owned()).ok_or("an action, or the first words of one: order.*")?);
            }
            "user_id" => self.user_id = Some(text()?),
            "ip_address" => self.ip_address = Some(text()?),
            "resource_type" => self.resource_type = Some(text()?),
            "resource_id" => self.resource_id = Some(text()?),
            "request_id" => self.request_id = Some(text()?),
            "status" => {
                self.status = Some(Status::parse(value).ok_or("attempt, success or failure")?);
            }
            "from" => self.from = Some(moment()?),
            "to" => self.to = Some(moment()?),
            _ => {
                return Err(
                    "one of action, user_id, ip_address, resource_type, resource_id, request_id, status, from, to",
                );
            }
        }
        Ok(())
    }
}

/// Where a page ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    timestamp: Millis,
    id: String,
}

impl Cursor {
    /// Reads what a page said is next; `None` for what no page has said.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = String::from_utf8(Base64UrlUnpadded::decode_vec(text).ok()?).ok()?;
        let (timestamp, id) = text.split_once('.')?;
        let is_number = timestamp.bytes().all(|byte| byte.is_ascii_digit());
        let timestamp = timestamp.parse().ok().filter(|_| is_number)?;
        let is_id = id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_graphic());
        is_id.then(|| Self { timestamp, id: id.to_owned() })
    }

    /// Behind a row.
    #[must_use]
    pub fn behind(row: &Row) -> Self {
        Self { timestamp: row.timestamp, id: row.id.clone() }
    }

    /// For whoever asks for the next page. What it holds is nobody's business.
    #[must_use]
    pub fn text(&self) -> String {
        Base64UrlUnpadded::encode_string(format!("{}.{}", self.timestamp, self.id).as_bytes())
    }
}

/// Asks for rows, the newest first. It asks for one more than `limit`, by which [`page`] knows whether there is a next one.
#[must_use]
pub fn query(filters: &Filters, cursor: Option<&Cursor>, limit: u64) -> Statement {
    let mut statement = Statement::new("SELECT ").then(COLUMNS);
    statement = statement.then(", sequence, previous_hash, hash FROM audit_logs WHERE timestamp >= ?");
    statement = statement.with(filters.from.unwrap_or_default());
    let texts = [
        (" AND user_id = ?", filters.user_id.as_deref()),
        (" AND ip_address = ?", filters.ip_address.as_deref()),
        (" AND resource_type = ?", filters.resource_type.as_deref()),
        (" AND resource_id = ?", filters.resource_id.as_deref()),
        (" AND request_id = ?", filters.request_id.as_deref()),
        (" AND status = ?", filters.status.map(Status::word)),
    ];
    for (sql, value) in texts {
        if let Some(value) = value {
            statement = statement.then(sql).with(value);
        }
    }
    match filters.action.as_deref().map(|action| (action, action.strip_suffix('*'))) {
        Some((action, None)) => statement = statement.then(" AND action = ?").with(action),
        // All that begin so lie between it and the same with the next letter. Nothing in an action is greater than `z`.
        Some((_, Some(start))) if !start.is_empty() => {
            statement = statement.then(" AND action >= ? AND action < ?").with(start).with([start, "{"].concat());
        }
        _ => {}
    }
    if let Some(to) = filters.to {
        statement = statement.then(" AND timestamp < ?").with(to);
    }
    if let Some(Cursor { timestamp, id }) = cursor {
        statement = statement.then(" AND (timestamp, id) < (?, ?)").with(*timestamp).with(id.as_str());
    }
    let limit = limit.clamp(1, MOST).saturating_add(1);
    statement.then(" ORDER BY timestamp DESC, id DESC LIMIT ?").with(Value::Integer(limit))
}

/// A row as a page and an export show it.
#[derive(Serialize)]
struct Shown<'r> {
    id: &'r str,
    timestamp: &'r str,
    action: &'r str,
    user_id: Option<&'r str>,
    ip_address: Option<&'r str>,
    user_agent: Option<&'r str>,
    resource_type: Option<&'r str>,
    resource_id: Option<&'r str>,
    details: Json,
    status: Status,
    error_message: Option<&'r str>,
    request_id: Option<&'r str>,
    sequence: Option<u64>,
    previous_hash: Option<&'r str>,
    hash: Option<&'r str>,
}

#[derive(Serialize)]
struct Page<'r> {
    items: Vec<Shown<'r>>,
    next: Option<String>,
}

/// The rows of [`query`] as a document: `items`, and in `next` the cursor of the next page if there is one.
#[must_use]
pub fn page(rows: &[Row], limit: u64) -> String {
    let limit = usize::try_from(limit.clamp(1, MOST)).unwrap_or(usize::MAX);
    let shown = rows.get(..limit).unwrap_or(rows);
    let next = shown.last().filter(|_| rows.len() > limit).map(|last| Cursor::behind(last).text());
    let times: Vec<_> = shown.iter().map(|row| rfc3339(row.timestamp)).collect();
    let items = shown.iter().zip(&times).map(|(row, time)| show(row, time.as_str(), true)).collect();
    serde_json::to_string(&Page { items, next }).unwrap_or_default()
}

/// A row in one line of JSON, for an export that `ferrogate audit verify` can check: details are a text, letter by letter.
#[must_use]
pub fn json_line(row: &Row) -> String {
    let time = rfc3339(row.timestamp);
    let mut line = serde_json::to_string(&show(row, time.as_str(), false)).unwrap_or_default();
    line.push('\n');
    line
}

fn show<'r>(row: &'r Row, timestamp: &'r str, parsed: bool) -> Shown<'r> {
    let text = |text: &str| Json::String(text.to_owned());
    let details = row.details.as_deref().map(|details| match serde_json::from_str(details) {
        Ok(value) if parsed => value,
        _ => text(details),
    });
    Shown {
        id: &row.id,
        timestamp,
        action: &row.action,
        user_id: row.user_id.as_deref(),
        ip_address: row.ip_address.as_deref(),
        user_agent: row.user_agent.as_deref(),
        resource_type: row.resource_type.as_deref(),
        resource_id: row.resource_id.as_deref(),
        details: details.unwrap_or_default(),
        status: row.status,
        error_message: row.error_message.as_deref(),
        request_id: row.request_id.as_deref(),
        sequence: row.sequence,
        previous_hash: row.previous_hash.as_deref(),
        hash: row.hash.as_deref(),
    }
}

/// The first line of an export as CSV.
pub const CSV_HEAD: &str = "id,timestamp,action,user_id,ip_address,user_agent,resource_type,resource_id,details,status,\
                            error_message,request_id,sequence,previous_hash,hash\r\n";

/// A row in one record of CSV (RFC 4180). What a spreadsheet would take for a formula gets a `'` before it, so that nobody
/// runs what a client has sent; an export that is to be verified is one of JSON.
#[must_use]
pub fn csv_record(row: &Row) -> String {
    let (time, sequence) = (rfc3339(row.timestamp), row.sequence.map(|sequence| sequence.to_string()));
    let fields = [
        Some(row.id.as_str()),
        Some(time.as_str()),
        Some(&row.action),
        row.user_id.as_deref(),
        row.ip_address.as_deref(),
        row.user_agent.as_deref(),
        row.resource_type.as_deref(),
        row.resource_id.as_deref(),
        row.details.as_deref(),
        Some(row.status.word()),
        row.error_message.as_deref(),
        row.request_id.as_deref(),
        sequence.as_deref(),
        row.previous_hash.as_deref(),
        row.hash.as_deref(),
    ];
    let fields: Vec<Cow<'_, str>> = fields.into_iter().map(|field| csv_field(field.unwrap_or_default())).collect();
    fields.join(",") + "\r\n"
}

fn csv_field(text: &str) -> Cow<'_, str> {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text: Cow<'_, str> = if is_formula { ["'", text].concat().into() } else { text.into() };
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")).into() } else { text }
}

#[cfg(test)]
mod tests;
