//! A configuration as a tree of values that know their places: what remains of TOML once files, includes and
//! environments are put together.
//!
//! Not here: what values mean (`reader`, `values`), and how files are found (`blueprint::compile::files`).

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use super::diagnostics::Span;

/// A value and where it stands among all source texts.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it stands.
    pub span: Span,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `"text"`
    Text(String),
    /// `12`; `None` beyond 64 bits.
    Integer(Option<i64>),
    /// `1.5`
    Float,
    /// `true`
    Boolean(bool),
    /// `2026-01-01`, with or without a time, as written.
    Datetime(String),
    /// `[1, 2]`
    List(Vec<Node>),
    /// `{ a = 1 }` or `[a]`
    Table(Table),
}

/// A table, in the order of its keys' places.
#[derive(Clone, Debug, Default)]
pub struct Table(pub Vec<Entry>);

/// A key with its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub node: Node,
}

impl Default for Value {
    fn default() -> Self {
        Self::Table(Table::default())
    }
}

/// Two values are the same if they say the same, wherever they stand.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// The order of keys says nothing.
impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        let same = |entry: &Entry| other.get(&entry.key).is_some_and(|it| it.node == entry.node);
        self.0.len() == other.0.len() && self.0.iter().all(same)
    }
}

impl Table {
    /// The table of a parsed text that begins at `base` among all texts.
    #[must_use]
    pub fn of(table: &DeTable<'_>, base: usize) -> Self {
        let mut entries: Vec<Entry> = table.iter().map(|(key, value)| Entry::of(key, value, base)).collect();
        entries.sort_by_key(|entry| entry.key_span.start);
        Self(entries)
    }

    /// The entry of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.key == key)
    }

    /// The entry of a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.0.iter_mut().find(|entry| entry.key == key)
    }

    /// Takes an entry out.
    pub fn take(&mut self, key: &str) -> Option<Entry> {
        let at = self.0.iter().position(|entry| entry.key == key)?;
        Some(self.0.remove(at))
    }

    /// Lays another table over this one: tables are merged key by key, everything else is replaced. `same` is called
    /// for every value that says what was there before, with what was there first.
    pub fn overlay(&mut self, over: &Self, same: &mut impl FnMut(&Entry, &Entry)) {
        for entry in &over.0 {
            let Some(below) = self.get_mut(&entry.key) else {
                self.0.push(entry.clone());
                continue;
            };
            if let (Value::Table(below), Value::Table(over)) = (&mut below.node.value, &entry.node.value)
                && !over.0.is_empty()
            {
                below.overlay(over, same);
                continue;
            }
            if below.node == entry.node {
                same(below, entry);
            }
            *below = entry.clone();
        }
    }
}

impl Entry {
    fn of(key: &Spanned<DeString<'_>>, value: &Spanned<DeValue<'_>>, base: usize) -> Self {
        let key_span = moved(key.span(), base);
        Self { key: key.get_ref().to_string(), key_span, node: Node::of(value, base) }
    }
}

impl Node {
    fn of(value: &Spanned<DeValue<'_>>, base: usize) -> Self {
        let span = moved(value.span(), base);
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => Value::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok()),
            DeValue::Float(_) => Value::Float,
            DeValue::Boolean(value) => Value::Boolean(*value),
            DeValue::Datetime(when) => Value::Datetime(when.to_string()),
            DeValue::Array(elements) => Value::List(elements.iter().map(|element| Self::of(element, base)).collect()),
            DeValue::Table(table) => Value::Table(Table::of(table, base)),
        };
        Self { value, span }
    }
}

fn moved(span: Span, base: usize) -> Span {
    span.start.saturating_add(base)..span.end.saturating_add(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        Table::of(DeTable::parse(text).unwrap().get_ref(), 0)
    }

    #[test]
    fn tables_are_merged_and_everything_else_is_replaced() {
        let mut base = table("a = 1\nl = [1, 2]\n[t]\nx = 1\ny = \"k\"");
        let mut idle = Vec::new();
        base.overlay(&table("l = [3]\nn = true\n[t]\nx = 1\nz = 2"), &mut |_, entry| idle.push(entry.key.clone()));
        assert_eq!(base, table("a = 1\nl = [3]\nn = true\n[t]\nx = 1\ny = \"k\"\nz = 2"));
        assert_eq!(idle, ["x"]);
    }

    #[test]
    fn an_empty_table_replaces_what_was_there() {
        let mut base = table("c = { a = 1 }\nd = {}");
        let mut idle = Vec::new();
        base.overlay(&table("c = {}\nd = {}"), &mut |_, entry| idle.push(entry.key.clone()));
        assert_eq!(base, table("c = {}\nd = {}"));
        assert_eq!(idle, ["d"]);
    }

    #[test]
    fn places_are_counted_from_the_first_text() {
        let parsed = DeTable::parse("a = 'b'").unwrap();
        let moved = Table::of(parsed.get_ref(), 100);
        let entry = moved.get("a").unwrap();
        assert_eq!((&entry.key_span, &entry.node.span), (&(100..101), &(104..107)));
    }
}
