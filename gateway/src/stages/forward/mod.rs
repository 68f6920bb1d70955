//! The way to the upstream: where exactly, with which head, and what its failures mean to the client.

#[cfg(feature = "compiler")]
pub mod keys;
pub mod signature;
pub mod upstream;
#[cfg(feature = "compiler")]
pub mod upstreams;

use serde::{Deserialize, Serialize};

use crate::{
    config::size::Size,
    facts::authorized::Authorized,
    http::problem::{Fault, Kind, Problem},
    ports::upstream::{Failure, Forward, Head, Upstream},
};

use self::upstream::Timeouts;

/// The keys of this stage: `timeout`, `pass_through`, `observe`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Config {
    /// Hand request and answer on as they are, hop-by-hop fields apart.
    pub pass_through: bool,
    /// How far an answer is watched.
    pub observe: Observe,
    /// How long an answer may take, if the route or its policies say so; else the upstream, else the gateway.
    pub timeout: Option<Timeouts>,
}

/// How far an answer is watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Observe {
    /// Up to its head: the body streams on by itself, and outcome and duration are those of the head.
    #[default]
    Head,
    /// Up to the end of its body.
    Body,
}

/// 502: no connection, or none that held until the head of the answer.
pub const UPSTREAM_UNREACHABLE: Kind =
    Kind { code: "upstream_unreachable", status: 502, title: "The upstream did not answer", fault: Fault::Upstream };

/// 504: the head of the answer did not come in time.
pub const UPSTREAM_TIMEOUT: Kind = Kind {
    code: "upstream_timeout",
    status: 504,
    title: "The upstream did not answer in time",
    fault: Fault::Upstream,
};

/// 499: nobody is there to read the answer. It is logged, never sent.
pub const CLIENT_GONE: Kind =
    Kind { code: "client_gone", status: 499, title: "The client has gone", fault: Fault::Client };

/// Sends a request on. Takes the proof that it may go.
///
/// # Errors
/// [`UPSTREAM_UNREACHABLE`], [`UPSTREAM_TIMEOUT`] or [`CLIENT_GONE`]; `too_large` when the body grew beyond its limit.
pub async fn call(
    _authorized: Authorized,
    plan: Forward,
    upstream: &impl Upstream,
    too_large: impl FnOnce(Size) -> Problem,
) -> Result<Head, Problem> {
    let (timeout_ms, limit) = (plan.timeout_ms, plan.body_limit.unwrap_or_default());
    upstream.call(plan).await.map_err(|failure| match failure {
        Failure::BodyTooLarge => too_large(limit),
        Failure::Unreachable => {
            Problem::new(&UPSTREAM_UNREACHABLE, "The connection to the upstream failed before it answered.")
        }
        Failure::Timeout => {
            Problem::new(&UPSTREAM_TIMEOUT, format!("The upstream did not answer within {timeout_ms} ms."))
        }
        Failure::ClientGone => Problem::new(&CLIENT_GONE, "The client left before the answer."),
    })
}

/// What is told of this stage where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(Config { pass_through, observe, timeout: _ }: &Config, teller: &mut crate::config::told::Teller<'_>) {
    // Which timeouts hold is settled between route, upstream and gateway, and told there.
    teller.put("pass_through", crate::config::told::yes(*pass_through));
    teller.put("observe", if *observe == Observe::Body { "body" } else { "head" });
}
