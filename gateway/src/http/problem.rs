//! Problem details (RFC 9457): the one shape of every refusal.
//!
//! A problem knows its stable code, which is also its metric label, and whose fault it is. It never holds
//! secrets, tokens or internals: `detail` goes to whoever asked.

use std::borrow::Cow;

use serde::Serialize;

use super::{edits::Edits, reply::Made};

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
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    instance: String,
    code: &'a str,
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
}

/// Media type of a problem document (RFC 9457 section 6.1).
pub const MEDIA_TYPE: &str = "application/problem+json";

impl Problem {
    /// A problem of a kind, with the sentence for this occurrence.
    #[must_use]
    pub fn new(kind: &'static Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), headers: Edits::default() }
    }

    /// Names a field and what was expected of it.
    #[must_use]
    pub fn field(mut self, field: impl Into<Cow<'static, str>>, expected: impl Into<Cow<'static, str>>) -> Self {
        self.errors.push(FieldError { field: field.into(), expected: expected.into() });
        self
    }

    /// Adds a header that belongs to the refusal.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.set(name, value);
        self
    }

    /// The answer that carries the problem. `instance` is the request id, as a URN.
    #[must_use]
    pub fn into_reply(self, request_id: &str) -> Made {
        let body = serde_json::to_string(&Document {
            r#type: type_urn(self.kind.code),
            title: self.kind.title,
            status: self.kind.status,
            detail: &self.detail,
            instance: format!("urn:ferrogate:request:{request_id}"),
            code: self.kind.code,
            errors: &self.errors,
        });
        let mut head = self.headers;
        head.set("content-type", MEDIA_TYPE);
        head.set("cache-control", "no-store");
        // A struct of strings and numbers always becomes JSON; an empty body is what is left if that ever fails.
        Made { status: self.kind.status, head, body: body.unwrap_or_default().into() }
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
        let reply =
            Problem::new(&TEAPOT, "No \"coffee\"").field("accept", "tea").header("retry-after", "1").into_reply("r-1");
        assert_eq!(reply.status, 418);
        assert_eq!(reply.head.value("content-type"), Some("application/problem+json"));
        assert_eq!(reply.head.value("retry-after"), Some("1"));
        assert_eq!(
            reply.body,
            r#"{"type":"urn:ferrogate:problem:teapot","title":"Short and stout","status":418,"detail":"No \"coffee\"","instance":"urn:ferrogate:request:r-1","code":"teapot","errors":[{"field":"accept","expected":"tea"}]}"#
        );
    }
}
