//! What a witness is told of each stage: the decision in a sentence, and the facts that it rests on.
//!
//! Nothing is decided here, and nothing of it is built unless somebody listens. Secrets, tokens and claims other than
//! subject and scopes are not told; what a header is set to stands in the plan, where `explain` hides what is secret.

use crate::{
    config::{condition::Condition, duration, size::Size},
    facts::principal::{Principal, TOKEN_MISSING},
    http::{
        problem::Problem,
        reply::{Made, Reply},
        request::Header,
    },
    pipeline::{exchange::Exchange, finish::Closed, gateway::ReadyRoute},
    ports::{
        upstream::{Forward, Head},
        witness::{Decision, Witness},
    },
    routing::{select::Selection, table::Match},
    stages::{
        authn::{self, Authenticated},
        authz,
        cors::Grant,
        deprecation::Deprecation,
        rate_limit::Reading,
        trace::{Source, Trace},
        transform,
    },
};

/// Telling the witness what a stage came to, without changing it but for who it was.
pub trait Told<T> {
    /// Tells what `passed` makes of a success, or the problem. A problem learns which stage it is of.
    #[must_use]
    fn told(self, witness: &impl Witness, stage: &'static str, passed: impl FnOnce(&T) -> Decision) -> Self;

    /// Says which stage a problem is of, where that is told in another way.
    #[must_use]
    fn claimed(self, stage: &'static str) -> Self;

    /// Tells the problem, if there is one: what always passes is no news.
    #[must_use]
    fn told_if_refused(self, witness: &impl Witness, stage: &'static str) -> Self;
}

impl<T> Told<T> for Result<T, Problem> {
    #[inline(always)]
    fn told(mut self, witness: &impl Witness, stage: &'static str, passed: impl FnOnce(&T) -> Decision) -> Self {
        witness.saw(|| match &self {
            Ok(value) => passed(value),
            Err(problem) => refused(stage, problem),
        });
        if let Err(problem) = &mut self {
            problem.claim(stage);
        }
        self
    }

    #[inline(always)]
    fn claimed(mut self, stage: &'static str) -> Self {
        if let Err(problem) = &mut self {
            problem.claim(stage);
        }
        self
    }

    #[inline(always)]
    fn told_if_refused(mut self, witness: &impl Witness, stage: &'static str) -> Self {
        if let Err(problem) = &mut self {
            witness.saw(|| refused(stage, problem));
            problem.claim(stage);
        }
        self
    }
}

/// The request may come to this host, in this way and with this method, or is sent elsewhere.
#[must_use]
#[cold]
pub fn may_enter(elsewhere: Option<&Made>) -> Decision {
    match elsewhere {
        None => Decision::passed("guard", "The gateway takes requests to this host, in this way and with this method."),
        Some(made) => Decision::decided("guard", "The request came in clear: it is sent to the same URL with https.")
            .fact("status", made.status),
    }
}

#[cold]
fn refused(stage: &'static str, problem: &Problem) -> Decision {
    let decision = Decision::refused(stage, problem.detail.clone());
    let decision = decision.fact("code", problem.kind.code).fact("status", problem.kind.status);
    let expected = |decision: Decision, error: &crate::http::problem::FieldError| {
        decision.fact(format!("expected.{}", error.field), &error.expected)
    };
    problem.errors.iter().fold(decision, expected)
}

/// The request has an id.
#[must_use]
#[cold]
pub fn named(exchange: &Exchange<'_>) -> Decision {
    let kept = exchange.header(Header::RequestId) == Some(&*exchange.request_id);
    let why = if kept { "The client's request id is kept." } else { "The request gets an id of its own." };
    Decision::passed("trace", why).fact("request_id", &exchange.request_id)
}

/// The gateway takes part in a trace.
#[must_use]
#[cold]
pub fn traced(trace: &Trace<'_>) -> Decision {
    let why = match trace.source {
        Source::Client => "The client's trace is continued.",
        Source::TraceId => "The trace that the client names in X-Trace-ID is continued.",
        Source::Nowhere => "A trace begins here: the client names none.",
        Source::Malformed => "A trace begins here: the client's traceparent is malformed.",
        Source::Restart => "A trace begins here: the client's is not believed.",
    };
    Decision::passed("trace", why)
        .fact("trace_id", trace.trace_id())
        .fact("span_id", trace.span_id())
        .maybe("parent_span_id", trace.parent_id)
        .maybe("linked_trace_id", trace.linked_trace_id)
        .fact("sampled", trace.is_sampled())
        .maybe("tracestate", trace.drops_state.then_some("taken out"))
}

/// Nothing was lost on the way.
#[must_use]
#[cold]
pub fn readable() -> Decision {
    Decision::passed("text", "The URL and the headers that decisions read are valid text.")
}

/// The route is not closed.
#[must_use]
#[cold]
pub fn open() -> Decision {
    Decision::passed("maintenance", "The route is open.")
}

/// The client is not blocked, or only counted as that.
#[must_use]
#[cold]
pub fn not_blocked(in_shadow: bool) -> Decision {
    let why = match in_shadow {
        true => "The client's address is blocked, and `mode` of [abuse] says that nobody is refused.",
        false => "The client's address is not blocked, as far as it is known here.",
    };
    Decision::passed("abuse", why)
}

/// The request comes from where requests may come from.
#[must_use]
#[cold]
pub fn welcome() -> Decision {
    Decision::passed("guard", "The route takes requests from this address and this country.")
}

/// The route is still there.
#[must_use]
#[cold]
pub fn supported(deprecation: &Deprecation) -> Decision {
    let decision = Decision::passed("deprecation", "The route is deprecated and still there.");
    deprecation.headers.iter().fold(decision, |decision, (name, value)| decision.fact(name.clone(), value))
}

/// The limits have room for the request.
#[must_use]
#[cold]
pub fn limited(readings: &[Reading<'_>]) -> Decision {
    let decision = Decision::passed("rate_limit", "The limits of the route have room for the request.");
    readings
        .iter()
        .fold(decision, |decision, reading| decision.fact(format!("left.{}", reading.limit.name), reading.told.left))
}

/// The gateway said what a path can be asked for.
#[must_use]
#[cold]
pub fn listed(allow: &str) -> Decision {
    Decision::decided("options", "The gateway answers OPTIONS itself.").fact("allow", allow)
}

/// The gateway said how it is.
#[must_use]
#[cold]
pub fn healthy() -> Decision {
    Decision::decided("health", "The gateway answers this path itself.")
}

/// The gateway said what it has counted.
#[must_use]
#[cold]
pub fn measured() -> Decision {
    Decision::decided("metrics", "The gateway answers this path itself.")
}

/// There is a route.
#[must_use]
#[cold]
pub fn selected(exchange: &Exchange<'_>, selection: &Selection<'_>) -> Decision {
    let (found, wanted) = match selection {
        Selection::Route(found) => (found, None),
        Selection::Preflight(found, wanted) => (found, Some(wanted.name())),
        Selection::Options(found, allow) => {
            let why = "No route answers OPTIONS here; the path is there for other methods.";
            let decision = Decision::passed("routing", why).fact("allow", allow);
            let route = found.as_ref().and_then(|found| exchange.gateway.route(found.route));
            return decision.maybe("route", route.map(ReadyRoute::key));
        }
    };
    let why = match wanted {
        None => "This is the closest route for the method, the host and the path.",
        Some(_) => "This is a preflight; it belongs to the route that the announced request would take.",
    };
    let decision = Decision::passed("routing", why);
    let decision = parameters(decision, exchange.gateway.route(found.route), found);
    decision.fact("host", exchange.head.host()).maybe("version", found.version).maybe("announced_method", wanted)
}

#[cold]
fn parameters(decision: Decision, route: Option<ReadyRoute<'_>>, found: &Match<'_>) -> Decision {
    let Some(route) = route else { return decision };
    let named = route.route.parameters.iter().zip(&found.values);
    named.fold(decision.fact("route", route.key()), |decision, (name, value)| {
        decision.fact(format!("path.{name}"), value)
    })
}

/// It is settled which page may read the answer.
#[must_use]
#[cold]
pub fn granted(exchange: &Exchange<'_>) -> Decision {
    let origin = exchange.header(Header::Origin);
    let why = match (&exchange.grant, origin) {
        (None, _) => "The route has no CORS policy.",
        (Some(Grant::Allowed(_)), _) => "The origin is on the route's list: that page may read the answer.",
        (Some(Grant::Refused), Some(_)) => "The origin is not on the route's list: no page may read the answer.",
        (Some(Grant::Refused), None) => "The request names no origin.",
    };
    Decision::passed("cors", why).maybe("origin", origin).maybe("grant", grant(exchange))
}

/// Which page may read the answer; nothing where no page has asked, for then nothing was refused either.
fn grant<'e>(exchange: &'e Exchange<'_>) -> Option<&'e str> {
    exchange.header(Header::Origin)?;
    Some(match &exchange.grant {
        None => "no policy",
        Some(Grant::Allowed(origin)) => origin,
        Some(Grant::Refused) => "refused",
    })
}

/// A preflight is answered.
#[must_use]
#[cold]
pub fn preflight(exchange: &Exchange<'_>) -> Decision {
    Decision::decided("preflight", "The page may send the announced request.")
        .maybe("method", exchange.header(Header::AccessControlRequestMethod))
        .maybe("headers", exchange.header(Header::AccessControlRequestHeaders))
}

/// The request does not go round in circles.
#[must_use]
#[cold]
pub fn passes_once(exchange: &Exchange<'_>) -> Decision {
    Decision::passed("via", "The request has not passed this gateway too often.")
        .maybe("via", exchange.sent(crate::stages::via::VIA))
}

/// The body is not known to be too large; `left` is the limit that is still to be watched.
#[must_use]
#[cold]
pub fn sized(exchange: &Exchange<'_>, route: ReadyRoute<'_>, left: Option<Size>) -> Decision {
    let limit = route.policy().guard.body_limit;
    let length = exchange.header(Header::ContentLength);
    let why = match (limit, left, length) {
        (None, ..) => "The route takes bodies of any size.",
        (_, Some(_), _) => "The request announces no length: a body would be counted on its way.",
        (_, None, _) => "The announced length is within the limit.",
    };
    Decision::passed("guard", why).maybe("body_limit", limit).maybe("content_length", length)
}

/// It is settled who asks, if anybody must say so.
#[must_use]
#[cold]
pub fn authenticated(found: Option<&Authenticated<'_>>, config: &authn::Config) -> Decision {
    let Some(Authenticated { issuer, principal }) = found else {
        let why = match config {
            authn::Config::Public => "The route is public: nobody is asked who they are.",
            _ => "There is no token, and the route takes requests without one.",
        };
        return Decision::passed("authn", why);
    };
    let why = match config.issuers() {
        [_] => "The token is signed by the route's issuer, meant for this gateway and in time.",
        _ => "The token is signed by one of the route's issuers, meant for this gateway and in time.",
    };
    Decision::passed("authn", why)
        .fact("issuer", issuer.issuer())
        .maybe("subject", principal.subject())
        .maybe("scopes", Some(principal.scopes().join(" ")).filter(|scopes| !scopes.is_empty()))
}

/// It is settled whether the caller may. A condition that fails is told here, and to nobody else.
#[must_use]
#[cold]
pub fn authorization<T>(exchange: &Exchange<'_>, config: &authz::Config, came_to: &Result<T, Problem>) -> Decision {
    let problem = match came_to {
        Ok(_) => return authorized(exchange.principal.as_deref(), config),
        Err(problem) => problem,
    };
    let is_about_it = problem.kind == &authz::CONDITION_FAILED || problem.kind == &TOKEN_MISSING;
    let failed = config.failed(exchange).filter(|_| is_about_it);
    let unknown = |condition: &Condition| condition.truth(exchange).is_none();
    let came_to = failed.map(|condition| if unknown(condition) { "unknown" } else { "false" });
    refused("authz", problem).maybe("condition", failed).maybe("came_to", came_to)
}

fn authorized(principal: Option<&Principal>, config: &authz::Config) -> Decision {
    let (scopes, roles) = (&config.scopes, &config.roles.wanted);
    let why = match (principal, scopes.is_empty(), roles.is_empty()) {
        (None, ..) => "The route is public.",
        (Some(_), true, true) => "The route asks for no scope.",
        (Some(_), false, true) => "The token carries every scope that the route asks for.",
        (Some(_), true, false) => "The caller holds a role that the route asks for.",
        (Some(_), false, false) => "The caller has every scope, and a role, that the route asks for.",
    };
    let some = |words: &[String], between: &str| Some(words.join(between)).filter(|words| !words.is_empty());
    let why = if config.conditions.is_empty() { why.to_owned() } else { format!("{why} Its conditions hold.") };
    let decision = Decision::passed("authz", why).maybe("wanted", some(scopes, " ")).maybe("roles", some(roles, ", "));
    config.conditions.iter().fold(decision, |decision, condition| decision.fact("condition", condition))
}

/// An operator has been answered.
#[must_use]
#[cold]
pub fn operated() -> Decision {
    Decision::decided("admin", "The gateway answers its operators itself.")
}

/// The route has answered by itself.
#[must_use]
#[cold]
pub fn responded(made: &Made) -> Decision {
    Decision::decided("respond", "The route's answer stands in the configuration.").fact("status", made.status)
}

/// It is settled what the upstream is asked.
#[must_use]
#[cold]
pub fn planned(plan: &Forward, transform: &transform::Config) -> Decision {
    let why = match (plan.binding.is_empty(), plan.untouched) {
        (true, false) => "The request goes to the upstream.",
        (true, true) => "The request goes to the upstream as it is.",
        (false, false) => "The request goes to a binding of the Worker.",
        (false, true) => "The request goes to a binding of the Worker as it is.",
    };
    let binding = Some(&plan.binding).filter(|binding| !binding.is_empty());
    Decision::passed("plan", why)
        .fact("url", transform.shown_url(&plan.url))
        .maybe("binding", binding)
        .fact("timeout", duration::show(u64::from(plan.timeout_ms)))
}

/// The body is there.
#[must_use]
#[cold]
pub fn digested() -> Decision {
    Decision::passed("digest", "The whole body is there, and the signature of the request covers it.")
}

/// The upstream has answered.
#[must_use]
#[cold]
pub fn forwarded(head: &Head) -> Decision {
    Decision::decided("forward", "The upstream has answered.").fact("status", head.status)
}

/// The answer is made.
#[must_use]
#[cold]
pub fn finished(exchange: &Exchange<'_>, closed: &Closed) -> Decision {
    let own = exchange.route.is_some_and(ReadyRoute::is_pass_through);
    let why = match &closed.reply {
        Reply::Relay(_) if own => "The upstream's answer goes to the client as it is.",
        Reply::Relay(_) => "The upstream's answer goes to the client with the changes of the plan.",
        Reply::Made(_) => "The gateway's own answer gets the headers that every answer gets.",
    };
    Decision::passed("finish", why)
        .fact("status", closed.log.status())
        .maybe("upstream_status", closed.log.upstream_status())
        .maybe("code", closed.log.code())
        .fact("route", exchange.label())
        .maybe("grant", grant(exchange))
}
