//! The only place of the program that reads the clock.

/// Seconds since 1970-01-01T00:00:00Z; 0 on a machine that believes to be older than that.
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the room of the clock: there is no port natively"
)]
pub(crate) fn now_s() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    now.map(|since| since.as_secs()).unwrap_or_default()
}
