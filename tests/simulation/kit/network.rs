//! Messages between actors: they take their time, get lost, overtake each other, and arrive twice.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use super::{
    Faults,
    sim::{Actor, Role, Sim},
};

/// What a caller hears. First an answer or nothing, once; then perhaps what comes too late or for the second time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// The answer.
    Answer(Vec<u8>),
    /// The call has failed, or its time is over.
    Nothing,
    /// An answer that nobody waits for any more.
    Late(Vec<u8>),
}

/// What a service does with a message.
pub(super) type Handler<W> = Rc<dyn Fn(&mut Sim<W>, Vec<u8>, Reply<W>)>;

/// The way back to a caller.
pub(crate) struct Reply<W>(Rc<Call<W>>);

/// Who hears what came of a call.
type Hears<W> = Box<dyn FnMut(&mut Sim<W>, Came)>;

struct Call<W> {
    from: Actor,
    to: Actor,
    is_over: Cell<bool>,
    hears: RefCell<Hears<W>>,
}

impl<W> Clone for Reply<W> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<W: 'static> Sim<W> {
    /// Somebody who answers messages by a function of the scenario, at once or later.
    pub(crate) fn service(&mut self, name: &str, handler: impl Fn(&mut Self, Vec<u8>, Reply<W>) + 'static) -> Actor {
        self.seat(name, Role::Service(Rc::new(handler)))
    }

    /// Sends a message and hears what comes of it. Without a limit nobody tells the caller that nothing will come.
    pub(crate) fn call(
        &mut self,
        from: Actor,
        to: Actor,
        message: Vec<u8>,
        limit_ms: Option<u64>,
        hears: impl FnMut(&mut Self, Came) + 'static,
    ) {
        let call = Rc::new(Call { from, to, is_over: Cell::new(false), hears: RefCell::new(Box::new(hears)) });
        if let Some(limit) = limit_ms {
            let call = Rc::clone(&call);
            self.after(limit, move |sim| sim.end(&call, "its time is over"));
        }
        if self.random.chance(self.faults.fail) {
            let (call, soon) = (Rc::clone(&call), self.delay());
            self.after(soon, move |sim| sim.end(&call, "it failed"));
        }
        let copies = if self.random.chance(self.faults.repeat) { 2 } else { 1 };
        if copies > 1 {
            self.counts.add("question repeated");
        }
        for _ in 0..copies {
            let (call, message) = (Rc::clone(&call), message.clone());
            self.travel(from, to, move |sim| sim.arrive(call, message));
        }
    }

    /// Answers a message; with nothing, the call fails.
    pub(crate) fn answer(&mut self, reply: &Reply<W>, answer: Option<Vec<u8>>) {
        let call = Rc::clone(&reply.0);
        self.travel(call.to, call.from, move |sim| match answer {
            Some(answer) => sim.deliver(&call, answer),
            None => sim.end(&call, "the other side failed"),
        });
    }

    fn delay(&mut self) -> u64 {
        let (least, most) = self.faults.delay;
        let delay = self.random.between(least, most);
        if self.random.chance(self.faults.slow) {
            (delay * self.random.between(2, 30)).min(Faults::SLOWEST_MS)
        } else {
            delay
        }
    }

    fn travel(&mut self, from: Actor, to: Actor, arrives: impl FnOnce(&mut Self) + 'static) {
        if self.random.chance(self.faults.lose) || self.is_cut(from, to) {
            self.counts.add("message lost");
            return self.note(|sim| format!("from {} to {}: lost", sim.name(from), sim.name(to)));
        }
        let delay = self.delay();
        self.after(delay, arrives);
    }

    fn is_cut(&self, one: Actor, other: Actor) -> bool {
        self.seats[one.0].is_cut || self.seats[other.0].is_cut
    }

    fn arrive(&mut self, call: Rc<Call<W>>, message: Vec<u8>) {
        let to = call.to;
        match &self.seats[to.0].role {
            Role::Caller => {}
            Role::Service(handler) => {
                let handler = Rc::clone(handler);
                handler(self, message, Reply(call));
            }
            Role::Object(_) => self.ask_object(to, &message, &Reply(call)),
        }
    }

    fn deliver(&mut self, call: &Rc<Call<W>>, answer: Vec<u8>) {
        let came = if call.is_over.replace(true) { Came::Late(answer) } else { Came::Answer(answer) };
        if matches!(came, Came::Late(_)) {
            self.counts.add("answer late");
        }
        (call.hears.borrow_mut())(self, came);
    }

    fn end(&mut self, call: &Rc<Call<W>>, why: &str) {
        if !call.is_over.replace(true) {
            self.note(|sim| format!("{} hears nothing of {}: {why}", sim.name(call.from), sim.name(call.to)));
            self.counts.add("call failed");
            (call.hears.borrow_mut())(self, Came::Nothing);
        }
    }
}
