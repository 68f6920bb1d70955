//! The keys of `[metrics]`.

use super::{Config, PATH};
use crate::{
    config::{
        diagnostics::Code,
        keys::keys,
        kinds::{self, Kind},
        model::Grammar,
        operator::{Operator, operator},
        reader::{Item, Located},
        text::Text,
        values::{Fault, quoted},
    },
    http::path,
};

const DEFAULT_SHARDS: i64 = 4;

const SCRAPED: Grammar = Grammar {
    name: "metrics path",
    sentence: "a path that begins with a slash: `\"/metrics\"`",
    example: "/metrics",
    pattern: Some("^/[^?#]*$"),
};

keys! {
    /// Who may read what the gateway counts, and where.
    pub struct Keys {
        /// Where Prometheus reads it. The same as a JSON document is under `/api/v1/monitoring/metrics`.
        /// Example: `path = "/internal/metrics"`
        path: Located<String> [Default("\"/metrics\"")] = path(),
        /// Whoever sends this as a bearer token may read, as a scraper does. The Worker's secret has at least 32 bytes, or
        /// the gateway does not start. There is this key, or `operator`, or both.
        /// Example: `token = "${METRICS_TOKEN}"`
        token: Text [Optional] = kinds::secret(),
        /// Whose tokens may read, too.
        /// Example: `operator = { auth = "acme", scopes = ["gateway:operate"] }`
        operator: Operator [Optional] = operator(),
        /// In how many Durable Objects the counts come together. Each isolate hands over to one of them, every two seconds
        /// while it has something; one object takes some hundred of these a second.
        /// Example: `shards = 16`
        shards: i64 [Default("4")] = kinds::integer(1..=64),
    }
}

fn path() -> Kind<'static, Located<String>> {
    let text = || kinds::parsed(SCRAPED, checked);
    Kind::new(move |item: &Item<'_>| Some(item.located(text().read(item)?)), move || text().shape())
}

fn checked(text: &str) -> Result<String, Fault> {
    let checked = path::check(text).map(|()| text.to_owned());
    checked.map_err(|error| {
        let fault = Fault::new(Code::BadPath, format!("{} is not a path that requests can have", quoted(text)));
        fault.expected(if text.starts_with('/') { error.expected() } else { SCRAPED.sentence })
    })
}

/// What the section says; `None` when something about it is wrong. Reports it when nobody may read.
#[must_use]
pub fn config(item: &Item<'_>, keys: Keys) -> Option<Config> {
    if keys.token.0.is_none() && keys.operator.0.is_none() {
        let draft = item.report().draft(Code::MissingKey, item.key_span(), "`[metrics]` says of nobody who may read");
        let draft = draft.expected("`token`, `operator` or both");
        draft.help("for a scraper: token = \"${METRICS_TOKEN}\"").report();
        return None;
    }
    let path = keys.path.maybe()?.map_or_else(|| PATH.to_owned(), |path| path.value);
    let shards = u16::try_from(keys.shards.or(DEFAULT_SHARDS)?).ok()?;
    Some(Config { path, token: keys.token.maybe()?, operator: keys.operator.maybe()?, shards })
}
