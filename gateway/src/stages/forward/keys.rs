//! `timeout`, `pass_through`, `observe`: the keys of this stage in policies and routes.

use super::{Config, Observe, upstream::Timeouts, upstreams::timeouts};
use crate::config::{
    diagnostics::Code,
    keys::keys,
    kinds,
    layers::{RouteFacts, Stack},
};

keys! {
    /// How requests are handed on.
    pub struct Keys {
        /// How long the upstream's answer may take: a duration for the time to its head, or a table. The route and its
        /// policies win over the upstream, which wins over `[gateway]`. What takes longer is answered 504.
        /// Example: `timeout = "5s"`
        timeout: Timeouts [Default("\"30s\"")] = timeouts(),
        /// Hand request and answer on as they are, hop-by-hop fields apart.
        ///
        /// No `cors`, `security_headers` or header changes can stand beside it, and those of `[gateway]` do not apply to
        /// what the upstream answers. Preflights go to the upstream too. Fields of proxies pass when there is no
        /// `Connection`.
        pass_through: bool [Default("false")] = kinds::boolean(),
        /// How far an answer is watched: up to its head, or up to the end of its body. The latter costs more; the log
        /// line then waits for the end and tells how the body ended.
        /// Example: `observe = "body"`
        observe: Observe [Default("\"head\"")] = kinds::word(&[("head", Observe::Head), ("body", Observe::Body)]),
    }
}

/// This stage's part of a route's policy.
pub fn resolve(keys: &Stack<'_, Keys>, route: &mut RouteFacts<'_>) -> Option<Config> {
    let own = keys.own();
    let asked = own.pick(|keys| &keys.pass_through).filter(|setting| setting.value == Some(true));
    if let Some(setting) = asked.filter(|_| !route.forwards) {
        let draft = route.report.draft(Code::TouchesPassThrough, &setting.key, "nothing passes through this route");
        let draft = draft.related(&route.key.span, "it has no upstream");
        draft.help("take out `pass_through`").report();
    }
    route.passes_through = route.forwards && keys.value(|keys| &keys.pass_through);
    let timeout = own.pick(|keys| &keys.timeout).and_then(|setting| setting.value);
    Some(Config { pass_through: route.passes_through, observe: keys.value(|keys| &keys.observe), timeout })
}
