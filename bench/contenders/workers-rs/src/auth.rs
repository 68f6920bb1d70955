//! Who calls: an HS256 token of our issuer, meant for us, not expired.

use std::cell::OnceCell;

use jwt_compact::{
    AlgorithmExt, UntrustedToken,
    alg::{Hs256, Hs256Key},
};
use serde::{Deserialize, Serialize};
use worker::{Date, Env, Headers, Result};

const ISSUER: &str = "https://issuer.example.com/";
const AUDIENCE: &str = "api";

thread_local! {
    static KEY: OnceCell<Hs256Key> = const { OnceCell::new() };
}

#[derive(Clone, Deserialize, Serialize)]
pub struct Claims {
    iss: String,
    aud: String,
    pub sub: String,
    #[serde(default)]
    pub scope: String,
}

/// The claims of the request's bearer token, or nothing when it has none that is good.
pub fn claims(headers: &Headers, env: &Env) -> Result<Option<Claims>> {
    let authorization = headers.get("authorization")?.unwrap_or_default();
    let Some(token) = authorization.strip_prefix("Bearer ") else {
        return Ok(None);
    };
    KEY.with(|cell| {
        if cell.get().is_none() {
            let _ = cell.set(Hs256Key::new(env.var("JWT_SECRET")?.to_string().as_bytes()));
        }
        Ok(cell.get().and_then(|key| verify(token, key)))
    })
}

fn verify(token: &str, key: &Hs256Key) -> Option<Claims> {
    let token = UntrustedToken::new(token).ok()?; // the validator refuses every algorithm but HS256
    let token = Hs256.validator::<Claims>(key).validate(&token).ok()?;
    let expires = token.claims().expiration?.timestamp_millis();
    let claims = &token.claims().custom;
    let good =
        claims.iss == ISSUER && claims.aud == AUDIENCE && expires > i64::try_from(Date::now().as_millis()).ok()?;
    good.then(|| claims.clone())
}
