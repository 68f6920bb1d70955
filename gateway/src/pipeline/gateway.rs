//! The configured gateway with the values of its variables: everything that is built once per isolate.

use crate::{
    blueprint::{Blueprint, Policy, Route},
    config::text::{Values, Variables},
    routing::table::{RouteIndex, Table},
    stages::{authn, authn::Verifier, cors::Cors, forward},
};

/// A gateway that can serve.
pub struct Gateway {
    /// The name; also the realm of challenges.
    pub name: String,
    /// Routes by method and path.
    pub table: Table,
    /// Constant lists of response headers.
    pub header_lists: Vec<Vec<(String, String)>>,
    routes: Vec<ReadyRoute>,
    /// For answers that belong to no route.
    pub cors: Option<Cors>,
    issuers: Vec<Verifier>,
    targets: Vec<Target>,
}

/// A route with what its requests need.
pub struct ReadyRoute {
    /// As configured.
    pub route: Route,
    /// Its CORS policy.
    pub cors: Option<Cors>,
}

/// Where an upstream is.
pub struct Target {
    /// Absolute URL without a slash at its end.
    pub base: String,
    /// Time until the head of an answer must be there, in milliseconds.
    pub timeout_ms: u32,
}

/// Why a gateway cannot start. Every request gets 503 until it is mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CannotStart {
    /// These variables have neither a value nor a default.
    Missing(Vec<String>),
    /// The key of this issuer is too short.
    WeakSecret(String),
    /// The URL of this upstream is not `http://…` or `https://…`.
    Target(String),
}

impl CannotStart {
    /// The reason in a sentence, for the operator's log. It holds names, never values.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Missing(names) => format!("these variables are not set: {}", names.join(", ")),
            Self::WeakSecret(issuer) => {
                format!("the secret of issuer `{issuer}` is shorter than {} bytes", authn::SHORTEST_SECRET)
            }
            Self::Target(upstream) => format!("the target of upstream `{upstream}` is no absolute http or https URL"),
        }
    }
}

impl Gateway {
    /// Resolves a blueprint with the values of its variables, in the order of [`Variables`].
    ///
    /// # Errors
    /// The first reason why it cannot serve.
    pub fn start(blueprint: Blueprint, environment: &[Option<String>]) -> Result<Self, CannotStart> {
        let Blueprint { name, variables, upstreams, issuers, header_lists, cors, routes, table } = blueprint;
        let values = resolve(&variables, environment)?;
        let issuers = issuers.iter().map(|issuer| Verifier::new(issuer, &values)).collect::<Result<_, _>>();
        let targets = upstreams.iter().map(|upstream| {
            let base = upstream.target.resolve(&values).trim_end_matches('/').to_owned();
            let absolute = base.starts_with("http://") || base.starts_with("https://");
            if absolute {
                Ok(Target { base, timeout_ms: upstream.timeout_ms })
            } else {
                Err(CannotStart::Target(upstream.name.clone()))
            }
        });
        let ready = |route: Route| {
            let cors = route.policy.cors.as_ref().map(|config| Cors::new(config, &values));
            ReadyRoute { route, cors }
        };
        Ok(Self {
            name,
            table,
            header_lists,
            cors: cors.map(|config| Cors::new(&config, &values)),
            targets: targets.collect::<Result<_, _>>()?,
            issuers: issuers.map_err(|weak: authn::WeakSecret| CannotStart::WeakSecret(weak.issuer))?,
            routes: routes.into_iter().map(ready).collect(),
        })
    }

    /// A route.
    #[must_use]
    pub fn route(&self, index: RouteIndex) -> Option<&ReadyRoute> {
        self.routes.get(usize::from(index))
    }

    /// The issuer whose tokens a route takes; `None` for a public route.
    ///
    /// # Errors
    /// When the blueprint names an issuer that it does not have.
    pub fn issuer(&self, config: authn::Config) -> Result<Option<&Verifier>, Inconsistent> {
        match config {
            authn::Config::Public => Ok(None),
            authn::Config::Token(index) => self.issuers.get(usize::from(index)).map(Some).ok_or(Inconsistent),
        }
    }

    /// Where a route's requests go.
    ///
    /// # Errors
    /// When the blueprint names an upstream that it does not have.
    pub fn target(&self, route: &Route) -> Result<&Target, Inconsistent> {
        self.targets.get(usize::from(route.upstream)).ok_or(Inconsistent)
    }
}

/// The blueprint contradicts itself: a defect of the compiler, never of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inconsistent;

impl ReadyRoute {
    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.route.policy
    }

    /// Whether requests and answers are handed on as they are.
    #[must_use]
    pub fn is_pass_through(&self) -> bool {
        self.policy().forward.pass_through
    }

    /// Whether the end of the body is waited for.
    #[must_use]
    pub fn observes_body(&self) -> bool {
        self.policy().forward.observe == forward::Observe::Body
    }

    /// The method and path as configured.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.route.key
    }
}

fn resolve(variables: &Variables, environment: &[Option<String>]) -> Result<Values, CannotStart> {
    variables.resolve(environment).map_err(CannotStart::Missing)
}
