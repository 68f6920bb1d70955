//! What a Durable Object runs: a state machine without IO, and the host that gives it bytes and takes bytes.
//!
//! A machine changes its store while it answers, so that what it says is stored before anybody hears it; the platform
//! holds the answer back until the store is safe. A fault, like a trap, undoes all changes and ends the machine: the
//! next question finds one that is made anew from the store. Not here: the platform's classes (`src/objects`).

use crate::{
    fleet::{
        message::{self, Protocol},
        store::{Fault, Store},
    },
    http::Millis,
    ports::errands::{Errand, Returned},
};

/// What a machine is asked.
pub type QuestionOf<M> = <<M as Machine>::Speaks as Protocol>::Question;
/// What it answers.
pub type AnswerOf<M> = <<M as Machine>::Speaks as Protocol>::Answer;

/// A state machine that lives in an object.
pub trait Machine: Sized {
    /// Its messages.
    type Speaks: Protocol;

    /// The machine as it was stored; a new one where nothing is stored, or nothing that is understood.
    ///
    /// # Errors
    /// [`Fault`] of the store.
    fn restore(now: Millis, store: &mut dyn Store) -> Result<Self, Fault>;

    /// Answers a question. What must not be lost is in the store when it returns.
    ///
    /// # Errors
    /// [`Fault`] of the store; the machine must not be used any more.
    fn apply(
        &mut self,
        now: Millis,
        question: QuestionOf<Self>,
        store: &mut dyn Store,
    ) -> Result<AnswerOf<Self>, Fault>;

    /// Does what is due. May be called early, late or twice.
    ///
    /// # Errors
    /// [`Fault`] of the store; the machine must not be used any more.
    fn wake(&mut self, _now: Millis, _store: &mut dyn Store) -> Result<(), Fault> {
        Ok(())
    }

    /// When [`Machine::wake`] should be called next.
    fn next_wake(&self) -> Option<Millis> {
        None
    }

    /// What it wants done outside of the object, if anything, once it is awake. It is asked again after
    /// [`Machine::returned`]. The object may end in between, and an errand may have been done although nothing returns.
    ///
    /// # Errors
    /// [`Fault`] of the store; the machine must not be used any more.
    fn errand(&mut self, _now: Millis, _store: &mut dyn Store) -> Result<Option<Errand>, Fault> {
        Ok(None)
    }

    /// Takes what came of its errand.
    ///
    /// # Errors
    /// [`Fault`] of the store; the machine must not be used any more.
    fn returned(&mut self, _now: Millis, _returned: Returned, _store: &mut dyn Store) -> Result<(), Fault> {
        Ok(())
    }
}

/// A machine behind bytes, whatever its kind.
pub trait Hosted {
    /// Answers a message of any format.
    ///
    /// # Errors
    /// [`Fault`] of the store.
    fn serve(&mut self, now: Millis, message: &[u8], store: &mut dyn Store) -> Result<Vec<u8>, Fault>;

    /// Does what is due.
    ///
    /// # Errors
    /// [`Fault`] of the store.
    fn wake(&mut self, now: Millis, store: &mut dyn Store) -> Result<(), Fault>;

    /// When [`Hosted::wake`] should be called next.
    fn next_wake(&self) -> Option<Millis>;

    /// What it wants done outside.
    ///
    /// # Errors
    /// [`Fault`] of the store.
    fn errand(&mut self, now: Millis, store: &mut dyn Store) -> Result<Option<Errand>, Fault>;

    /// Takes what came of that.
    ///
    /// # Errors
    /// [`Fault`] of the store.
    fn returned(&mut self, now: Millis, returned: Returned, store: &mut dyn Store) -> Result<(), Fault>;
}

impl<M: Machine> Hosted for M {
    fn serve(&mut self, now: Millis, message: &[u8], store: &mut dyn Store) -> Result<Vec<u8>, Fault> {
        let Some((question, spoken)) = message::read_question::<M::Speaks>(message) else {
            return Ok(message::not_understood::<M::Speaks>());
        };
        let answer = self.apply(now, question, store)?;
        Ok(message::answer::<M::Speaks>(&answer, spoken))
    }

    fn wake(&mut self, now: Millis, store: &mut dyn Store) -> Result<(), Fault> {
        Machine::wake(self, now, store)
    }

    fn next_wake(&self) -> Option<Millis> {
        Machine::next_wake(self)
    }

    fn errand(&mut self, now: Millis, store: &mut dyn Store) -> Result<Option<Errand>, Fault> {
        Machine::errand(self, now, store)
    }

    fn returned(&mut self, now: Millis, returned: Returned, store: &mut dyn Store) -> Result<(), Fault> {
        Machine::returned(self, now, returned, store)
    }
}
