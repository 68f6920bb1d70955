//! A gateway that runs, as its operator asks it: where it is, by which token, and what comes of a request.
//!
//! Not here: what is asked for. That is the commands' own affair.

mod place;
mod query;
mod refusals;
mod token;

use std::cell::Cell;

use gateway::stages::admin::{Admin, PATH, Role};
use serde_json::Value;

use crate::{
    Failure,
    arguments::Given,
    command::{Command, Opt, Takes},
    host::Host,
    http::{Answer, Request},
    output,
};
use place::{Known, Origin};
use token::Token;

pub(crate) use place::near;
pub(crate) use query::escaped;
pub(crate) use refusals::plain;

/// `--url URL`.
pub(crate) const URL: Opt =
    Opt::value("url", "URL", Takes::Text, "where the gateway is (default: FERROGATE_URL, else http://127.0.0.1:8787)");

/// `--config FILE`.
pub(crate) const CONFIG: Opt = Opt::value(
    "config",
    "FILE",
    Takes::File,
    "its gateway.toml, for the path in [admin] (default: gateway.toml, if it is there)",
);

/// `--env NAME`.
pub(crate) const ENV: Opt =
    Opt::value("env", "NAME", Takes::Text, "the file as it is in [env.NAME] (default: as it stands)");

/// How a command knows where and who: the end of its notes.
pub(crate) const NOTES: &str = "\
The token is that of FERROGATE_TOKEN. Without it, and where the issuer of [admin] signs with HS256, one for a minute is
made with the secret that the file names, from the environment, .dev.vars or wrangler.toml beside the file. A token goes
over https, or in clear to this machine; redirects are not followed.
";

/// What exit codes mean for whoever asks a gateway.
pub(crate) const EXITS: &[(u8, &str)] = &[
    (0, "done"),
    (1, "the gateway refuses, or there is no token to ask with"),
    (2, "wrong usage, a file that cannot be used, or no answer"),
];

/// A gateway, and somebody who may ask it.
pub(crate) struct Operator<'h> {
    host: &'h dyn Host,
    origin: Origin,
    known: Option<Known>,
    role: Role,
    /// How its token was made is told once.
    is_told: Cell<bool>,
}

/// What somebody asks for.
pub(crate) struct Asked {
    pub(crate) method: &'static str,
    /// Behind the path of `[admin]`.
    pub(crate) below: String,
    pub(crate) body: Option<String>,
    /// What was probably meant, if the gateway does not know what is named.
    pub(crate) near: String,
}

impl Asked {
    /// Something to look at.
    pub(crate) fn get(below: &str) -> Self {
        Self { method: "GET", below: below.to_owned(), body: None, near: String::new() }
    }

    fn changes(&self) -> bool {
        self.method != "GET"
    }
}

impl<'h> Operator<'h> {
    /// By the options of a command that needs a role. Nothing is sent yet.
    pub(crate) fn of(
        command: &'static Command,
        given: &Given,
        host: &'h dyn Host,
        role: Role,
    ) -> Result<Self, Failure> {
        let origin = Origin::of(command, given, host)?;
        let known = place::known(given, host)?;
        // What is missing is missing before anything is sent.
        token::find(host, known.as_ref(), role)?;
        Ok(Self { host, origin, known, role, is_told: Cell::new(false) })
    }

    /// A fresh one for every request, where it is made here: a minute is not long for many of them.
    fn token(&self) -> Result<Token, Failure> {
        let token = token::find(self.host, self.known.as_ref(), self.role)?;
        if let Some(who) = token.told().filter(|_| !self.is_told.replace(true)) {
            output::error(self.host, &format!("ferrogate: {who}"));
        }
        Ok(token)
    }

    /// The URL of the gateway.
    pub(crate) fn url(&self) -> &str {
        &self.origin.text
    }

    /// The configuration that the gateway is said to run, if one is there.
    pub(crate) fn configuration(&self) -> Option<&gateway::blueprint::Blueprint> {
        self.known.as_ref().map(|known| &known.blueprint)
    }

    fn admin(&self) -> Option<&Admin> {
        self.configuration().and_then(|blueprint| blueprint.admin.as_ref())
    }

    /// Sends a request. The answer is one of success.
    pub(crate) fn ask(&self, asked: Asked) -> Result<Answer, Failure> {
        let token = self.token()?;
        let path = self.admin().map_or(PATH, |admin| admin.path.as_str());
        let url = format!("{}{path}{}", self.origin.text, asked.below);
        let (changes, near) = (asked.changes(), asked.near);
        let mut headers = vec![
            ("accept", "application/json".to_owned()),
            ("authorization", format!("Bearer {}", token.text)),
            ("user-agent", concat!("ferrogate/", env!("CARGO_PKG_VERSION")).to_owned()),
        ];
        if asked.body.is_some() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        let request = Request { method: asked.method, url, headers, body: asked.body };
        let answer = self.host.ask(&request).map_err(|trouble| self.unanswered(&trouble, changes))?;
        if (200..300).contains(&answer.status) { Ok(answer) } else { Err(self.refused(&answer, &token, &near)) }
    }

    /// The document that an answer carries.
    pub(crate) fn document(&self, answer: &Answer) -> Result<Value, Failure> {
        serde_json::from_str(&answer.body).map_err(|_| self.strange(answer))
    }

    /// That an answer is none of a gateway's.
    pub(crate) fn strange(&self, answer: &Answer) -> Failure {
        let message = format!("{} answers {}, and not as a gateway of Ferrogate", self.origin.text, answer.status);
        Failure::Findings(message)
    }
}
