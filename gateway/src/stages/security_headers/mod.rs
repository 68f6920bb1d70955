//! Headers that make browsers careful, on every answer, whoever made it. They replace what an upstream sent under the same
//! name, so that one list says what clients see.
//!
//! Not here: `Cache-Control` and what else an answer itself decides.

#[cfg(feature = "compiler")]
pub mod keys;

use crate::http::edits::Edits;

/// The key of this stage: `security_headers`, as a constant list of headers: names in lower case, values.
pub type Config = Vec<(String, String)>;

/// A list of headers for a purpose: names in lower case, values.
pub type Preset = &'static [(&'static str, &'static str)];

/// For answers that are data and never a page, after the OWASP REST guidance: the headers of a gateway that says nothing
/// about them.
pub const API: Preset = &[
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

/// For pages: their own scripts, styles and frames work, those of strangers do not, and they are isolated from pages of
/// other origins.
pub const WEB: Preset = &[
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "SAMEORIGIN"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    (
        "content-security-policy",
        "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'; object-src 'none'; \
         upgrade-insecure-requests",
    ),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "credentialless"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), \
         midi=(), payment=(), usb=(), interest-cohort=()",
    ),
    ("x-permitted-cross-domain-policies", "none"),
];

/// A preset as a list of a configuration.
#[must_use]
pub fn list(preset: Preset) -> Config {
    preset.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
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
