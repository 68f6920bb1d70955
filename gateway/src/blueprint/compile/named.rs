//! Tables of named sections, `[upstreams.NAME]`, and references to them by name.

use std::cell::Cell;

use crate::config::{
    diagnostics::{Code, Report, Span},
    reader::{Item, Reader},
    values::{listed, names, quoted},
};

/// One section.
struct Named<T> {
    name: String,
    key: Span,
    /// `None` when it is wrong, which has been reported.
    value: Option<T>,
    used: Cell<bool>,
}

/// All sections of a kind, in the order of the file.
pub(super) struct Register<T> {
    key: &'static str,
    kind: &'static str,
    sections: Vec<Named<T>>,
}

impl<'a, T> Register<T> {
    /// Reads `[key.NAME]` for every name; `kind` is the word for one of them.
    pub(super) fn read(
        root: &mut Reader<'a>,
        key: &'static str,
        kind: &'static str,
        mut read: impl FnMut(String, &mut Reader<'a>) -> Option<T>,
    ) -> Self {
        let entries = root.optional(key, Item::table).map(|table| table.entries()).unwrap_or_default();
        let sections = entries.iter().map(|item| section(item, &mut read)).collect::<Vec<_>>();
        if let Some(item) = entries.get(usize::from(u16::MAX)) {
            let message = format!("this is more than 65,535 of [{key}]");
            root.report().draft(Code::TooMany, item.key_span(), message).report();
        }
        Self { key, kind, sections }
    }

    /// The index of the section that an item names; reports a name that none has.
    pub(super) fn find(&self, item: &Item<'_>, code: Code) -> Option<u16> {
        let name = item.text()?;
        let index = self.sections.iter().position(|section| section.name == name);
        if let Some(section) = index.and_then(|index| self.sections.get(index)) {
            section.used.set(true);
        } else {
            let draft = item.draft(code, format!("no {} is named {}", self.kind, quoted(name)));
            let names = || self.sections.iter().map(|section| section.name.as_str());
            draft.expected(self.expected()).found(quoted(name)).nearest(name, names()).report();
        }
        index.and_then(|index| u16::try_from(index).ok())
    }

    /// The names, for a message; not all of them when there are many.
    pub(super) fn expected(&self) -> String {
        const SHOWN: usize = 8;
        let names = || self.sections.iter().map(|section| section.name.as_str());
        match self.sections.len().checked_sub(SHOWN) {
            _ if self.sections.is_empty() => format!("the name of a section [{}.NAME], and there is none", self.key),
            None | Some(0) => listed(names()),
            Some(more) => format!("{} or one of {more} others", listed(names().take(SHOWN))),
        }
    }

    /// The value at an index, if it is right.
    pub(super) fn get(&self, index: u16) -> Option<&T> {
        self.sections.get(usize::from(index))?.value.as_ref()
    }

    /// Warns of sections that nobody names. While there are errors nobody knows: a name may be misspelt.
    pub(super) fn warn_unused(&self, code: Code, report: &Report<'_>) {
        for section in self.sections.iter().filter(|section| !section.used.get() && !report.has_errors()) {
            let message = format!("the {} {} is not used", self.kind, quoted(&section.name));
            report.draft(code, &section.key, message).help("use it or take it out").report();
        }
    }

    /// All values, or `None` when one is wrong.
    pub(super) fn into_values(self) -> Option<Vec<T>> {
        self.sections.into_iter().map(|section| section.value).collect()
    }
}

fn section<'a, T>(item: &Item<'a>, read: &mut impl FnMut(String, &mut Reader<'a>) -> Option<T>) -> Named<T> {
    let name = item.parsed_key(names::section);
    let value = item.table().and_then(|mut table| {
        let value = read(item.key().to_owned(), &mut table);
        table.finish();
        value
    });
    Named {
        name: item.key().to_owned(),
        key: item.key_span().clone(),
        value: value.filter(|_| name.is_some()),
        used: Cell::new(false),
    }
}
