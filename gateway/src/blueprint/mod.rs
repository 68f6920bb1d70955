//! The whole gateway as configured: upstreams, issuers and routes, each route with its policy resolved.
//!
//! This is what `gateway.toml` is compiled into and what an isolate loads. It is data only: values of
//! variables and everything that is built once per isolate belong to `pipeline::gateway`.

#[cfg(feature = "compiler")]
pub mod compile;

use serde::{Deserialize, Serialize};

use crate::{
    config::text::{Text, Variables},
    routing::table::Table,
    stages::{authn, authz, cors, forward, transform},
};

/// A configured gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blueprint {
    /// `[gateway] name`; names the realm of `WWW-Authenticate` too.
    pub name: String,
    /// Every variable that some [`Text`] names.
    pub variables: Variables,
    /// `[upstreams.NAME]`.
    pub upstreams: Vec<Upstream>,
    /// `[issuers.NAME]`.
    pub issuers: Vec<authn::Issuer>,
    /// Constant lists of response headers, each once. The first is the gateway's default and is used for
    /// answers that belong to no route.
    pub header_lists: Vec<Vec<(String, String)>>,
    /// `[gateway] cors`: for answers that belong to no route. Routes have it in their policy already.
    pub cors: Option<cors::Config>,
    /// `[routes."METHOD /path"]`, in the order of the file; the order has no meaning.
    pub routes: Vec<Route>,
    /// The same routes by method and path.
    pub table: Table,
}

/// A place that requests go to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upstream {
    /// The name in the file.
    pub name: String,
    /// Absolute `http` or `https` URL without query; a path in it becomes a prefix. One for now.
    pub target: Text,
    /// Time until the head of the answer must be there, in milliseconds; 1 to 600,000.
    pub timeout_ms: u32,
}

/// A route with its policy: gateway defaults, then named policies, then its own keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// As written: `GET /v1/products/{id}`. The label in logs and metrics.
    pub key: String,
    /// Index into [`Blueprint::upstreams`].
    pub upstream: u16,
    /// Names of the path's parameters, in its order.
    pub parameters: Vec<String>,
    /// Everything else that applies to its requests.
    pub policy: Policy,
}

/// What applies to a request. One field per stage; a stage's section stands beside the stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Who may ask.
    pub authn: authn::Config,
    /// What they must be allowed to do.
    pub authz: authz::Config,
    /// Which pages may ask.
    pub cors: Option<cors::Config>,
    /// How it is forwarded.
    pub forward: forward::Config,
    /// Changes to both heads.
    pub transform: transform::Config,
    /// Index into [`Blueprint::header_lists`].
    pub security_headers: u16,
}
