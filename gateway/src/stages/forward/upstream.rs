//! `[upstreams.NAME]`: a place that requests go to, as data.

use serde::{Deserialize, Serialize};

use crate::config::text::Text;

/// A place that requests go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upstream {
    /// The name in the file.
    pub name: String,
    /// Where it is.
    pub target: Target,
    /// What is put before the path of each request; empty, or begins with a slash and does not end with one.
    pub prefix: String,
    /// How long an answer may take, where route and policies say nothing.
    pub timeout: Option<Timeouts>,
    /// What proves to it that the request comes from the gateway.
    pub credentials: Option<Credentials>,
    /// The path that tells how it is, behind the target and the prefix; it begins with a slash.
    pub health: Option<String>,
}

/// Where an upstream is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// An absolute `http` or `https` URL without query.
    Url(Text),
    /// A service binding of the Worker: another Worker, asked without the network.
    Service(String),
}

/// How long an answer may take, each in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Timeouts {
    /// Until the head of the answer is there.
    pub first_byte_ms: u32,
    /// For one try, body included.
    pub try_ms: Option<u32>,
    /// For everything that is done for a request, body included.
    pub whole_ms: Option<u32>,
}

/// What holds when the file says nothing: 30 s to the head of the answer.
pub const DEFAULT_TIMEOUTS: Timeouts = Timeouts { first_byte_ms: 30_000, try_ms: None, whole_ms: None };

impl Timeouts {
    /// Time until the head of the answer must be there. A request is tried once, so a try has no more than that.
    #[must_use]
    pub fn head_ms(self) -> u32 {
        self.body_ms().map_or(self.first_byte_ms, |body| body.min(self.first_byte_ms))
    }

    /// Time until the end of the body must be there, counted from the start.
    #[must_use]
    pub fn body_ms(self) -> Option<u32> {
        [self.try_ms, self.whole_ms].into_iter().flatten().min()
    }
}

/// What proves to an upstream that a request comes from the gateway. Values are secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Credentials {
    /// `Authorization: Bearer` (RFC 6750 section 2.1).
    Bearer(Text),
    /// `Authorization: Basic` (RFC 7617): user and password.
    Basic(Text, Text),
    /// A header of its own: name in lower case, value.
    Header(String, Text),
    /// A signature of each request (RFC 9421).
    Hmac {
        /// The key.
        secret: Text,
        /// What the upstream knows the key by.
        key_id: String,
        /// Whether bodies are signed too.
        body: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_time_counts() {
        let times = |first_byte_ms, try_ms, whole_ms| {
            let times = Timeouts { first_byte_ms, try_ms, whole_ms };
            (times.head_ms(), times.body_ms())
        };
        assert_eq!(times(10, None, None), (10, None));
        assert_eq!(times(10, Some(20), None), (10, Some(20)));
        assert_eq!(times(10, Some(20), Some(5)), (5, Some(5)));
    }
}
