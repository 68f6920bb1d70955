//! `rate_limit` and `rate_limit_headers`: the keys of this stage in policies and routes; and the sections that have limits
//! too, `[plans.NAME]` and the quota of an upstream. Not here: what one limit may say (`table`).

use super::{ANONYMOUS, AUTHENTICATED, Config, Headers, Limit, Plan, table};
use crate::{
    config::{
        diagnostics::{Code, Report, Span},
        keys::keys,
        kinds::{self, Kind},
        layers::{RouteFacts, Stack},
        model::Shape,
        rate,
        reader::{Item, Located},
        template::Slot,
    },
    fleet::limits::Count,
};

keys! {
    /// How many requests there may be.
    pub struct Keys {
        /// How many requests the route takes, counted over all isolates of the gateway: a limit, or a list of them that must
        /// all have room. A limit belongs to the place where it stands: the routes of a policy share it. `"plan"` stands for
        /// the limits of the caller's [plan](plans.md). What is refused gets 429 `rate_limited`. `false` takes back what a
        /// weaker layer says.
        /// Example: `rate_limit = ["60/min per principal", "1000/min"]`
        rate_limit: Limits [Optional] = limits(),
        /// In which headers callers are told what is left. `"standard"` means `RateLimit-Policy` and `RateLimit`. `"both"`
        /// adds `X-RateLimit-Limit`, `-Remaining` and `-Reset` of the limit that is nearest, for older clients. The last of
        /// them is in seconds since 1970. With `"none"` there is only `Retry-After` on refusals.
        /// Example: `rate_limit_headers = "both"`
        rate_limit_headers: Headers [Default("\"standard\"")] = kinds::word(HEADERS),
    }
}

const HEADERS: &[(&str, Headers)] =
    &[("standard", Headers::Standard), ("both", Headers::Both), ("none", Headers::None)];

/// What stands for the limits of the caller's plan.
const PLAN: &str = "plan";

/// What the key says.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    own: Vec<Located<Limit>>,
    /// Where the plans are named.
    plan: Option<Span>,
}

keys! {
    /// Limits of callers.
    pub struct PlanKeys {
        /// What holds for those who have the plan, on every route with `rate_limit = "plan"`, which share the count. A limit or
        /// a list. An empty list sets no limit.
        /// Example: `limits = ["1000/min per principal", "100000/day per principal"]`
        limits: Limits [Required] = limits(),
    }
}

keys! {
    /// How often an upstream is asked.
    pub struct Quota {
        /// How often the gateway asks the upstream, for whomever. A request that is one too many gets 503
        /// `upstream_quota_exceeded` with `Retry-After`, and does not reach it. A limit as in `rate_limit`, without ` per `
        /// one count for all requests.
        /// Example: `quota = "300/min"`
        quota: Limit [Optional] = quota(),
    }
}

fn limits() -> Kind<'static, Limits> {
    let read = |item: &Item<'_>| match item.as_boolean() {
        Some(false) => Some(Limits::default()),
        Some(true) => item.wrong_type("a limit, a list of them, or false"),
        None if item.is_list() => {
            let found = item.list_of(|element| entry(element, item.path()))?;
            let plan = found.iter().find(|entry| entry.value.is_none()).map(|entry| entry.span.clone());
            let own = found.into_iter().filter_map(|Located { value, span }| Some(Located { value: value?, span }));
            let mut own: Vec<Located<Limit>> = own.collect();
            tell_apart(&mut own);
            Some(Limits { own, plan })
        }
        None => Some(match entry(item, item.path())? {
            Located { value: Some(limit), span } => Limits { own: vec![Located { value: limit, span }], plan: None },
            Located { value: None, span } => Limits { own: Vec::new(), plan: Some(span) },
        }),
    };
    Kind::new(read, || {
        let one = || Shape::Any(vec![Shape::Words(vec![PLAN]), table::shape()]);
        Shape::Any(vec![one(), Shape::List(Box::new(one())), Shape::False])
    })
}

/// Limits of one list that count the same in the same time have counts of their own, as one that only looks beside one that
/// refuses.
fn tell_apart(limits: &mut [Located<Limit>]) {
    let mut seen: Vec<u64> = Vec::with_capacity(limits.len());
    for Located { value: limit, .. } in limits {
        while seen.contains(&limit.id) {
            limit.id = limit.id.wrapping_add(1);
        }
        seen.push(limit.id);
    }
}

/// A limit, or nothing for those of the plan.
fn entry(item: &Item<'_>, path: &str) -> Option<Located<Option<Limit>>> {
    if item.is_text() && item.text()? == PLAN {
        return Some(item.located(None));
    }
    Some(item.located(Some(table::limit(item, path, rate::Key::Address)?)))
}

fn quota() -> Kind<'static, Limit> {
    let read = |item: &Item<'_>| {
        let limit = table::limit(item, item.path(), rate::Key::Global)?;
        if let Some(key) = limit.keys.iter().find(|key| matches!(key, rate::Key::Path(_) | rate::Key::Claim(_))) {
            let draft = item.draft(Code::BadRate, format!("not every request to an upstream has `{key}`"));
            draft.help("leave it out, or limit the routes that have it").report();
            return None;
        }
        Some(Limit { is_quota: true, ..limit })
    };
    Kind::new(read, table::shape)
}

/// A plan.
#[must_use]
pub fn plan(item: &Item<'_>, keys: PlanKeys) -> Option<Plan> {
    let limits = keys.limits.take()?;
    if let Some(span) = &limits.plan {
        let draft = item.report().draft(Code::BadRate, span, "a plan is not made of plans");
        draft.help("write its limits here").report();
        return None;
    }
    let path = |limit: &Located<Limit>| {
        limit.value.keys.iter().find(|key| matches!(key, rate::Key::Path(_))).map(ToString::to_string)
    };
    if let Some((limit, key)) = limits.own.iter().find_map(|limit| Some((limit, path(limit)?))) {
        let message = format!("not every route of a plan has `{key}`");
        item.report().draft(Code::BadRate, &limit.span, message).help("limit the routes that have it").report();
        return None;
    }
    Some(Plan { name: item.key().to_owned(), limits: limits.own.into_iter().map(|limit| limit.value).collect() })
}

/// Reports plans that are not there although callers have them when nothing else is said, and what names plans where there
/// are none.
pub fn check_plans<'k>(names: &[&str], keys: impl IntoIterator<Item = &'k Keys>, report: &Report<'_>) {
    let places = keys.into_iter().filter_map(|keys| keys.rate_limit.get()?.plan.as_ref());
    let lacks = [ANONYMOUS, AUTHENTICATED].into_iter().find(|name| !names.contains(name));
    if let (Some(place), Some(lacks)) = (places.into_iter().next(), lacks) {
        let draft = report.draft(Code::BadRate, place, format!("there is no plan `{lacks}`"));
        let draft = draft.expected(format!("[plans.{ANONYMOUS}] for requests without a token, [plans.{AUTHENTICATED}] for tokens that name no other plan"));
        draft.help(format!("add [plans.{lacks}] with `limits`; `limits = []` sets none")).report();
    }
}

/// This stage's part of a route's policy.
pub fn resolve(keys: &Stack<'_, Keys>, route: &mut RouteFacts<'_>) -> Option<Config> {
    let headers = keys.value(|keys| &keys.rate_limit_headers);
    let Some(setting) = keys.pick(|keys| &keys.rate_limit) else {
        return Some(Config { headers, ..Config::default() });
    };
    let limits = setting.value.as_ref()?;
    for limit in &limits.own {
        limit.value.keys.iter().for_each(|key| check(key, limit, route));
        check_upstream(limit, route);
    }
    let own = limits.own.iter().map(|limit| limit.value.clone()).collect();
    Some(Config { limits: own, by_plan: limits.plan.is_some(), headers })
}

/// Reports a key that no request of the route has.
fn check(key: &rate::Key, limit: &Located<Limit>, route: &RouteFacts<'_>) {
    let slot = match key {
        rate::Key::Path(name) => Slot::PathParameter(name.clone()),
        rate::Key::Claim(name) => Slot::Claim(name.clone()),
        rate::Key::Tenant => Slot::Claim("tenant".to_owned()),
        rate::Key::Address
        | rate::Key::Principal
        | rate::Key::ApiKey
        | rate::Key::Plan
        | rate::Key::Route
        | rate::Key::Global
        | rate::Key::Header(_) => return,
    };
    route.check_use(&slot, &key.to_string(), &limit.span);
}

/// Reports what needs the answer of an upstream on a route that has none.
fn check_upstream(limit: &Located<Limit>, route: &RouteFacts<'_>) {
    let Limit { cost, adapts, rule, .. } = &limit.value;
    let what = match (cost, adapts, rule.count) {
        (super::Cost::Header { .. } | super::Cost::Body { .. }, ..) => "the cost of a request",
        (_, Some(_), _) => "`adaptive`",
        (.., Count::Flight(_)) if !route.forwards => "a limit on requests at once",
        _ => return,
    };
    if !route.forwards {
        let draft = route.report.draft(Code::BadRate, &limit.span, format!("{what} needs the answer of an upstream"));
        let draft = draft.related(&route.key.span, "this route answers by itself");
        draft.help("take it out, or leave it to routes with `upstream`").report();
    } else if route.passes_through && limit.value.needs_end() {
        let message = "the end of the answer is not watched on a route that passes everything through";
        let draft = route.report.draft(Code::BadRate, &limit.span, message);
        draft.related(&route.key.span, "this route has `pass_through = true`").help("take one of the two out").report();
    }
}
