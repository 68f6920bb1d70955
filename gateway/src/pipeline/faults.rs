//! Faults on demand, for the tests of trap recovery: `?fault=trap-step` makes this wasm instance die there.
//!
//! Compiled only with the feature `faults`, which no deployed build has.

use crate::{pipeline::exchange::Exchange, ports::Ports};

/// Does what the query asks for at this place: `trap-…` panics, `stack-…` overflows the stack, `memory-…` takes
/// memory until there is none, `pause-…` waits for the platform for two seconds, `brief-…` for a moment, `late-…` waits shortly and panics.
pub async fn strike<P: Ports>(place: &str, exchange: &Exchange<'_>, ports: &P) {
    let Some(fault) = exchange.head.query().strip_prefix("?fault=") else { return };
    let Some((kind, at)) = fault.split_once('-') else { return };
    if at.split('&').next() != Some(place) {
        return;
    }
    match kind {
        "trap" => die(),
        "stack" => drop(std::hint::black_box(descend(1))),
        "memory" => hoard(),
        "pause" => ports.pause(2000).await,
        "brief" => ports.pause(1).await,
        "late" => {
            ports.pause(50).await;
            die();
        }
        _ => {}
    }
}

#[expect(clippy::panic, reason = "this is the fault that the tests ask for")]
fn die() {
    panic!("a fault was asked for");
}

/// Uses stack at each level until there is none left.
#[expect(unconditional_recursion, reason = "this is the fault that the tests ask for")]
fn descend(level: u64) -> u64 {
    let frame = std::hint::black_box([level; 64]);
    descend(level.wrapping_add(1)).wrapping_add(frame.iter().sum::<u64>())
}

fn hoard() {
    let mut held: Vec<Vec<u8>> = Vec::new();
    loop {
        held.push(std::hint::black_box(Vec::with_capacity(16 << 20)));
    }
}
