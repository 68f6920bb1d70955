//! Requests of clients that mean harm, without a platform: whatever crosses the boundary is refused as the client's
//! fault, or goes on exactly as it was checked. On connections, byte by byte: `tests/worker/hostile.test.mjs`.

use std::cell::RefCell;

use gateway::{
    driver::{Turn, effects::Effect},
    http::{
        edits::Edits,
        path,
        reply::Made,
        request::{ABSENT, Header, RequestHead},
    },
};
use proptest::{prelude::*, sample::select};
use serde_json::Value;

use crate::fixture::{Fixture, bearer, made, status};

const METHODS: [&str; 12] =
    ["GET", "GET", "GET", "GET", "HEAD", "POST", "OPTIONS", "TRACE", "get", "PROPFIND", "", "G\u{e9}T"];
const AUTHORITIES: [&str; 12] = [
    "api.test",
    "api.test",
    "api.test",
    "api.test:99999",
    "u:p@api.test",
    "[::1",
    "",
    "a b",
    "<x>",
    "a\u{2028}b",
    "api.test*",
    "A.b..",
];
const STARTS: [&str; 9] = ["/items/", "/items/", "/public/", "/public/", "/raw/", "/watched", "/health/", "", "*"];
const PARTS: [&str; 34] = [
    "a",
    "42",
    "x;v=1",
    "a%20b",
    "caf%C3%A9",
    "...",
    "/",
    "/",
    "/",
    ".",
    "..",
    "%2e",
    "%2E.",
    "%2f",
    "%5c",
    "\\",
    "%00",
    "%0d%0a",
    "%",
    "%zz",
    "%7f",
    "\t",
    "\r\n",
    "\0",
    "\u{7f}",
    "\u{85}",
    "\u{e9}",
    "\u{fffd}",
    "\u{2028}",
    "\u{202e}",
    "\"",
    "{id}",
    "?a=/../b",
    "#",
];
const VALUES: [&str; 14] = [
    "",
    "a",
    "https://app.test",
    "https://evil.test",
    "null",
    "a, b",
    "a\"b",
    "a\\",
    "a\r\nb: c",
    "\0",
    "\u{7f}",
    "\u{85}\u{2028}",
    "\u{fffd}",
    "Bearer x.y.z",
];

/// A request as it was packed: method, URL and headers.
#[derive(Clone, Debug)]
struct Hostile {
    method: String,
    url: String,
    headers: Vec<Option<String>>,
}

impl Hostile {
    /// `None` where the URL is none: JavaScript cannot send that.
    fn head(&self) -> Option<RequestHead> {
        let fields =
            [Some(self.method.clone()), Some(self.url.clone())].into_iter().chain(self.headers.iter().cloned());
        let fields: Vec<Option<String>> = fields.collect();
        let lengths: Vec<u32> =
            fields.iter().map(|field| field.as_ref().map_or(ABSENT, |text| text.len() as u32)).collect();
        RequestHead::read(fields.into_iter().flatten().collect(), &lengths, 0).ok()
    }

    fn has_a_token(&self) -> bool {
        let sent = self.headers.get(Header::Authorization as usize).cloned().flatten();
        sent.is_some_and(|value| value == bearer("items:read"))
    }
}

fn hostile() -> impl Strategy<Value = Hostile> {
    let path = proptest::collection::vec(select(PARTS.to_vec()), 0..5).prop_map(|parts| parts.concat());
    let text = (select(AUTHORITIES.to_vec()), select(STARTS.to_vec()), path, "[ -~]{0,6}");
    let url = text.prop_map(|(authority, start, path, rest)| format!("https://{authority}{start}{path}{rest}"));
    let value = prop_oneof![
        4 => Just(None),
        3 => select(VALUES.to_vec()).prop_map(|value| Some(value.to_owned())),
        1 => any::<String>().prop_map(Some),
        1 => Just(Some("x".repeat(9000))),
        4 => Just(Some(bearer("items:read"))),
    ];
    let headers = proptest::collection::vec(value, Header::ALL.len());
    (select(METHODS.to_vec()), url, headers).prop_map(|(method, url, headers)| Hostile {
        method: method.to_owned(),
        url,
        headers,
    })
}

/// What everything that the gateway writes into a head or its log is made of.
fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn check_edits(edits: &Edits) -> Result<(), TestCaseError> {
    for (name, value) in edits.set.iter().chain(&edits.append) {
        prop_assert!(is_visible(name) && is_visible(value), "{name}: {value:?}");
    }
    Ok(())
}

fn check_log(log: &str) -> Result<Value, TestCaseError> {
    // Behind the line of the request may stand others: that much is refused for the same reason.
    for line in log.lines() {
        prop_assert!(is_visible(line), "{line:?}");
        prop_assert!(serde_json::from_str::<Value>(line).unwrap().is_object());
    }
    Ok(serde_json::from_str(log.lines().next().unwrap()).unwrap())
}

fn check_refusal(made: &Made, line: &Value) -> Result<(), TestCaseError> {
    check_edits(&made.head)?;
    prop_assert!((200..500).contains(&made.status), "{} {line}", made.status);
    prop_assert_eq!(made.head.value("x-request-id"), line["request_id"].as_str());
    if made.status >= 400 {
        let problem: Value = serde_json::from_str(&made.body).unwrap();
        prop_assert_eq!((&problem["code"], &problem["status"]), (&line["code"], &line["status"]));
    }
    Ok(())
}

/// The request that goes on is the one that was checked, and no other.
fn check_forward(sent: &Hostile, head: &RequestHead, effect: &Effect) -> Result<(), TestCaseError> {
    let Effect::Forward(plan) = effect else { panic!("expected a forward, got {effect:?}") };
    prop_assert_eq!(path::check(head.path()), Ok(()));
    prop_assert!(head.path().starts_with('/') && is_visible(head.path()) && !head.path().contains(['\\', ' ']));
    let dots = |segment: &str| matches!(&*segment.replace("%2e", ".").replace("%2E", "."), "." | "..");
    prop_assert!(!head.path().split('/').any(dots) && !head.path().contains("//"), "{}", head.path());
    prop_assert_eq!(&plan.url, &format!("http://shop.test/base{}{}", head.path(), head.query()));
    check_edits(&plan.head)?;
    check_edits(&plan.answer)?;
    if head.path().starts_with("/items/") {
        prop_assert!(sent.has_a_token());
        prop_assert!(plan.head.remove.iter().any(|name| name == "authorization"));
        prop_assert_eq!(plan.head.value("x-user-id"), Some("u1"));
    }
    Ok(())
}

/// One request on a gateway that has served others before it.
fn serve(gateway: &mut Fixture, sent: &Hostile) -> Result<(), TestCaseError> {
    let (Some(head), Some(again)) = (sent.head(), sent.head()) else { return Ok(()) };
    match gateway.driver.begin(gateway.now, head) {
        Turn::Done(finished) => {
            let line = check_log(&finished.log)?;
            check_refusal(&made(finished).0, &line)?;
        }
        Turn::Effect(handle, effect) => {
            check_forward(sent, &again, &effect)?;
            match gateway.driver.step(gateway.now, handle, status(200)) {
                Turn::Done(finished) => drop(check_log(&finished.log)?),
                Turn::Effect(handle, _) => drop(gateway.driver.drop_slot(gateway.now, handle)),
                other => panic!("expected an end, got {other:?}"),
            }
        }
        Turn::Parked(handle) => drop(gateway.driver.drop_slot(gateway.now, handle)),
        Turn::Stale => panic!("a new request is not stale"),
    }
    prop_assert_eq!(gateway.driver.in_flight(), 0);
    Ok(())
}

#[test]
fn a_hostile_request_is_refused_or_goes_on_as_it_was_checked() {
    let gateway = RefCell::new(Fixture::default());
    proptest!(ProptestConfig::with_cases(2000), |(sent in hostile())| serve(&mut gateway.borrow_mut(), &sent)?);
}
