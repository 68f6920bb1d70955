//! `security_headers`: the key of this stage in policies and routes.

use super::{Config, DEFAULTS, defaults};
use crate::config::{
    diagnostics::Code,
    keys::keys,
    kinds::{self, Kind},
    layers::{RouteFacts, Stack},
    model::Shape,
    reader::Item,
    values::{listed, names, quoted},
};

keys! {
    /// Headers that make browsers careful.
    pub struct Keys {
        /// Headers that make browsers careful: `true` for the defaults, `false` for none, a table to edit the defaults.
        /// In the table a text replaces or adds a header, and `false` takes one of the defaults out. They replace what
        /// the upstream sent under the same names.
        /// Example: `security_headers = { x-frame-options = "SAMEORIGIN", permissions-policy = false }`
        security_headers: Config [Default("true")] = security_headers(),
    }
}

/// What one entry of the table does.
enum Edit {
    Set(String),
    TakeOut,
}

fn security_headers() -> Kind<'static, Config> {
    let read = |item: &Item<'_>| match item.as_boolean() {
        Some(true) => Some(defaults()),
        Some(false) => Some(Vec::new()),
        None if item.is_table() => edited(item),
        None => item.wrong_type("true, false or a table of headers"),
    };
    let edit = || Shape::Any(vec![Shape::Text(kinds::HEADER_VALUE), Shape::False]);
    Kind::new(read, move || Shape::Any(vec![Shape::Boolean, Shape::Map(kinds::HEADER_NAME, Box::new(edit()))]))
}

fn edited(item: &Item<'_>) -> Option<Config> {
    let entries = item.table()?.entries();
    let edits: Vec<Option<(String, Edit)>> = entries.iter().map(edit).collect();
    let each_once = kinds::each_header_once(&entries);
    let mut list = defaults();
    for (name, edit) in edits.into_iter().collect::<Option<Vec<_>>>()? {
        let place = list.iter().position(|(known, _)| *known == name);
        match (edit, place) {
            (Edit::Set(value), Some(place)) => {
                if let Some(entry) = list.get_mut(place) {
                    entry.1 = value;
                }
            }
            (Edit::Set(value), None) => list.push((name, value)),
            (Edit::TakeOut, Some(place)) => drop(list.remove(place)),
            (Edit::TakeOut, None) => {}
        }
    }
    Some(list).filter(|_| each_once)
}

fn edit(entry: &Item<'_>) -> Option<(String, Edit)> {
    let name = entry.parsed_key(names::changed_header);
    let edit = match entry.as_boolean() {
        Some(false) => Edit::TakeOut,
        None if entry.is_text() => Edit::Set(kinds::header_value().read(entry)?),
        _ => return entry.wrong_type("a text, or false to take the default out"),
    };
    let name = name?;
    if matches!(edit, Edit::TakeOut) && !DEFAULTS.iter().any(|(known, _)| *known == name) {
        let known = || DEFAULTS.iter().map(|(known, _)| *known);
        let message = format!("{} is not among the defaults, so it cannot be taken out", quoted(&name));
        let draft = entry.report().draft(Code::UnknownWord, entry.key_span(), message);
        draft.expected(listed(known())).found(quoted(&name)).nearest(&name, known()).report();
        return None;
    }
    Some((name, edit))
}

/// This stage's part of a route's policy.
pub fn resolve(keys: &Stack<'_, Keys>, route: &mut RouteFacts<'_>) -> Option<Config> {
    if route.passes_through {
        keys.refuse_pass_through(route);
        return Some(Vec::new());
    }
    keys.pick(|keys| &keys.security_headers).map_or_else(|| Some(defaults()), |setting| setting.value.clone())
}
