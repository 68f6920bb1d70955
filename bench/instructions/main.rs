//! Work whose instructions are counted: `instructions --list` names the cases, `instructions --compile CASE FILE` writes
//! the compiled gateway of one, and `instructions CASE N FILE` does its work N times. `bench/instructions.mjs` runs it
//! under callgrind and compares with the committed counts.
//!
//! Nothing is measured here. Compiling has a process of its own: it hashes with random keys, and leaves the memory behind
//! it in another order each time, which the counts would tell. Natively, the driver does the same as in the Worker, but for the two crossings.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a tool of the benchmark")]

use gateway::{
    blueprint::{Blueprint, compile::compile},
    config::binary,
    driver::{Driver, Turn, effects::Answer, wire::Written},
    http::request::{ABSENT, Header, RequestHead},
    pipeline::gateway::Gateway,
    ports::{
        dependencies::{Component, Dependencies, Trouble},
        entropy::Entropy,
        upstream::Head,
        wakers::Wakers,
        witness::Witness,
    },
};
use jwt_compact::{
    AlgorithmExt, Claims,
    alg::{Hs256, Hs256Key},
};

/// The allocator of the Worker. That of the platform takes ways that depend on where memory lies, so that counts differ
/// by some per cent from run to run.
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

const NOW: u64 = 1_800_000_000_000;
const SECRET: &str = "bench-secret-bench-secret-bench-secret-0123456789";
const ADDRESS: &str = "203.0.113.195";
/// So many tokens in turn that none is remembered when its turn comes again.
const TOKENS: usize = 4096;
const CASES: [&str; 6] = ["full", "full_new_token", "refused_bad_signature", "pass_through", "not_found", "preflight"];

/// The cases that reach the upstream. The others are answered at once.
const GOES_ON: [&str; 3] = ["full", "full_new_token", "pass_through"];

const GATEWAY: &str = "forwarded = \"off\"\n";
const FORWARDED: &str = "forwarded = \"x-forwarded\"";
const POLICY: &str = "[policies.api]\n";

/// What one stage adds to the full path: its name behind `full+`, the table, and the keys there that switch it on.
const STAGES: [(&str, &str, &str); 13] = [
    ("forwarded", GATEWAY, FORWARDED),
    ("trace", GATEWAY, "trace = \"continue\""),
    ("server_timing", GATEWAY, "server_timing = true"),
    ("via", GATEWAY, "via = true"),
    ("proxy_status", GATEWAY, "proxy_status = true"),
    ("hosts", GATEWAY, "hosts = [\"gateway.test\", \"*.gateway.test\"]"),
    ("condition", POLICY, "condition = \"claims.sub == 'user-1234567890' && 'beta' in claims.roles\""),
    ("roles", POLICY, "roles = [\"beta\", \"user\"]"),
    ("principal_headers", POLICY, "principal_headers = { x-caller = \"{claims.sub}\" }"),
    ("request_query", POLICY, "request_query = { remove = [\"debug\"] }"),
    ("deprecation", POLICY, "deprecation = { since = \"2026-06-01\", sunset = \"2036-06-01\" }"),
    ("explain", GATEWAY, "explain = { secret = \"${JWT_SECRET}\" }"),
    ("metrics", POLICY, "[metrics]\ntoken = \"${JWT_SECRET}\""),
];

struct Platform;

impl Entropy for Platform {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

impl Wakers for Platform {
    fn waker(&self, _slot: u32) -> std::task::Waker {
        std::task::Waker::noop().clone()
    }
}

impl Witness for Platform {}

impl Dependencies for Platform {
    async fn ask(&self, _: &Component, _within_ms: u32) -> Result<(), Trouble> {
        Ok(())
    }
}

#[cfg(feature = "faults")]
impl gateway::ports::dependencies::Pause for Platform {
    async fn pause(&self, _ms: u32) {}
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--list"] => {
            CASES.iter().for_each(|case| println!("{case}"));
            STAGES.iter().for_each(|(stage, ..)| println!("full+{stage}"));
        }
        ["--compile", case, file] => std::fs::write(file, compiled(stage(case))).unwrap(),
        [case, times, file] => run(case, times.parse().unwrap(), &std::fs::read(file).unwrap()),
        _ => panic!("usage: instructions --list | --compile CASE FILE | CASE N FILE"),
    }
}

fn stage(case: &str) -> &str {
    case.split_once('+').map_or("", |(_, stage)| stage)
}

fn run(case: &str, times: u32, file: &[u8]) {
    let mut driver = Driver::new(gateway(file).into(), Platform);
    let case = case.split('+').next().unwrap();
    let mut written = Written::default();
    let named = driver.gateway().named_headers.clone();
    let requests = requests(case, &named);
    for (text, lengths) in requests.iter().cycle().take(times.try_into().unwrap()) {
        let head = RequestHead::read(text.clone(), lengths, named.len()).unwrap();
        let turn = driver.begin(NOW, head);
        let goes_on = if let Turn::Effect(handle, _) = turn { Some(handle) } else { None };
        written.write(turn, 0);
        assert_eq!(goes_on.is_some(), GOES_ON.contains(&case), "{case}");
        if let Some(handle) = goes_on {
            written.write(driver.step(NOW, handle, Answer::Head(Head { status: 200, told: None })), 0);
        }
    }
    std::hint::black_box(&written);
}

/// The gateway of the benchmark, with one more stage if one is named.
fn compiled(stage: &str) -> Vec<u8> {
    let mut source = include_str!("../gateway.toml").to_owned();
    if let Some((_, table, keys)) = STAGES.iter().find(|(name, ..)| *name == stage) {
        let known = if *keys == FORWARDED { "" } else { table };
        // A table of its own stands before the other one.
        let both = if keys.starts_with('[') { format!("{keys}\n{known}") } else { format!("{known}{keys}\n") };
        source = source.replacen(table, &both, 1);
    }
    let compiled = compile("gateway.toml", &source);
    let blueprint = compiled.clone().into_blueprint().unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
    binary::encode([(None, &blueprint)]).unwrap()
}

fn gateway(file: &[u8]) -> Gateway {
    let blueprint: Blueprint = binary::decode(file, None).unwrap();
    let value = |name: &str| match name {
        "JWT_SECRET" => Some(SECRET.to_owned()),
        _ => Some("http://127.0.0.1:9000".to_owned()),
    };
    let values: Vec<Option<String>> = blueprint.variables.0.iter().map(|variable| value(&variable.name)).collect();
    let gateway = Gateway::start(blueprint, &values).unwrap_or_else(|error| panic!("{}", error.message()));
    gateway.count(&Platform);
    gateway
}

/// What is sent in turn.
fn requests(case: &str, named: &[String]) -> Vec<(String, Vec<u32>)> {
    let count = if case == "full_new_token" { TOKENS } else { 1 };
    (0..count).map(|number| request(case, &token(number), named)).collect()
}

fn request(case: &str, token: &str, named: &[String]) -> (String, Vec<u32>) {
    let bad = flipped(token);
    let token = token.to_owned();
    let (method, target, authorization) = match case {
        "full" | "full_new_token" => ("GET", "/api/v1/items/42?limit=10", Some(token)),
        "refused_bad_signature" => ("GET", "/api/v1/items/42?limit=10", Some(bad)),
        "pass_through" => ("GET", "/raw/items/42?limit=10", None),
        "not_found" => ("GET", "/nothing/here", None),
        "preflight" => ("OPTIONS", "/api/v1/items/42", None),
        other => panic!("no case {other}"),
    };
    let url = format!("http://gateway.test{target}");
    let mut text = format!("{method}{url}");
    let mut lengths = vec![length(method), length(&url)];
    for name in named {
        // What else a stage asks for is not there.
        let value = if name == "cf-connecting-ip" { Some(ADDRESS) } else { None };
        lengths.push(value.map_or(ABSENT, length));
        text.push_str(value.unwrap_or_default());
    }
    for header in Header::ALL {
        let value = match header {
            Header::Origin => Some("https://app.example.com".to_owned()),
            Header::Authorization => authorization.as_ref().map(|token| format!("Bearer {token}")),
            Header::AccessControlRequestMethod if method == "OPTIONS" => Some("GET".to_owned()),
            _ => None,
        };
        lengths.push(value.as_deref().map_or(ABSENT, length));
        text.push_str(value.as_deref().unwrap_or_default());
    }
    (text, lengths)
}

fn length(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap()
}

fn token(number: usize) -> String {
    let claims = serde_json::json!({
        "iss": "https://issuer.example.com/", "aud": "api", "sub": "user-1234567890",
        "exp": NOW / 1000 + 600, "scope": "items:read items:write", "roles": ["user", "beta"],
        "jti": format!("{number:08}"),
    });
    let header = jwt_compact::Header::empty().with_token_type("JWT");
    Hs256.token(&header, &Claims::new(claims), &Hs256Key::new(SECRET)).unwrap()
}

/// The token with the first character of its signature changed.
fn flipped(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    format!("{signed}.{other}{}", signature.get(1..).unwrap())
}
