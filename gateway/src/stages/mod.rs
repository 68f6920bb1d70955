//! One file or folder per behaviour, in the order of the pipeline. A stage never uses another stage: what it
//! needs of others it finds in `facts`.

pub mod trace;

pub mod address;

pub mod admin;

pub mod cors;

pub mod audit;
pub mod authn;

pub mod authz;

pub mod deprecation;

pub mod freshness;

pub mod kill_switch;

pub mod maintenance;

pub mod drain;

pub mod abuse;

pub mod guard;

pub mod rate_limit;

pub mod respond;

pub mod forwarded;

pub mod via;

pub mod forward;

pub mod proxy_status;

pub mod transform;

pub mod principal;

pub mod security_headers;

pub mod explain;

pub mod log;

pub mod health;

pub mod metrics;
