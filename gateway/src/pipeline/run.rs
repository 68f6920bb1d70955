//! The pipeline: one plain function that reads like the list in the README.

use std::{pin::Pin, rc::Rc};

use crate::{
    blueprint::Action,
    config::size::Size,
    facts::authorized::Authorized,
    http::{
        edits::Edits,
        method::Method,
        problem::{Fault, Kind, Problem},
        reply::{Made, Relay, Reply},
        request::{Header, RequestHead},
    },
    pipeline::{
        abuse,
        account::{self, Told},
        admin, audit,
        exchange::Exchange,
        finish, fleet,
        gateway::{Gateway, Inconsistent, ReadyRoute},
        health, hint, limit_counts, limits, metrics, violations,
    },
    ports::{
        Ports,
        signatures::Failure,
        upstream::{BodyEnd, Delivery, Forward, Head},
    },
    routing::{
        select::{Selection, select},
        table::Match,
    },
    stages::{
        authn, authz, deprecation, explain, forward, forward::signature, forwarded, guard, principal, respond, trace,
        via,
    },
};

/// 400: bytes were lost before they reached us.
pub const TEXT_MALFORMED: Kind =
    Kind { code: "text_malformed", status: 400, title: "The URL or a header is not valid text", fault: Fault::Client };

/// 500: the gateway has contradicted itself.
pub const INTERNAL: Kind = Kind { code: "internal", status: 500, title: "The gateway failed", fault: Fault::Gateway };

/// What is left to do when the pipeline has ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Finished {
    /// The answer; `None` when it has been delivered already (`observe = "body"`).
    pub reply: Option<Reply>,
    /// The log line, and one more for each row of the audit log that came up.
    pub log: String,
}

/// What a request came to, before the finishers.
#[derive(Debug)]
pub enum Outcome {
    /// The gateway made the answer.
    Made(Made),
    /// An upstream answered.
    Relayed(Head),
}

/// Serves one request, from its head to its log line.
pub async fn run<P: Ports>(gateway: Rc<Gateway>, head: RequestHead, ports: Rc<P>) -> Finished {
    let request_id = trace::request_id::request_id(head.header(Header::RequestId), &*ports);
    let mut exchange = Exchange::new(&gateway, &head, ports.now(), request_id);
    exchange.explained = explained(&exchange, &*ports);
    ports.saw(|| account::named(&exchange));
    let outcome = serve(&mut exchange, &*ports).await;
    if exchange.route.is_none() {
        take_part(&mut exchange, &*ports);
    }
    exchange.awaits = ports.awaits();
    let mut closed = finish::close(&exchange, outcome, ports.now());
    ports.saw(|| account::finished(&exchange, &closed));
    audit::note(&exchange, closed.log, &*ports);
    abuse::note(&exchange, closed.log, &*ports);
    violations::note(&exchange, closed.log, &*ports);
    if let Some(route) = exchange.route {
        gateway.fleet.served(ports.now(), route.policy().freshness.freshness_ms);
    }
    gateway.fleet.limits.served(ports.now());
    if !exchange.limits.is_empty() {
        limit_counts::count(&exchange);
    }
    gateway.fleet.outbox.served(ports.now(), || metrics::seen(&exchange, &closed, &*ports));
    explain(&exchange, &mut closed.reply, &*ports);
    let relayed = matches!(closed.reply, Reply::Relay(_));
    let left = exchange.body_deadline().map(|deadline| deadline.saturating_sub(ports.now()));
    let observes = left.is_some() || exchange.route.is_some_and(ReadyRoute::observes_body);
    if relayed && (observes || limits::needs_end(&exchange)) {
        let counts = limits::counts_body(&exchange);
        let (end, bytes) = ports.deliver(Delivery { reply: closed.reply, within_ms: left, counts }).await;
        limits::ended(&mut exchange, bytes);
        return Finished { reply: None, log: closed.log.lines(&exchange, ports.now(), Some(end)) };
    }
    Finished { reply: Some(closed.reply), log: closed.log.lines(&exchange, ports.now(), None::<BodyEnd>) }
}

/// Whether somebody who may wants to know how the answer comes about. From here on it is kept what stages say.
fn explained<P: Ports>(exchange: &Exchange<'_>, ports: &P) -> Option<explain::Asked> {
    let explainer = exchange.gateway.explainer.as_ref()?;
    let asked = explainer.asked(exchange.sent(explain::ASKS), ports.now())?;
    ports.listen();
    Some(asked)
}

/// Tells them.
fn explain<P: Ports>(exchange: &Exchange<'_>, reply: &mut Reply, ports: &P) {
    let Some(asked) = exchange.explained else { return };
    let total_ms = ports.now().saturating_sub(exchange.started);
    let cost = explain::Cost { total_ms, upstream_ms: exchange.upstream_ms };
    explain::tell(reply, asked, &ports.heard(), cost);
}

/// Every stage a request meets, in order.
async fn serve<'g, P: Ports>(exchange: &mut Exchange<'g>, ports: &P) -> Result<Outcome, Problem> {
    check_text(exchange, ports)?;
    if let Some(answer) = unrouted(exchange, ports).await? {
        return Ok(Outcome::Made(answer));
    }
    let chosen = match choose(exchange, ports) {
        // Whoever is blocked does not find out by trying what there is.
        Err(problem) => return abuse::check(exchange, ports).await.and(Err(problem)),
        Ok(chosen) => chosen,
    };
    let route = match enter_chosen(exchange, chosen, ports)? {
        Entered::Route(route) => route,
        Entered::Answered(answer) => return Ok(Outcome::Made(answer)),
    };
    fleet::know(exchange, route.policy().freshness, ports).await.told_if_refused(ports, "freshness")?;
    abuse::check(exchange, ports).await?;
    check_origin(exchange, route, ports)?;
    fleet::check(exchange, route, ports)?;
    check_sunset(route, ports)?;
    fleet::open(exchange, route, ports)?;
    check_passes(exchange, route, ports)?;
    limits::check(exchange, route, false, ports).await?;
    let body_limit = check_body(exchange, route, ports)?;
    authenticate(exchange, &route.policy().authn, ports).await?;
    #[cfg(feature = "faults")]
    crate::pipeline::faults::strike("token", exchange, ports).await;
    abuse::suspect(exchange, route, ports).await;
    let authorized = authorize(exchange, &route.policy().authz, ports)?;
    limits::check(exchange, route, true, ports).await?;
    #[cfg(feature = "faults")]
    crate::pipeline::faults::strike("begin", exchange, ports).await;
    if let Action::Respond(config) = &route.route.action {
        return answer(exchange, config, ports).map(Outcome::Made);
    }
    let plan = Forward { body_limit, asks: limits::asks(exchange), ..plan(exchange, route, ports)? };
    let plan = sign(exchange, route, plan, ports).await?;
    let sent = ports.now();
    let head = forward::call(authorized, plan, ports, guard::too_large).await;
    exchange.upstream_ms = Some(ports.now().saturating_sub(sent));
    limits::answered(exchange, &head, ports.now());
    let head = head.told(ports, "forward", account::forwarded)?;
    #[cfg(feature = "faults")]
    crate::pipeline::faults::strike("step", exchange, ports).await;
    Ok(Outcome::Relayed(head))
}

/// What comes of a selection.
enum Entered<'g> {
    /// The request goes on to this route.
    Route(ReadyRoute<'g>),
    /// It was a question about the routes.
    Answered(Made),
}

/// Enters the route of a request, or answers what asks about routes.
fn enter_chosen<'g, P: Ports>(
    exchange: &mut Exchange<'g>,
    chosen: Selection<'g>,
    ports: &P,
) -> Result<Entered<'g>, Problem> {
    let route = match chosen {
        Selection::Route(found) => enter(exchange, found, ports)?,
        Selection::Preflight(found, wanted) => {
            let route = enter(exchange, found, ports)?;
            // Where everything passes through untouched, the upstream answers preflights too.
            if !route.is_pass_through() {
                return preflight(exchange, route, Some(wanted), ports).map(Entered::Answered);
            }
            route
        }
        Selection::Options(found, allow) => {
            let route = found.map(|found| enter(exchange, found, ports)).transpose()?;
            match route {
                Some(route) if route.is_pass_through() => route,
                Some(route) if exchange.head.is_preflight() => {
                    let answer = preflight(exchange, route, None, ports);
                    return answer.map(Entered::Answered).map_err(|problem| problem.header("allow", allow));
                }
                _ => return Ok(Entered::Answered(options(allow, ports))),
            }
        }
    };
    Ok(Entered::Route(route))
}

/// The answer to what belongs to no route: the gateway's own paths, and what it is not for.
async fn unrouted<P: Ports>(exchange: &mut Exchange<'_>, ports: &P) -> Result<Option<Made>, Problem> {
    guard::before::check_authority(exchange.head.authority()).told_if_refused(ports, "guard")?;
    if let Some(answer) = health::answer(exchange, ports).await? {
        return Ok(Some(answer));
    }
    if let Some(answer) = admin::answer(exchange, ports).await? {
        return Ok(Some(answer));
    }
    if let Some(answer) = before(exchange, ports)? {
        return Ok(Some(answer));
    }
    match metrics::answer(exchange, ports) {
        Some(answer) => answer.await.map(Some),
        None => Ok(None),
    }
}

fn check_text<P: Ports>(exchange: &Exchange<'_>, ports: &P) -> Result<(), Problem> {
    let detail = "The URL or a header holds bytes that are not UTF-8.";
    let lost = exchange.head.has_lost_bytes();
    let checked = if lost { Err(Problem::new(&TEXT_MALFORMED, detail)) } else { Ok(()) };
    checked.told(ports, "text", |()| account::readable())
}

/// What the gateway refuses, or sends elsewhere, whatever its routes say.
fn before<P: Ports>(exchange: &Exchange<'_>, ports: &P) -> Result<Option<Made>, Problem> {
    let Some(config) = &exchange.gateway.before else { return Ok(None) };
    guard::before::check(config, exchange.head).told(ports, "guard", |made| account::may_enter(made.as_ref()))
}

/// Which route the request takes.
fn choose<'g, P: Ports>(exchange: &Exchange<'g>, ports: &P) -> Result<Selection<'g>, Problem> {
    let selection = select(&exchange.gateway.table, exchange.head);
    let selection = selection.map_err(|problem| hint::add(exchange.gateway, exchange.head, problem));
    selection.told(ports, "routing", |selection| account::selected(exchange, selection))
}

/// The request has a route: from here on its policy speaks, CORS first, so that every later refusal carries it.
fn enter<'g, P: Ports>(exchange: &mut Exchange<'g>, found: Match<'g>, ports: &P) -> Result<ReadyRoute<'g>, Problem> {
    let route = exchange.gateway.route(found.route).ok_or_else(|| inconsistent(Inconsistent))?;
    exchange.route = Some(route);
    exchange.values = found.values;
    exchange.grant = route.cors().map(|cors| cors.grant(exchange.header(Header::Origin)));
    ports.saw(|| account::granted(exchange));
    take_part(exchange, ports);
    Ok(route)
}

/// It is settled who speaks for the request, and so which part the gateway takes in its trace.
fn take_part<P: Ports>(exchange: &mut Exchange<'_>, ports: &P) {
    exchange.trace = trace::take_part(exchange.tracing(), exchange.head, ports);
    if let Some(trace) = &exchange.trace {
        ports.saw(|| account::traced(trace));
    }
}

fn preflight<P: Ports>(
    exchange: &Exchange<'_>,
    route: ReadyRoute<'_>,
    wanted: Option<Method>,
    ports: &P,
) -> Result<Made, Problem> {
    let answer = match (route.cors(), &exchange.grant) {
        (Some(cors), Some(grant)) => {
            cors.preflight(grant, wanted, exchange.header(Header::AccessControlRequestHeaders))
        }
        _ => {
            let detail = "This route takes no requests from other origins.";
            Err(Problem::new(&crate::stages::cors::ORIGIN_REFUSED, detail).field("origin", "none"))
        }
    };
    let answer = answer.claimed("cors");
    answer.told(ports, "preflight", |_| account::preflight(exchange))
}

/// What a path can be asked for, where no route answers that itself (RFC 9110 section 9.3.7).
fn options<P: Ports>(allow: String, ports: &P) -> Made {
    ports.saw(|| account::listed(&allow));
    let mut head = Edits::default();
    head.set("allow", allow);
    Made { status: 204, head, body: "".into() }
}

/// Whether the route is still there; nothing is told of one that is not deprecated.
fn check_sunset<P: Ports>(route: ReadyRoute<'_>, ports: &P) -> Result<(), Problem> {
    match &route.policy().deprecation {
        None => Ok(()),
        Some(config) => {
            deprecation::check(config, ports.now()).told(ports, "deprecation", |()| account::supported(config))
        }
    }
}

/// Whether the request comes from where the route takes requests from.
fn check_origin<P: Ports>(exchange: &Exchange<'_>, route: ReadyRoute<'_>, ports: &P) -> Result<(), Problem> {
    match &route.policy().guard.origins {
        None => Ok(()),
        Some(origins) => guard::origins::check(origins, exchange.address(), exchange.sent(guard::origins::COUNTRY))
            .told(ports, "guard", |()| account::welcome()),
    }
}

/// Whether the request goes round in circles.
fn check_passes<P: Ports>(exchange: &Exchange<'_>, route: ReadyRoute<'_>, ports: &P) -> Result<(), Problem> {
    let config = route.policy().via;
    if !config {
        return Ok(());
    }
    let checked = via::check(config, exchange.sent(via::VIA), &exchange.gateway.name);
    checked.told(ports, "via", |()| account::passes_once(exchange))
}

/// The URL is not too long. What is left to count of the body while it passes.
fn check_body<P: Ports>(exchange: &Exchange<'_>, route: ReadyRoute<'_>, ports: &P) -> Result<Option<Size>, Problem> {
    let (config, head) = (&route.policy().guard, exchange.head);
    let left = guard::check_url(config, head.url(), head.query())
        .and_then(|()| guard::check_body(config, head.header(Header::ContentLength)));
    left.told(ports, "guard", |left| account::sized(exchange, route, *left))
}

/// Lets in whoever may use a path of the gateway's own, by the stages that routes have. In a box that does not say what is in
/// it, so that all such paths share one copy of these stages, and only routes have theirs in line.
pub(super) fn admit<'e, P: Ports>(
    exchange: &'e mut Exchange<'_>,
    who: &'e authn::Config,
    wanted: &'e authz::Config,
    ports: &'e P,
) -> Pin<Box<dyn Future<Output = Result<(), Problem>> + 'e>> {
    Box::pin(async move {
        authenticate(exchange, who, ports).await?;
        authorize(exchange, wanted, ports).map(drop)
    })
}

/// Who asks, for a route or a path of the gateway's own that takes these tokens.
async fn authenticate<P: Ports>(exchange: &mut Exchange<'_>, config: &authn::Config, ports: &P) -> Result<(), Problem> {
    let gateway = exchange.gateway;
    let asked = authn::Asked { authorization: exchange.header(Header::Authorization), realm: &gateway.name };
    let found = authn::authenticate(gateway.issuers(), config, asked, ports, unverified).await;
    let found = found.told(ports, "authn", |found| account::authenticated(found.as_ref(), config))?;
    exchange.principal = found.map(|found| found.principal);
    Ok(())
}

/// A signature could not be checked. A key that the platform refuses should have been refused before.
fn unverified(failure: Failure) -> Problem {
    match failure {
        Failure::Unusable => inconsistent(Inconsistent),
        Failure::ClientGone => Problem::new(&forward::CLIENT_GONE, "The client left before the answer."),
    }
}

/// Whether they may, by what a route or a path of the gateway's own asks for.
fn authorize<P: Ports>(exchange: &Exchange<'_>, wanted: &authz::Config, ports: &P) -> Result<Authorized, Problem> {
    let principal = exchange.principal.as_deref();
    let authorized = authz::authorize(wanted, principal, exchange, &exchange.gateway.name);
    ports.saw(|| account::authorization(exchange, wanted, &authorized));
    authorized.claimed("authz")
}

/// The answer of a route that has no upstream.
fn answer<P: Ports>(exchange: &Exchange<'_>, config: &respond::Config, ports: &P) -> Result<Made, Problem> {
    let answer = respond::respond(config, |slot| exchange.fact(slot), exchange.head.query());
    answer.told(ports, "respond", account::responded)
}

/// The request to the upstream: exactly the path and query that were decided on.
fn plan<P: Ports>(exchange: &Exchange<'_>, route: ReadyRoute<'_>, ports: &P) -> Result<Forward, Problem> {
    let mut plan = destination(exchange, route)?;
    if !route.is_pass_through() {
        let credential = std::mem::take(&mut plan.head);
        plan.head.set("x-request-id", exchange.request_id.clone());
        if let Some(trace) = &exchange.trace {
            trace.send(&mut plan.head);
        }
        trace::check_baggage(exchange.tracing(), exchange.head, &mut plan.head);
        tell(exchange, route, &mut plan.head);
        route.policy().transform.request.apply(&mut plan.head, |slot| exchange.fact(slot));
        // Where a token is optional there may be nobody to tell of.
        if exchange.principal.is_some() {
            principal::apply(&route.policy().principal, &mut plan.head, |slot| exchange.fact(slot));
        }
        // Last, so that nothing takes its place.
        plan.head.set.extend(credential.set);
        finish::edit(exchange, &mut plan.answer, true);
    }
    take_out(&exchange.gateway.principal_headers, &mut plan);
    // The token is the gateway's business, whether it is good or not.
    if exchange.sent(explain::ASKS).is_some() {
        take_out(&[explain::ASKS.to_owned()], &mut plan);
    }
    ports.saw(|| account::planned(&plan, &route.policy().transform));
    Ok(plan)
}

/// Takes out what clients send under the names that tell upstreams who asks, before anything is set. Upstreams believe
/// them on every route, so one that passes everything through is no exception.
fn take_out(names: &[String], plan: &mut Forward) {
    plan.untouched = plan.untouched && names.is_empty();
    plan.head.remove.extend(names.iter().map(|name| name.clone().into()));
}

/// What the upstream is told of the client and the way. The static assets of the Worker have no use for it.
fn tell(exchange: &Exchange<'_>, route: ReadyRoute<'_>, head: &mut Edits) {
    let (config, sent) = (route.policy().forwarded, exchange.head);
    if config != forwarded::Config::Off && matches!(route.route.action, Action::Forward(_)) {
        let (is_secure, host) = (sent.is_secure(), sent.host_and_port());
        let received = forwarded::Received { address: exchange.address(), is_secure, host };
        forwarded::apply(config, head, &received, |name| exchange.sent(name));
    }
    via::name(route.policy().via, head, &exchange.gateway.name);
}

/// Where a request goes, with what proves to the upstream who sends it.
fn destination(exchange: &Exchange<'_>, route: ReadyRoute<'_>) -> Result<Forward, Problem> {
    let (path, query) = exchange.destination(route).claimed("transform")?;
    let untouched = route.is_pass_through();
    let mut plan = Forward { untouched, timeout_ms: exchange.timeouts().head_ms(), ..Forward::default() };
    match &route.route.action {
        Action::Forward(index) => {
            let target = exchange.gateway.target(*index).map_err(inconsistent)?;
            plan.url = [&target.base, &*path, &*query].concat();
            plan.binding.clone_from(&target.binding);
            plan.untouched &= target.signer.is_none();
            if let Some(credential) = &target.credential {
                plan.untouched = false;
                plan.head.set(credential.name.clone(), credential.value.clone());
            }
        }
        Action::Assets(binding) => {
            plan.url = [exchange.head.origin(), &*path, &*query].concat();
            plan.binding.clone_from(binding);
        }
        Action::Respond(_) | Action::Closed => return Err(inconsistent(Inconsistent)),
    }
    Ok(plan)
}

/// Signs the request for an upstream that asks for it; behind everything else, so that nothing takes its place.
async fn sign<P: Ports>(
    exchange: &Exchange<'_>,
    route: ReadyRoute<'_>,
    mut plan: Forward,
    ports: &P,
) -> Result<Forward, Problem> {
    let Some(signer) = exchange.signer() else { return Ok(plan) };
    plan.url = signature::as_sent(&plan.url);
    let mut digest = None;
    if signer.signs_body {
        let limit = route.policy().guard.body_limit.unwrap_or(signature::LARGEST_SIGNED_BODY);
        let found = signature::digest(limit, plan.timeout_ms, ports, guard::too_large).await;
        digest = Some(found.told(ports, "digest", |_| account::digested())?);
        plan.body_limit = None;
        if let Some(deadline) = exchange.body_deadline() {
            let left = deadline.saturating_sub(ports.now()).max(1);
            plan.timeout_ms = plan.timeout_ms.min(u32::try_from(left).unwrap_or(u32::MAX));
        }
    }
    signer.sign(&mut plan.head, exchange.head.method(), &plan.url, digest.as_ref(), ports.now());
    Ok(plan)
}

pub(super) fn inconsistent(_: Inconsistent) -> Problem {
    Problem::new(&INTERNAL, "The configuration of the gateway is inconsistent.")
}

/// What an upstream's answer becomes, under another `status` if there is one: its head was edited by the plan already, but
/// for what nobody could know before.
#[must_use]
pub fn relay(route: Option<ReadyRoute<'_>>, head: Edits, status: Option<u16>) -> Reply {
    Reply::Relay(Relay { head, untouched: route.is_some_and(ReadyRoute::is_pass_through), status })
}
