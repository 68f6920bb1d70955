//! A row: what it holds, how long each of its texts may be, how it travels and which bytes its hash is made of.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Builder;

use crate::{
    http::{Millis, json::visible, strict, timestamp::rfc3339},
    ports::{clock::Clock, entropy::Entropy, statements::Record},
};

/// The format in which rows travel. A reader takes this one and the one before; the first has none before it.
pub const FORMAT: u8 = 1;

/// The form of the bytes that a hash is made of. It changes only together with the table.
const CANONICAL: u8 = 1;

/// Most bytes of an action, of details, of a user agent, and of every other text.
pub const LONGEST_ACTION: usize = 100;
/// See [`LONGEST_ACTION`].
pub const LONGEST_DETAILS: usize = 8_192;
/// See [`LONGEST_ACTION`].
pub const LONGEST_USER_AGENT: usize = 512;
/// See [`LONGEST_ACTION`].
pub const LONGEST_TEXT: usize = 256;

/// The end of the year 9999.
const LATEST: Millis = 253_402_300_799_999;

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is about to be done; another row of the same request says how that went.
    Attempt,
    /// It was done.
    Success,
    /// It was not done, or not allowed.
    Failure,
}

impl Status {
    /// What a word in the table says.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Attempt, Self::Success, Self::Failure].into_iter().find(|status| status.word() == word)
    }

    /// The word in the table.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Attempt => "attempt",
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

/// A row of `audit_logs`, by the names of its columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Sorts by time (UUIDv7, RFC 9562 section 5.7). A row that comes twice is kept once.
    pub id: String,
    /// When it happened.
    pub timestamp: Millis,
    /// What was done: words with dots between them, `order.create`.
    pub action: String,
    /// Who did it, if that was proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// From where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    /// With what, as the client says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// To what kind of thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// To which of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,
    /// What else there is to know: JSON, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// How it went.
    pub status: Status,
    /// Why it went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// The request that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The place in the chain, once it is linked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// The hash of the row before, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_hash: Option<String>,
    /// The hash of this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

impl Row {
    /// A row about something that happens now.
    pub fn new(ports: &(impl Clock + Entropy), action: impl Into<String>, status: Status) -> Self {
        let mut random = [0_u8; 10];
        ports.fill(&mut random);
        let id = Builder::from_unix_timestamp_millis(ports.now(), &random).into_uuid().to_string();
        let (user_id, ip_address, user_agent, resource_type, resource_id) = (None, None, None, None, None);
        let (details, error_message, request_id, sequence) = (None, None, None, None);
        Self {
            id,
            timestamp: ports.now(),
            action: action.into(),
            user_id,
            ip_address,
            user_agent,
            resource_type,
            resource_id,
            details,
            status,
            error_message,
            request_id,
            sequence,
            previous_hash: None,
            hash: None,
        }
    }

    /// The row with texts that the table takes: those that are too long are cut, control characters replaced, and details
    /// that are too long or no JSON give way to a word about that. `None` for one that the table cannot take.
    #[must_use]
    pub fn bounded(mut self) -> Option<Self> {
        let is_id = self.id.len() == 36 && self.id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        if !is_id || !is_action(&self.action) || self.timestamp > LATEST {
            return None;
        }
        cut(&mut self.user_agent, LONGEST_USER_AGENT);
        let texts = [&mut self.user_id, &mut self.ip_address, &mut self.resource_type, &mut self.resource_id];
        for text in texts.into_iter().chain([&mut self.error_message, &mut self.request_id]) {
            cut(text, LONGEST_TEXT);
        }
        if let Some(details) = &mut self.details
            && (details.len() > LONGEST_DETAILS || strict::value(details.as_bytes()).is_none())
        {
            *details = r#"{"left_out":true}"#.to_owned();
        }
        (self.sequence, self.previous_hash, self.hash) = (None, None, None);
        Some(self)
    }

    /// The row of a record; `None` where a column is not there that must be.
    #[must_use]
    pub fn of(record: &Record) -> Option<Self> {
        Some(Self {
            id: record.text("id")?,
            timestamp: record.number("timestamp")?,
            action: record.text("action")?,
            user_id: record.text("user_id"),
            ip_address: record.text("ip_address"),
            user_agent: record.text("user_agent"),
            resource_type: record.text("resource_type"),
            resource_id: record.text("resource_id"),
            details: record.text("details"),
            status: Status::parse(&record.text("status")?)?,
            error_message: record.text("error_message"),
            request_id: record.text("request_id"),
            sequence: record.number("sequence"),
            previous_hash: record.text("previous_hash"),
            hash: record.text("hash"),
        })
    }

    /// The text in which it travels: the format, a blank, and JSON.
    #[must_use]
    pub fn message(&self) -> String {
        format!("{FORMAT} {}", serde_json::to_string(self).unwrap_or_default())
    }

    /// Reads a text in which a row travels; `None` for what is none, or of a format that is not read here.
    #[must_use]
    pub fn read(message: &str) -> Option<Self> {
        let (format, json) = message.split_once(' ')?;
        match format.parse() {
            Ok(FORMAT) => Self::of(&Record(strict::object(json.as_bytes())?))?.bounded(),
            _ => None,
        }
    }

    /// The row as a line of the log, without the address and the user agent: those are in the database alone.
    #[must_use]
    pub fn line(&self) -> String {
        let time = rfc3339(self.timestamp);
        let line = Line {
            timestamp: time.as_str(),
            level: if self.status == Status::Success { "info" } else { "warn" },
            msg: "audit",
            id: &self.id,
            action: &self.action,
            status: self.status,
            user_id: self.user_id.as_deref(),
            resource_type: self.resource_type.as_deref(),
            resource_id: self.resource_id.as_deref(),
            details: self.details.as_deref(),
            error_message: self.error_message.as_deref(),
            request_id: self.request_id.as_deref(),
        };
        visible(&serde_json::to_string(&line).unwrap_or_default())
    }

    /// Gives a hash the bytes of the row: every column in its order, each with its length, so that none can pretend to be
    /// two, and one that is not there differs from an empty one.
    pub(super) fn hash_into(&self, hash: &mut Sha256) {
        hash.update([CANONICAL]);
        hash.update(self.timestamp.to_le_bytes());
        let always = [Some(self.id.as_str()), Some(&self.action), Some(self.status.word())];
        let perhaps = [&self.user_id, &self.ip_address, &self.user_agent, &self.resource_type, &self.resource_id];
        let more = [&self.details, &self.error_message, &self.request_id];
        for text in always.into_iter().chain(perhaps.into_iter().chain(more).map(Option::as_deref)) {
            let length = text.map_or(u32::MAX, |text| u32::try_from(text.len()).unwrap_or(u32::MAX));
            hash.update(length.to_le_bytes());
            hash.update(text.unwrap_or_default());
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    timestamp: &'a str,
    level: &'static str,
    msg: &'static str,
    id: &'a str,
    action: &'a str,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

/// Whether a text can be an action: small letters, digits and underscores in words with dots between them.
#[must_use]
pub fn is_action(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(is_letter);
    text.len() <= LONGEST_ACTION && text.split('.').all(is_word)
}

fn cut(text: &mut Option<String>, longest: usize) {
    let Some(text) = text else { return };
    if text.contains(char::is_control) {
        *text = text.replace(char::is_control, "\u{fffd}");
    }
    text.truncate(text.floor_char_boundary(longest));
}

#[cfg(test)]
mod tests;
