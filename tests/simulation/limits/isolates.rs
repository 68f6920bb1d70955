//! Isolates: requests that are counted as in `pipeline::limits`, questions behind responses, and what is lost.

use gateway::{
    fleet::{
        limits::{
            self, Answer, Ask, Limits, Question, Rule, Verdict,
            slices::{ASK_MS, Hold, Slices, Stand, Wanted},
        },
        message,
    },
    ports::dependencies::Trouble,
};

use super::{
    KEY, World, checks,
    planted::{self, Defect},
};
use crate::kit::{Actor, Came};

/// What the object knows the key by.
fn hash() -> [u8; 16] {
    limits::place_of(0, KEY).0
}

/// An isolate.
pub(super) struct Seat {
    pub(super) actor: Actor,
    slices: Slices,
    /// What the version that it runs says.
    rule: Rule,
    /// How often it has been lost.
    life: u64,
    /// The time between two requests at the moment, in milliseconds.
    pace: u64,
    /// Requests that wait for the same answer, by their rounds.
    waiting: Vec<u32>,
    is_asking: bool,
}

/// Seats an isolate.
pub(super) fn seat(sim: &mut World, number: u64) {
    let actor = sim.actor(&format!("isolate {number}"));
    let rule = sim.world.rule;
    let seat = Seat { actor, slices: Slices::default(), rule, life: 0, pace: 1, waiting: Vec::new(), is_asking: false };
    sim.world.isolates.push(seat);
}

/// Requests begin to come.
pub(super) fn begin(sim: &mut World) {
    for index in 0..sim.world.isolates.len() {
        change_pace(sim, index);
        come(sim, index);
        flush(sim, index);
    }
    lose_some(sim);
    deploy(sim);
}

/// One isolate after the other runs the next version, which is a new isolate.
fn deploy(sim: &mut World) {
    if sim.world.rule == sim.world.next {
        return;
    }
    for index in 0..sim.world.isolates.len() {
        let at = sim.random.between(1, sim.world.ends);
        sim.after(at, move |sim| {
            lose(sim, index);
            sim.world.isolates[index].rule = sim.world.next;
            sim.counts.add("deployed");
        });
    }
}

fn change_pace(sim: &mut World, index: usize) {
    let (window, limit) = (sim.world.rule.window_ms(), u64::from(sim.world.rule.limit));
    let fair = (window / limit).max(2);
    sim.world.isolates[index].pace = *sim.random.pick(&[fair / 4, fair, 4 * fair, window]);
    let next = sim.random.between(window / 4, window);
    sim.after(next, move |sim| change_pace(sim, index));
}

fn come(sim: &mut World, index: usize) {
    if sim.now() >= sim.world.ends {
        return;
    }
    decide(sim, index, 0);
    let pace = sim.world.isolates[index].pace.max(1);
    let pause = sim.random.between(0, 2 * pace);
    sim.after(pause, move |sim| come(sim, index));
}

fn wanted(sim: &World, index: usize) -> Wanted<'static> {
    Wanted { limit: 0, rule: sim.world.isolates[index].rule, key: KEY, cost: sim.world.cost }
}

/// See `pipeline::limits`.
fn decide(sim: &mut World, index: usize, round: u32) {
    let wanted = wanted(sim, index);
    let seat = &sim.world.isolates[index];
    let now = sim.clock(seat.actor);
    let stand = seat.slices.stand(now, &wanted);
    sim.note(|sim| format!("a request of {}: {stand:?}", sim.name(sim.world.isolates[index].actor)));
    match stand {
        Stand::Ready => {
            let told = seat.slices.spend(now, &wanted, wanted.cost > 1, hash);
            let number = checks::used(sim);
            end_later(sim, index, number, told.lease);
            behind(sim, index);
        }
        Stand::Refused(_) => checks::refused_here(sim),
        Stand::New if sim.world.is_eager => {
            seat.slices.begin(now, &wanted, hash());
            sim.counts.add("admitted first");
            behind(sim, index);
        }
        Stand::Dry | Stand::New if round < 4 => together(sim, index, round),
        Stand::Dry | Stand::New if round < 6 => ask(sim, index, wanted.cost, move |sim| decide(sim, index, round + 1)),
        Stand::Dry | Stand::New | Stand::Away => alone(sim, index),
    }
}

fn alone(sim: &mut World, index: usize) {
    let wanted = wanted(sim, index);
    let seat = &sim.world.isolates[index];
    let now = sim.clock(seat.actor);
    if sim.world.is_local
        && seat.slices.has_alone(now, &wanted, 25)
        && let Some(lease) = seat.slices.spend_alone(now, &wanted).lease
    {
        sim.counts.add("admitted alone");
        let is_flight = wanted.rule.is_flight();
        checks::used_alone(sim, index);
        return if is_flight {
            land_later(sim, index, lease)
        };
    }
    sim.counts.add("object away");
}

/// A request that holds something is over after a while: a place in flight comes back, and of a cost a part.
fn end_later(sim: &mut World, index: usize, number: usize, lease: Option<u64>) {
    let rule = sim.world.rule;
    let (is_flight, cost) = (rule.is_flight(), sim.world.cost);
    if !is_flight && cost == 1 {
        return;
    }
    let seat = &sim.world.isolates[index];
    let (actor, life) = (seat.actor, seat.life);
    let after = sim.random.between(0, if is_flight { rule.window_ms() } else { 2 * rule.life(0).0 });
    let back = if is_flight { 1 } else { sim.random.between(0, u64::from(cost)) as u32 };
    // What takes longest is over by the clock of its isolate.
    let after = after - after / 1_000;
    sim.after(after, move |sim| {
        // Of an isolate that is lost no token comes back.
        let comes_back = is_flight || sim.world.isolates[index].life == life;
        checks::ended(sim, number, if comes_back { back } else { 0 });
        let seat = &sim.world.isolates[index];
        if let Some(lease) = lease.filter(|_| seat.life == life) {
            seat.slices.close(&Hold { limit: 0, key: KEY.into(), lease, back });
            sim.counts.add("ended");
        }
        sim.note(|sim| format!("a request of {} is over", sim.name(actor)));
    });
}

/// The same of a place that an isolate has given itself.
fn land_later(sim: &mut World, index: usize, lease: u64) {
    let life = sim.world.isolates[index].life;
    let after = sim.random.between(0, sim.world.rule.window_ms());
    sim.after(after, move |sim| {
        if sim.world.isolates[index].life == life {
            checks::landed_alone(sim, index);
            let hold = Hold { limit: 0, key: KEY.into(), lease, back: 1 };
            sim.world.isolates[index].slices.close(&hold);
        }
    });
}

/// Waits for the answer that one request asks for, for all.
fn together(sim: &mut World, index: usize, round: u32) {
    let wanted = wanted(sim, index);
    let now = sim.clock(sim.world.isolates[index].actor);
    let seat = &mut sim.world.isolates[index];
    seat.slices.lack(now, &wanted, round == 0, hash());
    seat.waiting.push(round + 1);
    if seat.is_asking {
        return sim.counts.add("waited together");
    }
    seat.is_asking = true;
    if !send_next(sim, index, true) {
        go_on(sim, index);
    }
}

/// All who waited decide anew.
fn go_on(sim: &mut World, index: usize) {
    let seat = &mut sim.world.isolates[index];
    seat.is_asking = false;
    for round in std::mem::take(&mut seat.waiting) {
        decide(sim, index, round);
    }
}

/// Asks for more before it is needed, and gives back what is left of leases that are over.
fn behind(sim: &mut World, index: usize) {
    let seat = &sim.world.isolates[index];
    seat.slices.served(sim.clock(seat.actor));
    if send_next(sim, index, false) {
        sim.counts.add("asked behind a response");
    }
}

/// Sends the next question, if there is one, perhaps for requests that wait.
fn send_next(sim: &mut World, index: usize, for_requests: bool) -> bool {
    let seat = &sim.world.isolates[index];
    let (from, life, now) = (seat.actor, seat.life, sim.clock(seat.actor));
    let Some((number, errand)) = seat.slices.question(now) else { return false };
    let says_all = sim.world.defect != Defect::NeverSettles;
    let question = if says_all { errand.message } else { planted::unsettled(&errand.message) };
    sim.call(from, sim.world.object, question, Some(ASK_MS.into()), move |sim, came| {
        let seat = &sim.world.isolates[index];
        if seat.life != life {
            return;
        }
        let returned = match came {
            Came::Answer(answer) => Ok(answer),
            Came::Nothing => Err(Trouble::Failed),
            Came::Late(_) => return,
        };
        let now = sim.clock(from);
        if sim.world.defect == Defect::LifeFromArrival {
            seat.slices.absorb(now, now, &wanted(sim, index), limits::verdict(returned));
        } else {
            seat.slices.heard(now, number, returned);
        }
        if for_requests {
            go_on(sim, index);
        }
    });
    true
}

fn ask(sim: &mut World, index: usize, needs: u32, then: impl Fn(&mut World) + 'static) {
    let wanted = wanted(sim, index);
    let seat = &sim.world.isolates[index];
    let sent = sim.clock(seat.actor);
    let ask = seat.slices.ask(sent, &wanted, needs, hash());
    send(sim, index, sent, ask, then);
}

fn send(sim: &mut World, index: usize, sent: u64, ask: Ask, then: impl Fn(&mut World) + 'static) {
    let wanted = wanted(sim, index);
    let (from, life) = (sim.world.isolates[index].actor, sim.world.isolates[index].life);
    let question = message::question::<Limits>(&Question::Lease(vec![ask]));
    sim.call(from, sim.world.object, question, Some(ASK_MS.into()), move |sim, came| {
        if sim.world.isolates[index].life != life {
            return;
        }
        let verdict = match came {
            Came::Answer(answer) => read(answer),
            Came::Late(answer) if sim.world.defect == Defect::TakesLate => read(answer),
            Came::Late(_) => return,
            Came::Nothing => None,
        };
        let now = sim.clock(from);
        let sent = if sim.world.defect == Defect::LifeFromArrival { now } else { sent };
        sim.note(|sim| format!("{} hears {verdict:?}", sim.name(from)));
        sim.world.isolates[index].slices.absorb(now, sent, &wanted, verdict);
        then(sim);
    });
}

fn read(answer: Vec<u8>) -> Option<Verdict> {
    let Answer::Leased(verdicts) = message::read_answer::<Limits>(answer)? else { return None };
    verdicts.first().copied()
}

/// Responses of other routes leave now and then.
fn flush(sim: &mut World, index: usize) {
    behind(sim, index);
    if sim.now() < sim.world.ends + sim.world.rule.window_ms() {
        sim.after(2_000, move |sim| flush(sim, index));
    }
}

fn lose(sim: &mut World, index: usize) {
    let seat = &mut sim.world.isolates[index];
    (seat.slices, seat.is_asking) = (Slices::default(), false);
    seat.waiting.clear();
    seat.life += 1;
    checks::isolate_lost(sim, index);
}

fn lose_some(sim: &mut World) {
    if sim.now() >= sim.world.ends {
        return;
    }
    if !sim.world.truth.is_calm && sim.random.chance(300) {
        let index = sim.random.below(sim.world.isolates.len() as u64) as usize;
        sim.counts.add("isolate lost");
        lose(sim, index);
    }
    let pause = sim.random.between(200, 5_000);
    sim.after(pause, lose_some);
}
