//! `Proxy-Status` (RFC 9209): tells whether it was the gateway or the upstream that failed, and on answers that are
//! passed on, what the upstream said. It names upstreams as the configuration does, never their hosts.

#[cfg(feature = "compiler")]
pub mod keys;

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::http::{
    edits::Edits,
    problem::{Fault, Kind},
    structured::write_name,
};

/// The key of this stage: `proxy_status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Config {
    /// On answers that stand for an upstream's failure.
    #[default]
    Failures,
    /// On these and on what upstreams answer.
    All,
    /// Nowhere.
    Never,
}

/// The field.
pub const PROXY_STATUS: &str = "proxy-status";

/// Tells why there is no answer of the upstream (RFC 9209 section 2.3). A Worker is not told why a connection failed,
/// refused, broken or without a name: so it is called unavailable, not more.
pub fn failed(config: Config, head: &mut Edits, gateway: &str, kind: &Kind) {
    let error = match (kind.fault, kind.status) {
        (Fault::Upstream, 504) => "http_response_timeout",
        (Fault::Upstream, 502) => "destination_unavailable",
        (_, 508) => "proxy_loop_detected",
        _ => return,
    };
    if config != Config::Never {
        head.set(PROXY_STATUS, member(gateway, |member| member.push_str(&["; error=", error].concat())));
    }
}

/// Tells what the upstream of this name has answered, behind what proxies before it have told.
pub fn relayed(config: Config, head: &mut Edits, gateway: &str, upstream: Option<&str>, status: u16) {
    if config != Config::All {
        return;
    }
    let told = |member: &mut String| {
        // Writing into a text cannot fail.
        let _ = write!(member, "; received-status={status}");
        if let Some(upstream) = upstream {
            member.push_str("; next-hop=");
            write_name(member, upstream);
        }
    };
    head.append(PROXY_STATUS, member(gateway, told));
}

fn member(gateway: &str, told: impl FnOnce(&mut String)) -> String {
    let mut member = String::with_capacity(64);
    write_name(&mut member, gateway);
    told(&mut member);
    member
}

/// What is told of this stage where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(config: &Config, teller: &mut crate::config::told::Teller<'_>) {
    if *config != Config::Failures {
        teller.put("proxy_status", crate::config::told::yes(*config == Config::All));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Kind = Kind { code: "t", status: 504, title: "", fault: Fault::Upstream };
    const OF_CLIENT: Kind = Kind { code: "c", status: 413, title: "", fault: Fault::Client };
    const OF_OURS: Kind = Kind { code: "g", status: 504, title: "", fault: Fault::Gateway };

    fn after(edit: impl FnOnce(&mut Edits)) -> Option<String> {
        let mut head = Edits::default();
        edit(&mut head);
        head.value(PROXY_STATUS).map(str::to_owned)
    }

    #[test]
    fn only_failures_of_upstreams_are_told() {
        let told = |config, kind| after(|head| failed(config, head, "acme", kind));
        for config in [Config::Failures, Config::All] {
            assert_eq!(told(config, &TIMEOUT).as_deref(), Some("acme; error=http_response_timeout"));
            assert_eq!(told(config, &OF_CLIENT), None);
            assert_eq!(told(config, &OF_OURS), None);
        }
        assert_eq!(told(Config::Never, &TIMEOUT), None);
    }

    #[test]
    fn a_relayed_answer_tells_its_status_and_its_upstream_where_that_is_asked_for() {
        let told = |config| after(|head| relayed(config, head, "7-acme", Some("2nd_shop"), 404));
        assert_eq!(told(Config::All).as_deref(), Some("\"7-acme\"; received-status=404; next-hop=\"2nd_shop\""));
        assert_eq!((told(Config::Failures), told(Config::Never)), (None, None));
        assert_eq!(after(|head| relayed(Config::All, head, "a", None, 200)).as_deref(), Some("a; received-status=200"));
    }
}
