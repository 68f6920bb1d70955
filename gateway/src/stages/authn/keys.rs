//! `auth`: the key of this stage in policies and routes.

use super::Config;
use crate::config::{
    context::Context,
    diagnostics::{Code, Span},
    keys::keys,
    kinds::{self, Kind},
    layers::{RouteFacts, Stack},
    model::Shape,
    reader::Item,
};

/// What `auth` says for a public route; no issuer can have the name.
pub const PUBLIC: &str = "none";

keys! {
    /// Who may ask.
    pub struct Keys {
        /// Who may ask: the name of an issuer whose tokens are taken, a list of such names, or `"none"` for a public route.
        /// As a table it can take requests without a token too: `auth = { issuers = ["acme"], optional = true }`. Where
        /// neither the route nor its policies nor `[gateway]` say it, that is an error: unknown means no.
        /// Example: `auth = ["acme", "partner"]`
        auth: Config [Optional] = auth(),
    }
}

keys! {
    /// The table of `auth`.
    pub struct Table {
        /// Whose tokens are taken. The token says by `iss` whose it is.
        /// Example: `issuers = ["acme"]`
        issuers: Vec<u16> [Required] = issuers(),
        /// Whether requests without a token are taken too. A token that is not good is refused all the same.
        optional: bool [Default("false")] = kinds::boolean(),
    }
}

fn auth() -> Kind<'static, Config> {
    let table = || {
        kinds::table::<Table, Config>(|keys| {
            let issuers = keys.issuers.take()?;
            Some(if keys.optional.or(false)? { Config::Optional(issuers) } else { Config::Token(issuers) })
        })
    };
    let read = move |item: &Item<'_>| match () {
        () if item.is_list() => issuers().read(item).map(Config::Token),
        () if item.is_table() => table().read(item),
        () if !item.is_text() => item.wrong_type("a text, a list or a table"),
        () if item.text()? == PUBLIC => Some(Config::Public),
        () => item.context().issuers.find(item).map(|issuer| Config::Token(vec![issuer])),
    };
    let words = move || vec![Shape::Words(vec![PUBLIC]), Shape::Name("issuers"), issuers().shape(), table().shape()];
    Kind::new(read, move || Shape::Any(words()))
}

/// Several issuers, in rising order.
fn issuers() -> Kind<'static, Vec<u16>> {
    let one = Kind::new(
        |item: &Item<'_>| {
            if item.text()? != PUBLIC {
                return item.context().issuers.find(item);
            }
            let draft = item.draft(Code::UnknownIssuer, "`none` is no issuer and stands in no list");
            draft
                .help("write `auth = \"none\"`, or `auth = { issuers = […], optional = true }` to take tokens as well")
                .report();
            None
        },
        || Shape::Name("issuers"),
    );
    let several = std::rc::Rc::new(kinds::some_of(one, "name an issuer, or write `auth = \"none\"`"));
    let shape = std::rc::Rc::clone(&several);
    let read = move |item: &Item<'_>| {
        let mut issuers = several.read(item)?;
        issuers.sort_unstable();
        Some(issuers)
    };
    Kind::new(read, move || shape.shape())
}

/// This stage's part of a route's policy.
pub fn resolve(keys: &Stack<'_, Keys>, route: &mut RouteFacts<'_>) -> Option<Config> {
    let setting = keys.pick(|keys| &keys.auth);
    if setting.is_none() && !route.hides_auth {
        let message = format!("`{}` does not say who may ask", route.key.value);
        let draft = route.report.draft(Code::NoAuth, &route.key.span, message);
        let draft = draft.expected("`auth` here, in a policy that it uses or in `[gateway]`");
        draft.help("write `auth = \"none\"` for a public route, or name an issuer").report();
    }
    let config = setting?.value.as_ref();
    route.is_public = config.map(|config| *config == Config::Public);
    route.takes_anybody = config.is_some_and(|config| !matches!(config, Config::Token(_)));
    config.cloned()
}

/// Reports issuers that a list names together although their tokens cannot be told apart. `issuer` is what each of them
/// has as `iss`, by its index.
pub fn check_apart<'t, T: PartialEq + 't>(
    config: &Config,
    place: &Span,
    issuer: impl Fn(u16) -> Option<&'t T>,
    context: &Context<'_>,
) {
    let mut seen: Vec<(&str, &T)> = Vec::new();
    for index in config.issuers() {
        let (Some(name), Some(iss)) = (context.issuers.name(*index), issuer(*index)) else { continue };
        if let Some((other, _)) = seen.iter().find(|(_, known)| *known == iss) {
            let message = format!("`{other}` and `{name}` have the same `issuer`");
            let draft = context.report.draft(Code::SameIssuer, place, message);
            draft.help("a token says by `iss` whose it is; several keys of one issuer are a list in its `keys` or `secret`").report();
        }
        seen.push((name, iss));
    }
}
