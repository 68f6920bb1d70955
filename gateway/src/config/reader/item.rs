//! A value with its place, which can be asked to be of some kind. What is wrong is reported, and the answer is `None`.
//!
//! Not here: tables as wholes (`reader`), and what values mean (`values`).

use std::ops::RangeInclusive;

use super::{Located, Reader};
use crate::config::{
    context::Context,
    diagnostics::{Code, Draft, Report, Span},
    tree::{Node, Value},
    values::{
        Fault, duration, listed, quoted,
        variables::{self, Part, Written},
    },
};

/// A value with its place.
#[derive(Clone, Debug)]
pub struct Item<'a> {
    /// The key, or that of the list that it is an element of.
    pub(super) key: &'a str,
    /// From the root of the file, for messages: `policies.public.cors`.
    pub(super) path: String,
    pub(super) node: &'a Node,
    pub(super) key_span: &'a Span,
    pub(super) context: &'a Context<'a>,
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

    /// A text, or a date as TOML knows it, that `parse` makes something of.
    pub fn parsed_date<T>(&self, parse: impl FnOnce(&str) -> Result<T, Fault>) -> Option<T> {
        let Value::Datetime(text) = &self.node.value else { return self.parsed(parse) };
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

    /// Where a part of the value stands, if the value is a text; all of it where escapes have moved the part.
    #[must_use]
    pub fn place_of(&self, part: &Span) -> Span {
        let text = self.as_text().unwrap_or_default();
        self.part_of(text, self.span(), part).unwrap_or_else(|| self.span().clone())
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
