//! Waking: how the platform learns that a parked request can go on.

use std::task::Waker;

/// Makes the wakers with which requests are polled. There is one for each slot of the driver, kept as long as the slot:
/// a real one from the first poll on, since some futures remember only the first waker that they meet.
pub trait Wakers {
    /// A waker that asks for the request in this slot to be polled again. It may be called late, when another request
    /// is there: that one is polled once too often, which does no harm.
    fn waker(&self, slot: u32) -> Waker;
}
