//! `https`, `hosts`, `methods`: the keys of this stage in `[gateway]` alone.

use super::before::{Config, Https};
use crate::{
    config::{keys::keys, kinds},
    http::{host::HostPattern, method::Method},
};

keys! {
    /// What is refused before there is a route.
    pub struct Keys {
        /// What becomes of requests in clear. `"redirect"` sends GET and HEAD to the same URL with `https` and refuses
        /// others, whose bodies have been read by whoever listened; `"refuse"` refuses all, `"off"` serves them. The health
        /// paths are served either way.
        /// Example: `https = "redirect"`
        https: Https [Default("\"off\"")] = kinds::word(&Https::WORDS),
        /// The hosts that the gateway is for; `*.acme.example` stands for all below it. A request to another host is
        /// refused, but for the health paths. Without it the gateway is for every host.
        /// Example: `hosts = ["api.acme.example", "*.acme.example"]`
        hosts: Vec<HostPattern> [Optional] =
            kinds::some_of(kinds::host(), "name a host, or leave `hosts` out to take requests to any"),
        /// The methods that the gateway takes, whatever its routes say; others are refused with those in `Allow`. `GET`
        /// stands for `HEAD` too, and a preflight for the method that it announces. Without it all methods are taken.
        /// Example: `methods = ["GET", "POST"]`
        methods: Vec<Method> [Optional] =
            kinds::some_of(kinds::word(&Method::WORDS), "name a method, or leave `methods` out to take all"),
    }
}

impl Keys {
    /// What holds before there is a route. What is wrong of it has been reported.
    #[must_use]
    pub fn config(&self) -> Config {
        Config {
            https: self.https.get().copied().unwrap_or_default(),
            hosts: self.hosts.get().cloned().unwrap_or_default(),
            methods: self.methods.get().cloned().unwrap_or_default(),
        }
    }
}
