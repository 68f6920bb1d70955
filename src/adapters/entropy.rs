//! Randomness, from the platform's generator by the kilobyte: one call into JavaScript serves some hundred
//! requests.

use std::cell::RefCell;

use gateway::ports::entropy::Entropy;

use super::Cloudflare;

const POOL: usize = 4096;

/// Random bytes not given out yet. Filled at the first use: no randomness may be asked for at global scope.
#[derive(Default)]
pub(super) struct Pool(RefCell<Vec<u8>>);

impl Pool {
    fn refill(bytes: &mut Vec<u8>) {
        bytes.resize(POOL, 0);
        #[expect(clippy::disallowed_methods, reason = "this is the room of randomness")]
        let filled = getrandom::fill(bytes);
        if filled.is_err() {
            // The platform's generator cannot fail. If it ever did, predictable identifiers would be worse than
            // the end of this instance.
            core::arch::wasm32::unreachable();
        }
    }
}

impl Entropy for Cloudflare {
    fn fill(&self, target: &mut [u8]) {
        let mut pool = self.entropy.0.borrow_mut();
        for byte in target {
            if pool.is_empty() {
                Pool::refill(&mut pool);
            }
            // Taken out, so that no byte is given out twice and none stays behind.
            *byte = pool.pop().unwrap_or_default();
        }
    }
}
