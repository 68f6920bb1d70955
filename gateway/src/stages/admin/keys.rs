//! The keys of `[admin]`.

use super::{Admin, Config, On, PATH};
use crate::{
    config::{
        keys::keys,
        kinds::{self, Kind},
        model::{Grammar, Shape},
        reader::Item,
        roles::{self, Roles},
        values::names,
    },
    http::host::HostPattern,
};

const BASE: Grammar = Grammar {
    name: "path of the operator",
    sentence: "a path of letters, digits, hyphens and underscores between slashes, without one at its end",
    example: "/admin/v1",
    pattern: Some("^(/[A-Za-z0-9_-]+)+$"),
};

keys! {
    /// The operator's own paths.
    pub struct Keys {
        /// Whether the paths are there: a boolean, or a variable that says it. Without this key they are there on a
        /// developer's machine and in no environment.
        /// Example: `on = "${ADMIN:-off}"`
        on: On [Optional] = on(),
        /// What their paths begin with.
        path: String [Default("\"/admin/v1\"")] = kinds::parsed(BASE, names::own_path),
        /// The host on which alone they are. It belongs to the gateway, whatever `hosts` says.
        /// Example: `host = "admin.acme.example"`
        host: HostPattern [Optional] = kinds::host(),
        /// The issuer whose tokens are taken.
        /// Example: `auth = "staff"`
        auth: u16 [Required] = kinds::name("issuers", |context| &context.issuers),
        /// The roles of tokens that may look.
        viewer: Vec<String> [Default("[\"viewer\"]")] = holders(),
        /// The roles that may throw switches, and look.
        operator: Vec<String> [Default("[\"operator\"]")] = holders(),
        /// The roles that may do everything.
        admin: Vec<String> [Default("[\"admin\"]")] = holders(),
    }
}

fn on() -> Kind<'static, On> {
    let read = |item: &Item<'_>| match item.as_boolean() {
        Some(true) => Some(On::Yes),
        Some(false) => Some(On::No),
        None => Some(kinds::switch().read(item)?.map_or(On::No, On::If)),
    };
    Kind::new(read, || kinds::switch().shape())
}

/// Roles with all that include one of them.
fn holders() -> Kind<'static, Vec<String>> {
    let (read, shape) = (roles::some_roles(), roles::some_roles());
    let read = move |item: &Item<'_>| {
        let wanted = read.read(item)?;
        Some(wanted.iter().flat_map(|role| item.context().roles.holding(role)).collect())
    };
    Kind::new(read, move || Shape::Any(vec![shape.shape()]))
}

/// What the section says; `None` when something about it is wrong. Where it names no role, those that include the usual
/// one count as they do where it names that.
#[must_use]
pub fn config(keys: Keys, roles: &Roles) -> Option<Config> {
    let role = |name: &str| roles.holding(name).into_iter().collect();
    Some(Some(Admin {
        on: keys.on.maybe()?,
        path: keys.path.or(PATH.to_owned())?,
        host: keys.host.maybe()?,
        issuer: keys.auth.take()?,
        viewer: keys.viewer.or(role("viewer"))?,
        operator: keys.operator.or(role("operator"))?,
        admin: keys.admin.or(role("admin"))?,
    }))
}
