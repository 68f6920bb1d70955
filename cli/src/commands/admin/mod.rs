//! `ferrogate admin ...`: what an operator does with a gateway that runs. How it is asked stands in `operator`.

mod audit;
mod blocks;
mod limits;
mod signals;
mod switches;
mod throw;

pub(super) use audit::COMMAND as AUDIT;
pub(super) use blocks::{BLOCK, BLOCKED, SUSPICIOUS, UNBLOCK};
pub(super) use limits::COMMAND as LIMITS;
pub(super) use signals::COMMAND as SIGNALS;
pub(super) use switches::COMMAND as SWITCHES;
pub(super) use throw::{DRAIN, KILL, MAINTENANCE};
