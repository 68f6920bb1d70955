//! Routes that will go away: tells so on every answer, and refuses once their time is over.
//!
//! `Deprecation` (RFC 9745) says since when nobody should begin with a route, `Sunset` (RFC 8594) when it ends. All values
//! are made when the file is compiled; a request compares one number. Not here: routes that are closed for a while
//! (`maintenance`), and whom a caller should ask instead (`respond`).

#[cfg(feature = "compiler")]
pub mod keys;

use serde::{Deserialize, Serialize};

use crate::http::{
    Millis,
    edits::Edits,
    problem::{Fault, Kind, Problem},
};

/// The key of this stage: `deprecation`. `None`: nothing is said.
pub type Config = Option<Deprecation>;

/// A route that will go away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Deprecation {
    /// Headers of every answer: names in lower case, values. They join the constant list of the policy.
    pub headers: Vec<(String, String)>,
    /// What joins `Link`; empty for nothing.
    pub link: String,
    /// From when on it is gone.
    pub sunset_ms: Option<Millis>,
}

/// 410: the route has gone away.
pub const VERSION_SUNSET: Kind =
    Kind { code: "version_sunset", status: 410, title: "This version is gone", fault: Fault::Client };

/// Refuses a request to a route whose time is over.
///
/// # Errors
/// [`VERSION_SUNSET`].
pub fn check(config: &Deprecation, now: Millis) -> Result<(), Problem> {
    if config.sunset_ms.is_none_or(|sunset| now < sunset) {
        return Ok(());
    }
    let date = config.headers.iter().find(|(name, _)| name == "sunset").map_or("", |(_, date)| date.as_str());
    Err(Problem::new(&VERSION_SUNSET, format!("This was there until {date}.")))
}

/// Headers that every answer of a policy gets, for its constant list.
#[must_use]
pub fn constant(config: &Config) -> &[(String, String)] {
    config.as_ref().map_or(&[], |deprecation| &deprecation.headers)
}

/// Joins the links that are there, for an upstream may have some.
pub fn finish(head: &mut Edits, config: &Config) {
    if let Some(deprecation) = config.as_ref().filter(|deprecation| !deprecation.link.is_empty()) {
        head.append("link", deprecation.link.clone());
    }
}

/// What is told of this stage where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(config: &Config, teller: &mut crate::config::told::Teller<'_>) {
    let Some(Deprecation { headers, link, sunset_ms: _ }) = config else { return };
    for (name, value) in headers {
        teller.put(format!("deprecation.{name}"), value.as_str());
    }
    if !link.is_empty() {
        teller.put("deprecation.link", link.as_str());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deprecation() -> Deprecation {
        let headers = vec![("sunset".to_owned(), "Thu, 31 Dec 2026 00:00:00 GMT".to_owned())];
        Deprecation { headers, link: "</guide>; rel=\"sunset\"".into(), sunset_ms: Some(1_000) }
    }

    #[test]
    fn a_route_is_gone_from_the_moment_of_its_sunset_on() {
        assert!(check(&deprecation(), 999).is_ok());
        let problem = check(&deprecation(), 1_000).unwrap_err();
        assert_eq!(problem.kind.status, 410);
        assert_eq!(problem.detail, "This was there until Thu, 31 Dec 2026 00:00:00 GMT.");
        let open = Deprecation { sunset_ms: None, ..deprecation() };
        assert!(check(&open, Millis::MAX).is_ok());
    }

    #[test]
    fn links_join_those_of_the_upstream() {
        let mut head = Edits::default();
        finish(&mut head, &Some(deprecation()));
        finish(&mut head, &None);
        finish(&mut head, &Some(Deprecation::default()));
        assert_eq!(head.append, [("link".into(), "</guide>; rel=\"sunset\"".into())]);
        assert!(head.set.is_empty());
    }
}
