//! The scheduler: events in the order of a virtual time, actors with their clocks, and what is told of all this.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use gateway::http::Millis;

use super::{Clock, Counts, Faults, Random, Run, network::Handler, object::Object};

/// True time in milliseconds, from the beginning of the schedule. Nobody but a scenario's checks may look at it.
pub(crate) type Time = u64;

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Actor(pub(super) usize);

impl Actor {
    /// Nobody yet.
    pub(crate) const NOBODY: Self = Self(usize::MAX);
}

/// Something that happens.
type Act<W> = Box<dyn FnOnce(&mut Sim<W>)>;

/// More events than any schedule has that comes to rest.
const MOST_EVENTS: u64 = 300_000;

pub(super) struct Seat<W> {
    pub(super) name: String,
    clock: Clock,
    pub(super) is_cut: bool,
    pub(super) role: Role<W>,
}

/// What becomes of messages to an actor.
pub(super) enum Role<W> {
    /// They are lost.
    Caller,
    Object(Box<Object<W>>),
    Service(Handler<W>),
}

/// One schedule of a world.
pub(crate) struct Sim<W> {
    /// What the scenario keeps.
    pub(crate) world: W,
    /// Everything that is drawn is drawn from here.
    pub(crate) random: Random,
    /// What goes wrong on its own from now on.
    pub(crate) faults: Faults,
    /// What has happened how often.
    pub(crate) counts: Counts,
    pub(super) seats: Vec<Seat<W>>,
    now: Time,
    queue: BTreeMap<(Time, u64, u64), Act<W>>,
    events: u64,
    trace: Option<Rc<RefCell<Vec<String>>>>,
    failure: Option<String>,
}

impl<W: 'static> Sim<W> {
    /// A schedule in which nothing has happened yet and nothing goes wrong.
    pub(crate) fn new(run: &Run, world: W) -> Self {
        Self {
            world,
            random: Random::new(run.seed),
            faults: Faults::NONE,
            counts: Counts::default(),
            seats: Vec::new(),
            now: 0,
            queue: BTreeMap::new(),
            events: 0,
            trace: run.trace.clone(),
            failure: None,
        }
    }

    /// Somebody with a clock of its own, who makes calls.
    pub(crate) fn actor(&mut self, name: &str) -> Actor {
        self.seat(name, Role::Caller)
    }

    pub(super) fn seat(&mut self, name: &str, role: Role<W>) -> Actor {
        let clock = Clock::drawn(&mut self.random);
        self.seats.push(Seat { name: name.to_owned(), clock, is_cut: false, role });
        Actor(self.seats.len() - 1)
    }

    /// The true time.
    pub(crate) fn now(&self) -> Time {
        self.now
    }

    /// What an actor's clock shows.
    pub(crate) fn clock(&self, actor: Actor) -> Millis {
        self.clock_of(actor).reading(self.now)
    }

    /// An actor's clock.
    pub(crate) fn clock_of(&self, actor: Actor) -> &Clock {
        &self.seats[actor.0].clock
    }

    /// Sets an actor's clock forward, or back.
    pub(crate) fn set_clock(&mut self, actor: Actor, by: i64) {
        self.note(|sim| format!("the clock of {} is set by {by} ms", sim.name(actor)));
        let now = self.now;
        self.seats[actor.0].clock.set(now, by);
        self.counts.add(if by < 0 { "clock set back" } else { "clock set forward" });
    }

    /// Nothing reaches an actor or leaves it, until that is taken back.
    pub(crate) fn cut(&mut self, actor: Actor, is_cut: bool) {
        self.note(|sim| format!("{} is {}", sim.name(actor), if is_cut { "cut off" } else { "back" }));
        self.seats[actor.0].is_cut = is_cut;
        self.counts.add("cut");
    }

    /// An actor's name, for the trace.
    pub(crate) fn name(&self, actor: Actor) -> &str {
        &self.seats[actor.0].name
    }

    /// Something is to happen in so many milliseconds. What is due at the same time comes in any order.
    pub(crate) fn after(&mut self, ms: u64, act: impl FnOnce(&mut Self) + 'static) {
        self.events += 1;
        let key = (self.now + ms, self.random.next(), self.events);
        self.queue.insert(key, Box::new(act));
    }

    /// A line of the trace, which is written only for a schedule that failed.
    pub(crate) fn note(&self, line: impl FnOnce(&Self) -> String) {
        if let Some(trace) = &self.trace {
            trace.borrow_mut().push(format!("{:>8} {}", self.now, line(self)));
        }
    }

    /// What must hold does not. Nothing happens any more.
    pub(crate) fn fail(&mut self, reason: String) {
        self.note(|_| format!("FAILED: {reason}"));
        self.failure.get_or_insert(reason);
    }

    /// As [`Sim::fail`], for what may have gone well.
    pub(crate) fn insist(&mut self, outcome: Result<(), String>) {
        if let Err(reason) = outcome {
            self.fail(reason);
        }
    }

    /// Lets everything happen that is due up to that time.
    pub(crate) fn run(&mut self, until: Time) {
        while self.failure.is_none() {
            let Some(next) = self.queue.first_entry().filter(|next| next.key().0 <= until) else { break };
            let ((at, _, _), act) = next.remove_entry();
            self.now = at;
            act(self);
            if self.events > MOST_EVENTS {
                self.fail("it does not come to rest".to_owned());
            }
        }
        self.now = self.now.max(until);
    }

    /// What came of the schedule.
    pub(crate) fn outcome(self) -> Result<Counts, String> {
        match self.failure {
            Some(reason) => Err(reason),
            None => Ok(self.counts),
        }
    }
}
