//! The Ferrogate gateway: what is decided about a request, by whom and in which order.
//!
//! In scope: the vocabulary of HTTP, configuration, routing, the stages, the pipeline and the driver that
//! polls it. Out of scope: clocks, randomness, sockets, JavaScript. Those come in through `ports`, so the
//! same code runs in the Worker, on the command line and in native tests, with the same results.
//!
//! Rooms, each allowed to use those before it:
//! `http`, `config`, `facts`, `ports`, `fleet`, `routing`, `stages`, `blueprint`, `pipeline`, `driver`, `explain`.

#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::string_slice))]

pub mod blueprint;
pub mod config;
pub mod driver;
#[cfg(feature = "explain")]
pub mod explain;
pub mod facts;
pub mod fleet;
pub mod http;
pub mod pipeline;
pub mod ports;
pub mod routing;
pub mod stages;
