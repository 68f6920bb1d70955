//! Isolates: requests that are judged, wait and go ahead, and questions behind responses, as in `pipeline::fleet` and
//! `src/entry/errands.mjs`.

use std::mem;

use gateway::{
    fleet::isolate::{ASK_MS, Isolate, Standing},
    http::Millis,
    ports::{
        dependencies::Trouble,
        errands::{Destination, Errand},
    },
    stages::freshness::{self, Config, Verdict, WhenAway},
};

use super::{World, checks, fresh, history::Prefix, planted};
use crate::kit::{Actor, Came};

/// An isolate, and who waits in it.
pub(super) struct Seat {
    pub(super) actor: Actor,
    pub(super) isolate: Isolate,
    /// How often it has been lost. What belongs to another life is not for this one.
    pub(super) life: u64,
    /// Whether a request asks for all that wait.
    is_asking: bool,
    waiting: Vec<Request>,
    /// How often it has asked.
    pub(super) asked: u64,
    /// What the log said at the number up to which it is known here.
    pub(super) prefix: Prefix,
    /// What its clock showed at most when it last learnt something.
    pub(super) learnt_by: Millis,
}

/// A request that must know.
#[derive(Clone, Copy)]
pub(super) struct Request {
    config: Config,
    /// When it came, by the clock of its isolate.
    began: Millis,
    rounds: u8,
}

/// Seats an isolate.
pub(super) fn seat(sim: &mut World, number: u64) {
    let actor = sim.actor(&format!("isolate {number}"));
    sim.world.isolates.push(Seat {
        actor,
        isolate: fresh(),
        life: 0,
        is_asking: false,
        waiting: Vec::new(),
        asked: 0,
        prefix: Prefix::default(),
        learnt_by: 0,
    });
}

/// Requests begin to come.
pub(super) fn begin(sim: &mut World) {
    for index in 0..sim.world.isolates.len() {
        let first = sim.random.below(500);
        sim.after(first, move |sim| come(sim, index));
    }
}

/// A request comes, and later another one.
fn come(sim: &mut World, index: usize) {
    if sim.now() >= sim.world.night_at {
        return;
    }
    let refuses = Config { max_stale_ms: 3_000, when_away: WhenAway::Refuse, ..Config::default() };
    let config = *sim.random.pick(&[Config::STRICT, Config::STRICT, Config::default(), refuses]);
    request(sim, index, config);
    let is_calm = sim.now() >= sim.world.calm_at;
    let most = if is_calm { 1_000 } else { 500 };
    // Now and then nobody comes for a long time.
    let pause = if !is_calm && sim.random.chance(20) { 6_000 } else { sim.random.between(1, most) };
    sim.after(pause, move |sim| come(sim, index));
}

/// A request of a route that is so strict.
pub(super) fn request(sim: &mut World, index: usize, config: Config) {
    let began = sim.clock(sim.world.isolates[index].actor);
    decide(sim, index, Request { config, began, rounds: 0 });
}

/// What becomes of a request by what is known now; see `pipeline::fleet::know`.
fn decide(sim: &mut World, index: usize, request: Request) {
    let now = sim.clock(sim.world.isolates[index].actor);
    let isolate = &sim.world.isolates[index].isolate;
    let waited = now.saturating_sub(request.began);
    let standing = as_of_its_beginning(isolate.standing(now), waited);
    let verdict = freshness::judge(request.config, standing).ok();
    sim.note(|sim| format!("a request of {}: {standing:?}: {verdict:?}", name(sim, index)));
    match verdict {
        None => sim.counts.add("request refused"),
        Some(Verdict::Go) => go(sim, index, request, waited),
        Some(Verdict::Wait) if request.rounds < 2 => wait(sim, index, request),
        Some(Verdict::Wait) => {
            isolate.missed(now);
            match freshness::judge(request.config, as_of_its_beginning(isolate.standing(now), waited)) {
                Err(_) => sim.counts.add("request refused"),
                Ok(_) => sim.counts.add("request without knowledge"),
            }
        }
    }
    behind_a_response(sim, index, request.config);
}

fn as_of_its_beginning(standing: Standing, waited: Millis) -> Standing {
    match standing {
        Standing::Knows(age) => Standing::Knows(age.saturating_sub(waited)),
        Standing::CutOff(Some(age)) => Standing::CutOff(Some(age.saturating_sub(waited))),
        other => other,
    }
}

fn go(sim: &mut World, index: usize, request: Request, waited: Millis) {
    let seat = &sim.world.isolates[index];
    // What was known when it began may be that old now.
    let most = Millis::from(request.config.max_stale_ms) + waited;
    let knows = match seat.isolate.standing(sim.clock(seat.actor)) {
        Standing::Knows(age) | Standing::CutOff(Some(age)) => age <= most,
        Standing::Alone | Standing::KnowsNothing | Standing::CutOff(None) => false,
    };
    if !knows {
        return sim.counts.add("request without knowledge");
    }
    sim.counts.add(if request.rounds > 0 { "request waited" } else { "request went at once" });
    checks::isolate(sim, index);
    checks::request_obeys(sim, index, most);
}

fn wait(sim: &mut World, index: usize, request: Request) {
    let seat = &mut sim.world.isolates[index];
    seat.isolate.wants(request.config.freshness_ms);
    seat.waiting.push(Request { rounds: request.rounds + 1, ..request });
    if !mem::replace(&mut seat.is_asking, true) {
        ask(sim, index, true);
    }
}

fn behind_a_response(sim: &mut World, index: usize, config: Config) {
    let seat = &sim.world.isolates[index];
    seat.isolate.served(sim.clock(seat.actor), config.freshness_ms);
    if seat.isolate.asks() {
        ask(sim, index, false);
    }
}

/// Asks the log what is new, perhaps for requests that wait.
fn ask(sim: &mut World, index: usize, for_requests: bool) {
    let sent = sim.clock(sim.world.isolates[index].actor);
    let Some(errand) = sim.world.isolates[index].isolate.question(sent) else { return };
    sim.world.isolates[index].asked += 1;
    send(sim, index, errand, for_requests);
}

/// Makes changes through an isolate.
pub(super) fn write(sim: &mut World, index: usize, changes: Vec<gateway::fleet::signals::Change>) {
    if let Some(errand) = sim.world.isolates[index].isolate.change(changes) {
        send(sim, index, errand, false);
    }
}

fn send(sim: &mut World, index: usize, errand: Errand, for_requests: bool) {
    let seat = &sim.world.isolates[index];
    let (from, life) = (seat.actor, seat.life);
    let sent = sim.clock(from);
    let to = place(sim, index, &errand.to);
    sim.note(|sim| format!("{} asks {}", sim.name(from), sim.name(to)));
    sim.call(from, to, errand.message, Some(u64::from(ASK_MS)), move |sim, came| {
        if sim.world.isolates[index].life != life && !planted::of_another_life(sim, index, &came) {
            return;
        }
        let is_late = matches!(came, Came::Late(_));
        // In the calm, what is late from before would count as one more failure.
        if !is_late || (sim.world.learns_late && sim.now() < sim.world.calm_at) {
            learn(sim, index, sent, came);
        }
        if for_requests && !is_late && sim.world.isolates[index].life == life {
            let seat = &mut sim.world.isolates[index];
            seat.is_asking = false;
            for request in mem::take(&mut seat.waiting) {
                decide(sim, index, request);
            }
        }
    });
}

/// The relay of this isolate; now and then another one, so that what one says is older than what another one said.
fn place(sim: &mut World, index: usize, to: &Destination) -> Actor {
    let relays = sim.world.relays.len();
    if *to != Destination::Relay || relays == 0 {
        return sim.world.root;
    }
    let number = if sim.random.chance(100) { sim.random.below(relays as u64) as usize } else { index % relays };
    sim.world.relays[number].actor
}

fn learn(sim: &mut World, index: usize, sent: Millis, came: Came) {
    let returned = match came {
        Came::Answer(answer) | Came::Late(answer) => Ok(answer),
        Came::Nothing => Err(Trouble::Failed),
    };
    let now = sim.clock(sim.world.isolates[index].actor);
    let sent = planted::when_sent(sim, now, sent);
    let returned = returned.map(|answer| planted::as_heard(sim, index, answer));
    let learnt = sim.world.isolates[index].isolate.learn(now, sent, returned.clone());
    sim.note(|sim| {
        format!("{} learns: {learnt:?}, {:?}", name(sim, index), sim.world.isolates[index].isolate.position())
    });
    if learnt.is_ok() {
        sim.counts.add("learnt");
        checks::has_learnt(sim, index, returned.as_deref().unwrap_or_default());
    }
    checks::isolate(sim, index);
}

/// An isolate is lost, as after a trap, with the requests that waited in it.
pub(super) fn lose(sim: &mut World, index: usize) {
    sim.note(|sim| format!("{} is lost", name(sim, index)));
    sim.counts.add("isolate lost");
    let seat = &mut sim.world.isolates[index];
    (seat.isolate, seat.is_asking, seat.prefix, seat.learnt_by) = (fresh(), false, Prefix::default(), 0);
    seat.waiting.clear();
    seat.life += 1;
    checks::lost_isolate_waits(sim, index);
}

/// The name of an isolate.
pub(super) fn name(sim: &World, index: usize) -> &str {
    sim.name(sim.world.isolates[index].actor)
}
