//! What becomes of a trace, by mode and by what the client sent.

use super::*;
use crate::http::request::ABSENT;

type Sent<'a> = &'a [(Header, &'a str)];

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// Randomness that is always this byte.
struct Bytes(u8);

impl Entropy for Bytes {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

/// Nobody may ask for randomness.
struct Never;

impl Entropy for Never {
    fn fill(&self, _: &mut [u8]) {
        panic!("randomness was drawn");
    }
}

fn head(headers: &[(Header, &str)]) -> RequestHead {
    let sent = |header: Header| headers.iter().find(|(name, _)| *name == header).map(|(_, value)| *value);
    let mut text = "GEThttp://a/".to_owned();
    let mut lengths = vec![3, 9];
    for header in Header::ALL {
        lengths.push(sent(header).map_or(ABSENT, |value| value.len() as u32));
        text.push_str(sent(header).unwrap_or_default());
    }
    RequestHead::read(text, &lengths, 0).unwrap()
}

fn config(mode: Mode) -> Config {
    Config { mode, headers: true, ..Config::default() }
}

/// `traceparent` for the upstream, where the trace comes from, and whether `tracestate` is taken out.
fn taken(config: &Config, headers: &[(Header, &str)]) -> (String, Source, bool) {
    let head = head(headers);
    let trace = take_part(config, &head, &Bytes(0xab)).unwrap();
    let mut edits = Edits::default();
    trace.send(&mut edits);
    let removed = edits.remove.iter().any(|name| name == "tracestate");
    (edits.value("traceparent").unwrap().to_owned(), trace.source, removed)
}

fn parent(flags: &str) -> String {
    format!("00-{TRACE}-{PARENT}-{flags}")
}

#[test]
fn a_gateway_that_takes_no_part_draws_no_randomness() {
    assert_eq!(take_part(&Config::default(), &head(&[(Header::TraceParent, &parent("01"))]), &Never), None);
}

#[test]
fn the_trace_of_the_client_is_continued_with_a_span_of_our_own() {
    let own = "abababababababab";
    for (flags, kept) in [("00", "00"), ("01", "01"), ("02", "02"), ("03", "03"), ("ff", "03")] {
        let sent = parent(flags);
        let sent = [(Header::TraceParent, &*sent), (Header::TraceState, "foo=1")];
        let (traceparent, source, drops_state) = taken(&config(Mode::Continue), &sent);
        assert_eq!(traceparent, format!("00-{TRACE}-{own}-{kept}"), "{flags}");
        assert_eq!((source, drops_state), (Source::Client, false));
    }
    let sent = parent("01");
    let head = head(&[(Header::TraceParent, &sent)]);
    let trace = take_part(&config(Mode::Continue), &head, &Bytes(0xab)).unwrap();
    assert_eq!((trace.trace_id(), trace.span_id(), trace.parent_id), (TRACE, own, Some(PARENT)));
    assert!(trace.is_sampled());
}

#[test]
fn what_cannot_be_continued_begins_anew_without_the_state_of_the_old() {
    let new = format!("00-{}-{}-03", "ab".repeat(16), "ab".repeat(8));
    let state = (Header::TraceState, "foo=1");
    let good = parent("01");
    let bad = parent("1");
    let twice = format!("{good}, {good}");
    let cases: [(Sent<'_>, Source, bool); 6] = [
        (&[], Source::Nowhere, false),
        (&[state], Source::Nowhere, true),
        (&[(Header::TraceParent, &bad), state], Source::Malformed, true),
        (&[(Header::TraceParent, &twice)], Source::Malformed, false),
        (&[(Header::TraceParent, ""), (Header::TraceId, TRACE)], Source::Malformed, false),
        (&[(Header::TraceId, "xyz")], Source::Nowhere, false),
    ];
    for (headers, source, drops_state) in cases {
        assert_eq!(taken(&config(Mode::Continue), headers), (new.clone(), source, drops_state), "{headers:?}");
    }
}

#[test]
fn a_malformed_state_does_not_end_the_trace() {
    let sent = parent("01");
    for (state, drops) in
        [("foo=1,bar=2", false), ("foo=1,foo=2", false), ("", true), ("FOO=1", true), ("\u{fffd}=1", true)]
    {
        let (traceparent, source, dropped) =
            taken(&config(Mode::Continue), &[(Header::TraceParent, &sent), (Header::TraceState, state)]);
        assert!(traceparent.contains(TRACE), "{state}");
        assert_eq!((source, dropped), (Source::Client, drops), "{state}");
    }
}

#[test]
fn a_restart_believes_nothing_and_links_what_came() {
    let sent = parent("00");
    let headers = [(Header::TraceParent, &*sent), (Header::TraceState, "foo=1"), (Header::TraceId, TRACE)];
    let (traceparent, source, drops_state) = taken(&config(Mode::Restart), &headers);
    assert_eq!(traceparent, format!("00-{}-{}-03", "ab".repeat(16), "ab".repeat(8)));
    assert_eq!((source, drops_state), (Source::Restart, true));
    let links = |headers: &[(Header, &str)]| {
        let head = head(headers);
        let trace = take_part(&config(Mode::Restart), &head, &Bytes(1)).unwrap();
        assert_eq!(trace.parent_id, None);
        trace.linked_trace_id.map(str::to_owned)
    };
    assert_eq!(links(&headers).as_deref(), Some(TRACE));
    assert_eq!(links(&[(Header::TraceParent, "nonsense")]), None);
}

#[test]
fn a_named_trace_is_taken_where_that_is_switched_on_and_nobody_knows_how_random_it_is() {
    let named = [(Header::TraceId, TRACE)];
    let (traceparent, source, _) = taken(&config(Mode::Continue), &named);
    assert_eq!((&*traceparent, source), (&*format!("00-{TRACE}-abababababababab-01"), Source::TraceId));
    let off = Config { headers: false, ..config(Mode::Continue) };
    assert_eq!(taken(&off, &named).1, Source::Nowhere);
    let parent = parent("01");
    let both = [(Header::TraceId, "0af7651916cd43dd8448eb211c80319c"), (Header::TraceParent, &*parent)];
    assert!(taken(&config(Mode::Continue), &both).0.contains(TRACE));
    for id in ["", "4BF92F3577B34DA6A3CE929D0E0E4736", "00000000000000000000000000000000"] {
        assert_eq!(taken(&config(Mode::Continue), &[(Header::TraceId, id)]).1, Source::Nowhere, "{id}");
    }
}

#[test]
fn an_id_of_all_zeros_never_leaves() {
    let head = head(&[]);
    let trace = take_part(&config(Mode::Continue), &head, &Bytes(0)).unwrap();
    assert_eq!((trace.trace_id(), trace.span_id()), ("00000000000000000000000000000001", "0000000000000001"));
}

#[test]
fn a_share_of_new_traces_is_sampled_by_their_own_id() {
    let share = |points| Percent::from_basis_points(points).unwrap();
    // Of the last 7 bytes: nothing, just below and at 90 %, everything. What stands before them makes no difference.
    let ids = ["00000000000000", "e6666666666666", "e6666666666667", "ffffffffffffff"];
    let cases = [
        (0, [false, false, false, false]),
        (1, [false, false, false, true]),
        (1_000, [false, false, true, true]),
        (9_999, [false, true, true, true]),
        (10_000, [true, true, true, true]),
    ];
    for (points, sampled) in cases {
        for (id, sampled) in ids.into_iter().zip(sampled) {
            for before in ["000000000000000000", "ffffffffffffffffff"] {
                assert_eq!(is_sampled(share(points), &format!("{before}{id}")), sampled, "{points} {id}");
            }
        }
    }
    let none = Config { sample: Percent::NONE, ..config(Mode::Continue) };
    assert!(taken(&none, &[]).0.ends_with("-02"));
    let sent = parent("01");
    assert!(taken(&none, &[(Header::TraceParent, &sent)]).0.ends_with("-01"), "the client has decided");
}

#[test]
fn the_older_headers_replace_what_others_said() {
    let told = |config: &Config, headers: &[(Header, &str)]| {
        let head = head(headers);
        let mut edits = Edits::default();
        take_part(config, &head, &Bytes(0xab)).unwrap().tell(&mut edits);
        edits
    };
    let sent = parent("01");
    let edits = told(&config(Mode::Continue), &[(Header::TraceParent, &sent)]);
    let values = ["x-trace-id", "x-span-id", "x-parent-span-id"].map(|name| edits.value(name));
    assert_eq!(values, [Some(TRACE), Some("abababababababab"), Some(PARENT)]);
    let edits = told(&config(Mode::Restart), &[(Header::TraceParent, &sent)]);
    assert_eq!((edits.value("x-parent-span-id"), &*edits.remove), (None, &["x-parent-span-id".into()][..]));
    let off = Config { headers: false, ..config(Mode::Continue) };
    assert_eq!(told(&off, &[]), Edits::default());
}

#[test]
fn baggage_goes_on_is_looked_at_or_stays() {
    let dropped = |baggage, sent: &str| {
        let mut edits = Edits::default();
        check_baggage(&Config { baggage, ..Config::default() }, &head(&[(Header::Baggage, sent)]), &mut edits);
        edits.remove == ["baggage"]
    };
    let large = format!("a={}", "b".repeat(8_191));
    for (sent, checked) in [("a=1", false), ("a=1;p,b=2", false), ("a b", true), (&large, true)] {
        assert!(!dropped(Baggage::Pass, sent), "{sent}");
        assert_eq!(dropped(Baggage::Check, sent), checked, "{sent}");
        assert!(dropped(Baggage::Drop, sent), "{sent}");
    }
}

#[test]
fn only_what_is_needed_is_read() {
    let reads = |config: Config| config.reads().collect::<Vec<_>>();
    use Header::{Baggage as Bag, TraceId, TraceParent, TraceState};
    assert_eq!(reads(Config::default()), []);
    assert_eq!(reads(config(Mode::Continue)), [TraceParent, TraceState, TraceId]);
    assert_eq!(reads(Config { headers: false, ..config(Mode::Continue) }), [TraceParent, TraceState]);
    assert_eq!(reads(config(Mode::Restart)), [TraceParent]);
    assert_eq!(reads(Config { baggage: Baggage::Check, ..Config::default() }), [Bag]);
    assert_eq!(reads(Config { baggage: Baggage::Drop, server_timing: true, ..config(Mode::Pass) }), []);
}
