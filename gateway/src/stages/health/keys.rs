//! The keys of `[health]`.

use super::{Config, DEFAULT_TIMEOUT_MS};
use crate::config::{
    keys::keys,
    kinds::{self, Kind},
    model::{Grammar, Shape},
    operator::{Operator, operator},
    reader::{Item, Located},
};

const COMPONENT: Grammar = Grammar {
    name: "component",
    sentence: "`database`, `key_value`, `cache`, `objects`, or `upstream:NAME` for an upstream that says `health`",
    example: "database",
    pattern: Some("^(database|key_value|cache|objects|upstream:[a-z0-9_-]{1,63})$"),
};

keys! {
    /// What the health paths ask, and who may see the details.
    pub struct Keys {
        /// The components without which the gateway is not ready: then `/health` and `/health/ready` answer 503. The others
        /// only make the status `warn`. Without this key it is `database`, `key_value` and `objects`, each where the Worker
        /// has that binding; what stands here must be there.
        /// Example: `required = ["objects", "upstream:catalog"]`
        required: Vec<Located<String>> [Optional] = required(),
        /// How long a component is waited for. They are all asked at once.
        /// Example: `timeout = "500ms"`
        timeout: u32 [Default("\"2s\"")] = kinds::milliseconds(1..=10_000),
        /// Who may read `/health/detailed`. Without it that path is not there.
        /// Example: `operator = { auth = "acme", scopes = ["gateway:operate"] }`
        operator: Operator [Optional] = operator(),
    }
}

/// Names with their places: whether there is such a component is known when the upstreams are.
fn required() -> Kind<'static, Vec<Located<String>>> {
    let name = |item: &Item<'_>| Some(item.located(item.text()?.to_owned()));
    kinds::list(Kind::new(name, || Shape::Text(COMPONENT)))
}

/// What the section says; `None` when something about it is wrong.
#[must_use]
pub fn config(keys: Keys) -> Option<Config> {
    let required = keys.required.maybe()?;
    let required = required.map(|names| names.into_iter().map(|name| name.value).collect());
    Some(Config { timeout_ms: keys.timeout.or(DEFAULT_TIMEOUT_MS)?, required, operator: keys.operator.maybe()? })
}
