//! The Worker: a thin shell around the crate `gateway`. The only place that names Worker or JavaScript types.
//!
//! JavaScript calls `boundary` for requests and `objects` for Durable Objects; nothing else is exported.

#![cfg(target_arch = "wasm32")]

mod adapters;
mod bindings;
pub mod boundary;
pub mod objects;
