//! What those learn of limits who count requests and who read the log.

use crate::{
    pipeline::{exchange::Exchange, gateway::ReadyRoute, limit_keys, limit_names},
    stages::{
        log::line::Limited,
        rate_limit::{Outcome, Reading},
    },
};

/// Counts what the limits of a request have said.
#[inline(never)]
pub(super) fn count(exchange: &Exchange<'_>) {
    let outbox = &exchange.gateway.fleet.outbox;
    let Some(route) = exchange.route.map(ReadyRoute::index) else { return };
    for Reading { limit, outcome, .. } in exchange.limits.iter().filter(|reading| reading.outcome != Outcome::Spared) {
        outbox.limited(route, limit.id, outcome.word(), [&limit.name, limit_keys::plan_of(exchange, limit)]);
        if matches!(outcome, Outcome::Refused | Outcome::Shadow) {
            outbox.refused(&limit.name, || limit_names::shown_of(exchange, limit));
        }
    }
}

/// What the log line says: the worst that a limit has said, if it is worth a word.
pub(super) fn noted<'e>(exchange: &'e Exchange<'_>) -> Option<Limited<'e>> {
    let worst = exchange.limits.iter().max_by_key(|reading| reading.outcome)?;
    (worst.outcome > Outcome::Passed).then(|| Limited { limit: &worst.limit.name, outcome: worst.outcome.word() })
}
