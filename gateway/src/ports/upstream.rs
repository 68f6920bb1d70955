//! The upstream: where requests go, and what is told back about it.
//!
//! Bodies do not pass through here: the platform streams them from one side to the other.

use std::future::Future;

use crate::{
    config::size::Size,
    http::{Millis, edits::Edits, reply::Reply},
};

/// A request to an upstream, as data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forward {
    /// Absolute URL. Exactly this is requested.
    pub url: String,
    /// The binding of the Worker that is asked instead of the network; empty for the network.
    pub binding: String,
    /// The header of the answer whose number is asked for, in lower case; empty for none.
    pub asks: String,
    /// The most bytes that the body may have, if that is not known from its length.
    pub body_limit: Option<Size>,
    /// Changes to the client's head. The fields of one hop (RFC 9110 section 7.6.1) are taken out first.
    pub head: Edits,
    /// Time until the head of the answer must be there, in milliseconds.
    pub timeout_ms: u32,
    /// Send the client's head as it is, but for the fields that `Connection` names.
    pub untouched: bool,
    /// Changes to the answer's head. They travel with the request, so that the answer can be finished even if
    /// the wasm instance that planned it is gone when it arrives.
    pub answer: Edits,
}

/// The head of an upstream's answer, as far as decisions read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Status code.
    pub status: u16,
    /// The number in the header that was asked for, if there is one.
    pub told: Option<u32>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No connection, or it broke before the head of the answer.
    Unreachable,
    /// The head of the answer was not there in time.
    Timeout,
    /// The client has gone, so nobody waits for an answer.
    ClientGone,
    /// The body of the request grew beyond its limit.
    BodyTooLarge,
}

/// An answer on its way to the client whose body is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The answer.
    pub reply: Reply,
    /// After so many milliseconds its body is cut off.
    pub within_ms: Option<Millis>,
    /// Whether the bytes of its body are counted.
    pub counts: bool,
}

/// How the body of an observed answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyEnd {
    /// All of it was handed to the client.
    Complete,
    /// The upstream broke off, or the client went away.
    Broken,
}

/// The way to the upstream and, for observed answers, to the client.
pub trait Upstream {
    /// Sends a request and waits for the head of the answer.
    fn call(&self, plan: Forward) -> impl Future<Output = Result<Head, Failure>>;

    /// Hands an answer to the client and waits until its body has ended (`observe = "body"`). Tells how, and how many bytes
    /// it had, if they were counted.
    fn deliver(&self, delivery: Delivery) -> impl Future<Output = (BodyEnd, u32)>;
}
