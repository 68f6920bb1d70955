//! Tokens for explanations: made as the issuer of the file would make them, with the secret that it has here. A public
//! key signs nothing: such a token has a signature of the right length, and the driver is told that it is right.
//!
//! They never leave the process. A token for other programs is made by `ferrogate token`.

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use crate::{
    config::text::{Text, Values},
    http::Millis,
    stages::authn::{Issuer, Keys, public_key},
};

/// How long a token is good that does not say so itself, in seconds.
const LIFE_S: u64 = 300;

/// A token of an issuer.
pub(super) fn token(issuer: &Issuer, values: &Values, claims: &Map<String, Value>, now: Millis) -> String {
    let now_s = now.checked_div(1_000).unwrap_or_default();
    let mut whole = Map::new();
    whole.insert("iss".to_owned(), issuer.issuer.resolve(values).into());
    whole.insert("aud".to_owned(), issuer.audiences.first().map(|audience| audience.resolve(values)).into());
    whole.insert("exp".to_owned(), now_s.saturating_add(LIFE_S).into());
    if issuer.rules.max_age_s.is_some() {
        whole.insert("iat".to_owned(), now_s.into());
    }
    whole.extend(claims.clone());
    let kind = issuer.rules.types.first().map_or("JWT", String::as_str);
    let header = json!({ "alg": issuer.algorithm.name(), "typ": kind });
    match &issuer.keys {
        Keys::Secrets(secrets) => with_secret(&unsigned(&header, whole), secrets, values),
        Keys::Public(_) => with_key(issuer, header, whole, values),
    }
}

fn unsigned(header: &Value, claims: Map<String, Value>) -> String {
    let part = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
    format!("{}.{}", part(header), part(&Value::Object(claims)))
}

fn with_secret(unsigned: &str, secrets: &[Text], values: &Values) -> String {
    let secret = secrets.first().map(|secret| secret.resolve(values)).unwrap_or_default();
    let signature = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map(|mut mac| {
        mac.update(unsigned.as_bytes());
        mac.finalize().into_bytes()
    });
    format!("{unsigned}.{}", signature.map(|bytes| Base64UrlUnpadded::encode_string(&bytes)).unwrap_or_default())
}

/// With the name of the first key, if it has one, so that the token is not tried with all of them.
fn with_key(issuer: &Issuer, mut header: Value, claims: Map<String, Value>, values: &Values) -> String {
    let Keys::Public(sources) = &issuer.keys else { return String::new() };
    let keys = sources.iter().find_map(|source| {
        public_key::read(&source.text.resolve(values), source.kid.as_deref(), issuer.algorithm).ok()?.into_iter().next()
    });
    let (kid, length) = keys.map_or((None, 0), |key| (key.kid, key.signature_length));
    if let (Some(kid), Value::Object(members)) = (kid, &mut header) {
        members.insert("kid".to_owned(), kid.into());
    }
    format!("{}.{}", unsigned(&header, claims), "A".repeat(length))
}
