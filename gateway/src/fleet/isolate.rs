//! What an isolate keeps of the fleet's state, and what is due behind its responses. Plain values: no future, nothing of a
//! request. Lost with the wasm instance, and learnt anew.

use std::cell::{Cell, RefCell};

use crate::{
    fleet::{
        abuse::watch::{self, Watch},
        audit::events::{self, Events},
        limits::{Key, Rule, overrides::Override, slices::Slices},
        message,
        metrics::tally::Names,
        outbox::{Outbox, ROWS},
        signals::{
            Answer, Change, Known, Question, Signals,
            feed::Feed,
            switch::{Kind, Scope, Switch},
        },
    },
    http::Millis,
    ports::{
        dependencies::Trouble,
        errands::{Class, Destination, Errand, Returned},
    },
};

pub use super::outbox::Due;

/// How long the log is waited for, in milliseconds. A question that takes longer counts as lost.
pub const ASK_MS: u32 = 2_000;

/// The first pause after a question that failed, and the longest one, in milliseconds.
const FIRST_PAUSE_MS: Millis = 250;
const LONGEST_PAUSE_MS: Millis = 10_000;

/// The object that numbers the log.
pub const ROOT: &str = "root";

/// The isolate's part in the fleet. Without one, nothing is asked and nothing is known.
#[derive(Debug, Default)]
pub struct Isolate {
    state: RefCell<Option<State>>,
    /// Whether the last response left something to do; see [`Isolate::asks`].
    asks: Cell<bool>,
    /// How old what a relay tells may be, in milliseconds: less, once a request has wanted less. `None`: [`RELAY_AGE_MS`].
    accepted_ms: Cell<Option<u32>>,
    /// What it has not told the audit log yet.
    pub events: Events,
    /// What it has counted and not told yet.
    pub outbox: Outbox,
    /// What it holds of the limits.
    pub limits: Slices,
    /// What it sees of abuse.
    pub abuse: Watch,
}

#[derive(Debug)]
struct State {
    feed: Feed,
    relays: bool,
    /// When the question that is out was sent.
    asked: Option<Millis>,
    failures: u32,
    retry_at: Millis,
}

/// How the isolate stands to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It belongs to no fleet: there is nothing to know.
    Alone,
    /// It knows what was true so many milliseconds ago.
    Knows(Millis),
    /// It knows nothing yet.
    KnowsNothing,
    /// It knows what was true so long ago, if anything, and the log did not answer a moment ago.
    CutOff(Option<Millis>),
}

impl Isolate {
    /// Belongs to a fleet from now on. `relays`: asks the nearest relay instead of the root.
    pub fn join(&self, relays: bool) {
        let state = State { feed: Feed::default(), relays, asked: None, failures: 0, retry_at: 0 };
        self.state.replace(Some(state));
    }

    /// Whether it belongs to a fleet.
    #[must_use]
    pub fn is_member(&self) -> bool {
        self.state.borrow().is_some()
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self, now: Millis) -> Standing {
        match &*self.state.borrow() {
            None => Standing::Alone,
            Some(state) => match state.feed.age(now) {
                age if state.pauses(now) => Standing::CutOff(age),
                Some(age) => Standing::Knows(age),
                None => Standing::KnowsNothing,
            },
        }
    }

    /// A response has left that wanted the log to be known this well: whether that asks for a question behind it.
    pub fn served(&self, now: Millis, freshness_ms: u32) {
        let is_old = |state: &State| state.feed.age(now).is_none_or(|age| age.saturating_mul(2) > freshness_ms.into());
        let state = self.state.borrow();
        if state.as_ref().is_some_and(|state| is_old(state) && state.may_ask(now)) {
            self.asks.set(true);
            self.wants(freshness_ms);
        }
    }

    /// A request wants the log to be known this well: what a relay tells must be a good deal younger.
    pub fn wants(&self, freshness_ms: u32) {
        let accepted = self.accepted_ms.get().unwrap_or(RELAY_AGE_MS);
        self.accepted_ms.set(Some(accepted.min(freshness_ms / RELAY_PART)));
    }

    /// Whether there is a question to send. Says so once.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.asks.take()
    }

    /// When what there is to tell is to be sent, if nobody has been told yet. Rows that can wait go with the counts that do.
    #[must_use]
    pub fn due(&self) -> Due {
        let waits = self.outbox.is_armed();
        let abuse = self.abuse.is_due();
        let due = match (self.events.due(), self.outbox.due()) {
            (events::Due::Now, _) => Due::Now,
            (events::Due::Later, _) if !waits => Due::Soon,
            (_, counts) => counts,
        };
        if abuse && due == Due::Never { Due::Soon } else { due }
    }

    /// The next message of what there is to tell, until there is none, with a number for [`Isolate::flushed`].
    #[must_use]
    pub fn flush(&self, now: Millis, names: &dyn Names) -> Option<(u8, Errand)> {
        if let Some((rows, errand)) = self.events.flush() {
            return Some((self.outbox.track(ROWS, rows), errand));
        }
        if let Some((lines, errand)) = self.abuse.flush(now) {
            let lost = self.abuse.lost();
            if lost > 0 {
                self.outbox.lose(watch::LINES, lost);
            }
            return Some((self.outbox.track(watch::LINES, lines), errand));
        }
        self.outbox.flush(names)
    }

    /// What came of a message of a number; `None`: it has not arrived.
    pub fn flushed(&self, number: u8, answer: Option<Vec<u8>>) {
        let what = self.outbox.flushed(number, answer.is_some());
        if let Some(answer) = answer.filter(|_| what == Some(watch::LINES)) {
            self.abuse.answered(answer);
        }
    }

    /// The question what is new, to be sent now.
    #[must_use]
    pub fn question(&self, now: Millis) -> Option<Errand> {
        let mut state = self.state.borrow_mut();
        let state = state.as_mut()?;
        state.asked = Some(now);
        state.feed.look(now);
        let accepted_ms = self.accepted_ms.get().unwrap_or(RELAY_AGE_MS);
        let question = Question::Read(state.feed.known(), accepted_ms);
        let to = if state.relays { Destination::Relay } else { root() };
        Some(Errand { to, message: message::question::<Signals>(&question) })
    }

    /// What came of a question that was sent at that time.
    ///
    /// # Errors
    /// Why nothing was learnt from it.
    pub fn learn(&self, now: Millis, sent: Millis, returned: Returned) -> Result<(), Trouble> {
        let mut state = self.state.borrow_mut();
        let Some(state) = state.as_mut() else { return Ok(()) };
        state.asked = state.asked.filter(|asked| *asked != sent);
        let answer = returned.and_then(|bytes| message::read_answer::<Signals>(bytes).ok_or(Trouble::Failed));
        if matches!(answer, Ok(Answer::Refused(_))) {
            // The log is there. It has said no.
            return Err(Trouble::Failed);
        }
        let is_whole = matches!(answer, Ok(Answer::Whole(_)));
        let learnt = answer.and_then(|answer| state.feed.absorb(now, sent, answer).map_err(|_| Trouble::Failed));
        match &learnt {
            Ok(_) if is_whole => self.abuse.forget(|hash| !state.feed.marks.may_have(hash)),
            Ok(new) => self.abuse.heard(new),
            Err(_) => {}
        }
        state.note(now, learnt.is_ok());
        let new = learnt?;
        if is_whole {
            self.limits.forget_refusals(now);
        }
        for change in &new {
            if let Change::Reset(limit, key) = change {
                self.limits.forget_refusal(now, *limit, key);
            }
        }
        Ok(())
    }

    /// The log was waited for in vain: for a while nobody waits for it.
    pub fn missed(&self, now: Millis) {
        if let Some(state) = self.state.borrow_mut().as_mut().filter(|state| !state.pauses(now)) {
            state.note(now, false);
        }
    }

    /// The errand that makes changes; its answer is for [`Isolate::learn`], like that of a question, so that they hold
    /// here at once.
    #[must_use]
    pub fn change(&self, changes: Vec<Change>) -> Option<Errand> {
        let known = self.state.borrow().as_ref()?.feed.known();
        let question = Question::Write(known, changes);
        Some(Errand { to: root(), message: message::question::<Signals>(&question) })
    }

    /// The switch of a kind that holds for something now.
    #[must_use]
    pub fn switch(&self, kind: Kind, now: Millis, is_meant: impl Fn(&Scope) -> bool) -> Option<Switch> {
        let state = self.state.borrow();
        let switches = &state.as_ref()?.feed.switches;
        // Nearly always there is none.
        if switches.is_empty() { None } else { switches.find(kind, now, is_meant).cloned() }
    }

    /// The rule of a limit for what a request is counted under, if an operator has said another one.
    #[must_use]
    pub fn rule_of(&self, now: Millis, limit: u64, key: &str, rule: Rule) -> Option<Rule> {
        let state = self.state.borrow();
        let overrides = &state.as_ref()?.feed.overrides;
        // Nearly always there is none.
        if overrides.0.is_empty() { None } else { overrides.rule_of(now, limit, key, rule) }
    }

    /// All keys that have another limit.
    #[must_use]
    pub fn overrides(&self, now: Millis) -> Vec<Override> {
        let state = self.state.borrow();
        let known = state.as_ref().map(|state| state.feed.overrides.0.as_slice()).unwrap_or_default();
        known.iter().filter(|other| other.holds(now)).cloned().collect()
    }

    /// The other limit of a key.
    #[must_use]
    pub fn override_of(&self, now: Millis, limit: u64, key: &Key) -> Option<Override> {
        self.state.borrow().as_ref()?.feed.overrides.find(now, limit, key).cloned()
    }

    /// Whether a switch of this kind holds for the whole gateway.
    #[must_use]
    pub fn is_thrown(&self, kind: Kind, now: Millis) -> bool {
        self.switch(kind, now, |scope| *scope == Scope::Gateway).is_some()
    }

    /// All switches that hold.
    #[must_use]
    pub fn switches(&self, now: Millis) -> Vec<Switch> {
        let state = self.state.borrow();
        let known = state.as_ref().map(|state| state.feed.switches.0.as_slice()).unwrap_or_default();
        known.iter().filter(|switch| switch.holds(now)).cloned().collect()
    }

    /// Whether a hash may be marked, by what is known; a "no" is as certain as that.
    #[must_use]
    pub fn may_be_marked(&self, hash: u64) -> bool {
        self.state.borrow().as_ref().is_some_and(|state| state.feed.marks.may_have(hash))
    }

    /// Whether anything may be marked.
    #[must_use]
    pub fn has_marks(&self) -> bool {
        self.abuse.knows_some() || self.state.borrow().as_ref().is_some_and(|state| !state.feed.marks.is_empty())
    }

    /// How far the log is known.
    #[must_use]
    pub fn position(&self) -> Known {
        self.state.borrow().as_ref().map(|state| state.feed.position()).unwrap_or_default()
    }
}

/// How old a relay's knowledge may be for a question, in milliseconds, and which part of a route's freshness at most.
const RELAY_AGE_MS: u32 = 250;
const RELAY_PART: u32 = 4;

fn root() -> Destination {
    Destination::Object(Class::Signals, ROOT.to_owned())
}

impl State {
    /// Whether no question is out, and the last one has not just failed.
    fn may_ask(&self, now: Millis) -> bool {
        let is_out = self.asked.is_some_and(|sent| now.abs_diff(sent) < u64::from(ASK_MS));
        !is_out && !self.pauses(now)
    }

    /// Whether a question has just failed. A pause that seems longer than any is of a time when the clock was another.
    fn pauses(&self, now: Millis) -> bool {
        now < self.retry_at && self.retry_at <= now.saturating_add(LONGEST_PAUSE_MS)
    }

    fn note(&mut self, now: Millis, succeeded: bool) {
        self.failures = if succeeded { 0 } else { self.failures.saturating_add(1) };
        let doubled = FIRST_PAUSE_MS.checked_shl(self.failures.saturating_sub(1).min(16)).unwrap_or(LONGEST_PAUSE_MS);
        self.retry_at = if succeeded { 0 } else { now.saturating_add(doubled.min(LONGEST_PAUSE_MS)) };
    }
}

/// Whether an answer to a write says that the changes were made.
#[must_use]
pub fn refusal(bytes: &[u8]) -> Option<crate::fleet::signals::Refusal> {
    match message::read_answer::<Signals>(bytes.to_vec()) {
        Some(Answer::Refused(refusal)) => Some(refusal),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{
        message::Spoken,
        signals::{Refusal, Whole},
    };

    fn told(answer: &Answer) -> Returned {
        Ok(message::answer::<Signals>(answer, Spoken::Newest))
    }

    fn taught() -> Isolate {
        let isolate = Isolate::default();
        isolate.join(false);
        isolate.learn(1_000, 1_000, told(&Answer::Whole(Whole { log: 7, ..Whole::default() }))).unwrap();
        isolate
    }

    #[test]
    fn a_log_that_refuses_changes_is_not_away() {
        let isolate = taught();
        assert!(isolate.learn(1_100, 1_050, told(&Answer::Refused(Refusal::End))).is_err());
        assert_eq!(isolate.standing(1_100), Standing::Knows(100));
        assert!(isolate.learn(1_100, 1_050, Err(Trouble::Failed)).is_err());
        assert_eq!(isolate.standing(1_100), Standing::CutOff(Some(100)));
    }

    #[test]
    fn a_clock_that_is_set_back_ends_the_pause_after_a_failure() {
        let isolate = taught();
        isolate.missed(50_000);
        isolate.served(50_000, 1_000);
        assert!(!isolate.asks(), "it has just failed");
        assert_eq!(isolate.standing(30_000), Standing::Knows(29_000));
        isolate.served(30_000, 1_000);
        assert!(isolate.asks());
    }
}
