//! Waiting for its own sake, for the tests of trap recovery.

use std::time::Duration;

use gateway::ports::dependencies::Pause;
use worker::Delay;

use super::Cloudflare;

impl Pause for Cloudflare {
    async fn pause(&self, ms: u32) {
        Delay::from(Duration::from_millis(u64::from(ms))).await;
    }
}
