//! `trace`, `trace_sample`, `trace_headers`, `baggage`, `server_timing`: the keys of this stage in policies and routes.

use super::{Baggage, Config, Mode};
use crate::config::{
    diagnostics::{Code, Report, Span},
    keys::keys,
    kinds,
    layers::{RouteFacts, Stack},
    percent::Percent,
};

keys! {
    /// Traces, and what answers tell of times.
    pub struct Keys {
        /// Which part the gateway takes in traces (W3C Trace Context). `"pass"` takes none and hands on what the client sent;
        /// `"continue"` is a span of the client's trace, or begins one; `"restart"` always begins a new one, for clients that
        /// nobody trusts. The log line names trace and span.
        /// Example: `trace = "continue"`
        trace: Mode [Default("\"pass\"")] = kinds::word(&MODES),
        /// How many of the traces that begin here are marked as sampled. A trace that the client began is sampled if the
        /// client says so.
        trace_sample: Percent [Default("\"100%\"")] = kinds::share(),
        /// Whether upstream and client are told the trace in `X-Trace-ID`, `X-Span-ID` and `X-Parent-Span-ID` too. Then
        /// `trace = "continue"` also takes the trace id that a client without `traceparent` names in `X-Trace-ID`.
        /// Example: `trace_headers = true`
        trace_headers: bool [Default("false")] = kinds::boolean(),
        /// What becomes of the field `baggage` (W3C Baggage). `"pass"` hands it on unseen, `"check"` takes it out if it is
        /// malformed or longer than 8,192 bytes, `"drop"` always takes it out.
        /// Example: `baggage = "drop"`
        baggage: Baggage [Default("\"pass\"")] = kinds::word(&BAGGAGE),
        /// Whether answers tell in `Server-Timing` how long gateway and upstream took.
        /// Example: `server_timing = true`
        server_timing: bool [Default("false")] = kinds::boolean(),
    }
}

const MODES: [(&str, Mode); 3] = [("pass", Mode::Pass), ("continue", Mode::Continue), ("restart", Mode::Restart)];

const BAGGAGE: [(&str, Baggage); 3] = [("pass", Baggage::Pass), ("check", Baggage::Check), ("drop", Baggage::Drop)];

/// This stage's part of a route's policy.
pub fn resolve(keys: &Stack<'_, Keys>, route: &mut RouteFacts<'_>) -> Option<Config> {
    if route.passes_through {
        keys.refuse_pass_through(route);
        return Some(Config::default());
    }
    if keys.pick(|keys| &keys.trace).is_none() {
        report_idle(&keys.own(), route.report, Some(&route.key.span));
    }
    config(keys)
}

/// What layers say together; `None` when something is wrong, which has been reported.
pub fn config(keys: &Stack<'_, Keys>) -> Option<Config> {
    let sample = keys.pick(|keys| &keys.trace_sample).map_or(Some(Percent::WHOLE), |setting| setting.value)?;
    Some(Config {
        mode: keys.value(|keys| &keys.trace),
        sample,
        headers: keys.value(|keys| &keys.trace_headers),
        baggage: keys.value(|keys| &keys.baggage),
        server_timing: keys.value(|keys| &keys.server_timing),
    })
}

/// Reports the keys that say how the gateway takes part in traces, where it takes none because nobody has said so: on a
/// route, or on all of them.
pub fn report_idle(keys: &Stack<'_, Keys>, report: &Report<'_>, route: Option<&Span>) {
    let headers = keys.pick(|keys| &keys.trace_headers).filter(|setting| setting.value == Some(true));
    let headers = headers.map(|setting| ("trace_headers", &setting.key));
    let sample = keys.pick(|keys| &keys.trace_sample).map(|setting| ("trace_sample", &setting.key));
    let idle = |(name, key): (&str, &Span)| {
        let message = format!("`{name}` has no effect without `trace`");
        let draft = report.draft(Code::MissingKey, key, message);
        let draft = draft.expected("`trace = \"continue\"` or `trace = \"restart\"` beside it");
        match route {
            Some(route) => draft.related(route, "this route takes no part in traces").report(),
            None => draft.report(),
        }
    };
    headers.into_iter().chain(sample).for_each(idle);
}
