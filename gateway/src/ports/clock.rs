//! The time.

use crate::http::Millis;

/// Tells the time. In a Worker the answer changes only when something arrives from outside.
pub trait Clock {
    /// Milliseconds since the epoch.
    fn now(&self) -> Millis;
}
