//! The driver: one future per request, polled where it stands.
//!
//! `begin` starts a request and polls it. It ends in one of three ways: done, an effect that the caller must
//! carry out and answer with `step`, or parked on a promise of the platform. The caller is the Worker's
//! boundary, the command line or a test; none of them sees the future.
//!
//! Not here: bytes (see `wire`) and JavaScript (see the Worker's `boundary`).

pub mod effects;
pub mod slots;
pub mod wire;

use std::{
    cell::Cell,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use crate::{
    driver::{
        effects::{Answer, Effect, Effects, Platform},
        slots::{Handle, Slots},
    },
    http::{Millis, request::RequestHead},
    pipeline::{
        gateway::Gateway,
        run::{self, Finished},
    },
};

/// Time that a slot outlives the effect it waits for, in milliseconds.
const GRACE_MS: Millis = 5_000;

/// Longest wait for a promise of the platform, in milliseconds.
pub const PARK_MS: Millis = 30_000;

/// Longest observed body, in milliseconds. A body that is not observed has no limit: nobody waits for it.
const OBSERVED_MS: Millis = 3_600_000;

/// Where a request stands after a turn.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn {
    /// It has ended; its slot is free.
    Done(Finished),
    /// Carry this out and call [`Driver::step`].
    Effect(Handle, Effect),
    /// It waits for the platform: call [`Driver::park`] with a waker, and again when that wakes.
    Parked(Handle),
    /// The handle is of a request that has ended or was dropped.
    Stale,
}

/// All requests in flight in one isolate.
pub struct Driver<P: Platform> {
    gateway: Rc<Gateway>,
    platform: Rc<P>,
    now: Rc<Cell<Millis>>,
    slots: Slots,
}

impl<P: Platform> Driver<P> {
    /// A driver for a gateway on a platform.
    #[must_use]
    pub fn new(gateway: Rc<Gateway>, platform: P) -> Self {
        Self { gateway, platform: Rc::new(platform), now: Rc::default(), slots: Slots::default() }
    }

    /// The gateway that is driven.
    #[must_use]
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// How many requests wait for something.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.slots.occupied()
    }

    /// Starts a request. Frees a few slots whose time is over as well.
    pub fn begin(&mut self, now: Millis, head: RequestHead) -> Turn {
        self.now.set(now);
        self.slots.sweep(now);
        let effects = Rc::new(Effects::new(Rc::clone(&self.platform), Rc::clone(&self.now)));
        let exchange = effects.exchange();
        let future = Box::pin(run::run(Rc::clone(&self.gateway), head, effects));
        let handle = self.slots.insert(future, exchange, now.saturating_add(PARK_MS));
        self.turn(handle, Waker::noop())
    }

    /// Answers the effect of a request and goes on with it.
    pub fn step(&mut self, now: Millis, handle: Handle, answer: Answer) -> Turn {
        self.now.set(now);
        let Some(slot) = self.slots.get(handle) else { return Turn::Stale };
        slot.exchange.answer.set(Some(answer));
        self.turn(handle, Waker::noop())
    }

    /// Polls a request that waits for the platform; `waker` is told when to call again.
    pub fn park(&mut self, now: Millis, handle: Handle, waker: &Waker) -> Turn {
        self.now.set(now);
        self.turn(handle, waker)
    }

    /// Ends a request that nobody waits for any more. A request whose effect is out learns of it, so that its
    /// log line is written; one that is parked is dropped where it stands.
    pub fn drop_slot(&mut self, now: Millis, handle: Handle) -> Turn {
        let turn = self.step(now, handle, Answer::ClientGone);
        self.slots.remove(handle);
        match turn {
            Turn::Done(finished) => Turn::Done(finished),
            _ => Turn::Stale,
        }
    }

    fn turn(&mut self, handle: Handle, waker: &Waker) -> Turn {
        let now = self.now.get();
        let Some(slot) = self.slots.get(handle) else { return Turn::Stale };
        if let Poll::Ready(finished) = slot.future.as_mut().poll(&mut Context::from_waker(waker)) {
            self.slots.remove(handle);
            return Turn::Done(finished);
        }
        match slot.exchange.effect.take() {
            Some(effect) => {
                slot.deadline = now.saturating_add(time_for(&effect)).saturating_add(GRACE_MS);
                Turn::Effect(handle, effect)
            }
            None => Turn::Parked(handle),
        }
    }
}

fn time_for(effect: &Effect) -> Millis {
    match effect {
        Effect::Forward(plan) => Millis::from(plan.timeout_ms),
        Effect::Deliver(_) => OBSERVED_MS,
    }
}
