//! Wakers that call into the entry, which polls inside its guard: a trap in an asynchronous poll is caught there.

use std::{sync::Arc, task::Waker};

use gateway::ports::wakers::Wakers;

use super::Cloudflare;
use crate::boundary::SlotWaker;

impl Wakers for Cloudflare {
    fn waker(&self, slot: u32) -> Waker {
        Waker::from(Arc::new(SlotWaker(slot)))
    }
}
