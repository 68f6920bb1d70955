//! Durable Objects: load, apply, persist, answer. The machines themselves stand in `gateway::fleet`; the classes
//! that the platform knows stand in `src/entry/objects.mjs` and make these halves when they are needed.

#![allow(clippy::disallowed_types, reason = "this is one of the rooms of JavaScript types: see clippy.toml")]

pub mod half;
pub mod relay;
mod store;
