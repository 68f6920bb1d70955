//! The Rust half of a relay of the log: it has no storage, and asks the root for what it does not know.

use std::cell::RefCell;

use gateway::{
    fleet::signals::relay::{Relay, Reply},
    http::Millis,
};
use wasm_bindgen::prelude::wasm_bindgen;

/// A relay.
#[wasm_bindgen]
#[derive(Default)]
pub struct RelayHalf {
    relay: RefCell<Relay>,
}

#[wasm_bindgen]
impl RelayHalf {
    /// One that knows nothing.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new() -> RelayHalf {
        Self::default()
    }

    /// What becomes of a message: a byte, and what belongs to it. 0: an answer. 1: a question for the root, whose answer is
    /// for [`RelayHalf::absorb`], before this is asked again. 2: the root is to answer the message itself.
    #[must_use]
    pub fn serve(&self, now: f64, message: &[u8]) -> Vec<u8> {
        let (word, bytes) = match self.relay.borrow_mut().serve(now as Millis, message) {
            Reply::Answer(bytes) => (0, bytes),
            Reply::AskFirst(bytes) => (1, bytes),
            Reply::PassOn => (2, Vec::new()),
        };
        [vec![word], bytes].concat()
    }

    /// Learns what the root said to a question that was sent at that time.
    pub fn absorb(&self, now: f64, sent: f64, answer: Vec<u8>) {
        self.relay.borrow_mut().absorb(now as Millis, sent as Millis, answer);
    }
}
