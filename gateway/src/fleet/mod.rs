//! State that the whole fleet shares: sans-IO machines, the messages between an isolate and an object, and what an
//! isolate keeps of all this.
//!
//! `message` frames what travels, `machine` is what an object runs, `store` what it keeps, `signals` the one ordered log,
//! `audit` what must not be lost, `limits` who may have how much,
//! `abuse` who is not listened to.
//! Not here: who carries messages (`ports::errands` and the Worker) and what a request makes of what is known (`stages`).

pub mod abuse;
pub mod audit;
pub mod isolate;
pub mod limits;
pub mod machine;
pub mod message;
pub mod metrics;
pub mod outbox;
pub mod signals;
pub mod store;
