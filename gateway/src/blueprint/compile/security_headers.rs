//! `security_headers`: `true` for the defaults, `false` for none, a table to edit the defaults.

use super::headers;
use crate::{
    config::{
        diagnostics::Code,
        reader::{Item, Setting},
        values::{Fault, listed, names, quoted},
    },
    http::edits,
    stages::security_headers::DEFAULTS,
};

/// A constant list of headers: names in lower case, values.
pub(super) type List = Vec<(String, String)>;

/// What one entry of the table does.
enum Edit {
    Set(String),
    TakeOut,
}

/// Reads `security_headers = true | false | { name = "value" | false }`.
pub(super) fn read(item: &Item<'_>) -> Option<List> {
    match item.as_boolean() {
        Some(true) => Some(defaults()),
        Some(false) => Some(Vec::new()),
        None if item.is_table() => edited(item),
        None => item.wrong_type("true, false or a table of headers"),
    }
}

fn defaults() -> List {
    DEFAULTS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn edited(item: &Item<'_>) -> Option<List> {
    let entries = item.table()?.entries();
    let edits: Vec<Option<(String, Edit)>> = entries.iter().map(edit).collect();
    let each_once = headers::each_once(&entries);
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
        None if entry.is_text() => Edit::Set(entry.parsed(value)?),
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

fn value(text: &str) -> Result<String, Fault> {
    if edits::is_field_value(text) {
        return Ok(text.to_owned());
    }
    let fault = Fault::new(Code::BadHeaderValue, format!("{} cannot stand in a header", quoted(text)));
    Err(fault.expected("visible ASCII with blanks and tabs inside (RFC 9110 section 5.5)"))
}

/// All constant lists, each once. The first is that of the gateway.
pub(super) struct Lists(Vec<List>);

impl Lists {
    /// Begins with the gateway's list, or with the defaults if it says nothing.
    pub(super) fn new(gateway: Option<Setting<List>>) -> Self {
        Self(vec![gateway.and_then(|setting| setting.value).unwrap_or_else(defaults)])
    }

    /// The index of a list, added if it is new. `None` when there are more than 65,535.
    pub(super) fn intern(&mut self, list: &List) -> Option<u16> {
        let index = self.0.iter().position(|known| known == list).unwrap_or(self.0.len());
        if index == self.0.len() {
            self.0.push(list.clone());
        }
        u16::try_from(index).ok()
    }

    /// All lists by index.
    pub(super) fn into_lists(self) -> Vec<List> {
        self.0
    }
}
