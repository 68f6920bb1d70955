//! Values made anew for each request: `{request.id}`, `{claims.sub}`, `{path.id}`.
//!
//! Only the shape stands here. Which facts fill it is known to the stage that uses it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A piece of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Slot {
    /// These characters as they stand.
    Literal(String),
    /// `{request.id}`: the request id.
    RequestId,
    /// `{claims.NAME}`: a claim of the verified token.
    Claim(String),
    /// `{path.NAME}`: a parameter of the matched route.
    PathParameter(String),
}

/// A value with places that the request fills.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Template(pub Vec<Slot>);

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

    /// The names of the claims that the template reads.
    pub fn claims(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|slot| match slot {
            Slot::Claim(name) => Some(name.as_str()),
            _ => None,
        })
    }
}
