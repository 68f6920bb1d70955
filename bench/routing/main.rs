//! How long the routing table takes for one request, natively, and how large and how quickly read it is:
//! `cargo run --release -p gateway --example routing`.
//!
//! Each request asks for another route, in no order that a processor could learn. A figure is the median of several
//! runs. Nothing fails here: instruction counts gate a change (`bench/instructions`), times do not.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a tool of the benchmark")]
#![allow(clippy::arithmetic_side_effects, reason = "its numbers are small")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "it measures time")]

use std::{hint::black_box, time::Instant};

use gateway::{
    config::binary,
    http::method::Method,
    routing::{
        build::{Binding, Builder},
        pattern::Pattern,
        table::{Table, Wanted},
    },
};

const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];

/// Segments with three ways each: 243 routes.
const WAYS: u32 = 5;

/// Runs per figure.
const RUNS: usize = 15;

/// Requests per run, at least.
const REQUESTS: usize = 50_000;

/// A route and a path that it serves.
struct Sample {
    method: Method,
    pattern: String,
    path: String,
}

fn main() {
    println!("{:<10} {:>7} {:>10} {:>10} {:>10} {:>11}", "shape", "routes", "found", "not found", "size", "read back");
    for (name, sample) in [("REST", rest as fn(usize) -> Sample), ("siblings", siblings), ("deep", deep)] {
        for size in SIZES {
            row(name, &(0..size).map(sample).collect::<Vec<_>>());
        }
    }
    row("all ways", &(0..3_usize.pow(WAYS)).map(all_ways).collect::<Vec<_>>());
}

fn row(name: &str, samples: &[Sample]) {
    let table = table(samples);
    let file = binary::encode([(None, &table)]).unwrap();
    let requests: Vec<(Method, &str)> =
        shuffled(samples.len()).map(|index| (samples[index].method, samples[index].path.as_str())).collect();
    let longer: Vec<String> = requests.iter().map(|(_, path)| format!("{path}/None/None/None")).collect();
    let missing: Vec<(Method, &str)> =
        requests.iter().zip(&longer).map(|((method, _), path)| (*method, path.as_str())).collect();
    assert!(requests.iter().all(|request| finds(&table, *request)), "a route is not found");
    assert!(!missing.iter().any(|request| finds(&table, *request)), "a route is found that is not there");
    println!(
        "{name:<10} {:>7} {:>7.0} ns {:>7.0} ns {:>8.1} KB {:>8.1} µs",
        samples.len(),
        per_request(&table, &requests),
        per_request(&table, &missing),
        file.len() as f64 / 1_000.0,
        read_back(&file) / 1_000.0,
    );
}

/// Five routes for each resource, and half of them with a resource below; identifiers of every type in turn.
fn rest(index: usize) -> Sample {
    let resource = index / 5;
    let id = ["{id:int}", "{id:uuid}", "{id:slug}", "{id}"][resource % 4];
    let value = ["4711", "0190a6e0-0000-7000-8000-00000000abcd", "red-shoes", "Some_Name"][resource % 4];
    let (below, at) = if resource.is_multiple_of(2) { ("/lines/{line}", "/lines/7") } else { ("", "") };
    let one = format!("/api/v1/resource-{resource}");
    let (method, tail, values) = match index % 5 {
        0 => (Method::Get, String::new(), String::new()),
        1 => (Method::Post, String::new(), String::new()),
        2 => (Method::Get, format!("/{id}"), format!("/{value}")),
        3 => (Method::Put, format!("/{id}"), format!("/{value}")),
        _ => (Method::Delete, format!("/{id}{below}"), format!("/{value}{at}")),
    };
    Sample { method, pattern: format!("{one}{tail}"), path: format!("{one}{values}") }
}

/// All under one node.
fn siblings(index: usize) -> Sample {
    let path = format!("/s{index}");
    Sample { method: Method::Get, pattern: path.clone(), path }
}

/// Seven literals and seven parameters in turn.
fn deep(index: usize) -> Sample {
    let digits: Vec<usize> = (0..7).map(|level| index / 4_usize.pow(level) % 4).collect();
    let path = |value: fn(usize) -> String| -> String {
        digits.iter().enumerate().map(|(level, digit)| format!("/part{digit}/{}", value(level))).collect()
    };
    Sample {
        method: Method::Get,
        pattern: path(|level| format!("{{p{level}}}")),
        path: path(|level| format!("value-{level}")),
    }
}

/// Each of the first segments is `1`, an integer or anything, so that a path of ones fits all routes. This is near the
/// worst that the table takes: what is not found makes a search enter 850 nodes.
fn all_ways(index: usize) -> Sample {
    let choice = |level: u32| ["1", "{x:int}", "{x}"][index / 3_usize.pow(level) % 3];
    let ways: String =
        (0..WAYS).map(|level| format!("/{}", choice(level).replace('x', &format!("x{level}")))).collect();
    Sample { method: Method::Get, pattern: format!("{ways}/{{y}}/{{z}}"), path: "/1".repeat(7) }
}

fn table(samples: &[Sample]) -> Table {
    let mut builder = Builder::default();
    for (index, sample) in samples.iter().enumerate() {
        let pattern = Pattern::parse(&sample.pattern).unwrap();
        let binding = Binding { pattern: &pattern, method: sample.method, host: None, version: None };
        builder.insert(&binding, u16::try_from(index).unwrap()).unwrap();
    }
    builder.finish()
}

fn wanted((method, path): (Method, &str)) -> Wanted<'_> {
    Wanted { method, host: Some("api.acme.example"), path, version: None }
}

fn finds(table: &Table, request: (Method, &str)) -> bool {
    table.find(&wanted(request)).is_ok()
}

/// Nanoseconds for one request.
fn per_request(table: &Table, requests: &[(Method, &str)]) -> f64 {
    let rounds = REQUESTS.div_ceil(requests.len());
    let all = median(|| {
        for request in (0..rounds).flat_map(|_| requests) {
            black_box(table.find(&wanted(black_box(*request))).ok());
        }
    });
    all / (rounds * requests.len()) as f64
}

/// Nanoseconds from the bytes of the file to a table, its hash and the release of the memory included.
fn read_back(file: &[u8]) -> f64 {
    let times = 1 + 2_000_000 / file.len();
    let all = median(|| {
        for _ in 0..times {
            black_box(binary::decode::<Table>(black_box(file), None).unwrap());
        }
    });
    all / times as f64
}

/// The median time of a piece of work in nanoseconds.
fn median(work: impl Fn()) -> f64 {
    let time = || {
        let start = Instant::now();
        work();
        start.elapsed().as_nanos() as f64
    };
    work();
    let mut times: Vec<f64> = (0..RUNS).map(|_| time()).collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}

/// Every index once, in an order without order.
fn shuffled(length: usize) -> impl Iterator<Item = usize> {
    let mut indexes: Vec<usize> = (0..length).collect();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for at in (1..length).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        indexes.swap(at, usize::try_from(state % (at as u64 + 1)).unwrap());
    }
    indexes.into_iter()
}
