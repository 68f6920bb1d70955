//! Signatures that the platform checks, because it does so faster than wasm: RS256 and ES256.

use std::future::Future;

/// Which public key: by its issuer, and by its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Index of the issuer.
    pub issuer: u16,
    /// Place among the keys of the issuer.
    pub key: u16,
}

/// A signature that is to be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verify {
    /// With which key. Its algorithm is that of the key.
    pub key: Key,
    /// What was signed: ASCII.
    pub signed: String,
    /// The signature in base64url without padding, as JOSE has it: for ES256 two numbers of 32 bytes one after another
    /// (RFC 7518 section 3.4).
    pub signature: String,
}

/// Why it is not known whether a signature is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The platform cannot use the key.
    Unusable,
    /// The client has gone, so nobody waits for an answer.
    ClientGone,
}

/// Whoever checks signatures.
pub trait Signatures {
    /// Whether a signature is right.
    fn verify(&self, verify: Verify) -> impl Future<Output = Result<bool, Failure>>;
}
