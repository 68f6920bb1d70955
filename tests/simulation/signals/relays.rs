//! Relays, as the class `Signals` in `src/entry/objects.mjs` runs them: who comes while the root is being asked waits for
//! the same answer, and who is still not content goes on to the root.

use gateway::fleet::{
    isolate::ASK_MS,
    message::{self, Spoken},
    signals::{
        Answer, Known, Question, Signals,
        relay::{Relay, Reply as Verdict},
    },
};

use super::{Fleet, World, planted::Defect};
use crate::kit::{Actor, Came, Reply, Time};

/// A relay, and who waits for it.
pub(super) struct RelaySeat {
    pub(super) actor: Actor,
    relay: Relay,
    /// How often it has been lost.
    life: u64,
    is_asking: bool,
    waiting: Vec<(Vec<u8>, Reply<Fleet>)>,
    /// When it learnt last.
    pub(super) learnt_at: Option<Time>,
}

/// Seats a relay.
pub(super) fn seat(sim: &mut World, number: usize) {
    let handler =
        move |sim: &mut World, message: Vec<u8>, reply: Reply<Fleet>| serve(sim, number, message, reply, false);
    let actor = sim.service(&format!("relay {number}"), handler);
    let relay = Relay::default();
    sim.world.relays.push(RelaySeat { actor, relay, life: 0, is_asking: false, waiting: Vec::new(), learnt_at: None });
}

fn serve(sim: &mut World, number: usize, message: Vec<u8>, reply: Reply<Fleet>, has_asked: bool) {
    let now = sim.clock(sim.world.relays[number].actor);
    match sim.world.relays[number].relay.serve(now, &message) {
        Verdict::Answer(answer) => {
            sim.counts.add("relay answered");
            let answer = if sim.world.defect == Defect::RelaySaysYoung { young(answer) } else { answer };
            sim.answer(&reply, Some(answer));
        }
        Verdict::AskFirst(question) if !has_asked => {
            sim.world.relays[number].waiting.push((message, reply));
            if !std::mem::replace(&mut sim.world.relays[number].is_asking, true) {
                ask(sim, number, question);
            }
        }
        Verdict::AskFirst(_) | Verdict::PassOn => pass_on(sim, number, message, reply),
    }
}

fn pass_on(sim: &mut World, number: usize, message: Vec<u8>, reply: Reply<Fleet>) {
    sim.counts.add("relay passed on");
    let (from, root) = (sim.world.relays[number].actor, sim.world.root);
    sim.call(from, root, message, None, move |sim, came| match came {
        Came::Answer(answer) => sim.answer(&reply, Some(answer)),
        Came::Nothing => sim.answer(&reply, None),
        Came::Late(_) => {}
    });
}

fn ask(sim: &mut World, number: usize, question: Vec<u8>) {
    let (from, root) = (sim.world.relays[number].actor, sim.world.root);
    let (sent, life) = (sim.clock(from), sim.world.relays[number].life);
    let limit = (sim.world.defect != Defect::RelayWaits).then_some(u64::from(ASK_MS));
    sim.call(from, root, question, limit, move |sim, came| {
        let (now, true_now) = (sim.clock(from), sim.now());
        let seat = &mut sim.world.relays[number];
        if seat.life != life {
            return;
        }
        let (answer, is_late) = match came {
            Came::Answer(answer) => (Some(answer), false),
            Came::Late(answer) => (Some(answer), true),
            Came::Nothing => (None, false),
        };
        let has_answer = answer.is_some();
        if let Some(answer) = answer {
            seat.relay.absorb(now, sent, answer);
            seat.learnt_at = Some(true_now);
        }
        if !is_late {
            go_on(sim, number, has_answer);
        }
    });
}

/// Those who waited are served, or told that it failed.
fn go_on(sim: &mut World, number: usize, has_answer: bool) {
    let seat = &mut sim.world.relays[number];
    seat.is_asking = false;
    for (message, reply) in std::mem::take(&mut seat.waiting) {
        if has_answer {
            serve(sim, number, message, reply, true);
        } else {
            sim.answer(&reply, None);
        }
    }
}

/// A relay is gone with all that it knew, and with those who waited for it.
pub(super) fn lose(sim: &mut World, number: usize) {
    sim.counts.add("relay lost");
    let seat = &mut sim.world.relays[number];
    (seat.relay, seat.is_asking, seat.learnt_at) = (Relay::default(), false, None);
    seat.life += 1;
    for (_, reply) in std::mem::take(&mut seat.waiting) {
        sim.answer(&reply, None);
    }
}

/// How far a relay knows the log.
pub(super) fn position(sim: &mut World, number: usize) -> Option<(u64, u64)> {
    let now = sim.clock(sim.world.relays[number].actor);
    let everything = message::question::<Signals>(&Question::Read(Known::default(), u32::MAX));
    match sim.world.relays[number].relay.serve(now, &everything) {
        Verdict::Answer(answer) => match super::read(&answer)? {
            Answer::Whole(whole) => Some((whole.log, whole.sequence)),
            _ => None,
        },
        Verdict::AskFirst(_) | Verdict::PassOn => None,
    }
}

/// The same answer, said to be of this moment.
fn young(answer: Vec<u8>) -> Vec<u8> {
    let said = match super::read(&answer) {
        Some(Answer::Delta(delta)) => Answer::Delta(gateway::fleet::signals::Delta { age_ms: 0, ..delta }),
        Some(Answer::Whole(whole)) => Answer::Whole(gateway::fleet::signals::Whole { age_ms: 0, ..whole }),
        _ => return answer,
    };
    message::answer::<Signals>(&said, Spoken::Newest)
}
