//! Durable Objects: a machine, what it stores, its alarm, and all the ways in which it may die.

use std::rc::Rc;

use gateway::{
    fleet::{
        machine::{Hosted, Machine},
        store::{Fault, Memory, Store},
    },
    http::Millis,
};

use super::{
    network::Reply,
    sim::{Actor, Role, Sim},
    store::Transaction,
};

/// Makes a machine of what is stored.
pub(crate) type Restore = fn(Millis, &mut dyn Store) -> Result<Box<dyn Hosted>, Fault>;

/// Hears of each question that was answered and whose changes are stored, whether or not the answer gets out.
type Observer<W> = Rc<dyn Fn(&mut Sim<W>, &[u8], &[u8])>;

/// How many operations of a store are counted when one of them is to fail.
const OPERATIONS: u64 = 14;

/// How soon the platform calls an alarm again that has failed.
const ALARM_AGAIN_MS: u64 = 2_000;

pub(super) struct Object<W> {
    restore: Restore,
    machine: Option<Box<dyn Hosted>>,
    store: Memory,
    observer: Option<Observer<W>>,
    /// When its alarm is due, by its own clock.
    due: Option<Millis>,
    /// The number of its alarm; one of another number is off.
    alarm: u64,
}

/// The machine of a type, for [`Sim::object`].
///
/// # Errors
/// [`Fault`] of the store.
pub(crate) fn restored<M: Machine + 'static>(now: Millis, store: &mut dyn Store) -> Result<Box<dyn Hosted>, Fault> {
    Ok(Box::new(M::restore(now, store)?))
}

impl<W> Object<W> {
    /// Runs something on the machine, in one transaction.
    fn run<T>(
        &mut self,
        now: Millis,
        fails_at: Option<u64>,
        f: impl FnOnce(&mut dyn Hosted, &mut dyn Store) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut transaction = Transaction::begin(&mut self.store, fails_at);
        let machine = match self.machine.take() {
            Some(machine) => Ok(machine),
            None => (self.restore)(now, &mut transaction),
        };
        let done = machine.and_then(|mut machine| {
            let done = f(machine.as_mut(), &mut transaction)?;
            self.machine = Some(machine);
            Ok(done)
        });
        if done.is_err() {
            transaction.undo();
        }
        done
    }
}

impl<W: 'static> Sim<W> {
    /// An object that runs a machine.
    pub(crate) fn object(&mut self, name: &str, restore: Restore) -> Actor {
        let object = Object { restore, machine: None, store: Memory::default(), observer: None, due: None, alarm: 0 };
        self.seat(name, Role::Object(Box::new(object)))
    }

    /// Has somebody hear of each question to an object as soon as its changes are stored: the question, the answer.
    pub(crate) fn observe(&mut self, object: Actor, observer: impl Fn(&mut Self, &[u8], &[u8]) + 'static) {
        self.object_of(object).observer = Some(Rc::new(observer));
    }

    /// Takes an object out of memory. What it stores and its alarm stay.
    pub(crate) fn evict(&mut self, object: Actor) {
        self.counts.add("evicted");
        self.note(|sim| format!("{} is evicted", sim.name(object)));
        self.object_of(object).machine = None;
    }

    /// Takes everything from an object, its storage and its alarm.
    pub(crate) fn wipe(&mut self, object: Actor) {
        self.counts.add("storage wiped");
        self.note(|sim| format!("all that {} stores is lost", sim.name(object)));
        let object = self.object_of(object);
        (object.machine, object.store, object.due) = (None, Memory::default(), None);
        object.alarm += 1;
    }

    /// What an object stores.
    pub(crate) fn store_of(&mut self, object: Actor) -> &Memory {
        &self.object_of(object).store
    }

    fn object_of(&mut self, object: Actor) -> &mut Object<W> {
        match &mut self.seats[object.0].role {
            Role::Object(object) => object,
            Role::Caller | Role::Service(_) => panic!("this actor is no object"),
        }
    }

    /// A question has arrived.
    pub(super) fn ask_object(&mut self, to: Actor, message: &[u8], reply: &Reply<W>) {
        if self.random.chance(self.faults.crash) {
            self.crash(to, "before a question");
            return self.answer(reply, None);
        }
        let (now, fails_at) = (self.clock(to), self.fault());
        let Ok(answer) = self.object_of(to).run(now, fails_at, |machine, store| machine.serve(now, message, store))
        else {
            self.crash(to, "in a question, which is undone");
            return self.answer(reply, None);
        };
        self.note(|sim| format!("{} has answered", sim.name(to)));
        if let Some(observer) = self.object_of(to).observer.clone() {
            observer(self, message, &answer);
        }
        self.set_alarm(to);
        if self.random.chance(self.faults.crash) {
            self.crash(to, "with an answer");
            return self.answer(reply, None);
        }
        if self.random.chance(self.faults.evict) {
            self.evict(to);
        }
        self.answer(reply, Some(answer));
    }

    fn crash(&mut self, object: Actor, when: &'static str) {
        self.counts.add(when);
        self.note(|sim| format!("{} dies {when}", sim.name(object)));
        self.object_of(object).machine = None;
    }

    /// Which operation of the store fails, if one does: rather an early one, for many questions have few.
    fn fault(&mut self) -> Option<u64> {
        let most = self.random.between(1, OPERATIONS);
        self.random.chance(self.faults.fault).then(|| self.random.below(most))
    }

    /// Sets the alarm to when the machine wants to be woken.
    fn set_alarm(&mut self, object: Actor) {
        let now = self.clock(object);
        let state = self.object_of(object);
        let due = state.machine.as_ref().and_then(|machine| machine.next_wake());
        if due == state.due {
            return;
        }
        state.due = due;
        state.alarm += 1;
        let Some(due) = due else { return };
        let left = due.saturating_sub(now).max(1);
        let right = self.random.chance(self.faults.alarm);
        let left = if right { self.shift(left) } else { left };
        self.ring_in(object, left);
        if right && self.random.chance(300) {
            let again = left + self.random.below(3_000);
            self.ring_in(object, again);
        }
    }

    /// Early or late.
    fn shift(&mut self, left: u64) -> u64 {
        self.counts.add("alarm early or late");
        if self.random.chance(500) { self.random.between(1, left) } else { left + self.random.below(20_000) }
    }

    fn ring_in(&mut self, object: Actor, ms: u64) {
        let alarm = self.object_of(object).alarm;
        self.after(ms, move |sim| {
            if sim.object_of(object).alarm == alarm {
                sim.ring(object);
            }
        });
    }

    fn ring(&mut self, object: Actor) {
        let (now, fails_at) = (self.clock(object), self.fault());
        self.counts.add("alarm");
        let state = self.object_of(object);
        // The platform forgets an alarm when it calls it.
        state.due = None;
        let done = state.run(now, fails_at, |machine, store| machine.wake(now, store));
        self.note(|sim| format!("{} is woken: {done:?}", sim.name(object)));
        match done {
            Ok(()) => self.set_alarm(object),
            Err(Fault) => {
                self.counts.add("alarm failed");
                self.ring_in(object, ALARM_AGAIN_MS);
            }
        }
    }
}
