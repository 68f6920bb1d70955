//! The keys of `[health]`.

use super::{Config, DEFAULT_TIMEOUT_MS, Operator};
use crate::config::{
    keys::keys,
    kinds::{self, Kind},
    model::{Grammar, Shape},
    reader::{Item, Located},
    values::names,
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
        operator: Operator [Optional] = kinds::table::<OperatorKeys, Operator>(operator),
    }
}

keys! {
    /// The table of `operator`.
    pub struct OperatorKeys {
        /// The issuer whose tokens are taken.
        /// Example: `auth = "acme"`
        auth: u16 [Required] = kinds::name("issuers", |context| &context.issuers),
        /// Scopes that the token must carry, all of them.
        /// Example: `scopes = ["gateway:operate"]`
        scopes: Vec<String> [Required] = kinds::some_of(scope(), "name a scope that only operators have"),
    }
}

/// Names with their places: whether there is such a component is known when the upstreams are.
fn required() -> Kind<'static, Vec<Located<String>>> {
    let name = |item: &Item<'_>| Some(item.located(item.text()?.to_owned()));
    kinds::list(Kind::new(name, || Shape::Text(COMPONENT)))
}

fn scope() -> Kind<'static, String> {
    let sentence = "a scope-token of RFC 6749 section 3.3: visible ASCII without blanks, quotes and backslashes";
    let pattern = Some(r#"^[!#-\[\]-~]+$"#);
    kinds::parsed(Grammar { name: "scope", sentence, example: "orders:read", pattern }, names::scope)
}

fn operator(keys: OperatorKeys) -> Option<Operator> {
    Some(Operator { issuer: keys.auth.take()?, scopes: keys.scopes.take()? })
}

/// What the section says; `None` when something about it is wrong.
#[must_use]
pub fn config(keys: Keys) -> Option<Config> {
    let required = keys.required.maybe()?;
    let required = required.map(|names| names.into_iter().map(|name| name.value).collect());
    Some(Config { timeout_ms: keys.timeout.or(DEFAULT_TIMEOUT_MS)?, required, operator: keys.operator.maybe()? })
}
