//! One request, one way: what happens to it, in order.
//!
//! `run` is the ordered list, `exchange` what is known about the request on its way, `finish` what happens to
//! every outcome, `gateway` what is built once per isolate, `start` why that may fail, `health`, `admin` and
//! `metrics` the paths that the gateway answers itself, `fleet` what it makes of what the fleet knows, `account` what a
//! witness is told, `hint` what is told of routes in development, `audit` what is put on record,
//! `auditors` how operators read it, `limiters` how they read and change limits, `abuse` who is not listened to, `blocks`
//! how operators see that.

mod abuse;
pub mod account;
mod admin;
pub mod audit;
mod auditors;
mod blocks;
pub mod exchange;
mod facts;
#[cfg(feature = "faults")]
pub mod faults;
pub mod finish;
mod fleet;
pub mod gateway;
mod health;
pub mod hint;
mod limit_counts;
mod limit_keys;
mod limit_names;
mod limiters;
mod limits;
mod metrics;
pub mod run;
pub mod start;
mod violations;

/// A future in a box, behind a pointer: what few requests need makes neither the future of the others larger nor their code.
fn boxed<'f, T>(future: impl std::future::Future<Output = T> + 'f) -> std::pin::Pin<Box<dyn Future<Output = T> + 'f>> {
    Box::pin(future)
}
