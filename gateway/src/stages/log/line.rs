//! The line itself: one JSON object, whatever became of the request.
//!
//! The query is left out on purpose: people put secrets there. So are addresses, tokens and header values.

use serde::Serialize;

/// A request as the log tells it. Field names are stable.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    /// `info`, `warn` (the client's fault) or `error` (ours or an upstream's).
    pub level: &'static str,
    /// Always `request`.
    pub msg: &'static str,
    /// The id that the answer carries as well.
    pub request_id: &'a str,
    /// As sent.
    pub method: &'a str,
    /// As sent, without the query, and without parameters that are not for logs.
    pub path: &'a str,
    /// The route's key, `-` when there was none.
    pub route: &'a str,
    /// What the client got.
    pub status: u16,
    /// Time until the head of the answer, or until the end of its body where that is observed, in milliseconds.
    pub duration_ms: u64,
    /// The problem's code, when the answer is a problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// Who asked; null when nobody has proven who they are.
    pub principal: Option<&'a str>,
    /// How the body ended: `complete` or `broken`, where that is observed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<&'static str>,
}

impl Line<'_> {
    /// The line as one JSON object.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
