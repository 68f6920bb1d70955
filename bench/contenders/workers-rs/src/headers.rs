//! Header fields: the request id, the origin, those of one connection, those that every answer gets.

use uuid::Uuid;
use worker::{Headers, Result};

use crate::Call;

const ALLOWED_ORIGIN: &str = "https://app.example.com";

const SECURITY: [(&str, &str); 9] = [
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "interest-cohort=()"),
    ("x-permitted-cross-domain-policies", "none"),
];

const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The incoming request id when it is visible ASCII of a sane length, or a fresh UUID.
pub fn request_id(headers: &Headers) -> Result<String> {
    let good = |id: &String| (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    let incoming = headers.get("x-request-id")?.filter(good);
    Ok(incoming.unwrap_or_else(|| Uuid::new_v4().to_string()))
}

/// Whether the request comes from an origin on the list.
pub fn allowed_origin(headers: &Headers) -> Result<bool> {
    Ok(headers.get("origin")?.as_deref() == Some(ALLOWED_ORIGIN))
}

/// Removes the fields of one connection, those that `Connection` names included.
pub fn strip_hop_by_hop(headers: &Headers) -> Result<()> {
    if let Some(named) = headers.get("connection")? {
        for name in named.split(',') {
            let _ = headers.delete(name.trim()); // an error means that it is no name
        }
    }
    for name in HOP_BY_HOP {
        headers.delete(name)?;
    }
    Ok(())
}

/// Security headers, CORS and the request id, as every answer has them.
pub fn set_common(headers: &Headers, call: &Call) -> Result<()> {
    for (name, value) in SECURITY {
        headers.set(name, value)?;
    }
    if call.allowed {
        headers.set("access-control-allow-origin", ALLOWED_ORIGIN)?;
        headers.set("access-control-allow-credentials", "true")?;
        headers.set("access-control-expose-headers", "X-Request-ID")?;
    }
    headers.append("vary", "Origin")?;
    headers.set("x-request-id", &call.id)
}
