//! Refusals, as problem details (RFC 9457).

use serde_json::json;
use worker::{Headers, Response, Result};

use crate::{Call, headers};

/// Why a request is refused.
pub struct Problem {
    status: u16,
    code: &'static str,
    title: &'static str,
    detail: String,
    extra: Option<(&'static str, String)>,
}

impl Problem {
    fn new(status: u16, code: &'static str, title: &'static str, detail: &str) -> Self {
        Self { status, code, title, detail: detail.to_owned(), extra: None }
    }

    pub fn unauthorized() -> Self {
        let challenge = r#"Bearer realm="api", error="invalid_token""#.to_owned();
        Self {
            extra: Some(("www-authenticate", challenge)),
            ..Self::new(401, "unauthorized", "Unauthorized", "A valid bearer token is required.")
        }
    }

    pub fn missing_scope(scope: &str) -> Self {
        Self::new(403, "missing_scope", "Forbidden", &format!("The token lacks the scope {scope}."))
    }

    pub fn cors_refused() -> Self {
        Self::new(403, "cors_refused", "Forbidden", "This origin may not call this API.")
    }

    pub fn not_found() -> Self {
        Self::new(404, "not_found", "Not Found", "No route has this path.")
    }

    pub fn method_not_allowed(allow: String) -> Self {
        let detail = format!("Allowed: {allow}.");
        Self { extra: Some(("allow", allow)), ..Self::new(405, "method_not_allowed", "Method Not Allowed", &detail) }
    }

    pub fn upstream_failed() -> Self {
        Self::new(502, "upstream_failed", "Bad Gateway", "The upstream could not be reached.")
    }

    pub fn upstream_timeout() -> Self {
        Self::new(504, "upstream_timeout", "Gateway Timeout", "The upstream took too long.")
    }

    pub fn response(&self, call: &Call) -> Result<Response> {
        let body = json!({
            "type": format!("about:blank#{}", self.code),
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": call.id,
            "code": self.code,
        });
        let fields = Headers::new();
        fields.set("content-type", "application/problem+json")?;
        if let Some((name, value)) = &self.extra {
            fields.set(name, value)?;
        }
        headers::set_common(&fields, call)?;
        Ok(Response::ok(body.to_string())?.with_status(self.status).with_headers(fields))
    }
}
