//! `security_headers`: the key of this stage in policies and routes.

use super::{API, Config, Preset, WEB, list};
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
        /// Headers that make browsers careful: a preset, or a table to edit one. `"api"` (also `true`) is for data, `"web"`
        /// for pages, `"off"` (also `false`) for none. In a table `preset` names the preset to begin with, `"api"` if it is
        /// not there; a text replaces or adds a header, and `false` takes one of the preset out. They replace what the
        /// upstream sent under the same names.
        /// Example: `security_headers = { preset = "web", x-frame-options = "DENY", permissions-policy = false }`
        security_headers: Config [Default("\"api\"")] = security_headers(),
    }
}

const PRESETS: [(&str, Preset); 3] = [("api", API), ("web", WEB), ("off", &[])];

/// The key of a table that is no header.
const PRESET: &str = "preset";

/// What one entry of the table does.
enum Edit {
    Set(String),
    TakeOut,
}

fn preset() -> Kind<'static, Preset> {
    kinds::word(&PRESETS)
}

fn security_headers() -> Kind<'static, Config> {
    let read = |item: &Item<'_>| match item.as_boolean() {
        Some(true) => Some(list(API)),
        Some(false) => Some(Vec::new()),
        None if item.is_table() => edited(item),
        None if item.is_text() => preset().read(item).map(list),
        None => item.wrong_type("true, false, a preset or a table of headers"),
    };
    let edit = || Shape::Any(vec![Shape::Text(kinds::HEADER_VALUE), Shape::False]);
    let shape = move || {
        let table = Shape::Map(kinds::HEADER_NAME, Box::new(edit()));
        Shape::Any(vec![Shape::Boolean, preset().shape(), table])
    };
    Kind::new(read, shape)
}

fn edited(item: &Item<'_>) -> Option<Config> {
    let (presets, entries): (Vec<_>, Vec<_>) = item.table()?.entries().into_iter().partition(|it| it.key() == PRESET);
    let preset = presets.first().map_or(Some(API), |item| preset().read(item));
    let edits: Vec<Option<(String, Edit)>> = entries.iter().map(|entry| edit(entry, preset?)).collect();
    let each_once = kinds::each_header_once(&entries);
    let mut list = list(preset?);
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

fn edit(entry: &Item<'_>, preset: Preset) -> Option<(String, Edit)> {
    let name = entry.parsed_key(names::changed_header);
    let edit = match entry.as_boolean() {
        Some(false) => Edit::TakeOut,
        None if entry.is_text() => Edit::Set(kinds::header_value().read(entry)?),
        _ => return entry.wrong_type("a text, or false to take a header of the preset out"),
    };
    let name = name?;
    if matches!(edit, Edit::TakeOut) && !preset.iter().any(|(known, _)| *known == name) {
        let known = || preset.iter().map(|(known, _)| *known);
        let message = format!("{} is not in the preset, so it cannot be taken out", quoted(&name));
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
    keys.pick(|keys| &keys.security_headers).map_or_else(|| Some(list(API)), |setting| setting.value.clone())
}
