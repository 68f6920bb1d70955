//! What is worth a row in the audit log: requests of routes that say so, and refusals that tell of an attack or of an
//! operator's hand.
//!
//! Not here: the rows themselves and how they are kept (`fleet::audit`), and when one is made (`pipeline::audit`).

#[cfg(feature = "compiler")]
pub mod keys;

use serde::{Deserialize, Serialize};

use crate::{
    config::template::Template,
    http::problem::{Fault, Kind},
};

/// The key `audit` of routes; few have it.
pub type Config = Option<Box<Rule>>;

/// What each finished request of a route leaves behind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rule {
    /// What was done: `order.create`.
    pub action: String,
    /// To what kind of thing.
    pub resource: Option<String>,
    /// To which of them.
    pub resource_id: Option<Template>,
}

/// The section `[audit]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Whether refusals that matter for security leave rows, where there is a queue.
    pub security: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { security: true }
    }
}

/// 503: what must be in the audit log cannot be put there, so it is not done.
pub const AUDIT_UNAVAILABLE: Kind =
    Kind { code: "audit_unavailable", status: 503, title: "The change cannot be put on record", fault: Fault::Gateway };

/// What a refusal is called where it matters for security. That there is no token is no news, and neither is a client's
/// mistake that nobody gains by.
#[must_use]
pub fn security(code: &str) -> Option<&'static str> {
    Some(match code {
        "token_invalid" | "token_expired" | "authorization_malformed" => "security.token_refused",
        "scope_missing" | "role_missing" | "condition_failed" => "security.access_denied",
        "host_malformed" | "host_refused" | "https_required" | "length_malformed" => "security.blocked",
        "kill_switch" => "security.kill_switch",
        _ => return None,
    })
}

/// What is told of this stage where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(config: &Config, teller: &mut crate::config::told::Teller<'_>) {
    let Some(rule) = config else { return };
    let Rule { action, resource, resource_id } = &**rule;
    teller.put("audit", action.as_str());
    if let Some(resource) = resource {
        teller.put("audit.resource", resource.as_str());
    }
    if let Some(template) = resource_id {
        let value = teller.template(template);
        teller.put("audit.resource_id", value);
    }
}

/// What is told of the section.
#[cfg(feature = "explain")]
pub fn settings_told(settings: Settings, teller: &mut crate::config::told::Teller<'_>) {
    let Settings { security } = settings;
    if !security {
        teller.put("audit.security", crate::config::told::yes(security));
    }
}

#[cfg(test)]
mod tests {
    use super::security;

    #[test]
    fn what_matters_for_security_is_called_by_what_it_means() {
        let cases = [
            ("token_invalid", Some("security.token_refused")),
            ("token_missing", None),
            ("condition_failed", Some("security.access_denied")),
            ("kill_switch", Some("security.kill_switch")),
            ("https_required", Some("security.blocked")),
            ("body_too_large", None),
            ("route_not_found", None),
            ("upstream_timeout", None),
        ];
        for (code, action) in cases {
            assert_eq!(security(code), action, "{code}");
        }
    }
}
