//! `[metrics]`, and whether its paths are free.

use super::{route_key::OWN_PATHS, routes::Declared};
use crate::{
    config::{
        context::Context,
        diagnostics::Code,
        keys::Keys as _,
        reader::{Item, Located},
        values::{listed, quoted},
    },
    stages::metrics::{
        Config, DOCUMENT,
        keys::{self, Keys},
    },
};

/// Reads the section.
pub(super) fn read(item: &Item<'_>) -> Option<Config> {
    let mut section = item.table()?;
    let keys = Keys::read(&mut section);
    section.finish();
    let is_free = keys.path.get().is_none_or(|path| check_path(path, item.context()));
    keys::config(item, keys).filter(|_| is_free)
}

/// Reports a path at which the gateway answers something else.
fn check_path(path: &Located<String>, context: &Context<'_>) -> bool {
    let taken: Vec<&str> = OWN_PATHS.into_iter().chain([DOCUMENT]).collect();
    let is_free = !taken.contains(&path.value.as_str());
    if !is_free {
        let message = format!("the gateway answers {} with something else", quoted(&path.value));
        let draft = context.report.draft(Code::ReservedPath, &path.span, message);
        draft.expected(format!("a path other than {}", listed(taken))).report();
    }
    is_free
}

/// Reports routes at the paths where metrics are read.
pub(super) fn check_routes(metrics: Option<&Config>, declared: &[Declared], context: &Context<'_>) {
    let Some(metrics) = metrics else { return };
    let paths = [metrics.path.as_str(), DOCUMENT];
    let is_taken =
        |route: &&Declared| route.target.as_ref().is_some_and(|target| paths.contains(&target.path.as_str()));
    for route in declared.iter().filter(is_taken) {
        let path = route.target.as_ref().map_or("", |target| target.path.as_str());
        let message = format!("with `[metrics]` the gateway answers {} itself", quoted(path));
        let draft = context.report.draft(Code::ReservedPath, &route.key.span, message);
        draft.expected(format!("a path other than {}", listed(paths))).report();
    }
}
