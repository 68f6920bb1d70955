//! `scopes`, `roles`, `condition`: the keys of this stage in policies and routes.

use std::collections::BTreeSet;

use super::{Config, Roles};
use crate::config::{
    condition::Condition,
    diagnostics::{Code, Span},
    keys::keys,
    kinds::{self, Kind},
    layers::{RouteFacts, Stack},
    model::{Grammar, Shape},
    reader::Item,
    reader::Located,
    roles,
    template::{Slot, Template},
    values::{condition, names},
};

keys! {
    /// What a caller must be allowed to do.
    pub struct Keys {
        /// Scopes that the token must carry, all of them; else 403. Only for routes with a token:
        /// `scopes = []` takes back what a policy asks for.
        scopes: Vec<String> [Default("[]")] = kinds::list(scope()),
        /// Roles of which the caller must hold one, directly or through a role that includes it; else 403. Only for
        /// routes with a token: `roles = []` takes back what a policy asks for. Which role includes which stands in
        /// `[roles]`, which claim of a token holds them at the issuer.
        /// Example: `roles = ["engineer"]`
        roles: Roles [Default("[]")] = some_roles(),
        /// What must be true of a request, one condition or a list of them that must all hold; else 403. Something that
        /// is missing or of another type makes it unknown, which is not true. `condition = []` takes back what a policy
        /// asks for.
        /// Example: `condition = "claims.tenant == path.tenant"`
        condition: Vec<Written> [Default("[]")] = kinds::one_or_more(written(), "a condition or a list of conditions"),
    }
}

fn scope() -> Kind<'static, String> {
    let sentence = "a scope-token of RFC 6749 section 3.3: visible ASCII without blanks, quotes and backslashes";
    let pattern = Some(r#"^[!#-\[\]-~]+$"#);
    kinds::parsed(Grammar { name: "scope", sentence, example: "orders:read", pattern }, names::scope)
}

/// Roles as a route names them, with all that include one of them.
fn some_roles() -> Kind<'static, Roles> {
    let (read, shape) = (roles::some_roles(), roles::some_roles());
    let read = move |item: &Item<'_>| {
        let wanted = read.read(item)?;
        let satisfied_by: BTreeSet<String> =
            wanted.iter().flat_map(|role| item.context().roles.holding(role)).collect();
        Some(Roles { wanted, satisfied_by: satisfied_by.into_iter().collect() })
    };
    Kind::new(read, move || shape.shape())
}

const CONDITION: Grammar = Grammar {
    name: "condition",
    sentence: "comparisons of `claims.NAME`, `path.NAME`, `request.method`, `request.host`, `request.path`, `request.id`, \
               texts in single quotes, whole numbers, `true`, `false` and lists of those, by `==`, `!=`, `<`, `<=`, `>`, \
               `>=`, `in`, `contains` or `starts_with`; `has(claims.NAME)`; put together with `&&`, `||`, `!(…)` and \
               parentheses",
    example: "claims.tenant == path.tenant && claims.level >= 3",
    pattern: Some(r"^[\s\S]+$"),
};

/// A condition as written: which parameters and claims it may read depends on the route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    condition: Condition,
    uses: Vec<Located<Slot>>,
}

fn written() -> Kind<'static, Written> {
    let read = |item: &Item<'_>| {
        let condition::Parsed { condition, uses } = item.parsed(condition::parse)?;
        let located = |(value, part)| Located { value, span: item.place_of(&part) };
        Some(Written { condition, uses: uses.into_iter().map(located).collect() })
    };
    Kind::new(read, || Shape::Text(CONDITION))
}

impl Written {
    /// The condition on one route; reports what its requests can never have.
    fn resolve(&self, route: &RouteFacts<'_>) -> Condition {
        for place in &self.uses {
            let text = Template(vec![place.value.clone()]).to_string();
            route.check_use(&place.value, text.trim_matches(['{', '}']), &place.span);
        }
        self.condition.clone()
    }
}

/// This stage's part of a route's policy.
pub fn resolve(keys: &Stack<'_, Keys>, route: &mut RouteFacts<'_>) -> Option<Config> {
    let (scopes, roles) = (keys.pick(|keys| &keys.scopes), keys.pick(|keys| &keys.roles));
    if let Some(setting) = scopes.filter(|setting| setting.value.as_ref().is_some_and(|scopes| !scopes.is_empty())) {
        refuse_public(route, &setting.key, "scopes");
    }
    if let Some(setting) = roles.filter(|setting| setting.value.as_ref().is_some_and(|roles| !roles.wanted.is_empty()))
    {
        refuse_public(route, &setting.key, "roles");
    }
    let conditions =
        keys.pick(|keys| &keys.condition).map_or(Some([].as_slice()), |setting| setting.value.as_deref())?;
    Some(Config {
        conditions: conditions.iter().map(|written| written.resolve(route)).collect(),
        scopes: scopes.map_or(Some(Vec::new()), |setting| setting.value.clone())?,
        roles: roles.map_or(Some(Roles::default()), |setting| setting.value.clone())?,
    })
}

fn refuse_public(route: &RouteFacts<'_>, place: &Span, key: &str) {
    if route.takes_anybody {
        let what = if route.is_public == Some(true) { "a public route" } else { "a route where a token is optional" };
        let message = format!("{what} cannot ask for {key}");
        let draft = route.report.draft(Code::ScopesOnPublic, place, message);
        let draft = draft.related(&route.key.span, "this route takes requests without a token");
        draft.help(format!("set `auth` to an issuer, or write `{key} = []` in the route")).report();
    }
}
