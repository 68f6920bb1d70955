//! Values made anew for each request: `{request.id}`, `{claims.sub}`, `{path.id}`.
//!
//! Only the shape stands here. Which facts fill it is known to the stage that uses it.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// A piece of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Slot {
    /// These characters as they stand.
    Literal(String),
    /// `{request.id}`: the request id.
    RequestId,
    /// `{request.method}`: the method, as sent.
    RequestMethod,
    /// `{request.host}`: the host of the URL, as sent, without its port.
    RequestHost,
    /// `{request.path}`: the path, as sent.
    RequestPath,
    /// `{request.query}`: the query, as sent, without its `?`; nothing where there is none.
    RequestQuery,
    /// `{request.query.NAME}`: the first value of that name in the query, as sent.
    QueryValue(String),
    /// `{request.headers.NAME}`: a request header, its name in lower case.
    Header(String),
    /// `{claims.NAME}`: a claim of the verified token.
    Claim(String),
    /// `{path.NAME}` or `{NAME}`: a parameter of the matched route.
    PathParameter(String),
}

/// A value with places that the request fills.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Template(pub Vec<Slot>);

/// Headers whose values prove who asks: what is made of them is not for showing.
const SECRET_HEADERS: [&str; 3] = ["authorization", "proxy-authorization", "cookie"];

/// Claims that may be shown.
const SHOWN_CLAIMS: [&str; 3] = ["sub", "scope", "scp"];

impl Template {
    /// The value for one request; `fact` answers what stands in a slot, `None` leaves the whole value out
    /// (a header with half a value would be worse than none).
    pub fn fill<'a>(&'a self, fact: impl Fn(&'a Slot) -> Option<Cow<'a, str>>) -> Option<String> {
        self.0
            .iter()
            .map(|slot| match slot {
                Slot::Literal(text) => Some(text.into()),
                other => fact(other),
            })
            .collect()
    }

    /// Whether it reads what an explanation must not show: claims other than subject and scopes, and headers that prove
    /// who asks.
    #[must_use]
    pub fn reads_secrets(&self) -> bool {
        self.0.iter().any(|slot| match slot {
            Slot::Claim(name) => !SHOWN_CLAIMS.contains(&name.as_str()),
            Slot::Header(name) => SECRET_HEADERS.contains(&name.as_str()),
            _ => false,
        })
    }
}

/// Prints a template as it is written, braces of its own doubled.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|slot| match slot {
            Slot::Literal(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}")),
            Slot::RequestId => f.write_str("{request.id}"),
            Slot::RequestMethod => f.write_str("{request.method}"),
            Slot::RequestHost => f.write_str("{request.host}"),
            Slot::RequestPath => f.write_str("{request.path}"),
            Slot::RequestQuery => f.write_str("{request.query}"),
            Slot::QueryValue(name) => write!(f, "{{request.query.{name}}}"),
            Slot::Header(name) => write!(f, "{{request.headers.{name}}}"),
            Slot::Claim(name) => write!(f, "{{claims.{name}}}"),
            Slot::PathParameter(name) => write!(f, "{{path.{name}}}"),
        })
    }
}
