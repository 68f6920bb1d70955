//! `auth`: the key of this stage in policies and routes.

use super::Config;
use crate::config::{
    diagnostics::Code,
    keys::keys,
    kinds::Kind,
    layers::{RouteFacts, Stack},
    model::Shape,
    reader::Item,
};

/// What `auth` says for a public route; no issuer can have the name.
pub const PUBLIC: &str = "none";

keys! {
    /// Who may ask.
    pub struct Keys {
        /// Who may ask: the name of an issuer whose tokens are taken, or `"none"` for a public route. Where neither the
        /// route nor its policies nor `[gateway]` say it, that is an error: unknown means no.
        /// Example: `auth = "acme"`
        auth: Config [Optional] = auth(),
    }
}

fn auth() -> Kind<'static, Config> {
    let read = |item: &Item<'_>| {
        if item.text()? == PUBLIC {
            return Some(Config::Public);
        }
        item.context().issuers.find(item).map(Config::Token)
    };
    Kind::new(read, || Shape::Any(vec![Shape::Words(vec![PUBLIC]), Shape::Name("issuers")]))
}

/// This stage's part of a route's policy.
pub fn resolve(keys: &Stack<'_, Keys>, route: &mut RouteFacts<'_>) -> Option<Config> {
    let setting = keys.pick(|keys| &keys.auth);
    if setting.is_none() && !route.hides_auth {
        let message = format!("`{}` does not say who may ask", route.key.value);
        let draft = route.report.draft(Code::NoAuth, &route.key.span, message);
        let draft = draft.expected("`auth` here, in a policy that it uses or in `[gateway]`");
        draft.help("write `auth = \"none\"` for a public route, or name an issuer").report();
    }
    let config = setting?.value;
    route.is_public = config.map(|config| config == Config::Public);
    config
}
