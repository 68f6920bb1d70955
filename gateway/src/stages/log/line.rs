//! The line itself: one JSON object, whatever became of the request.
//!
//! The query is left out on purpose: people put secrets there. So are addresses, tokens and header values.

use serde::Serialize;

use crate::http::json::visible;

/// A request as the log tells it. Field names are stable.
#[derive(Debug, Default, Serialize)]
pub struct Line<'a> {
    /// When the request came, as RFC 3339 has it, in UTC and with milliseconds.
    pub timestamp: &'a str,
    /// `info`, `warn` (the client's fault) or `error` (ours or an upstream's).
    pub level: &'static str,
    /// Always `request`.
    pub msg: &'static str,
    /// The id that the answer carries as well.
    pub request_id: &'a str,
    /// The trace that the request belongs to, where the gateway takes part in traces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<&'a str>,
    /// The gateway's span in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span_id: Option<&'a str>,
    /// The client's span in it, if the client named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_span_id: Option<&'a str>,
    /// The client's own trace, where the gateway has begun another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linked_trace_id: Option<&'a str>,
    /// Whether the trace may be recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampled: Option<bool>,
    /// As sent.
    pub method: &'a str,
    /// As sent, without the query, and without parameters that are not for logs.
    pub path: &'a str,
    /// The route's key, `-` when there was none.
    pub route: &'a str,
    /// What the client got.
    pub status: u16,
    /// What the upstream said, where `status_map` made another status of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_status: Option<u16>,
    /// Time until the head of the answer, or until the end of its body where that is observed, in milliseconds.
    pub duration_ms: u64,
    /// The problem's code, when the answer is a problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// Who asked; null when nobody has proven who they are.
    pub principal: Option<&'a str>,
    /// The upstream that was asked, by its name in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<&'a str>,
    /// Time until its answer, or until it was given up, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_ms: Option<u64>,
    /// How often the request waited for the platform: the log of signals, objects, the database. Upstreams are not counted,
    /// and none for most requests.
    #[serde(skip_serializing_if = "is_none")]
    pub awaits: u32,
    /// What a rate limit has said, unless that there was room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<Limited<'a>>,
    /// How the body ended: `complete` or `broken`, where that is observed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<&'static str>,
}

/// What a rate limit has said.
#[derive(Debug, Serialize)]
pub struct Limited<'a> {
    /// Its name.
    pub limit: &'a str,
    /// `refused`, `unavailable`, `alone` or `shadow`.
    pub outcome: &'static str,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_none(awaits: &u32) -> bool {
    *awaits == 0
}

impl Line<'_> {
    /// The line as one JSON object of visible ASCII, whatever a client put into its path or its issuer into a token:
    /// no reader finds a line break, a control character or a change of direction in there.
    #[must_use]
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_default();
        let ordinary = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        let mut texts = [self.method, self.path]
            .into_iter()
            .chain(self.principal)
            .chain(self.rate_limit.as_ref().map(|told| told.limit));
        if texts.all(ordinary) { json } else { visible(&json) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_visible_ascii_and_says_the_same() {
        let hostile = ["/a", "/\u{85}\u{2028}", "/\u{7f}\"\\", "/caf\u{e9}", "/\u{202e}\u{1f980}", "/a\nb c"];
        for (path, principal) in hostile.iter().flat_map(|path| hostile.map(|principal| (*path, principal))) {
            let (level, msg, request_id, method, route) = ("warn", "request", "r", "GET", "-");
            let (status, principal) = (400, Some(principal));
            let line = Line { level, msg, request_id, method, path, route, status, principal, ..Line::default() };
            let json = line.to_json();
            assert!(json.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{json}");
            let read: serde_json::Value = serde_json::from_str(&json).unwrap();
            assert_eq!((read["path"].as_str(), read["principal"].as_str()), (Some(path), principal));
        }
    }
}
