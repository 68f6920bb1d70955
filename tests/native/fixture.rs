//! A gateway under test: configuration in, requests in, turns out.

use gateway::{
    blueprint::compile::compile,
    driver::{
        Driver, Turn,
        effects::{Answer, Effect},
        slots::Handle,
    },
    http::{
        Millis,
        reply::{Made, Reply},
        request::{ABSENT, Header, RequestHead},
    },
    pipeline::{gateway::Gateway, run::Finished, start::Place},
    ports::{
        dependencies::{Component, Dependencies, Trouble},
        entropy::Entropy,
        upstream::{Forward, Head},
        wakers::Wakers,
        witness::Witness,
    },
};
use jwt_compact::{
    AlgorithmExt, Claims,
    alg::{Hs256, Hs256Key},
};
use serde_json::{Map, Value};

pub(crate) const NOW: Millis = 1_800_000_000_000;
pub(crate) const SECRET: &str = "a secret of thirty-two bytes or so";

/// Enough of a gateway to meet every stage.
pub(crate) const CONFIG: &str = r#"
[gateway]
name = "test"

[issuers.main]
algorithm = "HS256"
issuer = "https://issuer.test/"
audience = "api"
secret = "${JWT_SECRET}"

[upstreams.shop]
targets = ["${SHOP_URL}"]
timeout = "2s"

[policies.browser]
cors = { origins = ["https://app.test"], methods = ["GET", "PUT"], headers = ["authorization"], expose = ["x-request-id"], credentials = true }

[policies.customer]
auth = "main"
request_headers = { remove = ["authorization"], set = { "x-user-id" = "{claims.sub}", "x-item" = "{path.id}" } }

[routes."GET /items/{id}"]
upstream = "shop"
use = ["browser", "customer"]
scopes = ["items:read"]
response_headers = { remove = ["server"], set = { "x-served-for" = "{claims.sub}" } }

[routes."GET /public/{rest...}"]
upstream = "shop"
auth = "none"

[routes."GET /raw/{rest...}"]
upstream = "shop"
auth = "none"
pass_through = true

[routes."GET /watched"]
upstream = "shop"
auth = "none"
observe = "body"
"#;

/// In-memory platform: zeros for randomness, and components that are said to be in trouble.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) troubles: Vec<(Component, Trouble)>,
    /// How many polls a component stays pending.
    pub(crate) pending: std::cell::Cell<u32>,
}

impl Entropy for Memory {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

impl Wakers for Memory {
    fn waker(&self, _slot: u32) -> std::task::Waker {
        std::task::Waker::noop().clone()
    }
}

impl Witness for Memory {}

impl Dependencies for Memory {
    async fn ask(&self, component: &Component, _within_ms: u32) -> Result<(), Trouble> {
        let mut left = self.pending.get();
        std::future::poll_fn(|context| match left {
            0 => std::task::Poll::Ready(()),
            _ => {
                left -= 1;
                context.waker().wake_by_ref();
                std::task::Poll::Pending
            }
        })
        .await;
        let trouble = self.troubles.iter().find(|(known, _)| known == component);
        trouble.map_or(Ok(()), |(_, trouble)| Err(*trouble))
    }
}

#[cfg(feature = "faults")]
impl gateway::ports::dependencies::Pause for Memory {
    async fn pause(&self, _ms: u32) {}
}

pub(crate) struct Fixture {
    pub(crate) driver: Driver<Memory>,
    pub(crate) now: Millis,
}

impl Default for Fixture {
    fn default() -> Self {
        Self::on(Memory::default())
    }
}

impl Fixture {
    pub(crate) fn on(platform: Memory) -> Self {
        Self::of(CONFIG, platform)
    }

    pub(crate) fn of(config: &str, platform: Memory) -> Self {
        let compiled = compile("gateway.toml", config);
        let blueprint = compiled.clone().into_blueprint().unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
        let value = |name: &str| match name {
            "JWT_SECRET" | "SHOP_HMAC" => Some(SECRET.to_owned()),
            "SHOP_URL" => Some("http://shop.test/base/".to_owned()),
            _ => None,
        };
        let values: Vec<Option<String>> = blueprint.variables.0.iter().map(|variable| value(&variable.name)).collect();
        let place = Place { now: NOW, ..Place::default() };
        let gateway =
            Gateway::start_at(blueprint, &values, place).unwrap_or_else(|error| panic!("{}", error.message()));
        Self { driver: Driver::new(gateway.into(), platform), now: NOW }
    }

    pub(crate) fn begin(&mut self, method: &str, target: &str, headers: &[(Header, &str)]) -> Turn {
        self.driver.begin(self.now, head(method, target, headers))
    }

    /// A request with headers that the configuration names, of which only those are packed.
    pub(crate) fn begin_with(&mut self, target: &str, headers: &[(&str, &str)]) -> Turn {
        let names = &self.driver.gateway().named_headers;
        let named = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let head = packed("GET", target, names, named, |_| None);
        self.driver.begin(self.now, head)
    }

    /// A request that must end without any effect.
    pub(crate) fn refused(&mut self, method: &str, target: &str, headers: &[(Header, &str)]) -> (Made, Value) {
        match self.begin(method, target, headers) {
            Turn::Done(finished) => made(finished),
            other => panic!("expected an answer, got {other:?}"),
        }
    }

    /// A request that must go to the upstream.
    pub(crate) fn forwarded(&mut self, method: &str, target: &str, headers: &[(Header, &str)]) -> (Handle, Forward) {
        match self.begin(method, target, headers) {
            Turn::Effect(handle, Effect::Forward(plan)) => (handle, plan),
            other => panic!("expected a forward, got {other:?}"),
        }
    }

    pub(crate) fn answer(&mut self, handle: Handle, answer: Answer) -> Finished {
        match self.driver.step(self.now, handle, answer) {
            Turn::Done(finished) => finished,
            other => panic!("expected the end, got {other:?}"),
        }
    }
}

pub(crate) fn status(status: u16) -> Answer {
    Answer::Head(Head { status, told: None })
}

/// The answer that the gateway made, and its log line.
pub(crate) fn made(finished: Finished) -> (Made, Value) {
    // Behind it come those of the audit log.
    let log = serde_json::from_str(finished.log.lines().next().unwrap()).unwrap();
    match finished.reply {
        Some(Reply::Made(made)) => (made, log),
        other => panic!("expected an answer of the gateway, got {other:?}"),
    }
}

pub(crate) fn head(method: &str, target: &str, headers: &[(Header, &str)]) -> RequestHead {
    let known = |header| headers.iter().find(|(name, _)| *name == header).map(|(_, value)| *value);
    packed(method, target, &[], |_| None, known)
}

/// A request with headers by their names, whoever knows them.
pub(crate) fn head_by_name(method: &str, target: &str, names: &[String], headers: &[(&str, &str)]) -> RequestHead {
    let sent = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    packed(method, target, names, sent, |header| sent(header.name()))
}

/// A request as the Worker packs it: with headers that the configuration names, and those that the gateway knows.
pub(crate) fn packed<'v>(
    method: &str,
    target: &str,
    names: &[String],
    named: impl Fn(&str) -> Option<&'v str>,
    known: impl Fn(Header) -> Option<&'v str>,
) -> RequestHead {
    let url = format!("https://api.test{target}");
    let mut text = format!("{method}{url}");
    let mut lengths = vec![method.len() as u32, url.len() as u32];
    for value in names.iter().map(|name| named(name)).chain(Header::ALL.map(known)) {
        lengths.push(value.map_or(ABSENT, |value| value.len() as u32));
        text.push_str(value.unwrap_or_default());
    }
    RequestHead::read(text, &lengths, names.len()).unwrap()
}

/// `Authorization` with a token for these scopes.
pub(crate) fn bearer(scope: &str) -> String {
    bearer_of(serde_json::json!({ "scope": scope }))
}

/// `Authorization` with a token of `u1` that carries these claims too.
pub(crate) fn bearer_of(claims: Value) -> String {
    let mut whole = serde_json::json!({
        "iss": "https://issuer.test/", "aud": "api", "sub": "u1", "exp": NOW / 1000 + 60,
    });
    let whole: &mut Map<String, Value> = whole.as_object_mut().unwrap();
    whole.extend(claims.as_object().unwrap().clone());
    let claims = Claims::new(whole.clone());
    let token = Hs256.token(&jwt_compact::Header::empty(), &claims, &Hs256Key::new(SECRET)).unwrap();
    format!("Bearer {token}")
}
