//! What must hold, by the true time and the true history. S1 to S7 are the promises of docs/decisions/0015-signals.md.

use gateway::{
    fleet::{
        isolate::{Isolate, Standing},
        message,
        signals::{
            Answer, Question, Signals,
            switch::{Lever, Switch},
        },
    },
    http::Millis,
    stages::freshness::Config,
};

use super::{
    World,
    isolates::{self, name},
    read, relays,
};
use crate::kit::{Clock, Time};

/// S1: numbers have no gaps and no number is given twice, whatever dies. The root has stored what it was asked.
pub(super) fn root_has_answered(sim: &mut World, question: &[u8], answer: &[u8]) {
    let Some((question, _)) = message::read_question::<Signals>(question) else { return };
    let Some(answer) = read(answer) else { return };
    let now = sim.now();
    sim.counts.add(match &answer {
        Answer::Delta(delta) if delta.changes.is_empty() => "nothing new",
        Answer::Delta(_) => "delta",
        Answer::Whole(whole) if !whole.table.is_empty() => "whole with a table",
        Answer::Whole(_) => "whole without a table",
        Answer::Refused(_) => "refused",
        Answer::Sequence(_) | Answer::IsMarked(_) => "other answer",
    });
    if matches!(question, Question::Write(..)) {
        sim.counts.add("write");
    }
    let added = sim.world.history.add(now, &question, &answer);
    sim.insist(added);
}

/// Whether something is over by any of the clocks that it passed. Its own clock is an isolate's excuse only as long as it
/// does not say how old its knowledge is.
fn is_over(sim: &World, index: usize, until: Millis) -> bool {
    let seat = &sim.world.isolates[index];
    let now = sim.clock(seat.actor);
    let own = if age(&seat.isolate, now).is_some() { now } else { sim.clock_of(seat.actor).latest(sim.now()) };
    let relays = sim.world.relays.iter().map(|seat| seat.actor);
    let mut others = relays.chain([sim.world.root]);
    until <= own || others.any(|actor| until <= sim.clock_of(actor).latest(sim.now()))
}

/// How old an isolate says its knowledge is.
fn age(isolate: &Isolate, now: Millis) -> Option<Millis> {
    match isolate.standing(now) {
        Standing::Knows(age) | Standing::CutOff(Some(age)) => Some(age),
        Standing::Alone | Standing::KnowsNothing | Standing::CutOff(None) => None,
    }
}

/// Who is set back by more than any answer takes cannot but notice, and has no excuse.
const NOTICED_MS: u64 = 60_000;

/// The earliest true moment that may lie so many milliseconds back by the clocks of an isolate and of the relays: they may
/// run slow, and may have been set back meanwhile.
fn at_least_ago(sim: &World, index: usize, age: Millis) -> Time {
    // Two clocks cut off their milliseconds twice each.
    let stretched = age + (age * 2 * Clock::MOST_DRIFT_PPM).div_ceil(1_000_000) + 4;
    let relays = sim.world.relays.iter().map(|seat| seat.actor);
    let clocks = relays.chain([sim.world.isolates[index].actor]);
    let steps = clocks.flat_map(|actor| sim.clock_of(actor).set_back());
    let mut steps: Vec<_> = steps.filter(|(_, by)| *by < NOTICED_MS).copied().collect();
    steps.sort_unstable();
    let mut earliest = sim.now().saturating_sub(stretched);
    let mut back = 0;
    for (at, by) in steps.into_iter().rev() {
        back += by;
        let moment = sim.now().saturating_sub(stretched + back);
        if moment <= at {
            earliest = moment;
        }
    }
    earliest
}

/// S2 and S4: an isolate holds what the log said at its number, and lacks nothing that is older than what it says.
pub(super) fn isolate(sim: &mut World, index: usize) {
    let seat = &sim.world.isolates[index];
    let now = sim.clock(seat.actor);
    let age = age(&seat.isolate, now);
    let Some(held) = prefix(sim, index) else { return };
    let complete = held.and_then(|held| match age {
        Some(age) => is_complete(sim, index, held, age, "S2"),
        None => Ok(()),
    });
    let holds = complete.and_then(|()| switches_are_true(sim, index, now)).and_then(|()| marks_are_found(sim, index));
    sim.insist(holds.and_then(|()| overrides_are_true(sim, index, now)));
}

/// Which log an isolate knows and up to which number; nothing where it knows none.
fn prefix(sim: &mut World, index: usize) -> Option<Result<(usize, u64), String>> {
    let known = sim.world.isolates[index].isolate.position();
    if known.log == 0 {
        return None;
    }
    let fleet = &mut sim.world;
    let Some(epoch) = fleet.history.find(known.log) else {
        return Some(Err(format!("S4: there is no log {}", known.log)));
    };
    let length = fleet.history.epochs[epoch].changes.len() as u64;
    if known.sequence > length {
        return Some(Err(format!("S4: it knows {} changes of {length}", known.sequence)));
    }
    let seat = &mut fleet.isolates[index];
    let goes_on = seat.prefix.move_to(&fleet.history, epoch, known.sequence as usize);
    if !goes_on && sim.clock_of(sim.world.isolates[index].actor).set_back().is_empty() {
        return Some(Err(format!("S4: {} has gone back to {known:?}", name(sim, index))));
    }
    Some(Ok((epoch, known.sequence)))
}

fn is_complete(sim: &World, index: usize, held: (usize, u64), age: Millis, rule: &str) -> Result<(), String> {
    let at = at_least_ago(sim, index, age);
    match sim.world.history.before(at) {
        Some(needed) if held < needed => {
            let name = name(sim, index);
            Err(format!(
                "{rule}: {name} says that it knows what was {age} ms ago, {at}; then {needed:?}, it has {held:?}"
            ))
        }
        _ => Ok(()),
    }
}

fn switches_are_true(sim: &World, index: usize, now: Millis) -> Result<(), String> {
    let seat = &sim.world.isolates[index];
    let held = seat.isolate.switches(now);
    let truth = &seat.prefix.switches;
    if let Some(wrong) = held.iter().find(|switch| truth.get(&switch.lever) != Some(switch)) {
        return Err(format!("S4: {} holds what is not so: {wrong:?}", name(sim, index)));
    }
    let lacks = |switch: &&Switch| !held.contains(switch) && !is_over(sim, index, switch.until);
    match truth.values().find(lacks) {
        Some(switch) => Err(format!("S4: {} lacks {switch:?}", name(sim, index))),
        None => Ok(()),
    }
}

fn overrides_are_true(sim: &World, index: usize, now: Millis) -> Result<(), String> {
    let seat = &sim.world.isolates[index];
    let (held, truth) = (seat.isolate.overrides(now), &seat.prefix.overrides);
    if let Some(wrong) = held.iter().find(|other| truth.get(&(other.limit, other.key)) != Some(other)) {
        return Err(format!("S4: {} holds what is not so: {wrong:?}", name(sim, index)));
    }
    match truth.values().find(|other| !held.contains(other) && !is_over(sim, index, other.until)) {
        Some(other) => Err(format!("S4: {} lacks {other:?}", name(sim, index))),
        None => Ok(()),
    }
}

fn marks_are_found(sim: &World, index: usize) -> Result<(), String> {
    let seat = &sim.world.isolates[index];
    // Of a burst a few are enough.
    let step = (seat.prefix.marks.len() / 12).max(1);
    let lost = |(hash, until): &(&u64, &Millis)| !seat.isolate.may_be_marked(**hash) && !is_over(sim, index, **until);
    match seat.prefix.marks.iter().step_by(step).find(lost) {
        Some((hash, _)) => Err(format!("S4: {} does not know that {hash:x} is marked", name(sim, index))),
        None => Ok(()),
    }
}

/// S3: a request that goes ahead obeys every switch that was thrown longer ago than its route allowed when it began.
pub(super) fn request_obeys(sim: &mut World, index: usize, most: Millis) {
    let Some(held) = prefix(sim, index) else {
        return sim.fail(format!("S3: {} knows no log, and a request went ahead", name(sim, index)));
    };
    let complete = held.and_then(|held| is_complete(sim, index, held, most, "S3"));
    let obeyed = complete.and_then(|()| obeys(sim, index));
    sim.insist(obeyed);
}

fn obeys(sim: &World, index: usize) -> Result<(), String> {
    let seat = &sim.world.isolates[index];
    let now = sim.clock(seat.actor);
    let is_thrown = |Lever { kind, scope }: &Lever| seat.isolate.switch(*kind, now, |other| other == scope).is_some();
    let ignored = |switch: &&Switch| !is_thrown(&switch.lever) && !is_over(sim, index, switch.until);
    match seat.prefix.switches.values().find(ignored) {
        Some(switch) => Err(format!("S3: a request of {} ignored {switch:?}", name(sim, index))),
        None => Ok(()),
    }
}

/// What an isolate has heard holds in it, its own writes too; what is never marked is rarely taken for marked.
pub(super) fn has_learnt(sim: &mut World, index: usize, answer: &[u8]) {
    let told = match read(answer) {
        Some(Answer::Delta(delta)) => Some((delta.log, delta.after + delta.changes.len() as u64)),
        Some(Answer::Whole(whole)) => Some((whole.log, whole.sequence)),
        _ => None,
    };
    let known = sim.world.isolates[index].isolate.position();
    if told.is_some_and(|(log, sequence)| log == known.log && sequence > known.sequence) {
        let name = name(sim, index);
        sim.fail(format!("S4: {name} was told {told:?} and knows {known:?}"));
    }
    let other = sim.random.next();
    sim.counts.add("other hash");
    if sim.world.isolates[index].isolate.may_be_marked(other) {
        sim.counts.add("other hash taken for marked");
    }
}

/// S7: an isolate that has just been lost knows nothing, and says so.
pub(super) fn lost_isolate_waits(sim: &mut World, index: usize) {
    let seat = &sim.world.isolates[index];
    let standing = seat.isolate.standing(sim.clock(seat.actor));
    if standing != Standing::KnowsNothing {
        sim.fail(format!("S7: an isolate that has begun anew stands at {standing:?}"));
    }
}

/// S5: all have come to the state of the log.
pub(super) fn all_know_the_same(sim: &mut World) {
    let truth = sim.world.history.now();
    for index in 0..sim.world.isolates.len() {
        let known = sim.world.isolates[index].isolate.position();
        if truth.is_some_and(|truth| truth != (known.log, known.sequence)) {
            let name = name(sim, index);
            sim.fail(format!("S5: the log is at {truth:?}, {name} at {known:?}"));
        }
        isolate(sim, index);
    }
    for number in 0..sim.world.relays.len() {
        // A relay that nobody asks learns nothing.
        let learnt = sim.world.relays[number].learnt_at;
        let known = relays::position(sim, number);
        if learnt.is_some_and(|at| at + 2_000 > sim.now()) && known.is_some() && known != truth {
            sim.fail(format!("S5: the log is at {truth:?}, relay {number} at {known:?}"));
        }
    }
}

/// S6: who slept for an hour catches up in one call.
pub(super) fn catches_up_in_one_call(sim: &mut World, index: usize) {
    let before = sim.world.isolates[index].asked;
    isolates::request(sim, index, Config::STRICT);
    sim.after(500, move |sim| {
        let seat = &sim.world.isolates[index];
        let standing = seat.isolate.standing(sim.clock(seat.actor));
        let (asked, known) = (seat.asked - before, seat.isolate.position());
        let knows =
            matches!(standing, Standing::Knows(_)) && sim.world.history.now() == Some((known.log, known.sequence));
        if asked != 1 || !knows {
            let name = name(sim, index);
            sim.fail(format!("S6: {name} has asked {asked} times and stands at {standing:?}, {known:?}"));
        }
    });
}
