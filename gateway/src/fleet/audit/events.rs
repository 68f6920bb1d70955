//! What an isolate has to tell of requests that have been answered: rows on their way to the queue, and lines for the log.
//!
//! Rows of both kinds are best effort: no request waits for them, and they are lost with the instance. Their lines are
//! written at once, so what the queue never gets can be found in the log. A flood of security events costs a bounded number
//! of rows: the rest is counted in one.

use std::cell::{Cell, RefCell};

use super::row::{Row, Status};
use crate::{
    http::Millis,
    ports::errands::{Destination, Errand, MOST_TEXT_BYTES, MOST_TEXTS},
};

/// Most rows about security in one flush.
const MOST_OF_SECURITY: usize = 50;

/// One more row says how many there were besides.
const MOST_ROWS: usize = MOST_TEXTS - 1;

/// Room for that row.
const MOST_BYTES: usize = MOST_TEXT_BYTES - 1_000;

/// A flush that was due and has not come after this time will not come, in milliseconds.
const FLUSH_LOST_MS: Millis = 5_000;

/// The action of the row that says how many there were besides.
pub const MORE: &str = "system.warning";

/// When the rows that wait are to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Due {
    /// Nothing has to be done about that.
    #[default]
    Not,
    /// In a while.
    Later,
    /// Now: there is little room left.
    Now,
}

/// The rows and lines of an isolate.
#[derive(Debug, Default)]
pub struct Events {
    /// Whether there is a queue.
    sends: Cell<bool>,
    due: Cell<Due>,
    waiting: RefCell<Waiting>,
    lines: RefCell<String>,
}

#[derive(Debug, Default)]
struct Waiting {
    rows: Vec<String>,
    bytes: usize,
    of_security: usize,
    /// The first row that there was no place for, and how many they are.
    more: Option<(Box<Row>, u32)>,
    /// When a flush became due, and whether at once.
    armed: Option<(Millis, Due)>,
}

impl Events {
    /// There is a queue that takes rows.
    pub fn send_from_now_on(&self) {
        self.sends.set(true);
    }

    /// Whether there is a queue.
    #[must_use]
    pub fn sends(&self) -> bool {
        self.sends.get()
    }

    /// Takes a row about security, if there is room among those.
    pub fn about_security(&self, now: Millis, row: Row) {
        self.keep(now, row, true);
    }

    /// Takes a row, if there is room.
    pub fn about_request(&self, now: Millis, row: Row) {
        self.keep(now, row, false);
    }

    /// Tells the log of a row that goes to the database on another way.
    pub fn log(&self, row: &Row) {
        self.say(&row.line());
    }

    /// Has a line of another kind written behind that of the request.
    pub fn say(&self, line: &str) {
        let mut lines = self.lines.borrow_mut();
        lines.push('\n');
        lines.push_str(line);
    }

    /// A line for the log, and behind it those of rows.
    #[must_use]
    pub fn with_lines(&self, line: String) -> String {
        let mut lines = self.lines.borrow_mut();
        if lines.is_empty() {
            return line;
        }
        let rows = std::mem::take(&mut *lines);
        if line.is_empty() { rows.trim_start().to_owned() } else { line + &rows }
    }

    /// When rows are to be sent, if nobody has been told yet.
    #[must_use]
    pub fn due(&self) -> Due {
        self.due.take()
    }

    /// The errand that sends what waits, and how many rows that are.
    #[must_use]
    pub fn flush(&self) -> Option<(u64, Errand)> {
        let Waiting { mut rows, more, .. } = self.waiting.take();
        rows.extend(more.and_then(|(row, count)| besides(*row, count)).map(|row| row.message()));
        if rows.is_empty() {
            return None;
        }
        let message = serde_json::to_vec(&rows).unwrap_or_default();
        Some((rows.len() as u64, Errand { to: Destination::Queue, message }))
    }

    fn keep(&self, now: Millis, row: Row, is_security: bool) {
        let Some(row) = row.bounded() else { return };
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.add(&row, is_security, self.sends.get()) {
            let (_, count) = waiting.more.get_or_insert_with(|| (Box::new(row), 0));
            *count = count.saturating_add(1);
            return;
        }
        if self.sends.get() {
            waiting.arm(now, &self.due);
        }
        drop(waiting);
        self.log(&row);
    }
}

impl Waiting {
    /// Adds a row; `false` where there is no room. Without a queue nothing waits for it.
    fn add(&mut self, row: &Row, is_security: bool, sends: bool) -> bool {
        if !sends {
            return true;
        }
        let message = row.message();
        let bytes = self.bytes.saturating_add(message.len());
        let is_flood = is_security && self.of_security >= MOST_OF_SECURITY;
        if is_flood || self.rows.len() >= MOST_ROWS || bytes > MOST_BYTES {
            return false;
        }
        self.rows.push(message);
        self.bytes = bytes;
        self.of_security = self.of_security.saturating_add(usize::from(is_security));
        true
    }

    /// Makes a flush due, unless one is. A flood of security events does not hurry: it is to cost little.
    fn arm(&mut self, now: Millis, due: &Cell<Due>) {
        let others = self.rows.len().saturating_sub(self.of_security);
        let is_urgent = others.saturating_mul(2) > MOST_ROWS.saturating_sub(MOST_OF_SECURITY)
            || self.bytes.saturating_mul(2) > MOST_BYTES;
        let wanted = if is_urgent { Due::Now } else { Due::Later };
        let comes = |(since, armed): (Millis, Due)| armed_covers(armed, wanted) && now.abs_diff(since) < FLUSH_LOST_MS;
        if !self.armed.is_some_and(comes) {
            self.armed = Some((now, wanted));
            due.set(wanted);
        }
    }
}

fn armed_covers(armed: Due, wanted: Due) -> bool {
    armed == Due::Now || armed == wanted
}

/// The row that stands for those that there was no place for.
fn besides(first: Row, count: u32) -> Option<Row> {
    let details = format!(r#"{{"count":{count},"first_action":"{}"}}"#, first.action);
    let message = format!("and {count} more that were not kept one by one");
    let row = Row {
        action: MORE.to_owned(),
        status: Status::Failure,
        resource_type: Some("audit".to_owned()),
        details: Some(details),
        error_message: Some(message),
        ..first
    };
    Row { user_id: None, ip_address: None, user_agent: None, resource_id: None, request_id: None, ..row }.bounded()
}

#[cfg(test)]
mod tests;
