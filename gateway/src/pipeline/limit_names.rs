//! What requests are counted under, in words: as it is shown to operators, and as they name it. A key is shown as the query
//! that names it, `address=192.0.2.7&path.id=12`; what may be a secret only as a part of its hash.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::{
    config::rate::Key,
    http::percent,
    pipeline::{
        exchange::Exchange,
        limit_keys::{composed, of_issuer, part},
    },
    stages::{log::Logging, rate_limit::Limit},
};

/// The longest key that is shown, in bytes; of a longer one a part of its hash is.
const LONGEST_SHOWN: usize = 200;

/// What is shown of a key where all requests share one.
const ALL: &str = "global";

/// The values of a key by what a limit counts by.
pub(super) struct Values<'v> {
    /// The issuer of the caller, the subject, and the number of the token, as far as they are known.
    pub issuer: Option<String>,
    pub subject: Option<String>,
    pub number: Option<String>,
    /// Which parameters of paths are secrets.
    pub logging: &'v Logging,
    /// What counts for other kinds.
    pub of: &'v dyn Fn(&Key) -> String,
}

/// What a caller is counted under.
enum Caller<'v> {
    Number(&'v str),
    Subject(&'v str),
    Address,
}

impl Values<'_> {
    /// For the kinds that name the caller; `None` for all others. Who shows no token is counted by where he comes from.
    fn caller(&self, key: &Key) -> Option<Caller<'_>> {
        let subject = || self.subject.as_deref().map_or(Caller::Address, Caller::Subject);
        match key {
            Key::Principal => Some(subject()),
            Key::ApiKey => Some(self.number.as_deref().map_or_else(subject, Caller::Number)),
            _ => None,
        }
    }
}

/// The key of a request, as it is shown.
pub(super) fn shown_of(exchange: &Exchange<'_>, limit: &Limit) -> String {
    let claim = |name: &str| Some(exchange.principal.as_ref()?.claim(name)?.into_owned());
    let subject = exchange.principal.as_ref().and_then(|principal| principal.subject()).map(str::to_owned);
    let (issuer, number, logging) = (claim("iss"), claim("jti"), &exchange.gateway.logging);
    shown(limit, &Values { issuer, subject, number, logging, of: &|key| part(exchange, key).into_owned() })
}

/// A key as it is shown.
pub(super) fn shown(limit: &Limit, values: &Values<'_>) -> String {
    let mut text = String::new();
    let issuer = || values.issuer.as_deref().unwrap_or_default();
    for key in &limit.keys {
        match (key, values.caller(key)) {
            (Key::Global, _) => {}
            (_, Some(Caller::Subject(subject))) => {
                put(&mut text, "issuer", issuer());
                put(&mut text, "principal", subject);
            }
            (_, Some(Caller::Number(number))) => {
                put(&mut text, "issuer", issuer());
                put(&mut text, "api_key", &hash_of(number));
            }
            (_, Some(Caller::Address)) => put(&mut text, "address", &(values.of)(&Key::Address)),
            (key, None) if is_secret(key, values.logging) => {
                put(&mut text, &key.to_string(), &hash_of(&(values.of)(key)));
            }
            (key, None) => put(&mut text, &key.to_string(), &(values.of)(key)),
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

/// A key as requests have it; see `limit_keys`.
pub(super) fn counted(limit: &Limit, values: &Values<'_>) -> String {
    let issuer = values.issuer.as_deref().unwrap_or_default();
    composed(limit.keys.iter().map(|key| match (key, values.caller(key)) {
        (Key::Global, _) => "".into(),
        (_, Some(Caller::Subject(subject))) => of_issuer(issuer, ' ', subject).into(),
        (_, Some(Caller::Number(number))) => of_issuer(issuer, '#', number).into(),
        (_, Some(Caller::Address)) => (values.of)(&Key::Address).into(),
        (key, None) => (values.of)(key).into(),
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
