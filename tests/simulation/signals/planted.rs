//! Defects that are put in on purpose, to see that the checks find them.

use gateway::{
    fleet::{
        machine::Machine,
        message::{self, Spoken},
        signals::{Answer, Change, Question, Signals, Whole, log::Log},
        store::{Fault, Memory, Store},
    },
    http::Millis,
};

use super::World;
use crate::kit::Came;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    /// Nothing.
    None,
    /// The log answers before it stores.
    AnswersFirst,
    /// An isolate counts the age of an answer from when it came.
    AgeFromArrival,
    /// An isolate takes what came after a number without what came before it.
    AcceptsGaps,
    /// A relay says that what it knows is true now.
    RelaySaysYoung,
    /// A relay waits for an answer of the root for ever, and with it all who come.
    RelayWaits,
}

impl Defect {
    /// All of them.
    pub(super) const ALL: [Self; 5] =
        [Self::AnswersFirst, Self::AgeFromArrival, Self::AcceptsGaps, Self::RelaySaysYoung, Self::RelayWaits];
}

/// A log that stores what it was asked when it is asked again.
pub(super) struct Forgetful {
    log: Log,
    stored_later: Memory,
}

impl Machine for Forgetful {
    type Speaks = Signals;

    fn restore(now: Millis, store: &mut dyn Store) -> Result<Self, Fault> {
        Ok(Self { log: Log::restore(now, store)?, stored_later: copy(store)? })
    }

    fn apply(&mut self, now: Millis, question: Question, store: &mut dyn Store) -> Result<Answer, Fault> {
        for (key, value) in &self.stored_later.0 {
            store.put(key, value)?;
        }
        self.log.apply(now, question, &mut self.stored_later)
    }
}

fn copy(store: &dyn Store) -> Result<Memory, Fault> {
    Ok(Memory(store.scan(&[], &[0xff], usize::MAX)?.into_iter().collect()))
}

/// When a question counts as sent.
pub(super) fn when_sent(sim: &World, now: Millis, sent: Millis) -> Millis {
    if sim.world.defect == Defect::AgeFromArrival { now } else { sent }
}

/// Whether an isolate takes what another life of it has asked.
pub(super) fn of_another_life(sim: &World, index: usize, came: &Came) -> bool {
    let Came::Answer(answer) = came else { return false };
    let knows_nothing = sim.world.isolates[index].isolate.position().log == 0;
    sim.world.defect == Defect::AcceptsGaps && knows_nothing && matches!(super::read(answer), Some(Answer::Delta(_)))
}

/// An answer, as an isolate takes it.
pub(super) fn as_heard(sim: &World, index: usize, answer: Vec<u8>) -> Vec<u8> {
    let known = sim.world.isolates[index].isolate.position();
    match super::read(&answer) {
        Some(Answer::Delta(delta)) if sim.world.defect == Defect::AcceptsGaps && known.log == 0 => {
            let sequence = delta.after + delta.changes.len() as u64;
            let switches = delta.changes.into_iter().filter_map(|change| match change {
                Change::Throw(switch) => Some(switch),
                _ => None,
            });
            let whole = Whole { log: delta.log, sequence, switches: switches.collect(), ..Whole::default() };
            message::answer::<Signals>(&Answer::Whole(whole), Spoken::Newest)
        }
        _ => answer,
    }
}
