//! The operator's own paths, `/admin/v1`: what there is under them, and who may do what.
//!
//! Not here: how a request is answered (`pipeline::admin`), and what the things are that are asked about (`fleet`).

#[cfg(feature = "compiler")]
pub mod keys;
pub mod overrides;
pub mod switches;

use serde::{Deserialize, Serialize};

use crate::{
    config::switch::Switch,
    http::{
        edits::Edits,
        host::HostPattern,
        problem::{Fault, Kind},
        reply::Made,
    },
};

/// `[admin]`. `None`: the paths are not there.
pub type Config = Option<Admin>;

/// Where the paths are, and for whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admin {
    /// When they are there. `None`: on a developer's machine, and in no environment.
    pub on: Option<On>,
    /// What their paths begin with.
    pub path: String,
    /// The host on which alone they are; `None`: on every one.
    pub host: Option<HostPattern>,
    /// Whose tokens are taken, by the index of the issuer.
    pub issuer: u16,
    /// The roles of tokens that may look.
    pub viewer: Vec<String>,
    /// The roles that may throw switches, and look.
    pub operator: Vec<String>,
    /// The roles that may do everything.
    pub admin: Vec<String>,
}

/// Whether the file, or a variable, says that the paths are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum On {
    /// They are.
    Yes,
    /// They are not.
    No,
    /// A variable says it.
    If(Switch),
}

/// Where the paths are when the file says nothing.
pub const PATH: &str = "/admin/v1";

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Look.
    Viewer,
    /// Throw switches.
    Operator,
    /// Everything.
    Admin,
}

impl Role {
    /// Its name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl Admin {
    /// The roles of tokens of which one is enough.
    #[must_use]
    pub fn holders(&self, role: Role) -> Vec<String> {
        let (operators, viewers) = (role != Role::Admin, role == Role::Viewer);
        let lists = [(true, &self.admin), (operators, &self.operator), (viewers, &self.viewer)];
        lists.into_iter().filter(|(may, _)| *may).flat_map(|(_, roles)| roles.clone()).collect()
    }

    /// What follows the path where these paths are; `None` elsewhere.
    #[must_use]
    pub fn rest<'p>(&self, host: &str, path: &'p str) -> Option<&'p str> {
        let rest = path.strip_prefix(self.path.as_str())?;
        let is_below = rest.is_empty() || rest.starts_with('/');
        let is_here = self.host.as_ref().is_none_or(|own| own.matches(host));
        (is_below && is_here).then_some(rest)
    }
}

/// What is under the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// What there is.
    Index,
    /// How far the log is known.
    Signals,
    /// All switches.
    Switches,
    /// The switches of a kind: which one stands in the query.
    Lever(crate::fleet::signals::switch::Kind),
    /// The rows of the audit log.
    Audit,
    /// Whether the chain of those rows holds.
    Chain,
    /// All rate limits.
    Limits,
    /// How a key of one stands: which one stands in the query.
    LimitKey,
    /// Another limit for such a key.
    Override,
    /// What there is of abuse, in numbers.
    Abuse,
    /// Addresses that are blocked.
    Blocks,
    /// Addresses and users that are suspicious.
    Suspicious,
}

impl Place {
    /// What whoever comes here must be allowed to do. Rows say who did what from where, and limits who was refused: they are
    /// not for everybody who may look.
    #[must_use]
    pub fn role(self, changes: bool) -> Role {
        match self {
            Self::Audit | Self::Chain | Self::Limits | Self::LimitKey | Self::Override => Role::Operator,
            Self::Blocks | Self::Suspicious => Role::Operator,
            _ if changes => Role::Operator,
            _ => Role::Viewer,
        }
    }
}

/// Every place: what follows the path, its methods, and the label of its answers in logs.
pub const PLACES: [(&str, Place, &str, &str); 14] = {
    use crate::fleet::signals::switch::Kind::{Drain, Kill, Maintenance};
    [
        ("", Place::Index, "GET, HEAD", "/admin"),
        ("/signals", Place::Signals, "GET, HEAD", "/admin/signals"),
        ("/switches", Place::Switches, "GET, HEAD", "/admin/switches"),
        ("/switches/kill", Place::Lever(Kill), SWITCHED, "/admin/switches/kill"),
        ("/switches/drain", Place::Lever(Drain), SWITCHED, "/admin/switches/drain"),
        ("/switches/maintenance", Place::Lever(Maintenance), SWITCHED, "/admin/switches/maintenance"),
        ("/audit", Place::Audit, "GET, HEAD", "/admin/audit"),
        ("/audit/verify", Place::Chain, "GET, HEAD", "/admin/audit/verify"),
        ("/limits", Place::Limits, "GET, HEAD", "/admin/limits"),
        ("/limits/key", Place::LimitKey, "GET, HEAD, DELETE", "/admin/limits/key"),
        ("/limits/override", Place::Override, "PUT, DELETE", "/admin/limits/override"),
        ("/abuse", Place::Abuse, "GET, HEAD", "/admin/abuse"),
        ("/blocks", Place::Blocks, SWITCHED, "/admin/blocks"),
        ("/suspicious", Place::Suspicious, "GET, HEAD", "/admin/suspicious"),
    ]
};

const SWITCHED: &str = "GET, HEAD, PUT, DELETE";

/// 400: the query or the body of a request to the operator's paths is not what they take.
pub const ADMIN_REQUEST_INVALID: Kind = Kind {
    code: "admin_request_invalid",
    status: 400,
    title: "The request is not what this path takes",
    fault: Fault::Client,
};

/// 503: the object that numbers changes did not answer, or this gateway has none.
pub const FLEET_UNREACHABLE: Kind =
    Kind { code: "fleet_unreachable", status: 503, title: "The fleet cannot be told", fault: Fault::Gateway };

/// 409: there are as many as there can be.
pub const TOO_MANY_SWITCHES: Kind =
    Kind { code: "too_many_switches", status: 409, title: "Too many switches are thrown", fault: Fault::Client };

/// 409: there are as many as there can be.
pub const TOO_MANY_OVERRIDES: Kind =
    Kind { code: "too_many_overrides", status: 409, title: "Too many keys have another limit", fault: Fault::Client };

/// 503: the database did not answer, or this gateway has none.
pub const DATABASE_UNREACHABLE: Kind =
    Kind { code: "database_unreachable", status: 503, title: "The database did not answer", fault: Fault::Gateway };

/// An answer in JSON that nobody may keep.
#[must_use]
pub fn json(status: u16, document: &impl Serialize) -> Made {
    // A document of ours can be written.
    text(status, "application/json", serde_json::to_string(document).unwrap_or_default())
}

/// An answer that nobody may keep.
#[must_use]
pub fn text(status: u16, content_type: &'static str, body: String) -> Made {
    let mut head = Edits::default();
    head.set("content-type", content_type);
    head.set("cache-control", "no-store");
    Made { status, head, body: body.into() }
}

/// What is told of it where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(config: &Config, teller: &mut crate::config::told::Teller<'_>) {
    use crate::config::told;
    let Some(admin) = config else { return };
    let on = match admin.on {
        None => "in development".to_owned(),
        Some(On::Yes) => told::yes(true).to_owned(),
        Some(On::No) => told::yes(false).to_owned(),
        Some(On::If(switch)) => switch.told(teller.variables),
    };
    teller.put("admin.on", on);
    teller.put("admin.path", admin.path.as_str());
    if let Some(host) = &admin.host {
        teller.put("admin.host", host.to_string());
    }
    teller.put("admin.auth", (teller.issuer)(admin.issuer));
    teller.put("admin.viewer", told::sorted(&admin.viewer));
    teller.put("admin.operator", told::sorted(&admin.operator));
    teller.put("admin.admin", told::sorted(&admin.admin));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admin(host: Option<&str>) -> Admin {
        let role = |name: &str| vec![name.to_owned()];
        Admin {
            on: None,
            path: PATH.to_owned(),
            host: host.and_then(HostPattern::new),
            issuer: 0,
            viewer: role("v"),
            operator: role("o"),
            admin: role("a"),
        }
    }

    #[test]
    fn the_paths_are_those_below_the_path_on_the_host() {
        let rest = |path| admin(None).rest("x.test", path);
        assert_eq!([rest("/admin/v1"), rest("/admin/v1/switches")], [Some(""), Some("/switches")]);
        assert_eq!([rest("/admin/v10"), rest("/admin"), rest("/x/admin/v1")], [None; 3]);
        let own = admin(Some("admin.test"));
        assert_eq!([own.rest("Admin.test", "/admin/v1"), own.rest("api.test", "/admin/v1")], [Some(""), None]);
    }

    #[test]
    fn who_may_do_more_may_do_less() {
        let may = |role| admin(None).holders(role).concat();
        assert_eq!([may(Role::Admin), may(Role::Operator), may(Role::Viewer)], ["a", "ao", "aov"]);
    }
}
