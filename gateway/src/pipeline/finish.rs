//! What happens to every outcome: the same edits to its head, and one log line.

use crate::{
    http::{
        Millis,
        edits::Edits,
        problem::{Fault, Kind, Problem},
        reply::{Made, Reply},
        request::Header,
        timestamp::rfc3339,
    },
    pipeline::{
        exchange::Exchange,
        gateway::ReadyRoute,
        limit_counts,
        run::{Outcome, relay},
    },
    ports::upstream::BodyEnd,
    routing::served,
    stages::{
        deprecation,
        log::{Level, line::Line},
        proxy_status, rate_limit, security_headers,
        trace::{Trace, timing::server_timing},
        via,
    },
};

/// An outcome with its answer made.
#[derive(Debug)]
pub struct Closed {
    /// The answer.
    pub reply: Reply,
    /// What the log will say.
    pub log: Log,
}

/// The part of the log line that is known when the answer is.
#[derive(Clone, Copy, Debug)]
pub struct Log {
    status: u16,
    /// What the upstream said, where the client gets something else.
    upstream_status: Option<u16>,
    problem: Option<&'static Kind>,
    /// Who refused, when the answer is a problem.
    stage: &'static str,
}

/// Makes the answer of an outcome.
#[must_use]
pub fn close(exchange: &Exchange<'_>, outcome: Result<Outcome, Problem>, now: Millis) -> Closed {
    match outcome {
        Ok(Outcome::Made(made)) => self::made(exchange, made, None, now),
        // The plan that went out has named all changes to this head; see `Forward::answer`.
        Ok(Outcome::Relayed(head)) => {
            let mut edits = Edits::default();
            tell_times(exchange, &mut edits, now);
            tell_limits(exchange, &mut edits, now);
            if let Some(route) = exchange.route {
                let (config, name) = (route.policy().proxy_status, &exchange.gateway.name);
                proxy_status::relayed(config, &mut edits, name, exchange.upstream(), head.status);
            }
            let status = exchange.route.and_then(|route| route.policy().transform.status_of(head.status));
            let upstream_status = status.and(Some(head.status));
            let log = Log { status: status.unwrap_or(head.status), upstream_status, problem: None, stage: "" };
            Closed { reply: relay(exchange.route, edits, status), log }
        }
        Err(problem) => {
            let refused = Some((problem.kind, problem.stage));
            let kind = problem.kind;
            let mut made = problem.into_reply(&exchange.request_id, exchange.header(Header::Accept));
            if let Some(route) = exchange.route {
                proxy_status::failed(route.policy().proxy_status, &mut made.head, &exchange.gateway.name, kind);
            }
            self::made(exchange, made, refused, now)
        }
    }
}

/// `refused`: what the problem is, and of which stage, if it is one.
type Refused = Option<(&'static Kind, &'static str)>;

fn made(exchange: &Exchange<'_>, mut made: Made, refused: Refused, now: Millis) -> Closed {
    edit(exchange, &mut made.head, false);
    tell_times(exchange, &mut made.head, now);
    tell_limits(exchange, &mut made.head, now);
    let (problem, stage) = refused.map_or((None, ""), |(kind, stage)| (Some(kind), stage));
    let log = Log { status: made.status, upstream_status: None, problem, stage };
    Closed { reply: Reply::Made(made), log }
}

/// Times are known when there is an answer, so they are told on top of what a plan has named.
fn tell_times(exchange: &Exchange<'_>, head: &mut Edits, now: Millis) {
    if exchange.tracing().server_timing {
        let whole = now.saturating_sub(exchange.started);
        head.append("server-timing", server_timing(whole, exchange.upstream_ms));
    }
}

/// What is left of its limits. A route that passes everything through tells nothing on top of what comes.
fn tell_limits(exchange: &Exchange<'_>, head: &mut Edits, now: Millis) {
    if let Some(route) = exchange.route.filter(|route| !route.is_pass_through()) {
        rate_limit::finish(head, route.policy().rate_limit.headers, &exchange.limits, now);
    }
}

/// The changes that every answer of this exchange gets; `relayed` when an upstream made it.
pub fn edit(exchange: &Exchange<'_>, head: &mut Edits, relayed: bool) {
    let route = exchange.route.filter(|route| relayed || !route.is_pass_through());
    security_headers::finish(head, route.map_or(0, ReadyRoute::header_list));
    if let (Some(cors), Some(grant)) = (exchange.cors(), &exchange.grant) {
        cors.finish(head, grant, relayed);
    }
    if let Some(route) = exchange.route {
        if let Some(served) = &route.route.served {
            served::finish(head, served, &exchange.gateway.versions);
        }
        deprecation::finish(head, &route.policy().deprecation);
        route.policy().transform.response.apply(head, |slot| exchange.fact(slot));
    }
    if let Some(route) = exchange.route.filter(|_| relayed) {
        via::name(route.policy().via, head, &exchange.gateway.name);
    }
    head.set("x-request-id", exchange.request_id.clone());
    if let Some(trace) = &exchange.trace {
        trace.tell(head);
    }
}

impl Log {
    /// What the client gets.
    #[must_use]
    pub fn status(self) -> u16 {
        self.status
    }

    /// What the upstream said, where the client gets something else.
    #[must_use]
    pub fn upstream_status(self) -> Option<u16> {
        self.upstream_status
    }

    /// The problem's code, when the answer is a problem.
    #[must_use]
    pub fn code(self) -> Option<&'static str> {
        self.problem.map(|kind| kind.code)
    }

    /// Which stage has refused, and with which code, when the answer is a problem. What no stage claims is the pipeline's.
    #[must_use]
    pub fn refused(self) -> Option<(&'static str, &'static str)> {
        let stage = if self.stage.is_empty() { "pipeline" } else { self.stage };
        self.code().map(|code| (stage, code))
    }

    /// The line, at the moment when there is nothing left to wait for, and behind it those of rows of the audit log; empty
    /// for none.
    #[must_use]
    pub fn lines(self, exchange: &Exchange<'_>, now: Millis, body: Option<BodyEnd>) -> String {
        exchange.gateway.fleet.events.with_lines(self.line(exchange, now, body))
    }

    fn line(self, exchange: &Exchange<'_>, now: Millis, body: Option<BodyEnd>) -> String {
        let (logging, level) = (&exchange.gateway.logging, level(self.problem));
        if !logging.writes(level, &exchange.request_id) {
            return String::new();
        }
        let trace = exchange.trace.as_ref();
        Line {
            timestamp: rfc3339(exchange.started).as_str(),
            level: level.name(),
            msg: "request",
            request_id: &exchange.request_id,
            trace_id: trace.map(Trace::trace_id),
            span_id: trace.map(Trace::span_id),
            parent_span_id: trace.and_then(|trace| trace.parent_id),
            linked_trace_id: trace.and_then(|trace| trace.linked_trace_id),
            sampled: trace.map(Trace::is_sampled),
            method: exchange.head.method(),
            path: &logging.redacted(exchange.head.path(), exchange.parameters()),
            route: exchange.label(),
            status: self.status,
            upstream_status: self.upstream_status,
            duration_ms: now.saturating_sub(exchange.started),
            code: self.code(),
            principal: exchange.principal.as_ref().and_then(|principal| principal.subject()),
            upstream: exchange.upstream_ms.and_then(|_| exchange.upstream()),
            // The static assets of the Worker are no upstream.
            upstream_ms: exchange.upstream().and(exchange.upstream_ms),
            awaits: exchange.awaits,
            rate_limit: limit_counts::noted(exchange),
            body: body.map(body_label),
        }
        .to_json()
    }
}

fn level(problem: Option<&'static Kind>) -> Level {
    match problem.map(|kind| kind.fault) {
        None => Level::Info,
        Some(Fault::Client) => Level::Warn,
        Some(Fault::Gateway | Fault::Upstream) => Level::Error,
    }
}

fn body_label(end: BodyEnd) -> &'static str {
    match end {
        BodyEnd::Complete => "complete",
        BodyEnd::Broken => "broken",
    }
}
