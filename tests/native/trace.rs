//! Traces of whole requests: what upstream, client and log are told, whoever answers.

use gateway::{
    blueprint::compile::compile,
    driver::effects::{Answer, Effect},
    explain::{diff, explain, request::Request},
    http::{edits::Edits, reply::Reply, request::Header},
    pipeline::run::Finished,
};
use serde_json::{Value, json};

use crate::{
    explain::started,
    fixture::{CONFIG, Fixture, Memory, NOW, made, status},
};

/// Headers as a client sends them.
type Sent<'a> = &'a [(&'a str, &'a str)];

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// The fixture's randomness is zeros, which are no ids.
const NEW_TRACE: &str = "00000000000000000000000000000001";
const OWN: &str = "0000000000000001";

const ROUTES: &str = r#"
[routes."GET /traced"]
upstream = "shop"
auth = "none"

[routes."GET /told"]
upstream = "shop"
auth = "none"
trace_headers = true
server_timing = true

[routes."GET /told-at-the-end"]
upstream = "shop"
auth = "none"
server_timing = true
observe = "body"

[routes."GET /edge"]
upstream = "shop"
auth = "none"
trace = "restart"
baggage = "drop"

[routes."GET /apart"]
upstream = "shop"
auth = "none"
trace = "pass"
baggage = "check"

[routes."GET /made"]
auth = "none"
respond = "made"
trace_headers = true
server_timing = true
"#;

/// Without what upstreams are told of proxies.
fn plain() -> String {
    CONFIG.replacen("[gateway]\n", "[gateway]\nforwarded = \"off\"\n", 1)
}

fn gateway(keys: &str) -> Fixture {
    let config = plain().replacen("[gateway]\n", &format!("[gateway]\n{keys}\n"), 1);
    Fixture::of(&format!("{config}{ROUTES}"), Memory::default())
}

fn traced() -> Fixture {
    gateway("trace = \"continue\"")
}

fn log(finished: &Finished) -> Value {
    serde_json::from_str(&finished.log).unwrap()
}

/// What a log line says of the trace.
fn of_trace(log: &Value) -> Value {
    let names = ["trace_id", "span_id", "parent_span_id", "linked_trace_id", "sampled"];
    names.into_iter().filter_map(|name| Some((name.to_owned(), log.get(name)?.clone()))).collect()
}

fn relayed(finished: &Finished) -> &Edits {
    match &finished.reply {
        Some(Reply::Relay(relay)) => &relay.head,
        other => panic!("expected the upstream's answer, got {other:?}"),
    }
}

#[test]
fn a_gateway_that_says_nothing_about_traces_takes_no_part_and_reads_none_of_their_headers() {
    let mut gateway = Fixture::of(&plain(), Memory::default());
    let headers = [(Header::TraceParent, SENT), (Header::TraceState, "FOO"), (Header::Baggage, "nonsense")];
    let (handle, plan) = gateway.forwarded("GET", "/public/x", &headers);
    assert_eq!(plan.head.set.len() + plan.head.remove.len(), 1, "the request id alone: {:?}", plan.head);
    assert_eq!(of_trace(&log(&gateway.answer(handle, status(200)))), json!({}));
    assert!(!Header::ALL.iter().any(|header| header.is_about_traces() && gateway.driver.gateway().reads(*header)));
}

#[test]
fn the_upstream_gets_a_span_of_the_client_s_trace_and_the_log_names_both() {
    let mut gateway = traced();
    let headers = [(Header::TraceParent, SENT), (Header::TraceState, "foo=1")];
    let (handle, plan) = gateway.forwarded("GET", "/traced", &headers);
    assert_eq!(plan.head.value("traceparent"), Some(&*format!("00-{TRACE}-{OWN}-01")));
    assert!(plan.head.remove.is_empty() && plan.head.value("tracestate").is_none(), "it goes on as it came");
    assert_eq!(plan.answer.value("x-trace-id"), None);
    let log = log(&gateway.answer(handle, status(200)));
    let told = json!({ "trace_id": TRACE, "span_id": OWN, "parent_span_id": "00f067aa0ba902b7", "sampled": true });
    assert_eq!(of_trace(&log), told);
}

#[test]
fn what_a_client_sends_about_traces_is_never_refused() {
    let mut gateway = traced();
    let bad = ["nonsense", "", "a\u{fffd}", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"];
    for parent in bad {
        let headers = [(Header::TraceParent, parent), (Header::TraceState, "\u{fffd}=1")];
        let (handle, plan) = gateway.forwarded("GET", "/traced", &headers);
        assert_eq!(plan.head.value("traceparent"), Some(&*format!("00-{NEW_TRACE}-{OWN}-03")), "{parent}");
        assert_eq!(plan.head.remove, ["tracestate"], "{parent}");
        let log = log(&gateway.answer(handle, status(200)));
        assert_eq!(of_trace(&log), json!({ "trace_id": NEW_TRACE, "span_id": OWN, "sampled": true }));
    }
}

#[test]
fn an_edge_that_trusts_nobody_begins_anew_and_links_what_came() {
    let mut gateway = traced();
    let headers = [(Header::TraceParent, SENT), (Header::TraceState, "foo=1"), (Header::Baggage, "a=1")];
    let (handle, plan) = gateway.forwarded("GET", "/edge", &headers);
    assert_eq!(plan.head.value("traceparent"), Some(&*format!("00-{NEW_TRACE}-{OWN}-03")));
    assert_eq!(plan.head.remove, ["tracestate", "baggage"]);
    let log = log(&gateway.answer(handle, status(200)));
    let told = json!({ "trace_id": NEW_TRACE, "span_id": OWN, "linked_trace_id": TRACE, "sampled": true });
    assert_eq!(of_trace(&log), told);
}

#[test]
fn a_route_takes_its_own_part() {
    let mut gateway = traced();
    let headers = [(Header::TraceParent, SENT), (Header::Baggage, "a b")];
    let (handle, plan) = gateway.forwarded("GET", "/apart", &headers);
    assert_eq!((plan.head.value("traceparent"), &*plan.head.remove), (None, &["baggage".into()][..]));
    assert_eq!(of_trace(&log(&gateway.answer(handle, status(200)))), json!({}));
    let (handle, plan) = gateway.forwarded("GET", "/raw/x", &headers);
    assert_eq!((plan.untouched, plan.head), (true, Edits::default()));
    assert_eq!(of_trace(&log(&gateway.answer(handle, status(200)))), json!({}));
}

#[test]
fn answers_that_the_gateway_makes_are_traced_too() {
    let mut gateway = gateway("trace = \"continue\"\ntrace_headers = true\nserver_timing = true");
    for (target, expected) in [("/made", 200), ("/nothing", 404), ("/a/../b", 400), ("/health/live", 200)] {
        let (answer, log) = gateway.refused("GET", target, &[(Header::TraceParent, SENT)]);
        assert_eq!(answer.status, expected, "{target}");
        assert_eq!((&log["trace_id"], &log["span_id"]), (&json!(TRACE), &json!(OWN)), "{target}");
        assert_eq!(answer.head.value("x-trace-id"), Some(TRACE), "{target}");
        assert_eq!(answer.head.value("x-parent-span-id"), Some("00f067aa0ba902b7"), "{target}");
        assert_eq!(answer.head.value("server-timing"), Some("gateway;dur=0"), "{target}");
    }
}

#[test]
fn upstream_and_client_are_told_in_the_older_headers_where_that_is_switched_on() {
    let mut gateway = traced();
    let (_, plan) = gateway.forwarded("GET", "/told", &[(Header::TraceId, TRACE)]);
    for head in [&plan.head, &plan.answer] {
        assert_eq!([head.value("x-trace-id"), head.value("x-span-id")], [Some(TRACE), Some(OWN)]);
        assert!(head.remove.iter().any(|name| name == "x-parent-span-id"), "nobody else says who came before");
    }
}

#[test]
fn an_answer_tells_its_times_beside_those_of_the_upstream() {
    let mut gateway = traced();
    let (handle, _) = gateway.forwarded("GET", "/told", &[]);
    gateway.now += 30;
    let finished = gateway.answer(handle, status(200));
    let told = [("server-timing".into(), "gateway;dur=0, upstream;dur=30".into())];
    assert_eq!(relayed(&finished).append, told);
    let (handle, _) = gateway.forwarded("GET", "/told", &[]);
    gateway.now += 2_000;
    let (answer, _) = made(gateway.answer(handle, Answer::Timeout));
    assert_eq!(answer.head.value("server-timing"), Some("gateway;dur=0, upstream;dur=2000"));
    let (handle, _) = gateway.forwarded("GET", "/traced", &[]);
    assert_eq!(relayed(&gateway.answer(handle, status(200))), &Edits::default());
}

#[test]
fn a_watched_answer_tells_its_times_before_its_body() {
    let mut gateway = traced();
    let (handle, _) = gateway.forwarded("GET", "/told-at-the-end", &[]);
    gateway.now += 30;
    match gateway.driver.step(gateway.now, handle, status(200)) {
        gateway::driver::Turn::Effect(
            _,
            Effect::Deliver(gateway::ports::upstream::Delivery { reply: Reply::Relay(relay), .. }),
        ) => {
            assert_eq!(relay.head.value("server-timing"), Some("gateway;dur=0, upstream;dur=30"));
        }
        other => panic!("expected a delivery, got {other:?}"),
    }
}

#[test]
fn only_headers_that_some_route_needs_are_read() {
    let reads = |gateway: Fixture| {
        let about = Header::ALL.into_iter().filter(|header| header.is_about_traces());
        about.filter(|header| gateway.driver.gateway().reads(*header)).map(Header::name).collect::<Vec<_>>()
    };
    assert_eq!(reads(traced()), ["traceparent", "tracestate", "x-trace-id", "baggage"]);
    let config = plain().replacen("[gateway]\n", "[gateway]\ntrace = \"restart\"\n", 1);
    assert_eq!(reads(Fixture::of(&config, Memory::default())), ["traceparent"]);
}

#[test]
fn an_explanation_says_what_became_of_the_trace_and_why() {
    let config = plain().replacen("[gateway]\n", "[gateway]\ntrace = \"continue\"\n", 1);
    let started = started(&format!("{config}{ROUTES}"));
    let told = |target: &str, headers: &[(&str, &str)]| {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = Request { headers, ..Request::new("GET", &format!("https://api.test{target}")) };
        let decisions = explain(&started, &request, NOW, &[]).decisions;
        let traced = decisions.into_iter().filter(|decision| decision.stage == "trace").nth(1)?;
        let facts = traced.facts.into_iter().map(|fact| format!("{}={}", fact.name, fact.value));
        Some((traced.why, facts.collect::<Vec<_>>().join(" ")))
    };
    let own = format!("trace_id={NEW_TRACE} span_id={OWN}");
    let of_client = format!("trace_id={TRACE} span_id={OWN}");
    let (sent, state) = (("traceparent", SENT), ("tracestate", "A=1"));
    let cases: [(&str, Sent<'_>, &str, String); 6] = [
        ("/traced", &[sent], "continued.", format!("{of_client} parent_span_id=00f067aa0ba902b7 sampled=true")),
        (
            "/traced",
            &[sent, state],
            "continued.",
            format!("{of_client} parent_span_id=00f067aa0ba902b7 sampled=true tracestate=taken out"),
        ),
        ("/told", &[("x-trace-id", TRACE)], "in X-Trace-ID is continued.", format!("{of_client} sampled=true")),
        ("/nothing", &[], "names none.", format!("{own} sampled=true")),
        ("/traced", &[sent, sent], "is malformed.", format!("{own} sampled=true")),
        (
            "/edge",
            &[sent],
            "is not believed.",
            format!("{own} linked_trace_id={TRACE} sampled=true tracestate=taken out"),
        ),
    ];
    for (target, headers, why, facts) in cases {
        let (told, of_trace) = told(target, headers).unwrap();
        assert!(told.ends_with(why), "{target}: {told}");
        assert_eq!(of_trace, facts, "{target} {headers:?}");
    }
    assert_eq!(told("/apart", &[sent]), None);
}

#[test]
fn a_comparison_tells_what_is_new_about_traces() {
    let differences = |keys: &str| {
        let config = |keys: &str| plain().replacen("[gateway]\n", &format!("[gateway]\n{keys}\n"), 1);
        let blueprint = |text: &str| compile("gateway.toml", text).into_blueprint().unwrap();
        let found = diff(&blueprint(&plain()), &blueprint(&config(keys)));
        let of_gateway = found.into_iter().find(|difference| difference.section == "gateway");
        let changes = of_gateway.into_iter().flat_map(|difference| difference.changes);
        changes.map(|change| format!("{}={}", change.key, change.new.unwrap_or_default())).collect::<Vec<_>>()
    };
    let keys =
        "trace = \"restart\"\ntrace_sample = \"5%\"\ntrace_headers = true\nbaggage = \"check\"\nserver_timing = true";
    let told = ["baggage=check", "server_timing=yes", "trace=restart", "trace_headers=yes", "trace_sample=5%"];
    assert_eq!(differences(keys), told);
    assert_eq!(differences("trace = \"pass\"\ntrace_sample = \"5%\"\nbaggage = \"pass\""), Vec::<String>::new());
}
