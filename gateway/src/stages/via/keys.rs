//! `via`: the key of this stage in policies and routes.

use super::Config;
use crate::config::{
    keys::keys,
    kinds,
    layers::{RouteFacts, Stack},
};

keys! {
    /// Who has passed a message on.
    pub struct Keys {
        /// Whether the gateway names itself in `Via` (RFC 9110 section 7.6.3), on requests to upstreams and on their
        /// answers. A request that has passed the gateway more than three times is then refused with 508: it goes round
        /// in circles.
        via: bool [Default("false")] = kinds::boolean(),
    }
}

/// This stage's part of a route's policy.
pub fn resolve(keys: &Stack<'_, Keys>, route: &mut RouteFacts<'_>) -> Option<Config> {
    if route.passes_through {
        keys.refuse_pass_through(route);
        return Some(false);
    }
    Some(route.forwards && keys.value(|keys| &keys.via))
}
