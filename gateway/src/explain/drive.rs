//! Runs the driver of the Worker on a platform that calls nobody and gives the same every time.

use std::{cell::RefCell, collections::VecDeque, future, rc::Rc, task::Waker};

use super::answer::Answer;
#[cfg(feature = "faults")]
use crate::ports::dependencies::Pause;
use crate::{
    driver::{
        Driver, Turn,
        effects::{self, Effect},
    },
    http::{Millis, request::RequestHead},
    pipeline::{gateway::Gateway, run::Finished},
    ports::{
        bodies,
        dependencies::{Component, Dependencies, Trouble},
        entropy::Entropy,
        upstream::BodyEnd,
        wakers::Wakers,
        witness::{Decision, Witness},
    },
};

/// Everything that happened to a request.
#[derive(Debug)]
pub struct Followed {
    /// What each stage decided, in order.
    pub decisions: Vec<Decision>,
    /// What the gateway asked of others, in order, and how that was answered; `None` for what nobody answered.
    pub effects: Vec<(Effect, Option<effects::Answer>)>,
    /// Where it ended.
    pub end: End,
}

/// Where a request ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// It was served.
    Done(Finished),
    /// The last effect was not answered.
    Unanswered,
    /// It waits for what the health paths ask for.
    Waits,
}

/// Serves a request with these answers: each effect takes the next one that can answer it. Where nothing is said about a
/// signature, `signed` does.
#[must_use]
pub fn follow(
    gateway: &Rc<Gateway>,
    head: RequestHead,
    now: Millis,
    answers: &[Answer],
    signed: Option<bool>,
) -> Followed {
    let decisions = Rc::new(RefCell::default());
    let platform = Quiet { decisions: Rc::clone(&decisions), down: Answer::of_services(answers) };
    let mut driver = Driver::new(Rc::clone(gateway), platform);
    let (mut said, mut effects) = (Said::new(answers, signed), Vec::new());
    let mut turn = driver.begin(now, head);
    let end = loop {
        let (handle, effect) = match turn {
            Turn::Done(finished) => break End::Done(finished),
            Turn::Parked(_) | Turn::Stale => break End::Waits,
            Turn::Effect(handle, effect) => (handle, effect),
        };
        let answer = said.next(&effect);
        effects.push((effect, answer.clone()));
        match answer {
            Some(answer) => turn = driver.step(now, handle, answer),
            None => break End::Unanswered,
        }
    };
    Followed { decisions: decisions.take(), effects, end }
}

/// What is left of the answers, by what they can answer.
struct Said {
    heads: VecDeque<effects::Answer>,
    ends: VecDeque<effects::Answer>,
    signatures: VecDeque<effects::Answer>,
    signed: Option<bool>,
}

impl Said {
    fn new(answers: &[Answer], signed: Option<bool>) -> Self {
        let mut said = Self { heads: VecDeque::new(), ends: VecDeque::new(), signatures: VecDeque::new(), signed };
        for answer in answers.iter().filter_map(|answer| answer.of_effect()) {
            match answer {
                effects::Answer::BodyEnd(..) => said.ends.push_back(answer),
                effects::Answer::Verified(_) => said.signatures.push_back(answer),
                _ => said.heads.push_back(answer),
            }
        }
        said
    }

    /// Nothing is known of an upstream where nothing is said, but bodies arrive.
    fn next(&mut self, effect: &Effect) -> Option<effects::Answer> {
        match effect {
            Effect::Forward(_) => self.heads.pop_front(),
            Effect::Verify(_) => self.signatures.pop_front().or(self.signed.map(effects::Answer::Verified)),
            Effect::Digest(..) => match self.heads.front() {
                Some(effects::Answer::BodyTooLarge) => self.heads.pop_front(),
                // Nobody says what the body is; what is made of it is not shown.
                _ => Some(effects::Answer::Digest(bodies::OF_NOTHING)),
            },
            // The command line has neither a body nor a fleet.
            Effect::Read(..) | Effect::Run(..) | Effect::Refresh(_) | Effect::Replenish(..) => None,
            Effect::Deliver(..) => self.ends.pop_front().or(Some(effects::Answer::BodyEnd(BodyEnd::Complete, 0))),
        }
    }
}

/// A platform without an outside. It keeps what it witnesses.
struct Quiet {
    decisions: Rc<RefCell<Vec<Decision>>>,
    /// What is down, if that is known.
    down: Option<Vec<&'static str>>,
}

impl Witness for Quiet {
    fn saw(&self, decision: impl FnOnce() -> Decision) {
        let decision = decision();
        self.decisions.borrow_mut().push(decision);
    }
}

/// No randomness: the same request gets the same id every time.
impl Entropy for Quiet {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

impl Wakers for Quiet {
    fn waker(&self, _slot: u32) -> Waker {
        Waker::noop().clone()
    }
}

impl Dependencies for Quiet {
    async fn ask(&self, component: &Component, _within_ms: u32) -> Result<(), Trouble> {
        match &self.down {
            Some(down) if down.contains(&name(component)) => Err(Trouble::Failed),
            Some(_) => Ok(()),
            None => future::pending().await,
        }
    }
}

/// A component as [`Answer`] names it.
fn name(component: &Component) -> &'static str {
    match component {
        Component::Database => "database",
        Component::KeyValue => "key_value",
        Component::Cache => "cache",
        Component::Objects => "objects",
        Component::Upstream(_) => "upstream",
    }
}

#[cfg(feature = "faults")]
impl Pause for Quiet {
    async fn pause(&self, _ms: u32) {}
}
