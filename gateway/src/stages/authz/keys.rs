//! `scopes`: the key of this stage in policies and routes.

use super::Config;
use crate::config::{
    diagnostics::Code,
    keys::keys,
    kinds::{self, Kind},
    layers::{RouteFacts, Stack},
    model::Grammar,
    values::names,
};

keys! {
    /// What a caller must be allowed to do.
    pub struct Keys {
        /// Scopes that the token must carry, all of them; else 403. Only for routes with a token:
        /// `scopes = []` takes back what a policy asks for.
        scopes: Vec<String> [Default("[]")] = kinds::list(scope()),
    }
}

fn scope() -> Kind<'static, String> {
    let sentence = "a scope-token of RFC 6749 section 3.3: visible ASCII without blanks, quotes and backslashes";
    let pattern = Some(r#"^[!#-\[\]-~]+$"#);
    kinds::parsed(Grammar { name: "scope", sentence, example: "orders:read", pattern }, names::scope)
}

/// This stage's part of a route's policy.
pub fn resolve(keys: &Stack<'_, Keys>, route: &mut RouteFacts<'_>) -> Option<Config> {
    let Some(setting) = keys.pick(|keys| &keys.scopes) else { return Some(Config::default()) };
    let scopes = setting.value.clone()?;
    if route.takes_anybody && !scopes.is_empty() {
        let what = if route.is_public == Some(true) { "a public route" } else { "a route where a token is optional" };
        let message = format!("{what} cannot ask for scopes");
        let draft = route.report.draft(Code::ScopesOnPublic, &setting.key, message);
        let draft = draft.related(&route.key.span, "this route takes requests without a token");
        draft.help("set `auth` to an issuer, or write `scopes = []` in the route").report();
    }
    Some(Config { scopes })
}
