//! The platform services that the gateway stands on, as far as readiness asks for them.

use std::future::Future;

/// A service that did not answer, by the name under which readiness reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Down {
    /// `database`, `key_value` or `objects`.
    pub name: &'static str,
}

/// Asks every service once.
pub trait Dependencies {
    /// The services that did not answer; none when all is well.
    fn check(&self) -> impl Future<Output = Vec<Down>>;
}

/// Waiting on the platform for its own sake, which only the tests of trap recovery need.
#[cfg(feature = "faults")]
pub trait Pause {
    /// Ends after this many milliseconds.
    fn pause(&self, ms: u32) -> impl Future<Output = ()>;
}
