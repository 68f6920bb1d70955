//! Headers that make browsers careful, on every answer, whoever made it.
//!
//! The defaults are those that the OWASP REST guidance gives for APIs. They replace what an upstream sent under
//! the same name, so that one list says what clients see.

#[cfg(feature = "compiler")]
pub mod keys;

use crate::http::edits::Edits;

/// The key of this stage: `security_headers`, as a constant list of headers: names in lower case, values.
pub type Config = Vec<(String, String)>;

/// The headers of a gateway that says nothing about them.
pub const DEFAULTS: [(&str, &str); 9] = [
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

/// [`DEFAULTS`] as a list.
#[must_use]
pub fn defaults() -> Config {
    DEFAULTS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Puts a constant list of headers on an answer.
pub fn finish(head: &mut Edits, list: u16) {
    head.constant = Some(list);
}

/// What is told of this stage where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(config: &Config, teller: &mut crate::config::told::Teller<'_>) {
    for (name, value) in config {
        teller.put(format!("security_headers.{name}"), value.as_str());
    }
}
