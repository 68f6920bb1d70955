//! The built program: what it prints, what it writes, how it ends. One file for each command.

#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a test that panics fails, as it should"
)]

mod admin;
mod audit;
mod check;
mod colours;
mod compile;
mod completions;
mod diff;
mod documented;
mod explain;
mod explain_token;
mod init;
mod routes;
mod support;
mod token;
mod usage;
mod variables;
mod what_if;
