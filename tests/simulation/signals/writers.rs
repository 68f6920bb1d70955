//! Operators and whoever revokes: they throw and release switches and set marks, through isolates.

use gateway::{
    fleet::{
        limits::overrides::Override,
        signals::{
            Change, Known, Mark, Question, Signals,
            switch::{Kind, Lever, Scope, Switch},
        },
    },
    http::Millis,
};

use super::{World, isolates};
use crate::kit::Time;

/// Writing stops so long before the end of the faults, and goes on a little after it.
const STOPS_AFTER_CALM: Time = 500;

/// The levers that there are.
pub(super) fn levers() -> Vec<Lever> {
    let scopes = [Scope::Gateway, Scope::Tag("pets".into()), Scope::Route("GET /pets".into())];
    let kinds = [Kind::Kill, Kind::Drain, Kind::Maintenance];
    kinds.iter().flat_map(|kind| scopes.iter().map(|scope| Lever { kind: *kind, scope: scope.clone() })).collect()
}

/// Writes begin.
pub(super) fn begin(sim: &mut World) {
    let pace = *sim.random.pick(&[300, 1_000, 3_000]);
    sim.after(10, move |sim| write(sim, pace));
}

fn write(sim: &mut World, pace: u64) {
    if sim.now() > sim.world.calm_at + STOPS_AFTER_CALM {
        return;
    }
    let index = sim.random.below(sim.world.isolates.len() as u64) as usize;
    let now = sim.clock(sim.world.isolates[index].actor);
    let changes = changes(sim, now);
    sim.note(|sim| format!("{} writes {} changes: {:?}", isolates::name(sim, index), changes.len(), changes.first()));
    isolates::write(sim, index, changes);
    let pause = sim.random.between(1, 2 * pace);
    sim.after(pause, move |sim| write(sim, pace));
}

/// Some changes.
pub(super) fn changes(sim: &mut World, now: Millis) -> Vec<Change> {
    if sim.world.has_bursts && sim.random.chance(60) {
        return burst(sim, now);
    }
    let many = *sim.random.pick(&[1, 1, 1, 2, 5]);
    (0..many).map(|_| change(sim, now)).collect()
}

fn change(sim: &mut World, now: Millis) -> Change {
    let lever = sim.random.pick(&levers()).clone();
    let hash = *sim.random.pick(&sim.world.pool.clone());
    let until = end(sim, now);
    let key = [sim.random.below(4) as u8; 16];
    match sim.random.below(11) {
        0..=2 => Change::Throw(Switch {
            lever,
            reason: format!("number {}", sim.random.below(1_000)),
            retry_after_s: 0,
            by: "an operator".into(),
            since: now,
            until,
        }),
        3..=4 => Change::Release(lever),
        5..=6 => Change::Mark(Mark { hash, until }),
        7..=8 => Change::Override(Override {
            limit: 7,
            key,
            names: ("7/min".into(), "global".into()),
            tokens: sim.random.below(1_000) as u32,
            reason: "a party".into(),
            by: "an operator".into(),
            since: now,
            until,
        }),
        9 => sim.random.pick(&[Change::Lift(7, key), Change::Reset(7, key)]).clone(),
        _ => Change::Unmark(hash),
    }
}

/// So many marks that those who do not hear of them at once need a new table.
pub(super) fn burst(sim: &mut World, now: Millis) -> Vec<Change> {
    sim.counts.add("burst of marks");
    let until = end(sim, now);
    (0..sim.random.between(400, 1_000)).map(|_| Change::Mark(Mark { hash: sim.random.next(), until })).collect()
}

/// When something ends: soon, later, or (now and then) before it begins, which the log refuses.
fn end(sim: &mut World, now: Millis) -> Millis {
    match sim.random.below(40) {
        0 => now.saturating_sub(1),
        1..=9 => now + sim.random.between(1, 8_000),
        10..=30 => now + sim.random.between(20_000, 120_000),
        _ => now + 5 * 3_600_000,
    }
}

/// The operator writes, who is no isolate.
pub(super) fn operate(sim: &mut World, changes: Vec<Change>) {
    let question = gateway::fleet::message::question::<Signals>(&Question::Write(Known::default(), changes));
    let (operator, root) = (sim.world.operator, sim.world.root);
    sim.call(operator, root, question, None, |_, _| {});
}
