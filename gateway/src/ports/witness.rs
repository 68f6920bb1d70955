//! The witness: is told what each stage decided about a request, and why.
//!
//! What would be told is a closure that nobody calls unless somebody listens: the command `explain` always does, the Worker
//! where a request brings a token for it. Not here: the log line, which every request has.

use std::{borrow::Cow, fmt::Display};

use serde::Serialize;

/// Hears what becomes of a request on its way through the pipeline.
pub trait Witness {
    /// A stage has come to something. Whoever does not listen leaves the closure alone.
    #[inline(always)]
    fn saw(&self, decision: impl FnOnce() -> Decision) {
        drop(decision);
    }

    /// From now on keeps what it hears, for [`Witness::heard`].
    fn listen(&self) {}

    /// What it has kept.
    fn heard(&self) -> Vec<Decision> {
        Vec::new()
    }
}

/// What one stage came to. It never holds a secret, a token, or claims other than subject and scopes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// The stage, by the name of its file; steps of the pipeline itself by what they settle.
    pub stage: &'static str,
    /// What it means for the request.
    pub outcome: Outcome,
    /// The reason, in a sentence.
    pub why: Cow<'static, str>,
    /// What the reason rests on.
    pub facts: Vec<Fact>,
}

/// What a decision means for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It goes on.
    Passed,
    /// It is answered.
    Decided,
    /// It is answered with a problem.
    Refused,
}

/// Something that a decision rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What it is; stable.
    pub name: Cow<'static, str>,
    /// Its value.
    pub value: String,
}

impl Decision {
    #[cold]
    fn new(stage: &'static str, outcome: Outcome, why: Cow<'static, str>) -> Self {
        Self { stage, outcome, why, facts: Vec::new() }
    }

    /// The request goes on.
    #[must_use]
    pub fn passed(stage: &'static str, why: impl Into<Cow<'static, str>>) -> Self {
        Self::new(stage, Outcome::Passed, why.into())
    }

    /// The request is answered.
    #[must_use]
    pub fn decided(stage: &'static str, why: impl Into<Cow<'static, str>>) -> Self {
        Self::new(stage, Outcome::Decided, why.into())
    }

    /// The request is answered with a problem.
    #[must_use]
    pub fn refused(stage: &'static str, why: impl Into<Cow<'static, str>>) -> Self {
        Self::new(stage, Outcome::Refused, why.into())
    }

    /// Names something that it rests on.
    #[must_use]
    pub fn fact(mut self, name: impl Into<Cow<'static, str>>, value: impl Display) -> Self {
        self.add(name.into(), &value);
        self
    }

    /// Names something that it rests on, if it is there.
    #[must_use]
    pub fn maybe(mut self, name: impl Into<Cow<'static, str>>, value: Option<impl Display>) -> Self {
        if let Some(value) = value {
            self.add(name.into(), &value);
        }
        self
    }

    /// One function for all kinds of values: these are many places and rarely come to pass.
    #[cold]
    fn add(&mut self, name: Cow<'static, str>, value: &dyn Display) {
        self.facts.push(Fact { name, value: value.to_string() });
    }
}
