//! Routes that are closed for a while. The paths that the gateway answers itself stay open.
//!
//! Not here: a gateway that is about to be replaced, which takes no requests at all: see `drain`.

#[cfg(feature = "compiler")]
pub mod keys;

use serde::{Deserialize, Serialize};

use crate::{
    config::switch::Switch,
    http::problem::{Fault, Kind, Problem},
};

/// The key of this stage: `maintenance`. `None`: the route is always open.
pub type Config = Option<Maintenance>;

/// A route that is closed for a while.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Maintenance {
    /// When.
    pub on: Switch,
    /// `Retry-After`, in seconds.
    pub retry_after_s: u32,
    /// What to tell the caller.
    pub detail: String,
}

/// 503: the route is closed for a while.
pub const MAINTENANCE: Kind =
    Kind { code: "maintenance", status: 503, title: "Closed for maintenance", fault: Fault::Gateway };

/// Refuses a request to a route that is closed now.
///
/// # Errors
/// [`MAINTENANCE`] with `Retry-After` (RFC 9110 section 10.2.3).
pub fn check(closed: Option<&Maintenance>) -> Result<(), Problem> {
    match closed {
        None => Ok(()),
        Some(closed) => {
            Err(Problem::new(&MAINTENANCE, closed.detail.clone())
                .header("retry-after", closed.retry_after_s.to_string()))
        }
    }
}

/// What is told of this stage where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(config: &Config, teller: &mut crate::config::told::Teller<'_>) {
    if let Some(Maintenance { on, retry_after_s, detail }) = config {
        teller.put("maintenance.on", on.told(teller.variables));
        teller.put("maintenance.retry_after", crate::config::told::seconds(*retry_after_s));
        teller.put("maintenance.detail", detail.as_str());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_route_says_when_to_come_back() {
        let closed = Maintenance { on: Switch::On, retry_after_s: 600, detail: "Back soon.".into() };
        let problem = check(Some(&closed)).unwrap_err();
        assert_eq!((problem.kind.status, problem.headers.value("retry-after")), (503, Some("600")));
        assert!(check(None).is_ok());
    }
}
