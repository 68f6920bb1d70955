//! `[gateway]`: its name and what holds for every route that says nothing else.

use super::{cors, layer::Layer, security_headers};
use crate::{
    config::{
        reader::{Item, Setting},
        text::Variables,
        values::names,
    },
    stages::cors::Config as Cors,
};

/// The section.
#[derive(Clone, Debug, Default)]
pub(super) struct Gateway {
    /// `name`.
    pub(super) name: String,
    /// `security_headers`: the list of every answer that belongs to no route, and of routes that say nothing.
    pub(super) security_headers: Option<Setting<security_headers::List>>,
    /// `cors`: likewise.
    pub(super) cors: Option<Setting<Cors>>,
}

/// Reads `[gateway]`.
pub(super) fn read(item: &Item<'_>, variables: &mut Variables) -> Option<Gateway> {
    let mut section = item.table()?;
    let name = section.required("name", |item| item.parsed(names::gateway));
    let security_headers = section.setting("security_headers", security_headers::read);
    let cors = section.setting("cors", |item| cors::read(item, variables));
    section.finish();
    Some(Gateway { name: name.unwrap_or_default(), security_headers, cors })
}

impl Gateway {
    /// What it says about every route, as the weakest layer.
    pub(super) fn layer(&self) -> Layer {
        Layer { security_headers: self.security_headers.clone(), cors: self.cors.clone(), ..Layer::default() }
    }
}
