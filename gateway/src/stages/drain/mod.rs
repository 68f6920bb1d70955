//! A gateway that is about to be replaced: it takes no new requests, and those that it has go on to their end. Its health
//! paths answer, so that whoever balances the load sees it.
//!
//! Not here: single routes that are closed for a while (`maintenance`).

#[cfg(feature = "compiler")]
pub mod keys;

use serde::{Deserialize, Serialize};

use crate::{
    config::switch::Switch,
    http::problem::{Fault, Kind, Problem},
};

/// `[gateway] drain`. `None`: never.
pub type Config = Option<Drain>;

/// When a gateway takes no new requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drain {
    /// When.
    pub on: Switch,
    /// `Retry-After`, in seconds.
    pub retry_after_s: u32,
}

/// 503: the gateway takes no new requests.
pub const DRAINING: Kind =
    Kind { code: "draining", status: 503, title: "The gateway is being replaced", fault: Fault::Gateway };

/// Refuses a request to a gateway that drains now.
///
/// # Errors
/// [`DRAINING`] with `Retry-After` (RFC 9110 section 10.2.3).
pub fn check(draining: Option<&Drain>) -> Result<(), Problem> {
    match draining {
        None => Ok(()),
        Some(drain) => Err(Problem::new(&DRAINING, "This gateway takes no new requests; another one takes its place.")
            .header("retry-after", drain.retry_after_s.to_string())),
    }
}

/// What is told of it where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(config: &Config, teller: &mut crate::config::told::Teller<'_>) {
    if let Some(Drain { on, retry_after_s }) = config {
        teller.put("drain.on", on.told(teller.variables));
        teller.put("drain.retry_after", crate::config::told::seconds(*retry_after_s));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_that_drains_says_when_to_come_back() {
        let problem = check(Some(&Drain { on: Switch::On, retry_after_s: 30 })).unwrap_err();
        assert_eq!((problem.kind.status, problem.headers.value("retry-after")), (503, Some("30")));
        assert!(check(None).is_ok());
    }
}
