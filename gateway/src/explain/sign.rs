//! Tokens for explanations: signed as the issuer of the file would sign them, with the key that it has here.
//!
//! They never leave the process. A token for other programs is made by `ferrogate token`.

use jwt_compact::{
    AlgorithmExt, Claims, Header,
    alg::{Hs256, Hs256Key},
};
use serde_json::{Map, Value};

use crate::{
    config::text::Values,
    http::Millis,
    stages::authn::{Algorithm, Issuer},
};

/// How long a token is good that does not say so itself, in seconds.
const LIFE_S: u64 = 300;

/// A token that the issuer is believed for; `None` when it cannot be signed.
pub(super) fn token(issuer: &Issuer, values: &Values, claims: &Map<String, Value>, now: Millis) -> Option<String> {
    let Algorithm::Hs256 = issuer.algorithm;
    let expires_s = now.checked_div(1_000).unwrap_or_default().saturating_add(LIFE_S);
    let mut whole = Map::new();
    whole.insert("iss".to_owned(), issuer.issuer.resolve(values).into());
    whole.insert("aud".to_owned(), issuer.audience.resolve(values).into());
    whole.insert("exp".to_owned(), expires_s.into());
    whole.extend(claims.clone());
    let key = Hs256Key::new(issuer.secret.resolve(values));
    Hs256.token(&Header::empty().with_token_type("JWT"), &Claims::new(whole), &key).ok()
}
