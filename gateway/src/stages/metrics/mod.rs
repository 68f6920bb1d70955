//! What those get who read metrics: the section, who is let in by a token, and what is written for them. What is counted,
//! and where it comes together, is `fleet::metrics`.

mod document;
#[cfg(feature = "compiler")]
pub mod keys;
mod text;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

pub use self::{
    document::document,
    text::{Format, exposition, merged},
};
use crate::{
    config::{
        operator::Operator,
        text::{Text, Values},
    },
    fleet::metrics::Reading,
    http::{accept, edits::Edits, reply::Made},
};

/// `[metrics]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// Where the text is read.
    pub path: String,
    /// Whoever sends this as a bearer token may read; at least [`SHORTEST_TOKEN`] bytes once resolved.
    pub token: Option<Text>,
    /// Whose tokens may, too.
    pub operator: Option<Operator>,
    /// In how many objects the counts come together.
    pub shards: u16,
}

/// The shortest token, in bytes.
pub const SHORTEST_TOKEN: usize = 32;

/// Where the text is read when the file says nothing; also its label in logs and metrics, wherever it is.
pub const PATH: &str = "/metrics";

/// Where the document is read.
pub const DOCUMENT: &str = "/api/v1/monitoring/metrics";

/// The token of `[metrics]`, as it is compared.
pub struct Token([u8; 32]);

impl Token {
    /// `None` when it is too short.
    #[must_use]
    pub fn new(text: &Text, values: &Values) -> Option<Self> {
        let token = text.resolve(values);
        (token.len() >= SHORTEST_TOKEN).then(|| Self(Sha256::digest(token.as_bytes()).into()))
    }

    /// Whether a bearer token is this one. Takes as long whatever differs.
    #[must_use]
    pub fn is(&self, bearer: &str) -> bool {
        Sha256::digest(bearer.as_bytes()).as_slice().ct_eq(&self.0).into()
    }
}

/// The bearer token of the field `Authorization`, if that is one and nothing else. The case of the scheme does not matter
/// (RFC 9110 section 11.1).
#[must_use]
pub fn bearer(authorization: Option<&str>) -> Option<&str> {
    let (scheme, token) = authorization?.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The gateway that speaks.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// Its name.
    pub name: &'a str,
    /// The environment that it runs in, if it runs in one.
    pub environment: Option<&'a str>,
    /// The hash of its configuration.
    pub release: u64,
}

impl About<'_> {
    fn release(&self) -> String {
        format!("{:016x}", self.release)
    }
}

/// The version of the code.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What each object has said, by its number; `None` of those that did not answer.
pub type Readings = [Option<Reading>];

/// The answer with the text, in the format that `Accept` asks for.
#[must_use]
pub fn page(about: &About<'_>, readings: &Readings, accept: Option<&str>) -> Made {
    let is_open = accept::names(accept, "application/openmetrics-text", "text/plain");
    let format = if is_open { Format::OpenMetrics } else { Format::Text };
    answer(format.media_type(), exposition(about, readings, format))
}

/// Adds texts to one. In one place, for there are many of these.
#[inline(never)]
fn push(text: &mut String, parts: &[&str]) {
    for part in parts {
        text.push_str(part);
    }
}

/// An answer that nobody keeps.
#[must_use]
pub fn answer(media_type: &'static str, body: String) -> Made {
    let mut head = Edits::default();
    head.set("content-type", media_type);
    head.set("cache-control", "no-store");
    Made { status: 200, head, body: body.into() }
}

/// What is told of it where configurations are compared; not of its token, which is a secret.
#[cfg(feature = "explain")]
pub fn told(config: &Config, teller: &mut crate::config::told::Teller<'_>) {
    let Config { path, token: _, operator, shards } = config;
    teller.put("metrics.path", path.as_str());
    teller.put("metrics.shards", shards.to_string());
    crate::config::operator::told(operator.as_ref(), "metrics", teller);
}

#[cfg(test)]
mod tests;
