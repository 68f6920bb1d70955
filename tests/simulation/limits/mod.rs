//! Rate limits under simulation: one object, and isolates that spend leases as the Worker does, while everything goes wrong
//! that may. What must hold (docs/decisions/0017-limits.md) stands in `checks`, by the true time of every use.

mod checks;
mod formats;
mod isolates;
mod planted;
mod tests;

use checks::Truth;
use gateway::fleet::limits::{Calendar, Count, Rule, ledger::Ledger};
use isolates::Seat;
use planted::Defect;

use crate::kit::{Actor, Counts, Faults, Run, Sim, Time, restored};

/// How long requests come, in windows.
const WINDOWS: Time = 4;

const NOTHING: Rule = Rule { limit: 0, count: Count::Sliding(0), exact: false };

/// The world.
struct Fleet {
    object: Actor,
    isolates: Vec<Seat>,
    rule: Rule,
    /// What the next version of the gateway says, which is deployed while requests come.
    next: Rule,
    truth: Truth,
    defect: Defect,
    /// Whether requests that nobody answers go on, a few for each isolate.
    is_local: bool,
    /// How much each request takes, of which some may come back when it is over.
    cost: u32,
    /// Whether the first request of an isolate waits for nobody.
    is_eager: bool,
    /// When no more requests come.
    ends: Time,
}

type World = Sim<Fleet>;

/// What requests are counted under.
const KEY: &str = "somebody";

/// Plays one schedule.
fn play(run: &Run, defect: Defect) -> Result<Counts, String> {
    let world = Fleet {
        object: Actor::NOBODY,
        isolates: Vec::new(),
        rule: NOTHING,
        next: NOTHING,
        truth: Truth::default(),
        defect,
        is_local: false,
        cost: 1,
        is_eager: false,
        ends: 0,
    };
    let mut sim = Sim::new(run, world);
    seat(&mut sim);
    let (window, ends) = (sim.world.rule.window_ms(), sim.world.ends);
    sim.run(ends);
    sim.faults = Faults::NONE;
    // Leases end, windows pass, what is on record is looked through twice.
    sim.run(ends + 2 * window + 200_000);
    checks::at_rest(&mut sim);
    sim.outcome()
}

fn seat(sim: &mut World) {
    let forgets = sim.world.defect == Defect::AnswersFirst;
    let restore = if forgets { restored::<planted::Forgetful> } else { restored::<Ledger> };
    sim.world.object = sim.object("object", restore);
    let object = sim.world.object;
    sim.observe(object, checks::object_has_answered);
    sim.world.rule = rule(sim);
    sim.world.next = if sim.random.chance(300) { changed(sim) } else { sim.world.rule };
    sim.world.is_local = sim.random.chance(300);
    sim.world.is_eager = !sim.world.rule.is_flight() && sim.random.chance(200);
    let least = sim.world.rule.most().min(sim.world.next.most());
    if !sim.world.rule.is_flight() && least >= 3 && sim.random.chance(300) {
        sim.world.cost = 3;
    }
    sim.world.ends = WINDOWS * sim.world.rule.window_ms();
    // In one of three nothing goes wrong: then nobody may be refused too early.
    let is_calm = sim.random.chance(333);
    sim.faults = if is_calm { Faults::NONE } else { Faults::drawn(&mut sim.random) };
    sim.world.truth.is_calm = is_calm;
    for number in 0..sim.random.between(1, 4) {
        isolates::seat(sim, number);
    }
    isolates::begin(sim);
}

/// The same with another limit.
fn changed(sim: &mut World) -> Rule {
    let rule = sim.world.rule;
    let limit = *sim.random.pick(&[rule.limit.div_ceil(2), rule.limit * 2]);
    let count = match rule.count {
        Count::Bucket(window, burst) => Count::Bucket(window, burst.max(limit)),
        count => count,
    };
    Rule { limit, count, ..rule }
}

fn rule(sim: &mut World) -> Rule {
    let window = *sim.random.pick(&[1_000, 10_000, 20_000]);
    let limit = *sim.random.pick(&[1, 3, 20, 21, 60, 200]);
    let count = match sim.random.below(5) {
        4 => Count::Flight(window),
        0..=1 => Count::Sliding(window),
        2 => Count::Fixed(Calendar::Every(window)),
        _ => Count::Bucket(window, *sim.random.pick(&[1, limit, limit * 2])),
    };
    Rule { limit, count, exact: sim.random.chance(150) }
}
