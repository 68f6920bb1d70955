//! The text and the document, whole, and read by a parser that shares nothing with what wrote them.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::{
    config::text::{Piece, Variables},
    fleet::metrics::{Series, Times, board::Board, family::Family, top::Top},
};

const ABOUT: About<'static> = About { name: "acme", environment: Some("staging"), release: 0xfeed };

fn count(family: Family, labels: &[&str], count: u64) -> Series {
    Series::new(family, labels.iter().map(|label| (*label).to_owned()).collect(), &[count])
}

fn times(family: Family, label: &str, all: &[u64]) -> Series {
    let mut times = Times::default();
    all.iter().for_each(|ms| times.add(*ms));
    Series::new(family, vec![label.to_owned()], times.numbers())
}

fn packed(all: &[Series]) -> Vec<u8> {
    let (mut board, mut bytes) = (Board::default(), Vec::new());
    for series in all {
        board.add(series.clone()).unwrap();
    }
    Family::ALL.iter().for_each(|family| board.pack(*family, &mut bytes));
    bytes
}

fn refused(keys: &[&str]) -> Vec<u8> {
    let (mut top, mut bytes) = (Top::default(), Vec::new());
    keys.iter().for_each(|key| top.hit(["60/min per address", key]));
    top.pack(&mut bytes);
    bytes
}

/// Three objects, of which the last one does not answer.
fn readings() -> Vec<Option<Reading>> {
    let first = vec![
        count(Family::Requests, &["GET /items/{id}", "2xx", "forwarded"], 40),
        count(Family::Requests, &["GET /items/{id}", "5xx", "forward"], 2),
        times(Family::Duration, "GET /items/{id}", &[0, 7, 40, 20_000]),
        times(Family::UpstreamDuration, "shop", &[6, 39, 19_999]),
        count(Family::Problems, &["upstream_timeout"], 2),
        count(Family::RateLimits, &["GET /items/{id}", "60/min per address", "", "passed"], 36),
        count(Family::RateLimits, &["GET /items/{id}", "60/min per address", "", "refused"], 4),
        count(Family::Awaits, &[], 30),
        count(Family::Awaiting, &[], 12),
        count(Family::Flushes, &[], 3),
    ];
    let second = vec![
        count(Family::Requests, &["GET /items/{id}", "2xx", "forwarded"], 10),
        count(Family::Requests, &["ANY /\"odd\"\\\n", "4xx", "authn"], 8),
        times(Family::Duration, "GET /items/{id}", &[1, 2]),
        times(Family::Duration, "ANY /\"odd\"\\\n", &[1]),
        count(Family::Problems, &["token_missing"], 8),
        count(Family::Dropped, &["metrics"], 5),
        count(Family::Flushes, &[], 1),
    ];
    vec![
        Some(Reading { series: [packed(&first), refused(&["address=192.0.2.7"; 3])].concat(), isolates: 2 }),
        Some(Reading {
            series: [packed(&second), refused(&["address=192.0.2.8", "address=192.0.2.7"])].concat(),
            isolates: 1,
        }),
        None,
    ]
}

#[test]
fn the_text_of_prometheus_is_whole() {
    insta::assert_snapshot!("prometheus", exposition(&ABOUT, &readings(), Format::Text));
}

#[test]
fn the_text_of_open_metrics_is_whole() {
    insta::assert_snapshot!("open_metrics", exposition(&ABOUT, &readings(), Format::OpenMetrics));
}

#[test]
fn the_document_is_whole() {
    let document: serde_json::Value = serde_json::from_str(&document(&ABOUT, &readings(), 1_800_000_000_000)).unwrap();
    insta::assert_snapshot!("document", serde_json::to_string_pretty(&document).unwrap());
}

#[test]
fn nothing_counted_is_a_page_too() {
    for format in [Format::Text, Format::OpenMetrics] {
        let page = exposition(&ABOUT, &[None], format);
        let families = parse(&page, format);
        assert_eq!(families["ferrogate_metrics_shards_missing"].samples[0].2, "1");
        assert!(families.values().all(|family| !family.help.is_empty()));
    }
    let document: serde_json::Value = serde_json::from_str(&document(&ABOUT, &[], 0)).unwrap();
    assert_eq!((&document["requests"]["total"], &document["requests"]["error_rate"]), (&0.into(), &0.0.into()));
}

/// What a parser finds under the name of a family.
#[derive(Default)]
struct Found {
    kind: String,
    help: String,
    unit: Option<String>,
    /// Name, labels, value.
    samples: Vec<(String, BTreeMap<String, String>, String)>,
}

/// Reads a page as the two formats are specified: every line is known, families do not mix, no sample comes twice.
fn parse(page: &str, format: Format) -> BTreeMap<String, Found> {
    let mut families: BTreeMap<String, Found> = BTreeMap::new();
    let mut current = String::new();
    let mut seen = BTreeSet::new();
    let body = match format {
        Format::OpenMetrics => page.strip_suffix("# EOF\n").expect("ends with EOF"),
        Format::Text => page,
    };
    assert!(body.ends_with('\n') && !body.contains("# EOF"));
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.splitn(3, ' ');
            let (word, name, rest) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap().to_owned());
            if name != current {
                assert!(!families.contains_key(name), "{name} begins twice");
                name.clone_into(&mut current);
            }
            let family = families.entry(name.to_owned()).or_default();
            assert!(family.samples.is_empty(), "what is said of {name} stands before its samples");
            match word {
                "HELP" => family.help = rest,
                "TYPE" => family.kind = rest,
                "UNIT" => family.unit = Some(rest),
                other => panic!("{other}"),
            }
            continue;
        }
        let (name, labels, value) = sample(line);
        let family = families.get_mut(&current).unwrap_or_else(|| panic!("{line} is of no family"));
        let suffix = name.strip_prefix(&current).unwrap_or_else(|| panic!("{name} is not of {current}"));
        let suffixes: &[&str] = match (family.kind.as_str(), format) {
            ("histogram", _) => &["_bucket", "_sum", "_count"],
            ("counter", Format::OpenMetrics) => &["_total"],
            ("info", Format::OpenMetrics) => &["_info"],
            ("counter" | "gauge", _) => &[""],
            other => panic!("{other:?}"),
        };
        assert!(suffixes.contains(&suffix), "{name} {suffix}");
        assert!(value.parse::<f64>().is_ok(), "{line}");
        assert!(seen.insert((name.clone(), labels.clone())), "{line} comes twice");
        family.samples.push((name, labels, value));
    }
    families
}

fn sample(line: &str) -> (String, BTreeMap<String, String>, String) {
    let at = line.find(['{', ' ']).unwrap();
    let (name, mut rest) = line.split_at(at);
    let mut labels = BTreeMap::new();
    if rest.starts_with('{') {
        rest = &rest[1..];
        while !rest.starts_with('}') {
            let (label, after) = rest.trim_start_matches(',').split_once("=\"").unwrap();
            let (mut value, mut letters) = (String::new(), after.char_indices());
            let end = loop {
                match letters.next().unwrap() {
                    (at, '"') => break at + 1,
                    (_, '\\') => match letters.next().unwrap().1 {
                        'n' => value.push('\n'),
                        escaped @ ('\\' | '"') => value.push(escaped),
                        other => panic!("{other} needs no escape"),
                    },
                    (_, letter) => value.push(letter),
                }
            };
            assert!(labels.insert(label.to_owned(), value).is_none(), "{label} comes twice: {line}");
            rest = &after[end..];
        }
        rest = &rest[1..];
    }
    (name.to_owned(), labels, rest.strip_prefix(' ').unwrap().to_owned())
}

#[test]
fn both_texts_say_the_same_and_what_they_must() {
    let pages =
        [Format::Text, Format::OpenMetrics].map(|format| parse(&exposition(&ABOUT, &readings(), format), format));
    let samples = |page: &BTreeMap<String, Found>| -> BTreeSet<_> {
        page.values().flat_map(|family| family.samples.iter().cloned()).collect()
    };
    assert_eq!(samples(&pages[0]), samples(&pages[1]));
    for (family, found) in &pages[1] {
        assert_eq!(found.unit.is_some(), found.kind == "histogram", "{family}");
        assert!(!family.ends_with("_total") && (found.kind != "info" || family == "ferrogate_app"), "{family}");
    }
    let odd = &pages[0]["ferrogate_requests_total"].samples;
    assert!(odd.iter().any(|(_, labels, value)| labels["route"] == "ANY /\"odd\"\\\n" && value == "8"));
    let shards: BTreeSet<&str> = odd.iter().map(|(_, labels, _)| labels["shard"].as_str()).collect();
    assert_eq!(shards, ["0", "1"].into());
}

#[test]
fn buckets_rise_to_the_count_and_end_without_end() {
    let page = parse(&exposition(&ABOUT, &readings(), Format::OpenMetrics), Format::OpenMetrics);
    let samples = &page["ferrogate_request_duration_seconds"].samples;
    let of = |suffix: &str| {
        let meant = |(name, labels, _): &&(String, BTreeMap<String, String>, String)| {
            name.ends_with(suffix) && labels["route"] == "GET /items/{id}" && labels["shard"] == "0"
        };
        samples.iter().filter(meant).collect::<Vec<_>>()
    };
    let buckets: Vec<(f64, u64)> = of("_bucket")
        .iter()
        .map(|(_, labels, value)| (labels["le"].parse().unwrap(), value.parse().unwrap()))
        .collect();
    assert_eq!(buckets.len(), 14);
    assert!(buckets.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1));
    assert_eq!(buckets.last(), Some(&(f64::INFINITY, 4)));
    assert!(of("_bucket").iter().all(|(_, labels, _)| labels["le"].contains(['.', '+'])));
    assert_eq!((of("_count")[0].2.as_str(), of("_sum")[0].2.as_str()), ("4", "20.047"));
    for (end, bound) in buckets.iter().zip(crate::fleet::metrics::BOUNDS_MS) {
        assert!((end.0 * 1_000.0 - bound as f64).abs() < 1e-9);
    }
}

#[test]
fn a_token_is_long_and_is_the_whole_of_what_was_sent() {
    let text = Text(vec![Piece::Variable(0)]);
    let mut variables = Variables::default();
    variables.intern("METRICS_TOKEN", None);
    let token = |value: &str| Token::new(&text, &variables.values(&[Some(value.to_owned())]));
    let right = "a".repeat(SHORTEST_TOKEN);
    assert!(token(&right[1..]).is_none());
    let made = token(&right).unwrap();
    assert!(made.is(&right) && !made.is(&right[1..]) && !made.is(&format!("{right}a")) && !made.is(""));
}

#[test]
fn a_bearer_token_is_read_whatever_the_case_of_its_scheme() {
    for sent in ["Bearer t", "bearer  t", "BEARER t"] {
        assert_eq!(bearer(Some(sent)), Some("t"), "{sent}");
    }
    for sent in [None, Some(""), Some("t"), Some("Bearer"), Some("Bearer "), Some("Basic t"), Some("Bearert t")] {
        assert_eq!(bearer(sent), None, "{sent:?}");
    }
}
