//! `cors`: the key of this stage in policies and routes.

use super::Config;
use crate::{
    config::{
        keys::keys,
        kinds::{self, Kind},
        layers::{RouteFacts, Stack},
        model::{Grammar, Shape},
        reader::Item,
        text::Text,
        values::url,
    },
    http::method::Method,
};

const DEFAULT_METHODS: [Method; 3] = [Method::Get, Method::Head, Method::Post];
const DEFAULT_MAX_AGE_S: u32 = 600;

keys! {
    /// Which pages of other origins may ask.
    pub struct Keys {
        /// Which pages of other origins may ask (CORS). `false` takes back what a weaker layer says. With a policy, the
        /// gateway alone speaks: what the upstream says about CORS is replaced.
        ///
        /// Preflights are answered by the gateway and never reach the upstream. Without a policy they are refused with
        /// 403 `cors_origin_refused`, unless the route passes everything through.
        /// Example: `cors = { origins = ["https://app.acme.example"] }`
        cors: Option<Config> [Optional] = cors(),
    }
}

keys! {
    /// The table of `cors`.
    pub struct Table {
        /// Origins that may ask: exact, as browsers send them, or all hosts below one (`https://*.acme.example`). Never
        /// a bare `*`.
        origins: Vec<Text> [Required] =
            kinds::some_of(origin(), "name the origins that may ask, or leave `cors` out"),
        /// Methods that a preflight may ask for.
        methods: Vec<Method> [Default("[\"GET\", \"HEAD\", \"POST\"]")] = kinds::list(method()),
        /// Request headers that a preflight may ask for. Browsers ask about every header but a few harmless ones, and about
        /// `content-type` unless a form could send it.
        /// Example: `headers = ["authorization", "content-type"]`
        headers: Vec<String> [Default("[]")] = kinds::list(kinds::page_header()),
        /// Response headers that pages may read, beside those that browsers always show.
        /// Example: `expose = ["x-request-id"]`
        expose: Vec<String> [Default("[]")] = kinds::list(kinds::exposed_header()),
        /// How long browsers may remember a preflight.
        /// Example: `max_age = "1h"`
        max_age: u32 [Default("\"10m\"")] = kinds::seconds(0..=86_400),
        /// Whether cookies and `Authorization` may be sent along.
        credentials: bool [Default("false")] = kinds::boolean(),
    }
}

fn cors() -> Kind<'static, Option<Config>> {
    let table = || kinds::table::<Table, Config>(config);
    let read = move |item: &Item<'_>| match item.as_boolean() {
        Some(false) => Some(None),
        Some(true) => item.wrong_type("a table, or false"),
        None => table().read(item).map(Some),
    };
    Kind::new(read, move || Shape::Any(vec![table().shape(), Shape::False]))
}

fn config(keys: Table) -> Option<Config> {
    Some(Config {
        methods: keys.methods.or(DEFAULT_METHODS.to_vec())?,
        headers: keys.headers.or(Vec::new())?,
        expose: keys.expose.or(Vec::new())?,
        max_age_s: keys.max_age.or(DEFAULT_MAX_AGE_S)?,
        credentials: keys.credentials.or(false)?,
        origins: keys.origins.take()?,
    })
}

fn origin() -> Kind<'static, Text> {
    let grammar = Grammar {
        name: "origin",
        sentence: url::ORIGIN_GRAMMAR,
        example: "https://app.acme.example",
        pattern: Some(r"^(https?://|\$\{).+$"),
    };
    kinds::text(grammar, url::check_origin_pattern)
}

/// Methods are case-sensitive (RFC 9110 section 9.1), so `get` is none.
fn method() -> Kind<'static, Method> {
    kinds::word(&Method::WORDS)
}

/// This stage's part of a route's policy. A route that passes everything through lets the upstream speak for itself.
pub fn resolve(keys: &Stack<'_, Keys>, route: &mut RouteFacts<'_>) -> Option<Option<Config>> {
    if route.passes_through {
        keys.refuse_pass_through(route);
        return Some(None);
    }
    keys.pick(|keys| &keys.cors).map_or(Some(None), |setting| setting.value.clone())
}
