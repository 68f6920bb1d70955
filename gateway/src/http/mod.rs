//! The vocabulary of HTTP: heads, edits, problems. No sockets, no bodies, no decisions.

pub mod edits;
pub mod method;
pub mod path;
pub mod problem;
pub mod reply;
pub mod request;

/// Milliseconds since 1970-01-01T00:00:00Z. In a Worker the clock stands still between two I/O events.
pub type Millis = u64;
