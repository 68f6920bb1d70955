//! Signals under simulation: one log, relays and isolates that use them as the Worker does, operators who throw
//! switches, and everything that may go wrong on the way. What must hold stands in `checks`.
//!
//! A schedule has three parts. First things go wrong. Then nothing does, and everybody has to come to the same state. Then
//! all sleep for an hour, and whoever wakes has to catch up in one call.

mod checks;
mod history;
mod isolates;
mod planted;
mod relays;
mod tests;
mod weather;
mod writers;

use gateway::fleet::{
    isolate::Isolate,
    signals::{Signals, log::Log},
};
use history::History;
use isolates::Seat;
use planted::Defect;
use relays::RelaySeat;

use crate::kit::{Actor, Counts, Faults, Run, Sim, Time, restored};

/// How long things go wrong, at most, and how long it may take until all is well again: the longest pause after a failure,
/// a question that is waited for in vain, a relay's question in front of it, and a second of freshness.
const FAULTY_MS: Time = 12_000;
const CALM_MS: Time = 10_000 + 2_000 + 2_000 + 1_500;

/// How long all sleep: longer than an hour, so that old marks are looked for.
const NIGHT_MS: Time = 3_600_000 + 60_000;

/// How long the last part takes.
const MORNING_MS: Time = 5_000;

/// The world.
struct Fleet {
    root: Actor,
    operator: Actor,
    isolates: Vec<Seat>,
    relays: Vec<RelaySeat>,
    history: History,
    /// Hashes that are marked now and then.
    pool: Vec<u64>,
    /// What is wrong with the fleet on purpose.
    defect: Defect,
    /// Whether isolates learn from answers that nobody waits for any more. The Worker's do not; it must do no harm.
    learns_late: bool,
    /// Whether there are moments when very much is marked.
    has_bursts: bool,
    /// When things go right again.
    calm_at: Time,
    /// When the night begins.
    night_at: Time,
}

type World = Sim<Fleet>;

/// Plays one schedule.
fn play(run: &Run, defect: Defect) -> Result<Counts, String> {
    let mut sim = Sim::new(run, Fleet::of_nobody(defect));
    seat(&mut sim);
    weather::begin(&mut sim);
    writers::begin(&mut sim);
    isolates::begin(&mut sim);
    let morning = sim.world.night_at + NIGHT_MS;
    sim.after(sim.world.night_at, weather::night);
    sim.after(morning, weather::morning);
    sim.run(morning + MORNING_MS);
    checks::all_know_the_same(&mut sim);
    sim.outcome()
}

impl Fleet {
    fn of_nobody(defect: Defect) -> Self {
        Self {
            root: Actor::NOBODY,
            operator: Actor::NOBODY,
            isolates: Vec::new(),
            relays: Vec::new(),
            history: History::default(),
            pool: Vec::new(),
            defect,
            learns_late: false,
            has_bursts: false,
            calm_at: 0,
            night_at: 0,
        }
    }
}

fn seat(sim: &mut World) {
    let restore =
        if sim.world.defect == Defect::AnswersFirst { restored::<planted::Forgetful> } else { restored::<Log> };
    let root = sim.object("root", restore);
    sim.world.root = root;
    sim.world.operator = sim.actor("operator");
    sim.observe(root, checks::root_has_answered);
    for number in 0..sim.random.below(4) {
        relays::seat(sim, number as usize);
    }
    for number in 0..sim.random.between(1, 3) {
        isolates::seat(sim, number);
    }
    sim.faults = Faults::drawn(&mut sim.random);
    sim.world.pool = (0..24).map(|_| sim.random.next()).collect();
    sim.world.learns_late = sim.random.chance(500);
    sim.world.has_bursts = sim.random.chance(150);
    sim.world.calm_at = sim.random.between(FAULTY_MS / 3, FAULTY_MS);
    sim.world.night_at = sim.world.calm_at + CALM_MS;
}

/// Reads an answer of the log.
fn read(answer: &[u8]) -> Option<gateway::fleet::signals::Answer> {
    gateway::fleet::message::read_answer::<Signals>(answer.to_vec())
}

/// An isolate that has just started.
fn fresh() -> Isolate {
    let isolate = Isolate::default();
    isolate.join(true);
    isolate
}
