//! Paths as upstreams read them: whatever one makes of an accepted path, it is a resource of the route that was chosen.

use proptest::{prelude::*, sample::select as one_of};

use super::*;
use crate::{
    http::request::{ABSENT, Header, RequestHead},
    routing::select::{Selection, select},
};

/// The closest first, so that an upstream can take the first that fits.
const ROUTES: [&str; 9] =
    ["/admin", "/@me", "/caf%C3%A9", "/{word:slug}", "/{any}", "/admin/{id:int}", "/a:b/{x}", "/{x}/{y}", "/{rest...}"];

/// In which order an upstream takes parameters off and decodes.
#[derive(Clone, Copy, Debug)]
enum Reader {
    Decodes,
    StripsThenDecodes,
    DecodesThenStrips,
}

fn head(path: &str) -> RequestHead {
    let url = format!("https://api.test{path}");
    let lengths = [3, url.len() as u32].into_iter().chain(Header::ALL.map(|_| ABSENT));
    RequestHead::read(format!("GET{url}"), &lengths.collect::<Vec<_>>(), 0).unwrap()
}

fn chosen(table: &Table, path: &str) -> Result<u16, &'static str> {
    match select(table, &head(path)) {
        Ok(Selection::Route(found)) => Ok(found.route),
        Ok(other) => panic!("{other:?}"),
        Err(problem) => Err(problem.kind.code),
    }
}

fn decoded(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        let pair = tail.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => (bytes.push(byte), rest = &tail[2..]),
            None => (bytes.push(*first), rest = tail),
        };
    }
    bytes
}

fn stripped(path: &[u8]) -> Vec<u8> {
    let name = |segment: &[u8]| segment.split(|byte| *byte == b';').next().unwrap().to_vec();
    path.split(|byte| *byte == b'/').map(name).collect::<Vec<_>>().join(&b'/')
}

/// The segments that an upstream sees: decoded, without dot segments, slashes in a row taken for one.
fn segments(path: &str, reader: Reader) -> Vec<Vec<u8>> {
    let path = match reader {
        Reader::Decodes => decoded(path),
        Reader::StripsThenDecodes => decoded(std::str::from_utf8(&stripped(path.as_bytes())).unwrap()),
        Reader::DecodesThenStrips => stripped(&decoded(path)),
    };
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for segment in path.split(|byte| matches!(byte, b'/' | b'\\')).skip(1) {
        match segment {
            b"." => {}
            b".." => drop(seen.pop()),
            other => seen.push(other.to_vec()),
        }
    }
    let last = seen.len().saturating_sub(1);
    seen.iter()
        .enumerate()
        .filter(|(at, segment)| !segment.is_empty() || *at == last)
        .map(|(_, it)| it.clone())
        .collect()
}

fn fits(pattern: &Pattern, segments: &[Vec<u8>]) -> bool {
    let mut left = segments.iter();
    for segment in &pattern.0 {
        let crate::routing::pattern::Segment::Rest(_) = segment else {
            let Some(found) = left.next() else { return false };
            let is_it = match segment {
                crate::routing::pattern::Segment::Literal(text) => decoded(text) == *found,
                crate::routing::pattern::Segment::Parameter { takes, .. } => {
                    std::str::from_utf8(found).is_ok_and(|found| takes.takes(found))
                }
                crate::routing::pattern::Segment::Rest(_) => false,
            };
            if !is_it {
                return false;
            }
            continue;
        };
        return left.next().is_some();
    }
    left.next().is_none()
}

fn read_by(upstream: Reader, path: &str) -> Option<u16> {
    let segments = segments(path, upstream);
    let found = ROUTES.iter().position(|route| fits(&Pattern::parse(route).unwrap(), &segments));
    found.map(|index| index as u16)
}

fn path() -> impl Strategy<Value = String> {
    let tokens = vec![
        "/",
        "/",
        "/",
        "admin",
        "Admin",
        "%61dmin",
        "@me",
        "%40me",
        "a:b",
        "a%3Ab",
        "a%3ab",
        "caf%C3%A9",
        "caf%c3%a9",
        "%C3",
        ";",
        ";x=1",
        "%3B",
        "%3bx",
        ".",
        "..",
        "%2e",
        "%2E%2E",
        "%2F",
        "%5c",
        "7",
        "%37",
        "red-shoes",
        "%20",
        "%25",
        "%2540",
        "+",
        "!",
        "%21",
    ];
    proptest::collection::vec(one_of(tokens), 0..8).prop_map(|tokens| format!("/{}", tokens.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn every_upstream_serves_a_resource_of_the_route_that_was_chosen(path in path()) {
        let table = table(&ROUTES.map(get));
        if let Ok(route) = chosen(&table, &path) {
            for reader in [Reader::Decodes, Reader::StripsThenDecodes, Reader::DecodesThenStrips] {
                prop_assert_eq!(read_by(reader, &path), Some(route), "{} {:?}", path, reader);
            }
        }
    }
}

#[test]
fn a_spelling_that_would_lead_past_a_route_is_refused_and_others_pass() {
    let table = table(&ROUTES.map(get));
    let cases = [
        ("/admin", Ok(0)),
        ("/%61dmin", Err("path_malformed")),
        ("/admin;x=1", Err("path_malformed")),
        ("/admin%3Bx", Err("path_malformed")),
        ("/%40me", Err("path_malformed")),
        ("/@me", Ok(1)),
        ("/%40you", Ok(4)),
        ("/caf%C3%A9", Ok(2)),
        ("/caf%c3%a9", Err("path_malformed")),
        ("/th%c3%a9", Ok(4)),
        ("/red;size=7", Err("path_malformed")),
        ("/Red;size=7", Ok(4)),
        ("/a%3ab/c", Err("path_malformed")),
        ("/u/a%40b.test", Ok(7)),
    ];
    for (path, expected) in cases {
        assert_eq!(chosen(&table, path), expected, "{path}");
    }
}
