//! `proxy_status`: the key of this stage in policies and routes.

use super::Config;
use crate::config::{
    keys::keys,
    kinds::{self, Kind},
    layers::{RouteFacts, Stack},
};

keys! {
    /// What is told of upstreams.
    pub struct Keys {
        /// Where `Proxy-Status` (RFC 9209) tells how the upstream did: `true` on all answers, `false` on none. Without it
        /// on those alone that stand for an upstream's failure, without the name of the upstream.
        proxy_status: Config [Optional] = proxy_status(),
    }
}

fn proxy_status() -> Kind<'static, Config> {
    let read = |item: &crate::config::reader::Item<'_>| {
        item.boolean().map(|everywhere| if everywhere { Config::All } else { Config::Never })
    };
    Kind::new(read, || kinds::boolean().shape())
}

/// This stage's part of a route's policy.
pub fn resolve(keys: &Stack<'_, Keys>, route: &mut RouteFacts<'_>) -> Option<Config> {
    let setting = keys.pick(|keys| &keys.proxy_status);
    let config = setting.map_or(Some(Config::default()), |setting| setting.value)?;
    if route.passes_through && keys.own().value(|keys| &keys.proxy_status) == Config::All {
        keys.refuse_pass_through(route);
    }
    // What passes through is not touched; what the gateway answers in an upstream's place is its own.
    Some(if route.passes_through && config == Config::All { Config::Failures } else { config })
}
