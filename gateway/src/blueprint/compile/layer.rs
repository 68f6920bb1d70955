//! The keys of a policy, wherever they stand: in `[gateway]`, in `[policies.NAME]` or in a route. A layer is what
//! one of these places says; `policy` puts layers on top of each other.

use super::{cors, headers, named::Register, security_headers};
use crate::{
    config::{
        diagnostics::Code,
        reader::{Item, Reader, Setting},
        text::Variables,
        values::names,
    },
    stages::{
        authn::{self, Issuer},
        cors::Config as Cors,
        forward::Observe,
    },
};

const OBSERVE: [(&str, Observe); 2] = [("head", Observe::Head), ("body", Observe::Body)];

/// What `auth` says for a public route.
const PUBLIC: &str = "none";

/// The keys that one place sets.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    /// `auth = "none" | "ISSUER"`.
    pub(super) auth: Option<Setting<authn::Config>>,
    /// `scopes = ["…"]`.
    pub(super) scopes: Option<Setting<Vec<String>>>,
    /// `cors = { … }`.
    pub(super) cors: Option<Setting<Cors>>,
    /// `request_headers = { … }`.
    pub(super) request_headers: Option<Setting<headers::Written>>,
    /// `response_headers = { … }`.
    pub(super) response_headers: Option<Setting<headers::Written>>,
    /// `security_headers = …`.
    pub(super) security_headers: Option<Setting<security_headers::List>>,
    /// `pass_through = true | false`.
    pub(super) pass_through: Option<Setting<bool>>,
    /// `observe = "head" | "body"`.
    pub(super) observe: Option<Setting<Observe>>,
}

impl Layer {
    /// Reads the keys of a policy out of a section that may have others too.
    pub(super) fn read(section: &mut Reader<'_>, issuers: &Register<Issuer>, variables: &mut Variables) -> Self {
        Self {
            auth: section.setting("auth", |item| auth(item, issuers)),
            scopes: section.setting("scopes", |item| item.list_of(|scope| scope.parsed(names::scope))),
            cors: section.setting("cors", |item| cors::read(item, variables)),
            request_headers: section.setting("request_headers", headers::read),
            response_headers: section.setting("response_headers", headers::read),
            security_headers: section.setting("security_headers", security_headers::read),
            pass_through: section.setting("pass_through", Item::boolean),
            observe: section.setting("observe", |item| item.one_of(&OBSERVE)),
        }
    }
}

/// Reads `[policies.NAME]`.
pub(super) fn read_policies(
    root: &mut Reader<'_>,
    issuers: &Register<Issuer>,
    variables: &mut Variables,
) -> Register<Layer> {
    Register::read(root, "policies", "policy", |_, section| Some(Layer::read(section, issuers, variables)))
}

fn auth(item: &Item<'_>, issuers: &Register<Issuer>) -> Option<authn::Config> {
    if item.text()? == PUBLIC {
        return Some(authn::Config::Public);
    }
    issuers.find(item, Code::UnknownIssuer).map(authn::Config::Token)
}
