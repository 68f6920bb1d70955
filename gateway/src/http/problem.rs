//! Problem details (RFC 9457): the one shape of every refusal, as a document or as text.
//!
//! A problem knows its stable code, which is also its metric label, and whose fault it is. It never holds
//! secrets, tokens or internals: `detail` goes to whoever asked.

use std::borrow::Cow;

use serde::Serialize;

use super::{accept::prefers_text, edits::Edits, reply::Made};

/// Whose fault a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request cannot be served as it is.
    Client,
    /// The gateway itself, or how it is configured.
    Gateway,
    /// What stands behind the gateway.
    Upstream,
}

/// A kind of problem. Every refusal in the project is one of these; each stands beside the code that raises it.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Stable name: the end of the `type` URN, the `code` member and the metric label.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Short and the same for every occurrence.
    pub title: &'static str,
    /// Whose fault it is.
    pub fault: Fault,
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Where: the name of a header or a JSON Pointer into the body.
    pub field: Cow<'static, str>,
    /// What would have been right.
    pub expected: Cow<'static, str>,
}

/// One occurrence of a problem.
#[derive(Clone, Debug)]
pub struct Problem {
    /// What kind.
    pub kind: &'static Kind,
    /// This occurrence, in a sentence, for the person who sent the request.
    pub detail: Cow<'static, str>,
    /// The fields at fault.
    pub errors: Vec<FieldError>,
    /// Headers that the refusal needs (`WWW-Authenticate`, `Allow`, `Retry-After`).
    pub headers: Edits,
    /// The stage that has refused, once that is told; empty before. For counting: no client sees it.
    pub stage: &'static str,
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    instance: String,
    code: &'a str,
    family: String,
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
}

/// Media type of a problem document (RFC 9457 section 6.1).
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Media type of a problem as text.
const TEXT: &str = "text/plain; charset=utf-8";

impl Kind {
    /// The family that it belongs to, with its status: `AUTH-401`. For clients that tell problems apart roughly, and for
    /// those that come from systems with such codes.
    #[must_use]
    pub fn family(&self) -> String {
        format!("{}-{}", self.family_name(), self.status)
    }

    fn family_name(&self) -> &'static str {
        let is_of = |prefix: &str| self.code.starts_with(prefix);
        match self.status {
            _ if self.fault == Fault::Upstream => "NET",
            _ if is_of("cors_") || is_of("host_") || is_of("https_") => "SEC",
            401 | 403 => "AUTH",
            404 | 405 | 410 => "ROUTE",
            429 => "RATE",
            503 if is_of("maintenance") || is_of("draining") || is_of("kill_switch") => "KILL",
            _ if self.fault == Fault::Gateway => "SRV",
            _ => "VAL",
        }
    }
}

impl Problem {
    /// A problem of a kind, with the sentence for this occurrence.
    #[must_use]
    pub fn new(kind: &'static Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::of(kind, detail.into())
    }

    /// One function for all refusals: these are many places, and none is on the way of a request that is served.
    #[cold]
    #[inline(never)]
    fn of(kind: &'static Kind, detail: Cow<'static, str>) -> Self {
        Self { kind, detail, errors: Vec::new(), headers: Edits::default(), stage: "" }
    }

    /// Says which stage it comes from. The first to say so is believed: others only pass it on.
    #[cold]
    pub fn claim(&mut self, stage: &'static str) {
        if self.stage.is_empty() {
            self.stage = stage;
        }
    }

    /// Names a field and what was expected of it.
    #[must_use]
    pub fn field(self, field: impl Into<Cow<'static, str>>, expected: impl Into<Cow<'static, str>>) -> Self {
        self.named(FieldError { field: field.into(), expected: expected.into() })
    }

    #[cold]
    #[inline(never)]
    fn named(mut self, error: FieldError) -> Self {
        self.errors.push(error);
        self
    }

    /// Adds a header that belongs to the refusal.
    #[must_use]
    pub fn header(self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.with(name, value.into())
    }

    #[cold]
    #[inline(never)]
    fn with(mut self, name: &'static str, value: Cow<'static, str>) -> Self {
        self.headers.set(name, value);
        self
    }

    /// The answer that carries the problem, in the form that `Accept` asks for. `instance` is the request id, as a URN.
    #[must_use]
    pub fn into_reply(self, request_id: &str, accept: Option<&str>) -> Made {
        let is_text = prefers_text(accept);
        let body = if is_text { self.text(request_id) } else { self.document(request_id) };
        let mut head = self.headers;
        head.set("content-type", if is_text { TEXT } else { MEDIA_TYPE });
        head.set("cache-control", "no-store");
        Made { status: self.kind.status, head, body: body.into() }
    }

    fn document(&self, request_id: &str) -> String {
        let document = serde_json::to_string(&Document {
            r#type: type_urn(self.kind.code),
            title: self.kind.title,
            status: self.kind.status,
            detail: &self.detail,
            instance: format!("urn:ferrogate:request:{request_id}"),
            code: self.kind.code,
            family: self.kind.family(),
            errors: &self.errors,
        });
        // A struct of strings and numbers always becomes JSON; an empty body is what is left if that ever fails.
        document.unwrap_or_default()
    }

    /// For people who ask with a terminal. The same facts as the document has.
    fn text(&self, request_id: &str) -> String {
        let Kind { code, status, title, .. } = self.kind;
        let errors = self.errors.iter().map(|error| format!("{}: expected {}\n", error.field, error.expected));
        let start = format!("{status} {title}\n{}\n", self.detail);
        let end = format!("code: {code} ({})\nrequest: {request_id}\n", self.kind.family());
        errors.fold(start, |text, error| text + &error) + &end
    }
}

/// The problem type: a URN, so that it names the kind and promises no page.
fn type_urn(code: &str) -> String {
    format!("urn:ferrogate:problem:{code}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEAPOT: Kind = Kind { code: "teapot", status: 418, title: "Short and stout", fault: Fault::Client };

    #[test]
    fn a_problem_becomes_a_document_with_every_member() {
        let reply = Problem::new(&TEAPOT, "No \"coffee\"")
            .field("accept", "tea")
            .header("retry-after", "1")
            .into_reply("r-1", None);
        assert_eq!(reply.status, 418);
        assert_eq!(reply.head.value("content-type"), Some("application/problem+json"));
        assert_eq!(reply.head.value("retry-after"), Some("1"));
        assert_eq!(
            reply.body,
            r#"{"type":"urn:ferrogate:problem:teapot","title":"Short and stout","status":418,"detail":"No \"coffee\"","instance":"urn:ferrogate:request:r-1","code":"teapot","family":"VAL-418","errors":[{"field":"accept","expected":"tea"}]}"#
        );
    }

    #[test]
    fn a_problem_becomes_text_for_those_who_ask_for_it() {
        let problem = Problem::new(&TEAPOT, "No coffee.").field("accept", "tea").header("retry-after", "1");
        let reply = problem.into_reply("r-1", Some("text/plain"));
        assert_eq!(reply.head.value("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!((reply.status, reply.head.value("retry-after")), (418, Some("1")));
        let text = "418 Short and stout\nNo coffee.\naccept: expected tea\ncode: teapot (VAL-418)\nrequest: r-1\n";
        assert_eq!(reply.body, text);
    }

    #[test]
    fn kinds_belong_to_families() {
        let family = |code, status, fault| Kind { code, status, title: "", fault }.family();
        assert_eq!(family("token_missing", 401, Fault::Client), "AUTH-401");
        assert_eq!(family("cors_origin_refused", 403, Fault::Client), "SEC-403");
        assert_eq!(family("method_not_allowed", 405, Fault::Client), "ROUTE-405");
        assert_eq!(family("upstream_timeout", 504, Fault::Upstream), "NET-504");
        assert_eq!(family("maintenance", 503, Fault::Gateway), "KILL-503");
        assert_eq!(family("internal", 500, Fault::Gateway), "SRV-500");
        assert_eq!(family("body_too_large", 413, Fault::Client), "VAL-413");
    }
}
