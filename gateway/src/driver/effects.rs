//! Effects: what a request asks of its driver, and how the answer gets back into the straight-line code.
//!
//! `upstream.call(plan).await` is a leaf: its first poll leaves the plan in the request's [`Exchange`] and is
//! pending, the next one finds the answer there. No promise, no waker, no channel.

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    rc::Rc,
    task::Poll,
};

#[cfg(feature = "faults")]
use crate::ports::dependencies::Pause;
use crate::{
    config::size::Size,
    http::Millis,
    ports::{
        bodies::{Bodies, Digest},
        clock::Clock,
        dependencies::{Component, Dependencies, Trouble},
        entropy::Entropy,
        errands::{Errand, Errands, Returned},
        signatures::{self, Signatures, Verify},
        upstream::{BodyEnd, Delivery, Failure, Forward, Head, Upstream},
        wakers::Wakers,
        witness::{Decision, Witness},
    },
};

/// What the driver does not do itself.
#[cfg(not(feature = "faults"))]
pub trait Platform: Entropy + Dependencies + Wakers + Witness + 'static {}
#[cfg(not(feature = "faults"))]
impl<T: Entropy + Dependencies + Wakers + Witness + 'static> Platform for T {}

/// What the driver does not do itself, and the pause that faults need.
#[cfg(feature = "faults")]
pub trait Platform: Entropy + Dependencies + Wakers + Witness + Pause + 'static {}
#[cfg(feature = "faults")]
impl<T: Entropy + Dependencies + Wakers + Witness + Pause + 'static> Platform for T {}

/// Something to be done outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send this request and answer with [`Answer::Head`] or a failure.
    Forward(Forward),
    /// Hand this answer to the client and answer with [`Answer::BodyEnd`] when its body has ended or is cut off.
    Deliver(Delivery),
    /// Check this signature and answer with [`Answer::Verified`] or [`Answer::KeyUnusable`].
    Verify(Verify),
    /// Read the body of the request, keep it for the forward that follows, and answer with [`Answer::Digest`] or a failure:
    /// at most so many bytes, within so many milliseconds.
    Digest(Size, u32),
    /// Read the body of the request and answer with [`Answer::Returned`] or a failure: at most so many bytes, within so many
    /// milliseconds.
    Read(Size, u32),
    /// Have this done and answer with [`Answer::Returned`], within so many milliseconds.
    Run(Errand, u32),
    /// Have the log of signals asked, together with whoever else waits for it; any answer says that this is over.
    Refresh(u32),
    /// Have those asked who count, together with whoever else waits for the same; any answer says that this is over.
    Replenish(String, u32),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The head of the upstream's answer.
    Head(Head),
    /// There is no answer: connection refused or broken.
    Unreachable,
    /// There is no answer in time.
    Timeout,
    /// The body of the request grew beyond its limit.
    BodyTooLarge,
    /// The body has ended, after so many bytes if they were counted.
    BodyEnd(BodyEnd, u32),
    /// The body of the request is there, and this is its digest.
    Digest(Digest),
    /// The client has gone: whatever was asked for, nobody needs it.
    ClientGone,
    /// Whether the signature is right.
    Verified(bool),
    /// The platform cannot use the key.
    KeyUnusable,
    /// What came of an errand, or a body.
    Returned(Returned),
}

/// Between one request and its driver: at most one effect on its way out, one answer on its way in.
#[derive(Default)]
pub struct Exchange {
    /// Left by the pipeline, taken by the driver.
    pub effect: RefCell<Option<Effect>>,
    /// Left by the driver, taken by the pipeline.
    pub answer: Cell<Option<Answer>>,
}

impl Exchange {
    /// Asks for an effect and waits for its answer. An answer that was there before is of no question and goes.
    fn ask(&self, effect: Effect) -> impl Future<Output = Answer> {
        let mut effect = Some(effect);
        poll_fn(move |_| match effect.take() {
            Some(effect) => {
                self.answer.set(None);
                self.effect.replace(Some(effect));
                Poll::Pending
            }
            None => self.answer.take().map_or(Poll::Pending, Poll::Ready),
        })
    }
}

/// The ports of one request.
pub struct Effects<P> {
    platform: Rc<P>,
    now: Rc<Cell<Millis>>,
    exchange: Rc<Exchange>,
    listens: Cell<bool>,
    awaits: Cell<u32>,
    heard: RefCell<Vec<Decision>>,
}

impl<P> Effects<P> {
    /// Ports on a platform; `now` is set by the driver at each turn.
    #[must_use]
    pub fn new(platform: Rc<P>, now: Rc<Cell<Millis>>) -> Self {
        Self {
            platform,
            now,
            exchange: Rc::default(),
            listens: Cell::new(false),
            awaits: Cell::new(0),
            heard: RefCell::default(),
        }
    }

    /// Where effects and answers pass.
    #[must_use]
    pub fn exchange(&self) -> Rc<Exchange> {
        Rc::clone(&self.exchange)
    }

    /// The platform is waited for once more.
    fn awaited(&self) {
        self.awaits.set(self.awaits.get().saturating_add(1));
    }
}

impl<P: Witness> Effects<P> {
    #[cold]
    fn keep(&self, decision: Decision) {
        self.platform.saw(|| decision.clone());
        self.heard.borrow_mut().push(decision);
    }
}

impl<P> Clock for Effects<P> {
    fn now(&self) -> Millis {
        self.now.get()
    }
}

impl<P: Entropy> Entropy for Effects<P> {
    fn fill(&self, bytes: &mut [u8]) {
        self.platform.fill(bytes);
    }
}

impl<P: Dependencies> Dependencies for Effects<P> {
    fn ask(&self, component: &Component, within_ms: u32) -> impl Future<Output = Result<(), Trouble>> {
        self.awaited();
        self.platform.ask(component, within_ms)
    }
}

impl<P: Witness> Witness for Effects<P> {
    #[inline(always)]
    fn saw(&self, decision: impl FnOnce() -> Decision) {
        if self.listens.get() {
            self.keep(decision());
        } else {
            self.platform.saw(decision);
        }
    }

    fn listen(&self) {
        self.listens.set(true);
    }

    fn heard(&self) -> Vec<Decision> {
        self.heard.take()
    }
}

#[cfg(feature = "faults")]
impl<P: Pause> Pause for Effects<P> {
    fn pause(&self, ms: u32) -> impl Future<Output = ()> {
        self.platform.pause(ms)
    }
}

impl<P> Errands for Effects<P> {
    async fn run(&self, errand: Errand, within_ms: u32) -> Returned {
        self.awaited();
        match self.exchange.ask(Effect::Run(errand, within_ms)).await {
            Answer::Returned(returned) => returned,
            Answer::Timeout => Err(Trouble::Timeout),
            _ => Err(Trouble::Failed),
        }
    }

    async fn refresh(&self, within_ms: u32) {
        self.awaited();
        self.exchange.ask(Effect::Refresh(within_ms)).await;
    }

    async fn replenish(&self, what: String, within_ms: u32) {
        self.awaited();
        self.exchange.ask(Effect::Replenish(what, within_ms)).await;
    }

    fn awaits(&self) -> u32 {
        self.awaits.get()
    }
}

impl<P> Bodies for Effects<P> {
    async fn read(&self, limit: Size, within_ms: u32) -> Result<Vec<u8>, Failure> {
        match self.exchange.ask(Effect::Read(limit, within_ms)).await {
            Answer::Returned(Ok(bytes)) => Ok(bytes),
            Answer::Timeout => Err(Failure::Timeout),
            Answer::BodyTooLarge => Err(Failure::BodyTooLarge),
            // A body that breaks off has lost its client.
            _ => Err(Failure::ClientGone),
        }
    }

    async fn digest(&self, limit: Size, within_ms: u32) -> Result<Digest, Failure> {
        match self.exchange.ask(Effect::Digest(limit, within_ms)).await {
            Answer::Digest(digest) => Ok(digest),
            Answer::Timeout => Err(Failure::Timeout),
            Answer::BodyTooLarge => Err(Failure::BodyTooLarge),
            // A body that breaks off has lost its client.
            _ => Err(Failure::ClientGone),
        }
    }
}

impl<P> Upstream for Effects<P> {
    async fn call(&self, plan: Forward) -> Result<Head, Failure> {
        match self.exchange.ask(Effect::Forward(plan)).await {
            Answer::Head(head) => Ok(head),
            Answer::Timeout => Err(Failure::Timeout),
            Answer::ClientGone => Err(Failure::ClientGone),
            Answer::BodyTooLarge => Err(Failure::BodyTooLarge),
            // An answer to another question is a defect of the caller; the connection is what we know least about.
            Answer::Unreachable
            | Answer::BodyEnd(..)
            | Answer::Digest(_)
            | Answer::Verified(_)
            | Answer::Returned(_)
            | Answer::KeyUnusable => Err(Failure::Unreachable),
        }
    }

    async fn deliver(&self, delivery: Delivery) -> (BodyEnd, u32) {
        match self.exchange.ask(Effect::Deliver(delivery)).await {
            Answer::BodyEnd(end, bytes) => (end, bytes),
            _ => (BodyEnd::Broken, u32::MAX),
        }
    }
}

impl<P> Signatures for Effects<P> {
    async fn verify(&self, verify: Verify) -> Result<bool, signatures::Failure> {
        match self.exchange.ask(Effect::Verify(verify)).await {
            Answer::Verified(is_right) => Ok(is_right),
            Answer::ClientGone => Err(signatures::Failure::ClientGone),
            // An answer to another question proves nothing.
            _ => Err(signatures::Failure::Unusable),
        }
    }
}
