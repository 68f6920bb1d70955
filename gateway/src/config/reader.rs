//! Reading tables: a [`Reader`] over a table remembers which keys it was asked for, so that every other key is an
//! error; an [`Item`] is a value with its place that can be asked to be of some kind.
//!
//! All getters report what is wrong and answer `None`, so a section reads like its documentation and one mistake
//! does not hide the next. Not here: what sections exist and which keys they have.

use std::ops::RangeInclusive;

use super::{
    context::Context,
    diagnostics::{Code, Draft, Report, Span, nearest::nearest},
    tree::{Entry, Node, Table, Value},
    values::{
        Fault, duration, listed, quoted,
        variables::{self, Part, Written},
    },
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

/// A value with its place.
#[derive(Clone, Debug)]
pub struct Item<'a> {
    /// The key, or that of the list that it is an element of.
    key: &'a str,
    /// From the root of the file, for messages: `policies.public.cors`.
    path: String,
    node: &'a Node,
    key_span: &'a Span,
    context: &'a Context<'a>,
}

impl<'a> Item<'a> {
    /// The key that it stands under.
    #[must_use]
    pub fn key(&self) -> &'a str {
        self.key
    }

    /// Where the key stands.
    #[must_use]
    pub fn key_span(&self) -> &'a Span {
        self.key_span
    }

    /// Where the value stands.
    #[must_use]
    pub fn span(&self) -> &'a Span {
        &self.node.span
    }

    /// Its path from the root of the file, for messages: `policies.public.cors`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where findings go.
    #[must_use]
    pub fn report(&self) -> &'a Report<'a> {
        self.context.report
    }

    /// Everything around it.
    #[must_use]
    pub fn context(&self) -> &'a Context<'a> {
        self.context
    }

    /// Begins a finding about the value.
    pub fn draft(&self, code: Code, message: impl Into<String>) -> Draft<'a> {
        self.report().draft(code, self.span(), message)
    }

    /// The value with its place.
    #[must_use]
    pub fn located<T>(&self, value: T) -> Located<T> {
        Located { value, span: self.span().clone() }
    }

    /// A text.
    #[must_use]
    pub fn text(&self) -> Option<&'a str> {
        match &self.node.value {
            Value::Text(text) => Some(text),
            _ => self.wrong_type("a text"),
        }
    }

    /// A text that `parse` makes something of.
    pub fn parsed<T>(&self, parse: impl FnOnce(&'a str) -> Result<T, Fault>) -> Option<T> {
        let text = self.text()?;
        parse(text).map_err(|fault| self.fault(text, fault)).ok()
    }

    /// The key of this item, that `parse` makes something of.
    pub fn parsed_key<T>(&self, parse: impl FnOnce(&'a str) -> Result<T, Fault>) -> Option<T> {
        let fault = |fault: Fault| self.report_fault(self.key, self.key_span, fault);
        parse(self.key).map_err(fault).ok()
    }

    /// `true` or `false`.
    #[must_use]
    pub fn boolean(&self) -> Option<bool> {
        self.as_boolean().or_else(|| self.wrong_type("true or false"))
    }

    /// The value if it is `true` or `false`, without a finding if not; for keys that take several kinds.
    #[must_use]
    pub fn as_boolean(&self) -> Option<bool> {
        match self.node.value {
            Value::Boolean(value) => Some(value),
            _ => None,
        }
    }

    fn as_text(&self) -> Option<&'a str> {
        match &self.node.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether the value is a text; for keys that take several kinds.
    #[must_use]
    pub fn is_text(&self) -> bool {
        matches!(self.node.value, Value::Text(_))
    }

    /// Whether the value is a list; for keys that take several kinds.
    #[must_use]
    pub fn is_list(&self) -> bool {
        matches!(self.node.value, Value::List(_))
    }

    /// Whether the value is a table; for keys that take several kinds.
    #[must_use]
    pub fn is_table(&self) -> bool {
        matches!(self.node.value, Value::Table(_))
    }

    /// A whole number within limits.
    #[must_use]
    pub fn integer(&self, limits: &RangeInclusive<i64>) -> Option<i64> {
        let Value::Integer(number) = self.node.value else { return self.wrong_type("a whole number") };
        if let Some(number) = number.filter(|number| limits.contains(number)) {
            return Some(number);
        }
        let draft = self.draft(Code::OutOfRange, format!("`{}` is out of range", self.key));
        let found = number.map_or_else(|| "a larger number".to_owned(), |number| format!("`{number}`"));
        draft.expected(format!("{} to {}", limits.start(), limits.end())).found(found).report();
        None
    }

    /// One of several whole numbers.
    #[must_use]
    pub fn number(&self, numbers: &[i64]) -> Option<i64> {
        let number = match &self.node.value {
            Value::Integer(number) => *number,
            // A status code in quotes is a slip that says what it means.
            Value::Text(text) => return self.quoted_number(text),
            _ => return self.wrong_type("a whole number"),
        };
        if let Some(number) = number.filter(|number| numbers.contains(number)) {
            return Some(number);
        }
        let known: Vec<String> = numbers.iter().map(i64::to_string).collect();
        let draft = self.draft(Code::UnknownWord, format!("`{}` cannot be this number", self.key));
        draft.expected(listed(known.iter().map(String::as_str))).report();
        None
    }

    fn quoted_number<T>(&self, text: &str) -> Option<T> {
        let draft = self.draft(Code::WrongType, format!("`{}` must be a whole number", self.key));
        let draft = draft.expected("a whole number").found("a text");
        let help = format!("write {} = {text}, without quotes", self.key);
        if text.parse::<i64>().is_ok() {
            draft.help(help).report()
        } else {
            draft.report()
        }
        None
    }

    /// A secret: a text of variables without defaults. No message repeats what stands there instead.
    #[must_use]
    pub fn secret(&self) -> Option<Written> {
        let help = format!(
            "write `{} = \"${{NAME}}\"` and give the Worker that secret: `npx wrangler secret put NAME`",
            self.key
        );
        let text = self.text()?;
        let Ok(written) = variables::parse(text) else {
            let draft = self.draft(Code::BadVariable, "the variable of the secret is broken");
            draft.expected("`${NAME}`").help(help).report();
            return None;
        };
        if written.0.is_empty() || written.0.iter().any(|part| matches!(part, Part::Literal(_))) {
            let draft = self.draft(Code::SecretInClear, "the secret stands in the file");
            draft.expected("a variable").help(help).report();
            return None;
        }
        if written.literals().next().is_some() {
            let draft = self.draft(Code::SecretDefault, "the variable of the secret has a default");
            draft.expected("a variable without a default").help(help).report();
            return None;
        }
        Some(written)
    }

    /// A duration in milliseconds, within limits in milliseconds.
    #[must_use]
    pub fn milliseconds(&self, limits: &RangeInclusive<u32>) -> Option<u32> {
        let wide = u64::from(*limits.start())..=u64::from(*limits.end());
        self.parsed_duration(|text| duration::within(text, &wide).map(|value| u32::try_from(value).unwrap_or(u32::MAX)))
    }

    /// A duration in whole seconds, within limits in seconds.
    #[must_use]
    pub fn seconds(&self, limits: &RangeInclusive<u32>) -> Option<u32> {
        self.parsed_duration(|text| duration::whole_seconds(text, limits))
    }

    fn parsed_duration(&self, parse: impl FnOnce(&str) -> Result<u32, Fault>) -> Option<u32> {
        if let Value::Integer(number) = self.node.value {
            let number = number.unwrap_or_default();
            let draft = self.draft(Code::WrongType, format!("`{}` needs a unit", self.key));
            let draft = draft.expected("a duration as a text").found("a number");
            draft.help(format!("write \"{number}s\" for seconds or \"{number}ms\" for milliseconds")).report();
            return None;
        }
        self.parsed(parse)
    }

    /// One of several words, each with what it means.
    #[must_use]
    pub fn one_of<T: Clone>(&self, words: &[(&'static str, T)]) -> Option<T> {
        let names = || words.iter().map(|(word, _)| *word);
        if let Value::Integer(Some(number)) = self.node.value
            && names().any(|word| word == number.to_string())
        {
            let draft = self.draft(Code::WrongType, format!("`{}` must be a text", self.key));
            draft.expected(listed(names())).found("a whole number").help(format!("write \"{number}\"")).report();
            return None;
        }
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| meaning.clone());
        if found.is_none() {
            let draft = self.draft(Code::UnknownWord, format!("`{}` cannot be {}", self.key, quoted(text)));
            draft.expected(listed(names())).found(quoted(text)).nearest(text, names()).report();
        }
        found
    }

    /// The elements of a list.
    #[must_use]
    pub fn list(&self) -> Option<Vec<Item<'a>>> {
        match &self.node.value {
            Value::List(elements) => Some(elements.iter().map(|node| Item { node, ..self.clone() }).collect()),
            _ => self.wrong_type("a list"),
        }
    }

    /// A list of things that `read` makes of its elements, each once. `None` when one is wrong.
    pub fn list_of<T: PartialEq>(&self, mut read: impl FnMut(&Item<'a>) -> Option<T>) -> Option<Vec<T>> {
        let mut values: Vec<T> = Vec::new();
        let mut whole = true;
        for element in self.list()? {
            match read(&element) {
                Some(value) if values.contains(&value) => {
                    let what = element.as_text().map_or_else(|| "this".to_owned(), quoted);
                    element
                        .draft(Code::Repeated, format!("`{}` has {what} twice", self.key))
                        .help("take one out")
                        .report();
                    whole = false;
                }
                Some(value) => values.push(value),
                None => whole = false,
            }
        }
        whole.then_some(values)
    }

    /// A table.
    #[must_use]
    pub fn table(&self) -> Option<Reader<'a>> {
        match &self.node.value {
            Value::Table(table) => Some(Reader {
                table,
                path: self.path.clone(),
                span: self.key_span.clone(),
                asked: Vec::new(),
                missing: Vec::new(),
                context: self.context,
            }),
            _ => self.wrong_type("a table"),
        }
    }

    /// Reports that the value is of the wrong type.
    pub fn wrong_type<T>(&self, expected: &str) -> Option<T> {
        let found = match &self.node.value {
            Value::Text(_) => "a text",
            Value::Integer(_) => "a whole number",
            Value::Float => "a number",
            Value::Boolean(true) => "`true`",
            Value::Boolean(false) => "`false`",
            Value::Datetime(_) => "a date or time",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        };
        let message = format!("`{}` must be {expected}", self.key);
        self.draft(Code::WrongType, message).expected(expected).found(found).report();
        None
    }

    /// Reports what is wrong with a text that is this value.
    pub fn fault(&self, text: &str, fault: Fault) {
        self.report_fault(text, self.span(), fault);
    }

    fn report_fault(&self, text: &str, span: &Span, fault: Fault) {
        let part = fault.part.clone().unwrap_or(0..text.len());
        let place = self.part_of(text, span, &part).filter(|_| fault.part.is_some());
        let draft = self.report().draft(fault.code, &place.unwrap_or_else(|| span.clone()), fault.message);
        let mut draft = draft.found(quoted(text.get(part).unwrap_or(text)));
        if let Some(expected) = fault.expected {
            draft = draft.expected(expected);
        }
        draft = draft.meant(fault.nearest);
        if let Some(help) = fault.help {
            draft = draft.help(help);
        }
        draft.report();
    }

    /// Where a part of a text stands, if the text stands in the file as it is (without escapes).
    fn part_of(&self, text: &str, span: &Span, part: &Span) -> Option<Span> {
        let written = self.report().sources().slice(span);
        let quotes = written.find(text)?;
        let is_quoted = quotes.saturating_mul(2).saturating_add(text.len()) == written.len();
        let start = span.start.saturating_add(quotes);
        is_quoted.then(|| start.saturating_add(part.start)..start.saturating_add(part.end))
    }
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
    use crate::config::diagnostics::{Diagnostic, Sources};

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
