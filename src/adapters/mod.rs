//! One file per port: how the gateway's needs are met on Cloudflare.

#![allow(clippy::disallowed_types, reason = "this is one of the rooms of JavaScript types: see clippy.toml")]

pub(crate) mod dependencies;
pub(crate) mod entropy;
#[cfg(feature = "faults")]
pub(crate) mod pause;
pub(crate) mod wakers;
pub(crate) mod witness;

use worker::Env;

/// Everything that the gateway needs from the platform. Bindings belong to the isolate and are kept.
pub(crate) struct Cloudflare {
    env: Env,
    entropy: entropy::Pool,
}

impl Cloudflare {
    /// On the bindings of this isolate.
    pub(crate) fn new(env: Env) -> Self {
        Self { env, entropy: entropy::Pool::default() }
    }
}
