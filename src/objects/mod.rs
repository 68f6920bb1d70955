//! Durable Objects: load, apply, persist, answer. The machines themselves stand in `gateway::fleet`; the classes
//! that the platform knows stand in `src/entry/objects.mjs` and make these halves when they are needed.

pub mod signals;
