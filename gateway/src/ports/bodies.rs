//! Bodies of requests that have to be known: before they are sent on, or because they are for the gateway itself. All
//! others stream past it.

use std::future::Future;

use super::upstream::Failure;
use crate::config::size::Size;

/// SHA-256 of a text.
pub type Digest = [u8; 32];

/// The digest of nothing.
pub const OF_NOTHING: Digest = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// The way to the body of the request.
pub trait Bodies {
    /// Reads the whole body.
    fn read(&self, limit: Size, within_ms: u32) -> impl Future<Output = Result<Vec<u8>, Failure>>;

    /// Reads the whole body and gives its digest. The body is kept and goes with the forward that follows.
    fn digest(&self, limit: Size, within_ms: u32) -> impl Future<Output = Result<Digest, Failure>>;
}
