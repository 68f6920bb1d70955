//! The whole gateway as configured: upstreams, issuers and routes, each route with its policy resolved.
//!
//! This is what `gateway.toml` is compiled into and what an isolate loads. It is data only: values of
//! variables and everything that is built once per isolate belong to `pipeline::gateway`.

#[cfg(feature = "compiler")]
pub mod compile;
pub mod policy;

use serde::{Deserialize, Serialize};

pub use self::policy::Policy;
use crate::{
    config::{packed::Packed, text::Variables},
    http::request::Header,
    routing::{
        served::{self, Served},
        table::Table,
    },
    stages::{
        abuse, address, admin, audit, authn, cors, drain, explain,
        forward::upstream::{DEFAULT_TIMEOUTS, Timeouts, Upstream},
        freshness,
        guard::before,
        health, log, metrics, rate_limit, respond, security_headers, trace,
    },
};

/// A configured gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blueprint {
    /// `[gateway] name`; names the realm of `WWW-Authenticate` too.
    pub name: String,
    /// Every variable that some [`Text`](crate::config::text::Text) names.
    pub variables: Variables,
    /// `[upstreams.NAME]`.
    pub upstreams: Vec<Upstream>,
    /// `[issuers.NAME]`.
    pub issuers: Vec<authn::Issuer>,
    /// What `[gateway]` says about what no route, policy or upstream speaks of.
    pub fallback: Fallback,
    /// What `[gateway]` refuses before there is a route.
    pub before: before::Config,
    /// Who may ask how an answer came about.
    pub explain: Option<explain::Config>,
    /// When the gateway takes no new requests.
    pub drain: drain::Config,
    /// `[admin]`.
    pub admin: admin::Config,
    /// Whether it learns what its fleet shares.
    pub signals: freshness::Signals,
    /// `[health]`.
    pub health: health::Config,
    /// `[audit]`.
    pub audit: audit::Settings,
    /// `[abuse]`; `None`: nothing counts against anybody.
    pub abuse: Option<Box<abuse::Settings>>,
    /// `[metrics]`; `None`: nothing is counted.
    pub metrics: Option<metrics::Config>,
    /// `[plans.NAME]`.
    pub plans: Vec<rate_limit::Plan>,
    /// How often each upstream may be asked, by its index.
    pub quotas: Vec<Option<rate_limit::Limit>>,
    /// How long the prefix of an IPv6 address is that stands for one client, in bits.
    pub ipv6_prefix: u8,
    /// The bindings of the Worker that must be there: those that upstreams and routes name, and the objects of what is
    /// configured and would count in vain without them. Each once.
    pub bindings: Vec<String>,
    /// Where the addresses of clients are told.
    pub address: address::Source,
    /// The request headers that the configuration names, in lower case, each once; they are packed beside those that the
    /// gateway knows by name.
    pub headers: Vec<String>,
    /// The request headers that the gateway knows by name and reads only where some policy needs them.
    pub reads: Vec<Header>,
    /// Headers that tell upstreams who asks, in every spelling: no client's gets through on any route.
    pub principal_headers: Vec<String>,
    /// The policies of routes, each once.
    pub policies: Packed<Policy>,
    /// `[routes."METHOD /path"]`, in the order of the file; the order has no meaning.
    pub routes: Packed<Route>,
    /// The same routes by method and path.
    pub table: Table,
    /// What answers say of versions.
    pub versions: served::Config,
}

/// What `[gateway]` says about what no route, policy or upstream speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallback {
    /// Which pages may read answers that belong to no route.
    pub cors: Option<cors::Config>,
    /// Headers that make browsers careful, on answers that belong to no route.
    pub security_headers: security_headers::Config,
    /// How long an answer may take.
    pub timeout: Timeouts,
    /// Which requests get their log line.
    pub log: log::Config,
    /// Which part the gateway takes in traces of requests that no route takes.
    pub trace: trace::Config,
}

impl Default for Fallback {
    fn default() -> Self {
        Self {
            cors: None,
            security_headers: security_headers::list(security_headers::API),
            timeout: DEFAULT_TIMEOUTS,
            log: log::Config::default(),
            trace: trace::Config::default(),
        }
    }
}

/// A route with its policy: gateway defaults, then named policies, then its own keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// As written: `GET /v1/products/{id}`. The label in logs and metrics.
    pub key: String,
    /// What becomes of its requests.
    pub action: Action,
    /// Names of the path's parameters, in its order.
    pub parameters: Vec<String>,
    /// Index into [`Blueprint::policies`].
    pub policy: u16,
    /// Words by which routes are grouped, for people and tools; no decision reads them.
    pub tags: Vec<String>,
    /// The versions at its place, if there are any.
    pub served: Option<Served>,
}

/// What becomes of a route's requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// They go to an upstream, by its index into [`Blueprint::upstreams`].
    Forward(u16),
    /// They go, as they are, to the static assets of the Worker, by the name of the binding.
    Assets(String),
    /// They are answered here.
    Respond(respond::Config),
    /// Nothing: the route is closed for maintenance.
    Closed,
}
