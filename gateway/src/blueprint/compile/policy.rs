//! The policy of a route: what the gateway, the policies that it uses and its own keys say together.
//!
//! A stronger layer replaces a key as a whole; nothing is merged inside a key, so that what holds for a route can
//! be read off one place.

use super::{headers::For, layer::Layer, security_headers::Lists};
use crate::{
    blueprint::Policy,
    config::{
        diagnostics::{Code, Report},
        reader::{Located, Setting},
    },
    stages::{authn, authz, cors, forward, transform},
};

/// The layers of a route, the weakest first, and what its checks need to know of it.
pub(super) struct Layers<'r> {
    /// Gateway, policies in the order of `use`, the route itself.
    pub(super) layers: &'r [&'r Layer],
    /// `METHOD /path` and where it stands.
    pub(super) route: &'r Located<String>,
    /// The names of its parameters.
    pub(super) parameters: &'r [String],
}

impl<'r> Layers<'r> {
    /// The strongest setting of a key.
    fn pick<T>(&self, key: impl Fn(&'r Layer) -> Option<&'r Setting<T>>) -> Option<&'r Setting<T>> {
        self.layers.iter().rev().find_map(|layer| key(layer))
    }

    /// The policy. `None` when something about it is wrong, which has been reported.
    pub(super) fn resolve(&self, lists: &mut Lists, report: &Report<'_>) -> Option<Policy> {
        let authn = self.authn(report);
        let scopes = self.scopes(authn, report);
        let forward = self.forward();
        if forward.pass_through {
            self.check_pass_through(report);
        }
        let transform = self.transform(authn, report);
        Some(Policy {
            authn: authn?,
            authz: authz::Config { scopes },
            cors: self.cors(forward.pass_through),
            security_headers: self.security_headers(forward.pass_through, lists, report)?,
            forward,
            transform,
        })
    }

    /// Unknown means no: a route that does not say who may ask is not public, it is an error.
    fn authn(&self, report: &Report<'_>) -> Option<authn::Config> {
        let setting = self.pick(|layer| layer.auth.as_ref());
        if setting.is_none() {
            let message = format!("`{}` does not say who may ask", self.route.value);
            let draft = report
                .draft(Code::NoAuth, &self.route.span, message)
                .expected("`auth` here or in a policy that it uses");
            draft.help("write `auth = \"none\"` for a public route, or name an issuer").report();
        }
        setting?.value
    }

    fn scopes(&self, authn: Option<authn::Config>, report: &Report<'_>) -> Vec<String> {
        let Some(setting) = self.pick(|layer| layer.scopes.as_ref()) else { return Vec::new() };
        let scopes = setting.value.clone().unwrap_or_default();
        if authn == Some(authn::Config::Public) && !scopes.is_empty() {
            let draft = report.draft(Code::ScopesOnPublic, &setting.key, "a public route cannot ask for scopes");
            let draft = draft.related(&self.route.span, "this route takes requests without a token");
            draft.help("set `auth` to an issuer, or write `scopes = []` in the route").report();
        }
        scopes
    }

    /// A route that passes everything through lets the upstream speak for itself.
    fn cors(&self, pass_through: bool) -> Option<cors::Config> {
        let setting = self.pick(|layer| layer.cors.as_ref()).filter(|_| !pass_through)?;
        setting.value.clone()
    }

    fn forward(&self) -> forward::Config {
        let pass_through = self.pick(|layer| layer.pass_through.as_ref()).and_then(|setting| setting.value);
        let observe = self.pick(|layer| layer.observe.as_ref()).and_then(|setting| setting.value);
        forward::Config { pass_through: pass_through.unwrap_or_default(), observe: observe.unwrap_or_default() }
    }

    /// A route that hands everything on untouched cannot change anything. What the gateway sets for all routes
    /// gives way; what the route or its policies set on purpose is a contradiction.
    fn check_pass_through(&self, report: &Report<'_>) {
        let Some((_, own)) = self.layers.split_first() else { return };
        let own = Layers { layers: own, ..*self };
        let keys = [
            ("cors", own.pick(|layer| layer.cors.as_ref()).map(|setting| &setting.key)),
            ("request_headers", own.pick(|layer| layer.request_headers.as_ref()).map(|setting| &setting.key)),
            ("response_headers", own.pick(|layer| layer.response_headers.as_ref()).map(|setting| &setting.key)),
            ("security_headers", own.pick(|layer| layer.security_headers.as_ref()).map(|setting| &setting.key)),
        ];
        for (name, key) in keys {
            let Some(key) = key else { continue };
            let message = format!("`{name}` has no effect on a route that passes everything through");
            let draft = report.draft(Code::TouchesPassThrough, key, message);
            let draft = draft.related(&self.route.span, "this route has `pass_through = true`");
            draft.help(format!("take out `{name}` or `pass_through`")).report();
        }
    }

    fn transform(&self, authn: Option<authn::Config>, report: &Report<'_>) -> transform::Config {
        let is_public = authn == Some(authn::Config::Public);
        let route = For { key: &self.route.span, parameters: self.parameters, is_public };
        let request = self.pick(|layer| layer.request_headers.as_ref()).and_then(|setting| setting.value.as_ref());
        let response = self.pick(|layer| layer.response_headers.as_ref()).and_then(|setting| setting.value.as_ref());
        transform::Config {
            request: request.map(|written| written.resolve(&route, report)).unwrap_or_default(),
            response: response.map(|written| written.resolve(&route, report)).unwrap_or_default(),
        }
    }

    /// The index of the list. The gateway's is the first, so a route without one of its own gets 0.
    fn security_headers(&self, pass_through: bool, lists: &mut Lists, report: &Report<'_>) -> Option<u16> {
        let setting = self.pick(|layer| layer.security_headers.as_ref());
        let index = match setting.and_then(|setting| setting.value.as_ref()) {
            _ if pass_through => lists.intern(&Vec::new()),
            Some(list) => lists.intern(list),
            None => Some(0),
        };
        if index.is_none() {
            report
                .draft(Code::TooMany, &self.route.span, "this is more than 65,535 lists of security headers")
                .report();
        }
        index
    }
}
