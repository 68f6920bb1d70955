//! Which request this is, in the gateway's log and in the traces of others: the request id, the part that the gateway takes
//! in a W3C trace, baggage, and what the answer tells of times.
//!
//! Not here: sending spans to a collector. The log line names trace and span, so that it can stand for one.

#[cfg(feature = "compiler")]
pub mod keys;
pub mod request_id;
pub mod timing;

use serde::{Deserialize, Serialize};

use crate::{
    config::percent::Percent,
    http::{
        baggage::is_baggage,
        edits::Edits,
        request::{Header, RequestHead},
        trace_context::{RANDOM, SAMPLED, TraceParent, is_trace_id, is_tracestate, push_hex},
    },
    ports::entropy::Entropy,
};

/// The keys of this stage: `trace`, `trace_sample`, `trace_headers`, `baggage`, `server_timing`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Config {
    /// Which part the gateway takes in traces.
    pub mode: Mode,
    /// How many of the traces that begin here are marked as sampled.
    pub sample: Percent,
    /// Whether trace and spans are told in `X-Trace-ID` and its like as well.
    pub headers: bool,
    /// What becomes of `baggage`.
    pub baggage: Baggage,
    /// Whether answers carry `Server-Timing`.
    pub server_timing: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { mode: Mode::Pass, sample: Percent::WHOLE, headers: false, baggage: Baggage::Pass, server_timing: false }
    }
}

/// Which part the gateway takes in traces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Mode {
    /// None: what the client sent goes on as it is.
    #[default]
    Pass,
    /// It is a span of the client's trace, or of a new one if there is none.
    Continue,
    /// It begins a new trace, whatever the client sent.
    Restart,
}

/// What becomes of `baggage`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Baggage {
    /// It goes on, unseen.
    #[default]
    Pass,
    /// It goes on if it is well-formed and not too long.
    Check,
    /// It is taken out.
    Drop,
}

impl Config {
    /// The headers about traces that this needs to know.
    pub fn reads(&self) -> impl Iterator<Item = Header> {
        let continues = self.mode == Mode::Continue;
        let needs = [
            (Header::TraceParent, self.mode != Mode::Pass),
            (Header::TraceState, continues),
            (Header::TraceId, continues && self.headers),
            (Header::Baggage, self.baggage == Baggage::Check),
        ];
        needs.into_iter().filter_map(|(header, needed)| needed.then_some(header))
    }
}

/// The part that the gateway takes in the trace of one request: it is one span of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Trace<'g> {
    /// `traceparent` as the upstream gets it: 55 characters, the gateway's span as the parent.
    traceparent: String,
    /// Where the trace comes from.
    pub source: Source,
    /// The span of the client that the gateway's span belongs to.
    pub parent_id: Option<&'g str>,
    /// The client's trace, where it was not believed.
    pub linked_trace_id: Option<&'g str>,
    /// Whether the client's `tracestate` is taken out.
    pub drops_state: bool,
    headers: bool,
}

/// Where a trace comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// From `traceparent`.
    Client,
    /// From `X-Trace-ID`.
    TraceId,
    /// It begins here: the client named none.
    Nowhere,
    /// It begins here: what the client sent is no `traceparent`.
    Malformed,
    /// It begins here, because the configuration says so.
    Restart,
}

/// Makes the gateway's part in the trace of a request; none where it takes no part. Nothing that a client sends is refused.
pub fn take_part<'g>(config: &Config, head: &'g RequestHead, ports: &impl Entropy) -> Option<Trace<'g>> {
    if config.mode == Mode::Pass {
        return None;
    }
    let sent = head.header(Header::TraceParent);
    let parent = sent.and_then(TraceParent::parse);
    Some(match parent.filter(|_| config.mode == Mode::Continue) {
        Some(parent) => {
            let drops_state = head.header(Header::TraceState).is_some_and(|state| !is_tracestate(state));
            let own = TraceParent { parent_id: &id::<8>(ports), ..parent };
            let (traceparent, parent_id) = (own.print(), Some(parent.parent_id));
            Trace { source: Source::Client, traceparent, parent_id, drops_state, ..Trace::empty(config) }
        }
        None if config.mode == Mode::Restart => {
            let linked_trace_id = parent.map(|parent| parent.trace_id);
            Trace { linked_trace_id, drops_state: true, ..Trace::begin(config, Source::Restart, None, ports) }
        }
        None => {
            let named = head.header(Header::TraceId).filter(|id| config.headers && sent.is_none() && is_trace_id(id));
            let source = match (sent, named) {
                (Some(_), _) => Source::Malformed,
                (None, Some(_)) => Source::TraceId,
                (None, None) => Source::Nowhere,
            };
            let drops_state = head.header(Header::TraceState).is_some();
            Trace { drops_state, ..Trace::begin(config, source, named, ports) }
        }
    })
}

impl Trace<'_> {
    fn empty(config: &Config) -> Self {
        Trace {
            traceparent: String::new(),
            source: Source::Nowhere,
            parent_id: None,
            linked_trace_id: None,
            drops_state: false,
            headers: config.headers,
        }
    }

    /// A trace whose first span is the gateway's. Of an id that the client has `named` nobody knows how random it is.
    fn begin(config: &Config, source: Source, named: Option<&str>, ports: &impl Entropy) -> Self {
        let made;
        let (trace_id, random) = match named {
            Some(id) => (id, 0),
            None => {
                made = id::<16>(ports);
                (made.as_str(), RANDOM)
            }
        };
        let sampled = if is_sampled(config.sample, trace_id) { SAMPLED } else { 0 };
        let own = TraceParent { trace_id, parent_id: &id::<8>(ports), flags: sampled | random };
        Trace { source, traceparent: own.print(), ..Self::empty(config) }
    }

    /// The trace.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        self.traceparent.get(3..35).unwrap_or_default()
    }

    /// The gateway's span.
    #[must_use]
    pub fn span_id(&self) -> &str {
        self.traceparent.get(36..52).unwrap_or_default()
    }

    /// Whether the trace may be recorded.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.traceparent.ends_with(['1', '3'])
    }

    /// Tells the upstream.
    pub fn send(&self, head: &mut Edits) {
        head.set("traceparent", self.traceparent.clone());
        if self.drops_state {
            head.remove("tracestate");
        }
        self.tell(head);
    }

    /// Tells whoever reads `X-Trace-ID` and its like, in either direction. What somebody else says there is replaced.
    pub fn tell(&self, head: &mut Edits) {
        if !self.headers {
            return;
        }
        head.set("x-trace-id", self.trace_id().to_owned());
        head.set("x-span-id", self.span_id().to_owned());
        match self.parent_id {
            Some(parent) => head.set("x-parent-span-id", parent.to_owned()),
            None => head.remove("x-parent-span-id"),
        }
    }
}

/// Takes baggage out that must not go on.
pub fn check_baggage(config: &Config, request: &RequestHead, head: &mut Edits) {
    let is_dropped = match config.baggage {
        Baggage::Pass => false,
        Baggage::Check => request.header(Header::Baggage).is_some_and(|baggage| !is_baggage(baggage)),
        Baggage::Drop => true,
    };
    if is_dropped {
        head.remove("baggage");
    }
}

/// A new id in hexadecimal digits. All zeros would mean that there is none.
fn id<const BYTES: usize>(ports: &impl Entropy) -> String {
    let mut bytes = [0_u8; BYTES];
    ports.fill(&mut bytes);
    if bytes == [0; BYTES] {
        bytes.last_mut().into_iter().for_each(|last| *last = 1);
    }
    let mut text = String::with_capacity(BYTES.saturating_mul(2));
    push_hex(&mut text, &bytes);
    text
}

/// Whether a trace is among this share of all, by the last 7 bytes of its id. The highest are taken, as OpenTelemetry does:
/// what samples a smaller share elsewhere samples none that is not sampled here.
fn is_sampled(share: Percent, trace_id: &str) -> bool {
    let last = trace_id.get(18..).and_then(|last| u64::from_str_radix(last, 16).ok()).unwrap_or_default();
    let points = u128::from(last).saturating_mul(u128::from(Percent::WHOLE.basis_points())) >> 56;
    let left_out = Percent::WHOLE.basis_points().saturating_sub(share.basis_points());
    points >= u128::from(left_out)
}

/// What is told of this stage where configurations are compared: what is not as it is by default.
#[cfg(feature = "explain")]
pub fn told(config: &Config, teller: &mut crate::config::told::Teller<'_>) {
    let Config { mode, sample, headers, baggage, server_timing } = config;
    let yes = |yes: bool| yes.then(|| crate::config::told::yes(true));
    let mode = match mode {
        Mode::Pass => None,
        Mode::Continue => Some("continue"),
        Mode::Restart => Some("restart"),
    };
    let baggage = match baggage {
        Baggage::Pass => None,
        Baggage::Check => Some("check"),
        Baggage::Drop => Some("drop"),
    };
    let takes_part = |_: &String| mode.is_some();
    let keys = [
        ("trace", mode.map(str::to_owned)),
        ("trace_sample", Some(sample.to_string()).filter(|_| *sample != Percent::WHOLE).filter(takes_part)),
        ("trace_headers", yes(*headers).filter(takes_part)),
        ("baggage", baggage.map(str::to_owned)),
        ("server_timing", yes(*server_timing)),
    ];
    for (key, value) in keys {
        value.into_iter().for_each(|value| teller.put(key, value));
    }
}

#[cfg(test)]
mod tests;
