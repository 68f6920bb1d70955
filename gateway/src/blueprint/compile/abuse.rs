//! Whether conditions that read who is suspicious stand in a file with `[abuse]`.

use super::routes::Built;
use crate::config::{
    condition::{Condition, SUSPICIOUS},
    context::Context,
    diagnostics::Code,
    values::quoted,
};

/// Reports routes with a condition that nobody could ever tell the truth of.
pub(super) fn check(built: &Built, has_section: bool, context: &Context<'_>) {
    if has_section {
        return;
    }
    for (route, place) in built.routes.iter().zip(&built.places) {
        let policy = built.policies.get(usize::from(route.policy));
        let reads = policy.is_some_and(|policy| policy.authz.conditions.iter().any(Condition::reads_suspicious));
        if reads {
            let message = format!("nobody is watched, so nobody knows {}", quoted(SUSPICIOUS));
            let draft = context.report.draft(Code::MissingKey, place, message);
            draft.expected("a section `[abuse]`").report();
        }
    }
}
