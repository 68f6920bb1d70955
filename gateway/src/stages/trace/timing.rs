//! `Server-Timing` (W3C): how long the gateway and the upstream took. In a Worker the clock moves only when something
//! arrives, so the gateway's own time is what it waited for others than the upstream.

use crate::http::Millis;

/// The field: `whole` is the time until the head of the answer, `upstream` the part of it that the upstream was waited for.
#[must_use]
pub fn server_timing(whole: Millis, upstream: Option<Millis>) -> String {
    let own = whole.saturating_sub(upstream.unwrap_or_default());
    let upstream = upstream.map(|upstream| format!(", upstream;dur={upstream}"));
    format!("gateway;dur={own}{}", upstream.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_the_upstream_is_not_counted_twice() {
        assert_eq!(server_timing(120, Some(100)), "gateway;dur=20, upstream;dur=100");
        assert_eq!(server_timing(3, None), "gateway;dur=3");
        assert_eq!(server_timing(3, Some(9)), "gateway;dur=0, upstream;dur=9");
    }
}
