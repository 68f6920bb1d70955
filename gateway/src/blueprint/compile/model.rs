//! Everything that a `gateway.toml` can say, as data: what the reference pages and the JSON Schema are made from. It is
//! made of the same declarations that the file is read by.

use super::{gateway, policies::Policy, route_keys, sections, versions, well_known};
use crate::{
    config::{
        keys::Keys as _,
        model::{Grammar, Key, Presence, Shape},
        roles,
    },
    stages::{abuse, admin, audit, authn::issuers, health, metrics, rate_limit},
};

/// A section of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its table: `gateway`, `upstreams`.
    pub name: &'static str,
    /// What its tables are named by; `None` for a section that is there once.
    pub named: Option<Grammar>,
    /// Whether the file must have it.
    pub is_required: bool,
    /// What it is for: a sentence, and what else there is to know.
    pub about: &'static str,
    /// Keys of which each of its tables has exactly one; none for a section without such a choice.
    pub one_of: &'static [&'static str],
    /// Its keys.
    pub keys: Vec<Key>,
    /// What every name stands for, in a section of names with values instead of tables with keys.
    pub values: Option<Shape>,
}

/// How sections and environments are named.
pub const NAME: Grammar = Grammar {
    name: "section name",
    sentence: "1 to 63 lower case letters, digits, hyphens and underscores",
    example: "catalog",
    pattern: Some("^[a-z0-9_-]{1,63}$"),
};

const ROUTE: Grammar = Grammar {
    name: "route",
    sentence: "methods separated by commas, or `ANY` for all of them, then one blank and a path",
    example: "GET,HEAD /v1/products/{id}",
    pattern: Some(
        "^(ANY|(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)(,(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS))*) /[^?#]*$",
    ),
};

const FILES: Grammar = Grammar {
    name: "path of files",
    sentence: "a path below the folder of the main file; `*` in its last part stands for any characters",
    example: "routes/*.toml",
    pattern: Some(r"^[^/\\]+(/[^/\\]+)*$"),
};

/// All sections in the order in which one would write them.
#[must_use]
pub fn sections() -> Vec<Section> {
    let section = |name, about, keys| {
        let (named, is_required, one_of, values) = (Some(NAME), false, &[] as &[_], None);
        Section { name, named, is_required, about, one_of, keys, values }
    };
    let roles = Section {
        named: Some(roles::ROLE),
        values: Some(roles::some_roles().shape()),
        ..section("roles", ROLES, Vec::new())
    };
    vec![
        Section { named: None, is_required: true, ..section("gateway", GATEWAY, gateway::model()) },
        Section { named: None, ..section("versions", VERSIONS, versions::model()) },
        section("upstreams", UPSTREAMS, sections::upstream_model()),
        section("issuers", ISSUERS, issuers::Keys::model()),
        roles,
        Section { named: None, ..section("health", HEALTH, health::keys::Keys::model()) },
        Section { named: None, ..section("admin", ADMIN, admin::keys::Keys::model()) },
        Section { named: None, ..section("audit", AUDIT, audit::keys::Section::model()) },
        Section { named: None, ..section("abuse", ABUSE, abuse::keys::Section::model()) },
        Section { named: None, ..section("metrics", METRICS, metrics::keys::Keys::model()) },
        section("plans", PLANS, rate_limit::keys::PlanKeys::model()),
        section("policies", POLICIES, Policy::model()),
        Section { named: Some(ROUTE), one_of: &route_keys::ACTIONS, ..section("routes", ROUTES, route_keys::model()) },
        Section { named: None, ..section("well_known", WELL_KNOWN, well_known::model()) },
    ]
}

const GATEWAY: &str = "The gateway itself, and what holds for every route that says nothing else. The keys of policies \
                       that stand here are the weakest layer of every route.";

const VERSIONS: &str = "Versions of the interface: where requests name one, and which they get when they name none. The \
                        routes say themselves which `version` they belong to.";

const UPSTREAMS: &str = "Where requests go. A route names the upstream that its requests are forwarded to.";

const ISSUERS: &str = "Whose tokens are believed. A token must carry `exp`; `nbf` is honoured; `typ`, if there, is `JWT` \
                       or `at+jwt`. Scopes are the words of `scope`, or the list in `scope` or `scp`. No issuer can be \
                       named `none`.";

const ROLES: &str = "Which role includes which others, directly or through further roles: `engineer = [\"viewer\"]` lets \
                     engineers do what viewers may. A role that includes no other is written `viewer = []`. Without \
                     this table every name is a role, and none includes another.";

const HEALTH: &str = "What the health paths ask, and who may see the details. The section may be left out.";

const ADMIN: &str = "The operator's own paths: switches that stop the gateway, an API or a route, and what there is to know \
                     about the fleet. Without the section they are not there.";

const AUDIT: &str =
    "What the audit log holds besides the rows of routes with the key `audit`. The section may be left out.";

const ABUSE: &str = "Who is not listened to for a while: addresses that the gateway has to refuse too much of, added up over \
                     all isolates. Without this section nothing is counted. The Worker needs the Durable Objects `ABUSE` and \
                     `SIGNALS`.";

const METRICS: &str = "Who may read what the gateway counts, and where. Without this section nothing is counted, and its \
                       paths are not there. The Worker needs the Durable Object `METRICS`.";

const PLANS: &str = "What callers may do by what they have paid for. The claim `plan` of the issuer names the plan of a caller. \
                     Requests without a token have the plan `anonymous`; those whose token names no plan of the file have \
                     the plan `authenticated`. Routes with `rate_limit = \"plan\"` have the limits of the caller's plan.";

const POLICIES: &str = "Keys of routes under a name, to be used by several routes. The same keys can stand in a route \
                        and in `[gateway]`. A stronger place replaces a key as a whole: nothing is merged inside one.";

const ROUTES: &str = "Which requests go where, under which policy. A route is named by its methods and its path. `GET` \
                      serves `HEAD` too, unless `HEAD` has a route that fits at least as closely. The order of routes \
                      has no meaning; two that could tie are an error.";

const WELL_KNOWN: &str = "Answers under paths that everybody asks for. Each key stands for a public route with an answer \
                          that may be kept for a day; it stays open during maintenance. A route of the file for the \
                          same path is an error, unless it is bound to a host.";

/// What `[env.NAME]` is for.
pub const ENVIRONMENTS: &str = "What is different in an environment. Every section of the file can stand there, with \
                                only the keys that differ: tables are merged key by key, everything else is replaced. \
                                The Worker's variable `FERROGATE_ENV` picks the environment.";

/// The key that stands above all sections.
#[must_use]
pub fn include() -> Key {
    Key {
        name: "include",
        about: vec![
            "Other files whose sections belong to the gateway too.",
            "An included file has `upstreams`, `issuers`, `roles`, `plans`, `policies`, `routes` and `env`; `[gateway]` and",
            "`include` stand in the main file alone. What two files name alike is an error, so that their order has no meaning.",
            "",
            "In TOML the key must stand above the first section.",
            "Example: `include = [\"routes/*.toml\"]`",
        ],
        presence: Presence::Default("[]"),
        shape: Shape::List(Box::new(Shape::Text(FILES))),
    }
}
