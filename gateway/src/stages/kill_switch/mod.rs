//! The kill switch: an operator stops the gateway, an API or a route, now and for a time. Health paths and the operator's own
//! paths stay open.
//!
//! Not here: how it is thrown (the admin surface) and how the fleet learns of it (`fleet::signals`). What is closed on
//! purpose and in advance is `maintenance`; a gateway that is replaced is `drain`.

use crate::{
    fleet::signals::switch::Switch,
    http::{
        Millis,
        problem::{Fault, Kind, Problem},
    },
};

/// 503: stopped by the operator.
pub const KILL_SWITCH: Kind =
    Kind { code: "kill_switch", status: 503, title: "Stopped by the operator", fault: Fault::Gateway };

/// Refuses a request to what is stopped now.
///
/// # Errors
/// [`KILL_SWITCH`] with the reason and `Retry-After` (RFC 9110 section 10.2.3).
pub fn check(thrown: Option<&Switch>, now: Millis) -> Result<(), Problem> {
    match thrown {
        None => Ok(()),
        Some(switch) => Err(stopped(&KILL_SWITCH, switch, now)),
    }
}

/// The refusal of a switch: its reason, and when to come back.
#[must_use]
pub fn stopped(kind: &'static Kind, switch: &Switch, now: Millis) -> Problem {
    Problem::new(kind, switch.reason.clone()).header("retry-after", switch.retry_after_s(now).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::signals::switch::{self, Lever, Scope};

    #[test]
    fn what_is_stopped_says_why_and_when_to_come_back() {
        let lever = Lever { kind: switch::Kind::Kill, scope: Scope::Gateway };
        let (reason, by) = ("A leak is being closed.".to_owned(), "ops".to_owned());
        let switch = Switch { lever, reason, by, retry_after_s: 0, since: 0, until: 60_000 };
        let problem = check(Some(&switch), 30_000).unwrap_err();
        assert_eq!((problem.kind.status, problem.headers.value("retry-after")), (503, Some("30")));
        assert_eq!(problem.detail, "A leak is being closed.");
        assert!(check(None, 0).is_ok());
    }
}
