//! Defects that are put in on purpose, to see that the checks find them.

use gateway::{
    fleet::{
        limits::{Answer, Limits, Question, ledger::Ledger},
        machine::Machine,
        message,
        store::{Fault, Memory, Store},
    },
    http::Millis,
};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    /// Nothing.
    None,
    /// The object answers and stores nothing.
    AnswersFirst,
    /// An isolate counts the life of a lease from when it came.
    LifeFromArrival,
    /// An isolate never says what it has used.
    NeverSettles,
    /// It takes leases that come when nobody waits any more. That must do no harm.
    TakesLate,
}

impl Defect {
    /// Those that break a promise.
    pub(super) const ALL: [Self; 3] = [Self::AnswersFirst, Self::LifeFromArrival, Self::NeverSettles];
}

/// The question of an isolate that does not say what it has used.
pub(super) fn unsettled(message: &[u8]) -> Vec<u8> {
    match message::read_question::<Limits>(message) {
        Some((Question::Lease(mut asks), _)) => {
            asks.iter_mut().for_each(|ask| ask.settled.clear());
            message::question::<Limits>(&Question::Lease(asks))
        }
        _ => message.to_vec(),
    }
}

/// An object that puts nothing down.
pub(super) struct Forgetful(Ledger);

impl Machine for Forgetful {
    type Speaks = Limits;

    fn restore(now: Millis, _: &mut dyn Store) -> Result<Self, Fault> {
        Ok(Self(Ledger::restore(now, &mut Memory::default())?))
    }

    fn apply(&mut self, now: Millis, question: Question, _: &mut dyn Store) -> Result<Answer, Fault> {
        self.0.apply(now, question, &mut Memory::default())
    }
}
