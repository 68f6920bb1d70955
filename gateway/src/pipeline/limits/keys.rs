//! What requests are counted under, in words: as it is shown to operators, and as they name it. A key is shown as the query
//! that names it, `address=192.0.2.7&path.id=12`; what may be a secret only as a part of its hash.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::{composed, part, principal};
use crate::{
    config::rate::Key,
    http::percent,
    pipeline::exchange::Exchange,
    stages::{log::Logging, rate_limit::Limit},
};

/// The longest key that is shown, in bytes; of a longer one a part of its hash is.
const LONGEST_SHOWN: usize = 200;

/// What is shown of a key where all requests share one.
const ALL: &str = "global";

/// The values of a key by what a limit counts by.
pub(in crate::pipeline) struct Values<'v> {
    /// Who asks: the issuer and the subject. `None`: nobody, and the address counts instead.
    pub principal: Option<(String, String)>,
    /// Which parameters of paths are secrets.
    pub logging: &'v Logging,
    /// All others.
    pub of: &'v dyn Fn(&Key) -> String,
}

/// The key of a request, as it is shown.
pub(super) fn shown_of(exchange: &Exchange<'_>, limit: &Limit) -> String {
    let claim = |name: &str| Some(exchange.principal.as_ref()?.claim(name)?.into_owned());
    let principal = claim("sub").map(|subject| (claim("iss").unwrap_or_default(), subject));
    shown(limit, &Values { principal, logging: &exchange.gateway.logging, of: &|key| part(exchange, key) })
}

/// A key as it is shown.
pub(in crate::pipeline) fn shown(limit: &Limit, values: &Values<'_>) -> String {
    let mut text = String::new();
    for key in &limit.keys {
        match (key, &values.principal) {
            (Key::Global, _) => {}
            (Key::Principal, Some((issuer, subject))) => {
                put(&mut text, "issuer", issuer);
                put(&mut text, "principal", subject);
            }
            (Key::Principal, None) => put(&mut text, "address", &(values.of)(&Key::Address)),
            (key, _) if is_secret(key, values.logging) => put(&mut text, &key.to_string(), &hash_of(&(values.of)(key))),
            _ => put(&mut text, &key.to_string(), &(values.of)(key)),
        }
    }
    match text.len() {
        0 => ALL.to_owned(),
        length if length > LONGEST_SHOWN => hash_of(&text),
        _ => text,
    }
}

/// Whether a value may be a secret.
fn is_secret(key: &Key, logging: &Logging) -> bool {
    match key {
        Key::Header(_) | Key::Claim(_) | Key::ApiKey => true,
        Key::Path(name) => logging.hides(name),
        Key::Address | Key::Principal | Key::Tenant | Key::Plan | Key::Route | Key::Global => false,
    }
}

/// A key as requests have it.
pub(in crate::pipeline) fn counted(limit: &Limit, values: &Values<'_>) -> String {
    composed(limit.keys.iter().map(|key| match (key, &values.principal) {
        (Key::Global, _) => String::new(),
        (Key::Principal, Some((issuer, subject))) => principal(issuer, subject),
        (Key::Principal, None) => (values.of)(&Key::Address),
        _ => (values.of)(key),
    }))
}

/// Adds a pair to a query that people can read: only what would not be read as it is gets encoded.
fn put(text: &mut String, name: &str, value: &str) {
    if !text.is_empty() {
        text.push('&');
    }
    text.push_str(name);
    text.push('=');
    percent::encode_but(value, |byte| percent::is_unreserved(byte) || b"/:{}@,#|".contains(&byte), text);
}

/// 64 bits of a hash: enough to tell keys apart, and nothing to get back what it was.
fn hash_of(value: &str) -> String {
    let digest = Sha256::digest(value);
    digest.iter().take(8).fold(String::from("#"), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
