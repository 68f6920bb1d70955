//! Machines of the fleet and whoever talks to them, natively, under schedules that one seed decides: `kit` plays them,
//! `signals` has the promises of the
//! log, `limits` those of rate limits. `CONTRIBUTING.md` tells how to repeat one, and how to play more.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "a test that panics has done its work"
)]

mod abuse_formats;
mod formats;
mod kit;
mod limits;
mod million;
mod signals;
