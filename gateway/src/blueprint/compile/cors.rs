//! `cors`: which pages of other origins may ask.

use std::ops::RangeInclusive;

use super::texts;
use crate::{
    config::{
        diagnostics::Code,
        reader::Item,
        text::{Text, Variables},
        values::{names, url},
    },
    http::method::Method,
    stages::cors::Config,
};

const DEFAULT_METHODS: [Method; 3] = [Method::Get, Method::Head, Method::Post];
const DEFAULT_MAX_AGE_S: u32 = 600;
const MAX_AGE_S: RangeInclusive<u32> = 0..=86_400;

/// Reads `cors = { … }`.
pub(super) fn read(item: &Item<'_>, variables: &mut Variables) -> Option<Config> {
    let mut section = item.table()?;
    let origins = section.required("origins", |item| origins(item, variables));
    let methods = section.setting("methods", |item| item.list_of(method));
    let headers = section.setting("headers", header_names);
    let expose = section.setting("expose", header_names);
    let max_age = section.optional("max_age", |item| item.seconds(&MAX_AGE_S));
    let credentials = section.optional("credentials", Item::boolean);
    section.finish();
    Some(Config {
        origins: origins?,
        methods: methods.map_or(Some(DEFAULT_METHODS.to_vec()), |setting| setting.value)?,
        headers: headers.map_or(Some(Vec::new()), |setting| setting.value)?,
        expose: expose.map_or(Some(Vec::new()), |setting| setting.value)?,
        max_age_s: max_age.unwrap_or(DEFAULT_MAX_AGE_S),
        credentials: credentials.unwrap_or_default(),
    })
}

fn origins(item: &Item<'_>, variables: &mut Variables) -> Option<Vec<Text>> {
    let origins = item.list_of(|origin| texts::checked(origin, variables, url::check_origin))?;
    if origins.is_empty() {
        let draft = item.draft(Code::EmptyList, "`origins` names no origin");
        draft.help("name the origins that may ask, or leave `cors` out").report();
        return None;
    }
    Some(origins)
}

/// Methods are case-sensitive (RFC 9110 section 9.1), so `get` is none.
pub(super) fn method(item: &Item<'_>) -> Option<Method> {
    item.one_of(&Method::ALL.map(|method| (method.name(), method)))
}

fn header_names(item: &Item<'_>) -> Option<Vec<String>> {
    item.list_of(|name| name.parsed(names::cors_header))
}
