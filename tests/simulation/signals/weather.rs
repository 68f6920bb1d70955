//! What goes wrong at moments of its own: isolates and relays are lost, somebody is cut off, clocks are set. Then the calm,
//! the night and the morning.

use super::{World, checks, isolates, relays, writers};
use crate::kit::{Actor, Faults};

/// Everything that a schedule does to its world.
pub(super) fn begin(sim: &mut World) {
    sim.after(200, strike);
    sim.after(sim.world.calm_at, calm);
    // A log whose storage is lost is a rare thing.
    if sim.random.chance(80) {
        let at = sim.random.below(sim.world.calm_at);
        sim.after(at, |sim| {
            let root = sim.world.root;
            sim.wipe(root);
            sim.world.history.may_begin = true;
        });
    }
}

fn strike(sim: &mut World) {
    if sim.now() >= sim.world.calm_at {
        return;
    }
    match sim.random.below(8) {
        0..=1 => {
            let index = sim.random.below(sim.world.isolates.len() as u64) as usize;
            isolates::lose(sim, index);
        }
        2 if !sim.world.relays.is_empty() => {
            let number = sim.random.below(sim.world.relays.len() as u64) as usize;
            relays::lose(sim, number);
        }
        3..=4 => cut_off(sim),
        5 => set_a_clock(sim),
        6 => {
            let root = sim.world.root;
            sim.evict(root);
        }
        _ => {}
    }
    let pause = sim.random.between(100, 4_000);
    sim.after(pause, strike);
}

fn anybody(sim: &mut World) -> Actor {
    let relays = sim.world.relays.iter().map(|seat| seat.actor);
    let isolates = sim.world.isolates.iter().map(|seat| seat.actor);
    let all: Vec<Actor> = relays.chain(isolates).chain([sim.world.root]).collect();
    *sim.random.pick(&all)
}

fn cut_off(sim: &mut World) {
    let actor = anybody(sim);
    sim.cut(actor, true);
    let ms = sim.random.between(100, 8_000);
    sim.after(ms, move |sim| sim.cut(actor, false));
}

/// A little forward or back, or by an hour: then back again, or not.
fn set_a_clock(sim: &mut World) {
    let actor = anybody(sim);
    let by = *sim.random.pick(&[-3_600_000, -2_000, -300, 300, 2_000, 3_600_000]);
    sim.set_clock(actor, by);
    for index in 0..sim.world.isolates.len() {
        checks::isolate(sim, index);
    }
    if by > 0 && sim.random.chance(700) {
        let ms = sim.random.between(1, 3_000);
        sim.after(ms, move |sim| sim.set_clock(actor, -by));
    }
}

/// Nothing goes wrong any more.
fn calm(sim: &mut World) {
    sim.note(|_| "from now on nothing goes wrong".to_owned());
    sim.faults = Faults::NONE;
    let everybody = sim.world.relays.iter().map(|seat| seat.actor);
    let everybody: Vec<_> = everybody.chain(sim.world.isolates.iter().map(|seat| seat.actor)).collect();
    for actor in everybody.into_iter().chain([sim.world.root]) {
        sim.cut(actor, false);
    }
}

/// All have had time enough to learn the same; then nobody asks for an hour.
pub(super) fn night(sim: &mut World) {
    checks::all_know_the_same(sim);
    sim.note(|_| "night".to_owned());
}

/// While all slept, the root was perhaps evicted, and somebody has written. Then each isolate has a request.
pub(super) fn morning(sim: &mut World) {
    sim.note(|_| "morning".to_owned());
    let (root, operator) = (sim.world.root, sim.world.operator);
    if sim.random.chance(500) {
        sim.evict(root);
    }
    let now = sim.clock(operator).max(sim.clock(root));
    for _ in 0..*sim.random.pick(&[0, 1, 3]) {
        let few = writers::changes(sim, now);
        writers::operate(sim, few);
    }
    if sim.world.has_bursts && sim.random.chance(500) {
        for _ in 0..3 {
            let many = writers::burst(sim, now);
            writers::operate(sim, many);
        }
    }
    sim.after(1_000, |sim| {
        for index in 0..sim.world.isolates.len() {
            checks::catches_up_in_one_call(sim, index);
        }
    });
}
