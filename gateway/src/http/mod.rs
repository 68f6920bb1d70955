//! The vocabulary of HTTP: heads, edits, problems. No sockets, no bodies, no decisions.

pub mod accept;
pub mod baggage;
pub mod cidr;
pub mod edits;
pub mod host;
pub mod json;
pub mod media_type;
pub mod method;
pub mod origin;
pub mod path;
pub mod percent;
pub mod problem;
pub mod query;
pub mod reply;
pub mod request;
pub mod strict;
pub mod structured;
pub mod timestamp;
pub mod trace_context;

/// Milliseconds since 1970-01-01T00:00:00Z. In a Worker the clock stands still between two I/O events.
pub type Millis = u64;
