//! What would become of a request, and why: the pipeline and driver that the Worker runs, on ports that call nobody.
//!
//! `drive` runs them, `explanation` puts down what came of it, `text` writes it for people. `diff` compares two
//! configurations by meaning and `what_if` by what they do with requests. Not here: files, arguments, colours, exit
//! codes and the clock, which belong to the command line.

pub mod answer;
pub mod diff;
pub mod drive;
pub mod explanation;
mod heads;
pub mod recorded;
pub mod request;
mod sign;
mod text;
mod unused;
pub mod what_if;
mod words;

use std::rc::Rc;

use serde_json::{Map, Value};

use self::{answer::Answer, explanation::Explanation, request::Request};
use crate::{
    blueprint::Blueprint,
    config::text::Values,
    http::{Millis, request::RequestHead},
    pipeline::{
        gateway::{Gateway, ReadyRoute},
        start::CannotStart,
    },
    routing::select::{Selection, select},
    stages::authn::{Issuer, Verifier},
};

pub use self::{diff::diff, unused::unused, what_if::what_if};

/// A gateway with the values of its variables, as an isolate would have it, and what signs tokens for it.
pub struct Started {
    gateway: Rc<Gateway>,
    issuers: Vec<Issuer>,
    values: Values,
}

impl Started {
    /// Starts a gateway with the values of its variables, in their order.
    ///
    /// # Errors
    /// The reasons why the Worker could not start either.
    pub fn new(blueprint: Blueprint, environment: &[Option<String>]) -> Result<Self, CannotStart> {
        let values = blueprint.variables.values(environment);
        let issuers = blueprint.issuers.clone();
        let gateway = Gateway::start(blueprint, environment)?;
        gateway.fleet.limits.count_nothing();
        Ok(Self { gateway: Rc::new(gateway), issuers, values })
    }

    /// The gateway.
    #[must_use]
    pub fn gateway(&self) -> &Rc<Gateway> {
        &self.gateway
    }

    /// The route that a request takes, if it takes one.
    fn route(&self, head: &RequestHead) -> Option<ReadyRoute<'_>> {
        let found = match select(&self.gateway.table, head).ok()? {
            Selection::Route(found) | Selection::Preflight(found, _) => found,
            Selection::Options(found, _) => found?,
        };
        self.gateway.route(found.route)
    }

    /// The issuer of a route that a token with these claims would come from: the one that they name, or the first.
    fn issuer(&self, route: ReadyRoute<'_>, claims: &Map<String, Value>) -> Option<&Issuer> {
        let mut taken = route.policy().authn.issuers().iter().filter_map(|index| self.issuers.get(usize::from(*index)));
        let named = |issuer: &&Issuer| claims.get("iss").is_some_and(|iss| *iss == issuer.issuer.resolve(&self.values));
        taken.clone().find(named).or_else(|| taken.next())
    }

    /// The head that the Worker would read. Where the request names claims, a token that holds them and is signed for
    /// its route stands in the place of what was sent, so that the real verification runs. Where that is done with public
    /// keys, nobody here can sign: what is said of the signature then is that it is right.
    fn head(&self, request: &Request, now: Millis) -> Result<(RequestHead, Option<bool>), request::Unreadable> {
        let named = &self.gateway.named_headers;
        let head = request.head(named, None)?;
        let Some(claims) = &request.claims else { return Ok((head, None)) };
        let issuer = self.route(&head).and_then(|route| self.issuer(route, claims));
        match issuer.map(|issuer| sign::token(issuer, &self.values, claims, now)) {
            Some(token) => Ok((request.head(named, Some(&format!("Bearer {token}")))?, Some(true))),
            None => Ok((head, None)),
        }
    }
}

/// What becomes of a request. Nothing is called: what the gateway would ask of others is answered from `answers`, in
/// order, each with the next that can answer it. Where an upstream is asked and nothing is said, the explanation ends.
#[must_use]
pub fn explain(started: &Started, request: &Request, now: Millis, answers: &[Answer]) -> Explanation {
    // What one request is told must not depend on those that were explained before it.
    started.gateway.issuers().iter().for_each(Verifier::forget);
    match started.head(request, now) {
        Err(unreadable) => Explanation::unreadable(request, unreadable),
        Ok((head, signed)) => {
            let veil = heads::Veil::new(&started.gateway, started.route(&head));
            let followed = drive::follow(&started.gateway, head, now, answers, signed);
            Explanation::new(request, &veil, followed)
        }
    }
}
