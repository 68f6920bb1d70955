//! State that the whole fleet shares: sans-IO machines and the messages between an isolate and an object.

pub mod signals;
