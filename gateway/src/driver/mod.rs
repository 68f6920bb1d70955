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
    task::{Context, Poll},
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

/// How long a slot is kept for a forward whose client nobody watches yet, in milliseconds. See [`Driver::watched`].
pub const UNWATCHED_MS: Millis = 1_000;

/// Time that a slot outlives the effect it waits for, in milliseconds.
const GRACE_MS: Millis = 5_000;

/// Longest wait for a promise of the platform, in milliseconds.
pub const PARK_MS: Millis = 30_000;

/// Longest observed body, in milliseconds. A body that is not observed has no limit: nobody waits for it.
const OBSERVED_MS: Millis = 3_600_000;

/// Longest check of a signature, in milliseconds: the platform needs less than one.
const VERIFY_MS: Millis = 1_000;

/// Where a request stands after a turn.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn {
    /// It has ended; its slot is free.
    Done(Finished),
    /// Carry this out and call [`Driver::step`].
    Effect(Handle, Effect),
    /// It waits for the platform: call [`Driver::park`] when its waker says so.
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
        let platform = Rc::clone(&self.platform);
        let waker = |slot| platform.waker(slot);
        let handle = self.slots.insert(future, exchange, now.saturating_add(PARK_MS), waker);
        self.turn(handle)
    }

    /// Answers the effect of a request and goes on with it.
    pub fn step(&mut self, now: Millis, handle: Handle, answer: Answer) -> Turn {
        self.now.set(now);
        let Some(slot) = self.slots.get(handle) else { return Turn::Stale };
        slot.exchange.answer.set(Some(answer));
        self.turn(handle)
    }

    /// From now on the caller watches the client of this request and will [`Driver::drop_slot`] when it leaves: the slot
    /// gets its whole time. Watching costs more than most stages do, so it begins only when an answer is slow to come;
    /// the slots of clients that leave before that are swept after [`UNWATCHED_MS`].
    pub fn watched(&mut self, now: Millis, handle: Handle) {
        if let Some(slot) = self.slots.get(handle) {
            slot.deadline = now.saturating_add(slot.whole_time);
        }
    }

    /// Polls a request that waits for the platform. Its waker says when to call.
    pub fn park(&mut self, now: Millis, handle: Handle) -> Turn {
        self.now.set(now);
        self.turn(handle)
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

    fn turn(&mut self, handle: Handle) -> Turn {
        let now = self.now.get();
        let Some(slot) = self.slots.get(handle) else { return Turn::Stale };
        if let Poll::Ready(finished) = slot.future.as_mut().poll(&mut Context::from_waker(&slot.waker)) {
            self.slots.remove(handle);
            return Turn::Done(finished);
        }
        match slot.exchange.effect.take() {
            Some(effect) => {
                slot.whole_time = time_for(&effect).saturating_add(GRACE_MS);
                let first = if matches!(effect, Effect::Forward(_)) { UNWATCHED_MS } else { slot.whole_time };
                slot.deadline = now.saturating_add(first.min(slot.whole_time));
                Turn::Effect(handle, effect)
            }
            None => Turn::Parked(handle),
        }
    }
}

fn time_for(effect: &Effect) -> Millis {
    match effect {
        Effect::Forward(plan) => Millis::from(plan.timeout_ms),
        Effect::Digest(_, within_ms)
        | Effect::Read(_, within_ms)
        | Effect::Run(_, within_ms)
        | Effect::Replenish(_, within_ms)
        | Effect::Refresh(within_ms) => Millis::from(*within_ms),
        Effect::Deliver(delivery) => delivery.within_ms.unwrap_or(OBSERVED_MS),
        Effect::Verify(_) => VERIFY_MS,
    }
}
