//! Kinds of values: how one is read from the file, and what it looks like in the model.
//!
//! Not here: the grammars of texts (`values`), and kinds that only one section has, which stand beside it.

use std::ops::RangeInclusive;

use crate::http::{cidr::Cidr, edits, host::HostPattern};

use super::{
    context::{Context, Names},
    diagnostics::Code,
    duration::show,
    keys::Keys,
    model::{Grammar, Shape},
    percent::Percent,
    reader::{Item, Located},
    switch::{self, Switch},
    template::{Slot, Template},
    text::{Piece, Text},
    values::{
        Fault, cidr, host, names, percent, quoted, template, variables,
        variables::{Part, Written},
    },
};

/// A kind of value.
pub struct Kind<'k, T> {
    read: Box<Read<'k, T>>,
    shape: Box<dyn Fn() -> Shape + 'k>,
}

type Read<'k, T> = dyn Fn(&Item<'_>) -> Option<T> + 'k;

impl<'k, T: 'k> Kind<'k, T> {
    /// Of its two halves.
    pub fn new(read: impl Fn(&Item<'_>) -> Option<T> + 'k, shape: impl Fn() -> Shape + 'k) -> Self {
        Self { read: Box::new(read), shape: Box::new(shape) }
    }

    /// Reads a value; what is wrong with it has been reported when there is none.
    #[must_use]
    pub fn read(&self, item: &Item<'_>) -> Option<T> {
        (self.read)(item)
    }

    /// What such a value looks like.
    #[must_use]
    pub fn shape(&self) -> Shape {
        (self.shape)()
    }
}

/// `true` or `false`.
#[must_use]
pub fn boolean() -> Kind<'static, bool> {
    Kind::new(|item| item.boolean(), || Shape::Boolean)
}

/// A whole number within limits.
#[must_use]
pub fn integer(limits: RangeInclusive<i64>) -> Kind<'static, i64> {
    let (low, high) = (*limits.start(), *limits.end());
    Kind::new(move |item| item.integer(&limits), move || Shape::Integer(low, high))
}

/// A share of a whole.
#[must_use]
pub fn share() -> Kind<'static, Percent> {
    let pattern = Some(r"^[0-9]+(\.[0-9]{1,2})?%$");
    parsed(Grammar { name: "share", sentence: percent::GRAMMAR, example: "10%", pattern }, percent::parse)
}

/// One of several whole numbers.
#[must_use]
pub fn number(numbers: &'static [i64]) -> Kind<'static, i64> {
    Kind::new(move |item| item.number(numbers), move || Shape::Numbers(numbers.to_vec()))
}

/// A duration in milliseconds.
#[must_use]
pub fn milliseconds(limits: RangeInclusive<u32>) -> Kind<'static, u32> {
    let words = limits.clone();
    Kind::new(
        move |item| item.milliseconds(&limits),
        move || Shape::Duration(format!("{} to {}", show(u64::from(*words.start())), show(u64::from(*words.end())))),
    )
}

/// A duration in whole seconds.
#[must_use]
pub fn seconds(limits: RangeInclusive<u32>) -> Kind<'static, u32> {
    let words = limits.clone();
    let word = |seconds: u32| show(u64::from(seconds).saturating_mul(1000));
    Kind::new(
        move |item| item.seconds(&limits),
        move || Shape::Duration(format!("{} to {}", word(*words.start()), word(*words.end()))),
    )
}

/// One of several words, each with what it means.
#[must_use]
pub fn word<T: Clone + 'static>(words: &'static [(&'static str, T)]) -> Kind<'static, T> {
    Kind::new(move |item| item.one_of(words), move || Shape::Words(words.iter().map(|(word, _)| *word).collect()))
}

/// A text that `parse` makes something of.
#[must_use]
pub fn parsed<T: 'static>(grammar: Grammar, parse: fn(&str) -> Result<T, Fault>) -> Kind<'static, T> {
    Kind::new(move |item| item.parsed(parse), move || Shape::Text(grammar))
}

/// A text that may name variables, and whose form `check` looks at.
#[must_use]
pub fn text(grammar: Grammar, check: fn(&Written) -> Result<(), Fault>) -> Kind<'static, Text> {
    let read = move |item: &Item<'_>| {
        let written = item.parsed(|text| {
            let written = variables::parse(text)?;
            check(&written)?;
            Ok(written)
        })?;
        item.context().intern(item, &written)
    };
    Kind::new(read, move || Shape::Text(grammar))
}

/// A text that may name variables and says something.
#[must_use]
pub fn not_empty() -> Kind<'static, Text> {
    let grammar = Grammar {
        name: "text with variables",
        sentence: "any text that is not empty; it may name variables: `${NAME}` or `${NAME:-default}`",
        example: "https://${ISSUER_HOST:-issuer.acme.example}/",
        pattern: Some(r"^[\s\S]+$"),
    };
    let read = |item: &Item<'_>| {
        let written = item.parsed(variables::parse)?;
        if written.0.is_empty() {
            let draft = item.draft(Code::EmptyText, format!("`{}` is empty", item.key()));
            draft.expected("a text of at least one character").report();
            return None;
        }
        item.context().intern(item, &written)
    };
    Kind::new(read, move || Shape::Text(grammar))
}

/// A secret: variables without defaults and nothing else. No message repeats what stands there instead.
#[must_use]
pub fn secret() -> Kind<'static, Text> {
    let sentence = "variables only, without defaults, so that no secret stands in the file";
    let grammar =
        Grammar { name: "secret", sentence, example: "${JWT_SECRET}", pattern: Some(r"^(\$\{[A-Z_][A-Z0-9_]*\})+$") };
    Kind::new(
        |item| {
            let written = item.secret()?;
            let text = item.context().intern(item, &written)?;
            item.context().mark_secret(&text);
            Some(text)
        },
        move || Shape::Text(grammar),
    )
}

/// Something that is on or off: a boolean, one of the words for it, or a variable that will hold one.
#[must_use]
pub fn switch() -> Kind<'static, Option<Switch>> {
    let grammar = Grammar {
        name: "switch",
        sentence: "`on`, `off`, `true`, `false`, `1` or `0`, or one variable that holds one of these",
        example: "${DRAIN:-off}",
        pattern: Some(r"^(on|off|true|false|1|0|\$\{[A-Z_][A-Z0-9_]*(:-(on|off|true|false|1|0))?\})$"),
    };
    let read = move |item: &Item<'_>| match item.as_boolean() {
        Some(is_on) => Some(is_on.then_some(Switch::On)),
        None if item.is_text() => switch_of_text(item, grammar),
        None => item.wrong_type("true, false or a variable"),
    };
    Kind::new(read, move || Shape::Any(vec![Shape::Boolean, Shape::Text(grammar)]))
}

fn switch_of_text(item: &Item<'_>, grammar: Grammar) -> Option<Option<Switch>> {
    let written = item.parsed(|text| {
        let written = variables::parse(text)?;
        let says = match written.0.as_slice() {
            [Part::Literal(word)] | [Part::Variable { default: Some(word), .. }] => switch::parse(word).is_some(),
            [Part::Variable { default: None, .. }] => true,
            _ => false,
        };
        let fault = || Fault::new(Code::UnknownWord, format!("{} switches nothing", quoted(text)));
        says.then_some(written).ok_or_else(|| fault().expected(grammar.sentence))
    })?;
    if let [Part::Literal(word)] = written.0.as_slice() {
        return Some((switch::parse(word) == Some(true)).then_some(Switch::On));
    }
    let text = item.context().intern(item, &written)?;
    item.context().mark_switch(&text);
    match text.0.as_slice() {
        [Piece::Variable(index)] => Some(Some(Switch::Variable(*index))),
        _ => None,
    }
}

/// A list of things, each once.
#[must_use]
pub fn list<'k, T: PartialEq + 'k>(element: Kind<'k, T>) -> Kind<'k, Vec<T>> {
    let element = std::rc::Rc::new(element);
    let shape = std::rc::Rc::clone(&element);
    Kind::new(move |item| item.list_of(|item| element.read(item)), move || Shape::List(Box::new(shape.shape())))
}

/// A list that names something.
#[must_use]
pub fn some_of<'k, T: PartialEq + 'k>(element: Kind<'k, T>, help: &'static str) -> Kind<'k, Vec<T>> {
    let list = std::rc::Rc::new(list(element));
    let shape = std::rc::Rc::clone(&list);
    let read = move |item: &Item<'_>| {
        let values = list.read(item)?;
        if values.is_empty() {
            let draft = item.draft(Code::EmptyList, format!("`{}` names nothing", item.key()));
            draft.help(help).report();
            return None;
        }
        Some(values)
    };
    Kind::new(read, move || shape.shape())
}

/// A table with declared keys, and what `make` makes of them.
#[must_use]
pub fn table<K: Keys + 'static, T: 'static>(make: fn(K) -> Option<T>) -> Kind<'static, T> {
    checked_table::<K, T>(move |_, keys| make(keys))
}

/// A table with declared keys that must fit together; `make` reports it when they do not.
#[must_use]
pub fn checked_table<K: Keys + 'static, T: 'static>(
    make: impl Fn(&Item<'_>, K) -> Option<T> + 'static,
) -> Kind<'static, T> {
    let read = move |item: &Item<'_>| {
        let mut table = item.table()?;
        let keys = K::read(&mut table);
        table.finish();
        make(item, keys)
    };
    Kind::new(read, || Shape::Table(K::model()))
}

/// The name of a section of a kind: what it names must be there.
#[must_use]
pub fn name(table: &'static str, names: for<'c> fn(&'c Context<'_>) -> &'c Names) -> Kind<'static, u16> {
    Kind::new(move |item| names(item.context()).find(item), move || Shape::Name(table))
}

/// One thing or a list of them.
#[must_use]
pub fn one_or_more<'k, T: PartialEq + 'k>(element: Kind<'k, T>, expected: &'static str) -> Kind<'k, Vec<T>> {
    let element = std::rc::Rc::new(element);
    let shape = std::rc::Rc::clone(&element);
    let read = move |item: &Item<'_>| match () {
        () if item.is_list() => item.list_of(|item| element.read(item)),
        () if item.is_text() => Some(vec![element.read(item)?]),
        () => item.wrong_type(expected),
    };
    Kind::new(read, move || Shape::Any(vec![shape.shape(), Shape::List(Box::new(shape.shape()))]))
}

/// A host, or all hosts below one.
#[must_use]
pub fn host() -> Kind<'static, HostPattern> {
    let pattern = Some(r"^(\*\.)?[a-z0-9.-]+$");
    parsed(Grammar { name: "host", sentence: host::GRAMMAR, example: "api.acme.example", pattern }, host::parse)
}

/// A network of addresses.
#[must_use]
pub fn network() -> Kind<'static, Cidr> {
    let pattern = Some(r"^[0-9a-fA-F.:]+(/[0-9]+)?$");
    parsed(Grammar { name: "network", sentence: cidr::GRAMMAR, example: "10.0.0.0/8", pattern }, cidr::parse)
}

/// The name of a header that pages may send, in lower case.
#[must_use]
pub fn page_header() -> Kind<'static, String> {
    parsed(HEADER_NAME, names::page_header)
}

/// The name of a header that pages may read, in lower case.
#[must_use]
pub fn exposed_header() -> Kind<'static, String> {
    parsed(HEADER_NAME, names::exposed_header)
}

/// The name of a header that the configuration may change, in lower case.
#[must_use]
pub fn changed_header() -> Kind<'static, String> {
    parsed(HEADER_NAME, names::changed_header)
}

/// How headers are named.
pub const HEADER_NAME: Grammar = Grammar {
    name: "header name",
    sentence: "the name of a header, in any case (RFC 9110 section 5.6.2)",
    example: "x-request-id",
    pattern: Some("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"),
};

/// How the values of headers are written.
pub const HEADER_VALUE: Grammar = Grammar {
    name: "header value",
    sentence: "visible ASCII with blanks and tabs inside (RFC 9110 section 5.5)",
    example: "no-store",
    pattern: Some(r"^[!-~]([\t -~]*[!-~])?$"),
};

/// The value of a header.
#[must_use]
pub fn header_value() -> Kind<'static, String> {
    parsed(HEADER_VALUE, |text| {
        if edits::is_field_value(text) {
            return Ok(text.to_owned());
        }
        let fault = Fault::new(Code::BadHeaderValue, format!("{} cannot stand in a header", quoted(text)));
        Err(fault.expected(HEADER_VALUE.sentence))
    })
}

/// Any text, without variables.
#[must_use]
pub fn any_text() -> Kind<'static, String> {
    let grammar = Grammar {
        name: "text",
        sentence: "any text; variables have no meaning in it",
        example: "Hello.",
        pattern: None,
    };
    Kind::new(|item| item.text().map(str::to_owned), move || Shape::Text(grammar))
}

/// How templates are written.
pub const TEMPLATE: Grammar = Grammar {
    name: "template",
    sentence: "text with `{request.id}`, `{request.method}`, `{request.host}`, `{request.path}`, `{request.query}`, \
               `{request.query.NAME}`, `{request.headers.NAME}`, `{claims.NAME}` or `{path.NAME}`, which may be \
               written `{NAME}`; a brace itself is `{{` or `}}`",
    example: "acme/{request.id}",
    pattern: Some(r"^[!-~]([\t -~]*[!-~])?$"),
};

/// A template for a header, with its place: what it may read depends on the route.
#[must_use]
pub fn header_template() -> Kind<'static, Located<Template>> {
    Kind::new(|item| read_template(item, template::parse), || Shape::Text(TEMPLATE))
}

/// Reads a template with its place, and has the request headers packed that it reads.
pub fn read_template(item: &Item<'_>, parse: fn(&str) -> Result<Template, Fault>) -> Option<Located<Template>> {
    let template = item.parsed(parse)?;
    for slot in &template.0 {
        if let Slot::Header(name) = slot {
            item.context().intern_header(item, name)?;
        }
    }
    Some(item.located(template))
}

/// Whether no two keys name the same header; reports those that do.
pub fn each_header_once(entries: &[Item<'_>]) -> bool {
    let mut whole = true;
    for (index, entry) in entries.iter().enumerate() {
        let same = |earlier: &&Item<'_>| earlier.key().eq_ignore_ascii_case(entry.key());
        if let Some(earlier) = entries.iter().take(index).find(same) {
            let message = format!("{} and {} are one header", quoted(earlier.key()), quoted(entry.key()));
            let draft = entry.report().draft(Code::Repeated, entry.key_span(), message);
            draft.help("the case of a header's name has no meaning").report();
            whole = false;
        }
    }
    whole
}
