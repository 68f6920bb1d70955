//! Reading tables: a [`Reader`] over a table remembers which keys it was asked for, so that every other key is an
//! error; an [`Item`] is a value with its place that can be asked to be of some kind.
//!
//! All getters report what is wrong and answer `None`, so a section reads like its documentation and one mistake
//! does not hide the next. Not here: what sections exist and which keys they have.

mod item;

pub use self::item::Item;
use super::{
    context::Context,
    diagnostics::{Code, Report, Span, nearest::nearest},
    tree::{Entry, Table},
    values::{listed, quoted},
};

/// Something that was read, with its place. Two of them are the same if they say the same, wherever they stand.
#[derive(Clone, Debug)]
pub struct Located<T> {
    /// What was read.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T: PartialEq> PartialEq for Located<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Located<T> {}

/// What a key was set to. That it was set counts even where its value was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value; `None` when it was wrong, which has been reported.
    pub value: Option<T>,
    /// Where the key stands.
    pub key: Span,
    /// Where the value stands.
    pub span: Span,
}

/// A table that remembers what it was asked for. [`Reader::finish`] reports every other key.
#[derive(Debug)]
#[must_use = "call `finish`, or unknown keys go unnoticed"]
pub struct Reader<'a> {
    table: &'a Table,
    path: String,
    span: Span,
    asked: Vec<&'static str>,
    /// Keys that must be there and are not, with what is said about each.
    missing: Vec<(&'static str, String)>,
    context: &'a Context<'a>,
}

impl<'a> Reader<'a> {
    /// The whole file.
    pub fn root(table: &'a Table, context: &'a Context<'a>) -> Self {
        Self { table, path: String::new(), span: 0..0, asked: Vec::new(), missing: Vec::new(), context }
    }

    /// Where findings go.
    #[must_use]
    pub fn report(&self) -> &'a Report<'a> {
        self.context.report
    }

    /// The item under a key, if the key is there.
    pub fn item(&mut self, key: &'static str) -> Option<Item<'a>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.table.get(key).map(|entry| self.entry(entry))
    }

    /// What `read` makes of a key that may be absent. A caller that must tell absent from wrong takes
    /// [`Reader::setting`].
    pub fn optional<T>(&mut self, key: &'static str, read: impl FnOnce(&Item<'a>) -> Option<T>) -> Option<T> {
        read(&self.item(key)?)
    }

    /// What `read` makes of a key that must be there.
    pub fn required<T>(&mut self, key: &'static str, read: impl FnOnce(&Item<'a>) -> Option<T>) -> Option<T> {
        self.demand(key, "");
        read(&self.item(key)?)
    }

    /// Notes a key that must be there, with what it is for. [`Reader::finish`] reports that it is not.
    pub fn demand(&mut self, key: &'static str, about: &str) {
        if self.table.get(key).is_none() {
            self.missing.push((key, about.to_owned()));
        }
    }

    fn report_missing(&self, key: &str, about: &str) {
        let message = if self.path.is_empty() {
            format!("the file has no `[{key}]`")
        } else {
            format!("`[{}]` has no `{key}`", self.path)
        };
        let draft = self.report().draft(Code::MissingKey, &self.span, message);
        if about.is_empty() { draft.report() } else { draft.expected(format!("`{key}`: {about}")).report() }
    }

    /// Whether a key is set, and to what.
    pub fn setting<T>(&mut self, key: &'static str, read: impl FnOnce(&Item<'a>) -> Option<T>) -> Option<Setting<T>> {
        let item = self.item(key)?;
        Some(Setting { value: read(&item), key: item.key_span.clone(), span: item.span().clone() })
    }

    /// All entries of a table whose keys are free, in the order of the file.
    #[must_use]
    pub fn entries(&self) -> Vec<Item<'a>> {
        self.table.0.iter().map(|entry| self.entry(entry)).collect()
    }

    /// Reports every key that nobody asked for, and every key that is missing unless one of the former was meant to be
    /// it.
    pub fn finish(self) {
        for entry in self.entries() {
            if self.asked.contains(&entry.key) {
                continue;
            }
            let place = if self.path.is_empty() { "the file".to_owned() } else { format!("`[{}]`", self.path) };
            let message = format!("{place} has no key {}", quoted(entry.key));
            let draft = self.report().draft(Code::UnknownKey, entry.key_span, message);
            // What is there already is not what was meant, as long as something else comes close.
            let absent = || self.asked.iter().copied().filter(|key| self.table.get(key).is_none());
            let meant = nearest(entry.key, absent());
            if let Some(meant) = meant {
                self.context.remember_misspelt(&self.path, meant);
            }
            let meant = meant.or_else(|| nearest(entry.key, self.asked.iter().copied())).map(str::to_owned);
            draft.expected(listed(self.asked.iter().copied())).found(quoted(entry.key)).meant(meant).report();
        }
        for (key, about) in &self.missing {
            if !self.context.is_misspelt(&self.path, key) {
                self.report_missing(key, about);
            }
        }
    }

    fn entry(&self, entry: &'a Entry) -> Item<'a> {
        let path = joined(&self.path, &entry.key);
        Item { key: &entry.key, path, node: &entry.node, key_span: &entry.key_span, context: self.context }
    }
}

/// A path and one more key, quoted where TOML wants quotes.
#[must_use]
pub fn joined(path: &str, key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    let key = if bare { key.to_owned() } else { format!("{key:?}") };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use super::*;
    use crate::config::{
        diagnostics::{Diagnostic, Sources},
        values::Fault,
    };

    fn read(text: &str, read: impl FnOnce(&mut Reader<'_>)) -> Vec<Diagnostic> {
        let sources = Sources::of("f", text);
        let report = Report::new(&sources);
        let table = Table::of(DeTable::parse(text).unwrap().get_ref(), 0);
        let context = Context::of(&table, &report);
        let mut reader = Reader::root(&table, &context);
        read(&mut reader);
        reader.finish();
        report.into_diagnostics()
    }

    /// The codes, lines and columns that reading a text finds.
    fn findings(text: &str, reading: impl FnOnce(&mut Reader<'_>)) -> Vec<(Code, u32, u32)> {
        read(text, reading).iter().map(|it| (it.code, it.place.line, it.place.column)).collect()
    }

    #[test]
    fn every_key_that_nobody_asked_for_is_reported() {
        let found = findings("a = 1\nb = 2\nc = 3", |reader| {
            reader.item("b");
        });
        assert_eq!(found, [(Code::UnknownKey, 1, 1), (Code::UnknownKey, 3, 1)]);
    }

    #[test]
    fn entries_come_in_the_order_of_the_file() {
        findings("z = 1\na = 2", |reader| {
            let keys: Vec<&str> = reader.entries().iter().map(Item::key).collect();
            assert_eq!(keys, ["z", "a"]);
        });
    }

    #[test]
    fn a_value_of_the_wrong_type_is_reported_at_the_value() {
        let found = findings("a = 1\nb = \"x\"", |reader| {
            assert_eq!(reader.optional("a", |item| item.text().map(str::to_owned)), None);
            assert_eq!(reader.optional("b", Item::boolean), None);
        });
        assert_eq!(found, [(Code::WrongType, 1, 5), (Code::WrongType, 2, 5)]);
    }

    #[test]
    fn a_missing_key_is_reported_at_its_table() {
        let found = findings("x = 1\n[a]", |reader| {
            reader.item("x");
            reader.required("a", |item| {
                let mut table = item.table()?;
                let text = table.required("b", Item::text);
                table.finish();
                text
            });
        });
        assert_eq!(found, [(Code::MissingKey, 2, 2)]);
    }

    #[test]
    fn a_key_that_is_only_misspelt_is_not_missing_too() {
        let found = findings("[a]\nnmae = 1", |reader| {
            reader.required("a", |item| {
                let mut table = item.table()?;
                let text = table.required("name", Item::text);
                table.finish();
                text
            });
        });
        assert_eq!(found, [(Code::UnknownKey, 2, 1)]);
    }

    #[test]
    fn a_wrong_value_still_counts_as_set() {
        let found = findings("a = 1", |reader| {
            let setting = reader.setting("a", Item::text).unwrap();
            assert_eq!((setting.value, setting.key), (None, 0..1));
            assert_eq!(reader.setting("b", Item::text), None);
        });
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn a_part_of_a_text_is_underlined_where_no_escape_moves_it() {
        let fault = |_: &str| Err::<(), _>(Fault::new(Code::BadTemplate, "").part(1, 1));
        let column = |text: &str| {
            findings(text, |reader| assert_eq!(reader.optional("a", |item| item.parsed(fault)), None))[0].2
        };
        assert_eq!(column("a = \"xyz\""), 7);
        assert_eq!(column("a = '''xyz'''"), 9);
        assert_eq!(column("a = \"x\\u0079z\""), 5);
    }

    #[test]
    fn a_list_says_nothing_twice() {
        let found = findings("a = [\"x\", \"y\", \"x\"]", |reader| {
            assert_eq!(reader.optional("a", |item| item.list_of(Item::text)), None);
        });
        assert_eq!(found, [(Code::Repeated, 1, 16)]);
    }

    #[test]
    fn a_number_as_a_duration_is_told_to_take_a_unit() {
        let found = read("a = 30", |reader| {
            assert_eq!(reader.optional("a", |item| item.seconds(&(0..=300))), None);
        });
        let help = found[0].help.clone();
        assert_eq!(help.as_deref(), Some("write \"30s\" for seconds or \"30ms\" for milliseconds"));
    }
}
