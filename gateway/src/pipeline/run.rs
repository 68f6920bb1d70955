//! The pipeline: one plain function that reads like the list in the README.

use std::rc::Rc;

use crate::{
    blueprint::Action,
    http::{
        edits::Edits,
        method::Method,
        problem::{Fault, Kind, Problem},
        reply::{Made, Relay, Reply},
        request::{Header, RequestHead},
    },
    pipeline::{
        exchange::Exchange,
        finish,
        gateway::{Gateway, Inconsistent, ReadyRoute},
    },
    ports::{
        Ports,
        upstream::{BodyEnd, Forward, Head},
    },
    routing::select::{Selection, select},
    stages::{authz, forward, guard, health, respond, trace},
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
    /// The log line.
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
    let request_id = trace::request_id(head.header(Header::RequestId), &*ports);
    let mut exchange = Exchange::new(&gateway, &head, ports.now(), request_id);
    let outcome = serve(&mut exchange, &*ports).await;
    let closed = finish::close(&exchange, outcome);
    let relayed = matches!(closed.reply, Reply::Relay(_));
    let left = exchange.body_deadline().map(|deadline| deadline.saturating_sub(ports.now()));
    if relayed && (left.is_some() || exchange.route.is_some_and(ReadyRoute::observes_body)) {
        let end = ports.deliver(closed.reply, left).await;
        return Finished { reply: None, log: closed.log.line(&exchange, ports.now(), Some(end)) };
    }
    Finished { reply: Some(closed.reply), log: closed.log.line(&exchange, ports.now(), None::<BodyEnd>) }
}

/// Every stage a request meets, in order.
async fn serve<'g, P: Ports>(exchange: &mut Exchange<'g>, ports: &P) -> Result<Outcome, Problem> {
    check_text(exchange)?;
    if let Some(answer) = built_in(exchange, ports).await? {
        return Ok(Outcome::Made(answer));
    }
    let route = match select(&exchange.gateway.table, exchange.head)? {
        Selection::Route(found) => enter(exchange, found.route, found.values)?,
        Selection::Preflight(found, wanted) => {
            let route = enter(exchange, found.route, found.values)?;
            // Where everything passes through untouched, the upstream answers preflights too.
            if !route.is_pass_through() {
                return preflight(exchange, route, wanted).map(Outcome::Made);
            }
            route
        }
    };
    let body_limit = guard::check_body(&route.policy().guard, exchange.header(Header::ContentLength))?;
    authenticate(exchange, route, ports)?;
    let authorized = authz::authorize(&route.policy().authz, exchange.principal.as_deref(), &exchange.gateway.name)?;
    #[cfg(feature = "faults")]
    crate::pipeline::faults::strike("begin", exchange, ports).await;
    if let Action::Respond(config) = &route.route.action {
        let query = exchange.head.query();
        return respond::respond(config, |slot| exchange.fact(slot), query).map(Outcome::Made);
    }
    let plan = Forward { body_limit, ..plan(exchange, route)? };
    let head = forward::call(authorized, plan, ports, guard::too_large).await?;
    #[cfg(feature = "faults")]
    crate::pipeline::faults::strike("step", exchange, ports).await;
    Ok(Outcome::Relayed(head))
}

fn check_text(exchange: &Exchange<'_>) -> Result<(), Problem> {
    if exchange.head.has_lost_bytes() {
        let detail = "The URL or a header holds bytes that are not UTF-8.";
        return Err(Problem::new(&TEXT_MALFORMED, detail));
    }
    Ok(())
}

/// Paths that the gateway answers itself.
async fn built_in<P: Ports>(exchange: &mut Exchange<'_>, ports: &P) -> Result<Option<Made>, Problem> {
    let asks = matches!(exchange.head.method(), "GET" | "HEAD");
    match exchange.head.path() {
        health::LIVE if asks => {
            exchange.built_in = Some(health::LIVE);
            Ok(Some(health::live()))
        }
        health::READY if asks => {
            exchange.built_in = Some(health::READY);
            #[cfg(feature = "faults")]
            crate::pipeline::faults::strike("park", exchange, ports).await;
            health::ready(ports).await.map(Some)
        }
        _ => Ok(None),
    }
}

/// The request has a route: from here on its policy speaks, CORS first, so that every later refusal carries it.
fn enter<'g>(exchange: &mut Exchange<'g>, index: u16, values: Vec<&'g str>) -> Result<ReadyRoute<'g>, Problem> {
    let route = exchange.gateway.route(index).ok_or_else(|| inconsistent(Inconsistent))?;
    exchange.route = Some(route);
    exchange.values = values;
    exchange.grant = route.cors().map(|cors| cors.grant(exchange.header(Header::Origin)));
    Ok(route)
}

fn preflight(exchange: &Exchange<'_>, route: ReadyRoute<'_>, wanted: Method) -> Result<Made, Problem> {
    let (Some(cors), Some(grant)) = (route.cors(), &exchange.grant) else {
        let detail = "This route takes no requests from other origins.";
        return Err(Problem::new(&crate::stages::cors::ORIGIN_REFUSED, detail).field("origin", "none"));
    };
    cors.preflight(grant, Some(wanted), exchange.header(Header::AccessControlRequestHeaders))
}

fn authenticate<P: Ports>(exchange: &mut Exchange<'_>, route: ReadyRoute<'_>, ports: &P) -> Result<(), Problem> {
    let Some(issuer) = exchange.gateway.issuer(route.policy().authn).map_err(inconsistent)? else { return Ok(()) };
    let authorization = exchange.header(Header::Authorization);
    exchange.principal = Some(issuer.authenticate(authorization, ports.now(), &exchange.gateway.name)?);
    Ok(())
}

/// The request to the upstream: exactly the path and query that were decided on.
fn plan(exchange: &Exchange<'_>, route: ReadyRoute<'_>) -> Result<Forward, Problem> {
    let mut plan = destination(exchange, route)?;
    if !route.is_pass_through() {
        let credential = std::mem::take(&mut plan.head);
        plan.head.set("x-request-id", exchange.request_id.clone());
        route.policy().transform.request.apply(&mut plan.head, |slot| exchange.fact(slot));
        // Last, so that nothing takes its place.
        plan.head.set.extend(credential.set);
        finish::edit(exchange, &mut plan.answer, true);
    }
    Ok(plan)
}

/// Where a request goes, with what proves to the upstream who sends it.
fn destination(exchange: &Exchange<'_>, route: ReadyRoute<'_>) -> Result<Forward, Problem> {
    let (path, query) = (exchange.head.path(), exchange.head.query());
    let untouched = route.is_pass_through();
    let mut plan = Forward { untouched, timeout_ms: exchange.timeouts().head_ms(), ..Forward::default() };
    match &route.route.action {
        Action::Forward(index) => {
            let target = exchange.gateway.target(*index).map_err(inconsistent)?;
            plan.url = [&target.base, path, query].concat();
            plan.binding.clone_from(&target.binding);
            if let Some(credential) = &target.credential {
                plan.untouched = false;
                plan.head.set(credential.name.clone(), credential.value.clone());
            }
        }
        Action::Assets(binding) => {
            exchange.head.url().clone_into(&mut plan.url);
            plan.binding.clone_from(binding);
        }
        Action::Respond(_) => return Err(inconsistent(Inconsistent)),
    }
    Ok(plan)
}

fn inconsistent(_: Inconsistent) -> Problem {
    Problem::new(&INTERNAL, "The configuration of the gateway is inconsistent.")
}

/// What an upstream's answer becomes: its head was edited by the plan already.
#[must_use]
pub fn relay(route: Option<ReadyRoute<'_>>) -> Reply {
    Reply::Relay(Relay { head: Edits::default(), untouched: route.is_some_and(ReadyRoute::is_pass_through) })
}
