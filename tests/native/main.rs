//! The whole gateway, natively: the same driver and pipeline as in the Worker, on ports kept in memory, with a clock
//! that is set by hand. What needs a runtime (streams, traps, bindings) is in `tests/worker`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    reason = "a test that panics has done its work"
)]

mod abuse;
mod audit;
mod authz;
mod compare;
mod dashboard;
mod driver;
mod explain;
mod fixture;
mod fleet;
mod forwarded;
mod guard;
mod health;
mod hostile;
mod layers;
mod limits;
mod metrics;
mod page_fragments;
mod problems_page;
mod reference;
mod requests;
mod signatures;
mod tokens;
mod trace;
mod transform;
mod validator;
mod versions;
mod well_known;
