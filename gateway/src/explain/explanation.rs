//! What became of a request, as data: stable names, no secrets. `Display` writes it for people.

use serde::Serialize;

pub use super::heads::{Field, Head};
use super::{
    drive::{End, Followed},
    heads::Veil,
    request::{Request, Unreadable},
};
use crate::{
    driver::effects::{Answer, Effect},
    http::{edits::Edits, reply},
    pipeline::run::Finished,
    ports::{
        upstream::{BodyEnd, Delivery, Forward},
        witness::Decision,
    },
};

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The method of the request.
    pub method: String,
    /// Its URL.
    pub url: String,
    /// What each stage decided, in order.
    pub decisions: Vec<Decision>,
    /// What the gateway would ask of others, in order.
    pub effects: Vec<Asked>,
    /// How it ended.
    pub ended: Ended,
    /// What the client gets, if that is known.
    pub answer: Option<Reply>,
    /// The log line, as the Worker writes it.
    pub log: Option<String>,
}

/// How an explanation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The client has its answer.
    Answered,
    /// The last effect would be carried out now; nobody has said what comes of it.
    WouldBeSent,
    /// The services that readiness asks for would be asked now.
    Waits,
    /// The Worker does not look at such a request.
    Unreadable,
}

impl Ended {
    /// The word by which it stands in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::WouldBeSent => "would_be_sent",
            Self::Waits => "waits",
            Self::Unreadable => "unreadable",
        }
    }
}

/// Something that the gateway would ask of others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Asked {
    /// A request to an upstream.
    Forward {
        /// What is sent.
        plan: Plan,
        /// What was answered; absent when nobody has said.
        answered: Option<String>,
    },
    /// The signature of a token, checked by the platform.
    Verify {
        /// What `iss` must be where the key belongs to.
        issuer: String,
        /// The place of the key among those of its issuer, from 1.
        key: u32,
        /// Whether it was right.
        answered: Option<String>,
    },
    /// Something of the platform: a body, an object, the database. The command line has none of it.
    Platform {
        /// What.
        what: &'static str,
        /// What came of it.
        answered: Option<String>,
    },
    /// The body of the request, read as a whole in order to be signed.
    Digest {
        /// The most bytes that it may have.
        body_limit: u64,
        /// Time until it must be there, in milliseconds.
        within_ms: u32,
        /// What came of it.
        answered: Option<String>,
    },
    /// The body of an answer, handed to the client and watched until its end.
    Deliver {
        /// When it is cut off, in milliseconds from now.
        within_ms: Option<u64>,
        /// How it ended.
        answered: Option<String>,
    },
}

/// A request to an upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Exactly this is requested.
    pub url: String,
    /// The binding of the Worker that is asked instead of the network.
    pub binding: Option<String>,
    /// Time until the head of the answer must be there, in milliseconds.
    pub timeout_ms: u32,
    /// The most bytes that the body may have, where its length is not announced.
    pub body_limit: Option<u64>,
    /// Whether the client's head goes on as it is.
    pub untouched: bool,
    /// Changes to the head of the request.
    pub request: Head,
    /// Changes to the head of the answer.
    pub response: Head,
}

/// What the client gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reply {
    /// Who made it.
    pub from: Maker,
    /// Status code.
    pub status: u16,
    /// The head, or what is changed of the upstream's.
    pub head: Head,
    /// The body, where the gateway made it.
    pub body: Option<String>,
}

/// Who made an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Maker {
    /// The gateway.
    Gateway,
    /// An upstream.
    Upstream,
}

impl Explanation {
    pub(super) fn new(request: &Request, veil: &Veil<'_>, followed: Followed) -> Self {
        let Followed { decisions, effects, end } = followed;
        let relayed = Relayed::of(&effects);
        let (ended, answer, log) = match end {
            End::Unanswered => (Ended::WouldBeSent, None, None),
            End::Waits => (Ended::Waits, None, None),
            End::Done(Finished { reply, log }) => {
                (Ended::Answered, relayed.reply(veil, reply), log.lines().next().map(str::to_owned))
            }
        };
        let effects = effects.iter().map(|(effect, answer)| Asked::new(veil, effect, answer.as_ref())).collect();
        Self { method: request.method.clone(), url: request.url.clone(), decisions, effects, ended, answer, log }
    }

    pub(super) fn unreadable(request: &Request, why: Unreadable) -> Self {
        let decision = Decision::refused("entry", why.message());
        let answer = why.answer();
        let decision = decision.maybe("code", answer.map(|it| it.1)).maybe("status", answer.map(|it| it.0));
        Self {
            method: request.method.clone(),
            url: request.url.clone(),
            decisions: vec![decision],
            effects: Vec::new(),
            ended: Ended::Unreadable,
            answer: None,
            log: None,
        }
    }
}

impl Asked {
    fn new(veil: &Veil<'_>, effect: &Effect, answer: Option<&Answer>) -> Self {
        let answered = answer.map(in_words);
        match effect {
            Effect::Forward(plan) => Self::Forward { plan: Plan::new(veil, plan), answered },
            Effect::Digest(limit, within_ms) => Self::Digest { body_limit: limit.0, within_ms: *within_ms, answered },
            Effect::Deliver(delivery) => Self::Deliver { within_ms: delivery.within_ms, answered },
            Effect::Read(..) => Self::Platform { what: "body", answered },
            Effect::Run(..) => Self::Platform { what: "errand", answered },
            Effect::Refresh(_) => Self::Platform { what: "signals", answered },
            Effect::Replenish(..) => Self::Platform { what: "limits", answered },
            Effect::Verify(verify) => {
                let key = u32::from(verify.key.key).saturating_add(1);
                Self::Verify { issuer: veil.issuer(verify.key.issuer), key, answered }
            }
        }
    }
}

impl Plan {
    fn new(veil: &Veil<'_>, plan: &Forward) -> Self {
        Self {
            url: veil.url(&plan.url),
            binding: Some(plan.binding.clone()).filter(|binding| !binding.is_empty()),
            timeout_ms: plan.timeout_ms,
            body_limit: plan.body_limit.map(|limit| limit.0),
            untouched: plan.untouched,
            request: veil.request(&plan.head),
            response: veil.response(&plan.answer),
        }
    }
}

/// What an upstream has answered, and what the plan makes of its head.
struct Relayed<'e> {
    status: u16,
    /// The status that an answer was delivered with in its place.
    delivered: Option<u16>,
    edits: Option<&'e Edits>,
}

impl<'e> Relayed<'e> {
    fn of(effects: &'e [(Effect, Option<Answer>)]) -> Self {
        let mut relayed = Self { status: 0, delivered: None, edits: None };
        for (effect, answer) in effects {
            match (effect, answer) {
                (Effect::Forward(plan), Some(Answer::Head(head))) => {
                    relayed = Self { status: head.status, delivered: None, edits: Some(&plan.answer) };
                }
                (Effect::Deliver(Delivery { reply: reply::Reply::Relay(relay), .. }), _) => {
                    relayed.delivered = relay.status;
                }
                _ => {}
            }
        }
        relayed
    }

    /// The answer; one that is not in the end was delivered before.
    fn reply(&self, veil: &Veil<'_>, reply: Option<reply::Reply>) -> Option<Reply> {
        let status = match reply {
            Some(reply::Reply::Made(made)) => {
                let body = Some(made.body.into_owned()).filter(|body| !body.is_empty());
                return Some(Reply { from: Maker::Gateway, status: made.status, head: veil.made(&made.head), body });
            }
            Some(reply::Reply::Relay(relay)) => relay.status,
            None => self.delivered,
        };
        let status = status.unwrap_or(self.status);
        let head = veil.response(self.edits?);
        Some(Reply { from: Maker::Upstream, status, head, body: None })
    }
}

fn in_words(answer: &Answer) -> String {
    let word = match answer {
        Answer::Head(head) => return format!("status={}", head.status),
        Answer::Unreachable => "unreachable",
        Answer::Timeout => "timeout",
        Answer::BodyTooLarge => "too_large",
        Answer::BodyEnd(BodyEnd::Complete, _) => "complete",
        Answer::BodyEnd(BodyEnd::Broken, _) => "broken",
        Answer::ClientGone => "client_gone",
        Answer::Verified(true) => "signed",
        Answer::Verified(false) => "unsigned",
        Answer::KeyUnusable => "key_unusable",
        Answer::Digest(_) => "digest",
        Answer::Returned(Ok(_)) => "returned",
        Answer::Returned(Err(_)) => "failed",
    };
    word.to_owned()
}
