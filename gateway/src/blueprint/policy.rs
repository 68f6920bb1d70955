//! What applies to a request: one section per stage. Adding a stage adds its line here; everything else about its keys
//! stands beside the stage.

use serde::{Deserialize, Serialize};

#[cfg(feature = "explain")]
use crate::config::told::Teller;
#[cfg(feature = "compiler")]
use crate::config::{
    keys::{Keys, Written},
    layers::{RouteFacts, Stack},
    model::Key,
    reader::Reader,
};
use crate::stages::{
    abuse, audit, authn, authz, cors, deprecation, forward, forwarded, freshness, guard, maintenance, principal,
    proxy_status, rate_limit, security_headers, trace, transform, via,
};

/// Declares [`Policy`] and [`Layer`] from one line per stage, in the order in which stages find out what later ones
/// must know of the route.
macro_rules! stages {
    ($($(#[doc = $doc:literal])* $stage:ident: $Config:ty,)*) => {
        /// What applies to a request.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub struct Policy {
            $($(#[doc = $doc])* pub $stage: $Config,)*
        }

        /// The keys that one place sets: `[gateway]`, `[policies.NAME]` or a route.
        #[cfg(feature = "compiler")]
        #[derive(Clone, Debug, Default)]
        pub struct Layer {
            $(pub(super) $stage: $stage::keys::Keys,)*
        }

        #[cfg(feature = "compiler")]
        impl Keys for Layer {
            fn read(table: &mut Reader<'_>) -> Self {
                Self { $($stage: Keys::read(table),)* }
            }

            fn model() -> Vec<Key> {
                [$($stage::keys::Keys::model()),*].concat()
            }

            fn written(&self) -> Vec<Written> {
                [$(self.$stage.written()),*].concat()
            }
        }

        #[cfg(feature = "explain")]
        impl Policy {
            /// What is told of it where configurations are compared.
            pub fn told(&self, teller: &mut Teller<'_>) {
                $($stage::told(&self.$stage, teller);)*
            }
        }

        #[cfg(feature = "compiler")]
        impl Policy {
            /// The policy that layers make together, the weakest first. `None` when something about it is wrong, which
            /// has been reported.
            pub(super) fn resolve(layers: &[&Layer], route: &mut RouteFacts<'_>) -> Option<Self> {
                $(let $stage =
                    $stage::keys::resolve(&Stack::new(layers.iter().map(|layer| &layer.$stage).collect()), route);)*
                Some(Self { $($stage: $stage?,)* })
            }
        }
    };
}

stages! {
    /// Who may ask.
    authn: authn::Config,
    /// How it is forwarded.
    forward: forward::Config,
    /// Which part the gateway takes in traces.
    trace: trace::Config,
    /// What upstreams are told of the client.
    forwarded: forwarded::Config,
    /// Whether the gateway names itself.
    via: via::Config,
    /// What is told of upstreams.
    proxy_status: proxy_status::Config,
    /// How well it must be known what the fleet has learnt.
    freshness: freshness::Config,
    /// Whether it is closed for a while.
    maintenance: maintenance::Config,
    /// Whether it will go away.
    deprecation: deprecation::Config,
    /// What is refused by its size.
    guard: guard::Config,
    /// How many requests there may be.
    rate_limit: rate_limit::Config,
    /// What callers must be allowed to do.
    authz: authz::Config,
    /// Which pages may ask.
    cors: Option<cors::Config>,
    /// Whether one logs in there.
    abuse: abuse::Config,
    /// Changes to both heads.
    transform: transform::Config,
    /// What upstreams are told of the caller.
    principal: principal::Config,
    /// What leaves a row in the audit log.
    audit: audit::Config,
    /// Headers that make browsers careful.
    security_headers: security_headers::Config,
}
