//! `[issuers.NAME]`: whose tokens are believed.

use super::{Algorithm, Issuer};
use crate::config::{keys::keys, kinds, text::Text};

/// Clocks of servers on the internet rarely differ by more.
const DEFAULT_LEEWAY_S: u32 = 30;

keys! {
    /// Whose tokens are believed.
    pub struct Keys {
        /// The one algorithm that the secret is for. A token that names another is refused.
        algorithm: Algorithm [Required] = kinds::word(&[("HS256", Algorithm::Hs256)]),
        /// What `iss` must be, exactly.
        issuer: Text [Required] = kinds::not_empty(),
        /// What `aud` must be, or hold if it is a list.
        /// Example: `audience = "acme-api"`
        audience: Text [Required] = kinds::not_empty(),
        /// The key that issuer and gateway share. The Worker's secret has at least 32 bytes, or the gateway does not
        /// start.
        secret: Text [Required] = kinds::secret(),
        /// How far clocks may differ when `exp` and `nbf` are looked at.
        /// Example: `leeway = "5s"`
        leeway: u32 [Default("\"30s\"")] = kinds::seconds(0..=300),
    }
}

/// An issuer; `None` when something about it is wrong.
#[must_use]
pub fn issuer(name: &str, keys: Keys) -> Option<Issuer> {
    Some(Issuer {
        name: name.to_owned(),
        leeway_s: keys.leeway.or(DEFAULT_LEEWAY_S)?,
        algorithm: keys.algorithm.take()?,
        issuer: keys.issuer.take()?,
        audience: keys.audience.take()?,
        secret: keys.secret.take()?,
    })
}
