//! Routes without an upstream: answers that stand in the configuration.

#[cfg(feature = "compiler")]
pub mod keys;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{
    config::template::{Slot, Template},
    http::{
        edits::{Edits, is_field_value},
        problem::{Fault, Kind, Problem},
        reply::Made,
    },
};

/// What a route answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Config {
    /// `respond`: always the same.
    Fixed(Fixed),
    /// `redirect`: go there.
    Redirect(Redirect),
}

/// An answer as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fixed {
    /// 200 to 599.
    pub status: u16,
    /// Names in lower case, values.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: String,
}

/// Another place (RFC 9110 section 15.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    /// 301, 302, 303, 307 or 308.
    pub status: u16,
    /// `Location`: a path or a URL, made for each request.
    pub to: Template,
    /// Whether the request's query is put behind it.
    pub keep_query: bool,
}

/// 404: the address that the request would be sent to cannot be made of it.
pub const NO_SUCH_PLACE: Kind =
    Kind { code: "redirect_impossible", status: 404, title: "There is no such place", fault: Fault::Client };

/// The answer to a request; `fact` says what fills the slots of an address, `query` is the request's own, with its `?`.
///
/// # Errors
/// [`NO_SUCH_PLACE`] when what the request says cannot stand in an address.
pub fn respond<'a>(
    config: &'a Config,
    fact: impl Fn(&'a Slot) -> Option<Cow<'a, str>>,
    query: &str,
) -> Result<Made, Problem> {
    match config {
        Config::Fixed(fixed) => Ok(fixed.made()),
        Config::Redirect(redirect) => redirect.made(fact, query),
    }
}

impl Fixed {
    fn made(&self) -> Made {
        let mut head = Edits::default();
        for (name, value) in &self.headers {
            head.set(name.clone(), value.clone());
        }
        Made { status: self.status, head, body: self.body.clone().into() }
    }
}

impl Redirect {
    fn made<'a>(&'a self, fact: impl Fn(&'a Slot) -> Option<Cow<'a, str>>, query: &str) -> Result<Made, Problem> {
        let location = self.to.fill(fact).filter(|location| is_field_value(location) && !leaves(location, &self.to));
        let Some(location) = location else {
            return Err(Problem::new(&NO_SUCH_PLACE, "The request cannot be redirected."));
        };
        let mut head = Edits::default();
        head.set("location", if self.keep_query { with_query(&location, query) } else { location });
        head.set("cache-control", "no-store");
        Ok(Made { status: self.status, head, body: "".into() })
    }
}

/// An address with the request's query behind its own. What stands behind a `#` stays behind it: a query there would be
/// part of the fragment, which never reaches a server (RFC 3986 section 3.5).
fn with_query(location: &str, query: &str) -> String {
    let (address, fragment) = location.split_at(location.find('#').unwrap_or(location.len()));
    let joined = if address.contains('?') { query.replacen('?', "&", 1) } else { query.to_owned() };
    [address, &joined, fragment].concat()
}

/// Whether a filled address goes to another host than the one that its template begins with: a path that begins with
/// two slashes, or with a backslash, names a host (WHATWG URL, section 4.4). Tabs are taken out before that is looked at.
fn leaves(location: &str, template: &Template) -> bool {
    let fixed = matches!(template.0.first(), Some(Slot::Literal(start)) if start.contains("://") );
    !fixed && (location.starts_with("//") || location.contains(['\\', '\t']) || !location.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirect(to: Vec<Slot>, rest: &'static str, query: &str) -> Result<Made, &'static str> {
        let config = Config::Redirect(Redirect { status: 308, to: Template(to), keep_query: true });
        respond(&config, |_| Some(rest.into()), query).map_err(|problem| problem.kind.code)
    }

    fn to(literal: &str) -> Vec<Slot> {
        vec![Slot::Literal(literal.into()), Slot::PathParameter("rest".into())]
    }

    #[test]
    fn a_redirect_takes_path_and_query_along() {
        let made = redirect(to("/v2/"), "a/b", "?c=d").unwrap();
        assert_eq!((made.status, made.head.value("location")), (308, Some("/v2/a/b?c=d")));
        let made = redirect(to("https://new.example/x?from="), "a", "?c=d").unwrap();
        assert_eq!(made.head.value("location"), Some("https://new.example/x?from=a&c=d"));
        let made = redirect(vec![Slot::Literal("/book#chapter".into())], "", "?c=d").unwrap();
        assert_eq!(made.head.value("location"), Some("/book?c=d#chapter"));
    }

    #[test]
    fn no_request_chooses_the_host_of_a_redirect() {
        for rest in ["/evil.example", "\\evil.example", "\t/evil.example", "a\r\nb"] {
            assert_eq!(redirect(to("/"), rest, "").err(), Some("redirect_impossible"), "{rest:?}");
        }
        let only = vec![Slot::PathParameter("rest".into())];
        assert_eq!(redirect(only, "https://evil.example", "").err(), Some("redirect_impossible"));
    }
}
