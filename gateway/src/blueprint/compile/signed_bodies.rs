//! A body that is signed is held in memory: no route to an upstream that wants that may take a large one.

use super::{routes::Built, sections::Sections};
use crate::{
    blueprint::{Action, Route},
    config::{context::Context, diagnostics::Code},
    stages::forward::{
        signature::LARGEST_SIGNED_BODY,
        upstream::{Credentials, Upstream},
    },
};

/// Reports routes whose bodies would be signed and may be too large for that.
pub(super) fn check(built: &Built, upstreams: &Sections<Upstream>, context: &Context<'_>) {
    let mut told = None;
    for (route, place) in built.routes.iter().zip(&built.places) {
        // A route of several methods is one mistake.
        if told != Some(place) && signs_bodies(route, upstreams) && takes_more(route, built) {
            told = Some(place);
            let message = "the body of a request to this route may be too large to be signed";
            let draft = context
                .report
                .draft(Code::BodyTooLargeToSign, place, message)
                .expected(format!("a `body_limit` of {LARGEST_SIGNED_BODY} at most"));
            draft
                .help("its upstream has `credentials` with `body = true`: set a limit, or leave bodies unsigned")
                .report();
        }
    }
}

fn signs_bodies(route: &Route, upstreams: &Sections<Upstream>) -> bool {
    let Action::Forward(index) = route.action else { return false };
    let credentials = upstreams.get(index).and_then(|upstream| upstream.credentials.as_ref());
    matches!(credentials, Some(Credentials::Hmac { body: true, .. }))
}

fn takes_more(route: &Route, built: &Built) -> bool {
    let policy = built.policies.get(usize::from(route.policy));
    policy.is_some_and(|policy| policy.guard.body_limit.is_none_or(|limit| limit.0 > LARGEST_SIGNED_BODY.0))
}
