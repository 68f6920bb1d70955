//! `[gateway]`: its name and what holds for every route that says nothing else.

use super::super::{Fallback, Policy, policy::Layer};
use crate::{
    config::{
        diagnostics::Report,
        keys::{Keys as _, keys},
        kinds::{self, Kind},
        layers::Stack,
        model::{Grammar, Key, Shape},
        reader::{Item, Located},
        values::{names, variables},
    },
    stages::{
        address, drain, explain,
        forward::upstream::DEFAULT_TIMEOUTS,
        freshness,
        guard::before_keys,
        log, security_headers,
        trace::{self, Mode},
    },
};

const NAME: Grammar = Grammar {
    name: "gateway name",
    sentence: "1 to 63 lower case letters, digits and hyphens",
    example: "acme",
    pattern: Some("^[a-z0-9-]{1,63}$"),
};

keys! {
    /// The gateway itself.
    pub(super) struct Keys {
        /// The gateway's name. It is also the realm in `WWW-Authenticate`.
        name: String [Required] = kinds::parsed(NAME, names::gateway),
        /// Policies that every route uses before its own: the name of one or a list. They win over what
        /// `[gateway]` itself says.
        /// Example: `use = "browser"`
        r#use: Vec<Located<u16>> [Default("[]")] = super::route_keys::uses(),
        /// Which requests get their log line, and what of their paths it holds.
        /// Example: `log = { level = "${LOG_LEVEL:-info}", sample = "10%" }`
        log: log::Config [Optional] = log::keys::log(),
        /// Whoever holds a token of `ferrogate explain-token` gets answers that say how they came about.
        /// Example: `explain = { secret = "${EXPLAIN_SECRET}" }`
        explain: explain::Config [Optional] = explain::keys::explain(),
        /// The header that tells the address of the client. It must be one that a trusted proxy sets and no client can; a
        /// table names a list to which trusted proxies add. What is missing or malformed is unknown.
        /// Example: `address_from = { header = "x-forwarded-for", trusted = 1 }`
        address_from: address::Source [Default("\"cf-connecting-ip\"")] = address::keys::source(),
        /// How many bits of an IPv6 address stand for one client, wherever clients are told apart by their addresses. A customer
        /// has a whole network as a rule, and could ask from another address each time.
        /// Example: `ipv6_prefix = 56`
        ipv6_prefix: i64 [Default("64")] = kinds::integer(32..=128),
        /// Whether the gateway takes no new requests because another one takes its place. Every route then answers 503
        /// with `Retry-After` and `/health/ready` says so, while requests in flight go on. A variable switches it without
        /// another file; it says `on`, `off`, `true`, `false`, `1` or `0`, or the gateway does not start.
        /// Example: `drain = { on = "${DRAIN:-off}", retry_after = "30s" }`
        drain: drain::Config [Default("false")] = drain::keys::drain(),
        /// Whether isolates ask what operators and other isolates have said since: kill switches, drains, maintenance. They ask
        /// the Durable Object `SIGNALS`, where the Worker has it, behind responses; `freshness` says how often. `relays`:
        /// through an object on their own continent, so that the one that numbers has few readers.
        /// Example: `signals = { relays = false }`
        signals: freshness::Signals [Default("true")] = freshness::keys::signals(),
        /// Variables that the Worker must have although the file names them nowhere, because something beside the gateway
        /// needs them. They are secrets: without a value, or with one from an example, the gateway does not start.
        /// Example: `requires = ["ENCRYPTION_KEY"]`
        requires: Vec<String> [Default("[]")] = kinds::list(required_variable()),
    }
}

fn required_variable() -> Kind<'static, String> {
    let grammar = Grammar {
        name: "variable name",
        sentence: "capital letters, digits and underscores, not a digit first",
        example: "ENCRYPTION_KEY",
        pattern: Some("^[A-Z_][A-Z0-9_]*$"),
    };
    let read = |item: &Item<'_>| {
        let name = item.parsed(variables::name)?;
        item.context().intern_secret(item, &name)?;
        Some(name)
    };
    Kind::new(read, move || Shape::Text(grammar))
}

/// The section.
#[derive(Clone, Debug, Default)]
pub(super) struct Gateway {
    pub(super) keys: Keys,
    /// What is refused before there is a route.
    pub(super) before: before_keys::Keys,
    /// Its policy keys: the weakest layer of every route.
    pub(super) layer: Layer,
}

/// Reads `[gateway]`.
pub(super) fn read(item: &Item<'_>) -> Option<Gateway> {
    let mut section = item.table()?;
    let keys = Keys::read(&mut section);
    let before = before_keys::Keys::read(&mut section);
    let gateway = Gateway { keys, before, layer: Layer::read(&mut section) };
    section.finish();
    Some(gateway)
}

/// The keys that the section can have.
pub(super) fn model() -> Vec<Key> {
    [Keys::model(), before_keys::Keys::model(), Layer::model()].concat()
}

impl Gateway {
    /// What it says about answers that belong to no route.
    pub(super) fn fallback(&self) -> Fallback {
        let layer = [&self.layer];
        let cors = Stack::new(layer.iter().map(|layer| &layer.cors).collect());
        let headers = Stack::new(layer.iter().map(|layer| &layer.security_headers).collect());
        let forward = Stack::new(layer.iter().map(|layer| &layer.forward).collect());
        let timeout = forward.pick(|keys| &keys.timeout).and_then(|setting| setting.value);
        Fallback {
            log: self.keys.log.get().cloned().unwrap_or_default(),
            timeout: timeout.unwrap_or(DEFAULT_TIMEOUTS),
            cors: cors.value(|keys| &keys.cors),
            security_headers: headers.pick(|keys| &keys.security_headers).map_or_else(
                || security_headers::list(security_headers::API),
                |setting| setting.value.clone().unwrap_or_default(),
            ),
            trace: trace::keys::config(&self.traces()).unwrap_or_default(),
        }
    }

    /// Reports what it says about traces if nobody takes part in any, and nobody has said so on purpose. While there are
    /// errors nobody knows.
    pub(super) fn check_traces(&self, policies: &[Policy], report: &Report<'_>) {
        let takes_part = |policy: &Policy| policy.trace.mode != Mode::Pass;
        let is_silent = self.layer.trace.trace.0.is_none();
        if is_silent && !policies.iter().any(takes_part) && !report.has_errors() {
            trace::keys::report_idle(&self.traces(), report, None);
        }
    }

    fn traces(&self) -> Stack<'_, trace::keys::Keys> {
        Stack::new(vec![&self.layer.trace])
    }
}
