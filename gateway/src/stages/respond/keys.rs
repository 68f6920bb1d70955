//! `respond`, `redirect`: what routes without an upstream say.

use super::{Config, Fixed, Redirect};
use crate::config::{
    diagnostics::Code,
    keys::{Key, keys},
    kinds::{self, Kind},
    model::{Grammar, Shape},
    reader::{Item, Located, Setting},
    template::Template,
    values::names,
};

keys! {
    /// The table of `respond`.
    pub struct FixedKeys {
        /// The status code of the answer.
        /// Example: `status = 410`
        status: i64 [Default("200")] = kinds::integer(200..=599),
        /// The body of the answer.
        /// Example: `body = "This interface is gone."`
        body: String [Default("\"\"")] = kinds::any_text(),
        /// What kind of body it is: `Content-Type`. Sent only with a body.
        /// Example: `content_type = "application/json"`
        content_type: String [Default("\"text/plain; charset=utf-8\"")] = kinds::header_value(),
        /// More headers of the answer.
        /// Example: `headers = { cache-control = "no-store" }`
        headers: Vec<(String, String)> [Default("{}")] = headers(),
    }
}

keys! {
    /// The table of `redirect`.
    pub struct RedirectKeys {
        /// Where to: a path or an http or https URL, with `{path.NAME}` for parameters of the route. What a request says
        /// never chooses the host.
        to: Located<Template> [Required] = address(),
        /// The status code. 308 and 307 keep the method; 301 and 308 are remembered by browsers.
        status: i64 [Default("308")] = kinds::number(&[301, 302, 303, 307, 308]),
        /// Whether the request's query is put behind the address.
        keep_query: bool [Default("true")] = kinds::boolean(),
    }
}

/// `respond = "text"` or a table.
#[must_use]
pub fn fixed() -> Kind<'static, Config> {
    let table = || kinds::checked_table::<FixedKeys, Config>(checked);
    let read = move |item: &Item<'_>| {
        if item.is_text() {
            return fixed_config(FixedKeys { body: keys_of(item, &kinds::any_text()), ..FixedKeys::default() });
        }
        if item.is_table() { table().read(item) } else { item.wrong_type("a text or a table") }
    };
    Kind::new(read, move || Shape::Any(vec![kinds::any_text().shape(), table().shape()]))
}

/// Answers that end with their head (RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5).
const BODILESS: [i64; 3] = [204, 205, 304];

/// The platform refuses to make an answer with a body that its status does not allow.
fn checked(item: &Item<'_>, keys: FixedKeys) -> Option<Config> {
    let status = keys.status.get().copied().filter(|status| BODILESS.contains(status));
    if let (Some(status), true) = (status, keys.body.get().is_some_and(|body| !body.is_empty())) {
        let draft = item.draft(Code::OutOfRange, format!("an answer of status {status} has no body"));
        draft.help("take out `body`, or choose another status").report();
        return None;
    }
    fixed_config(keys)
}

fn fixed_config(keys: FixedKeys) -> Option<Config> {
    let status = u16::try_from(keys.status.or(200)?).unwrap_or(200);
    let body = keys.body.or(String::new())?;
    let content_type = keys.content_type.or("text/plain; charset=utf-8".to_owned())?;
    let mut headers = keys.headers.or(Vec::new())?;
    if !body.is_empty() {
        headers.insert(0, ("content-type".to_owned(), content_type));
    }
    Some(Config::Fixed(Fixed { status, headers, body }))
}

/// A redirect whose address knows its place, because what it may read depends on the route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirected {
    /// Where to.
    pub to: Located<Template>,
    status: u16,
    keep_query: bool,
}

impl Redirected {
    /// What a route answers.
    #[must_use]
    pub fn config(&self) -> Config {
        let to = self.to.value.clone();
        Config::Redirect(Redirect { status: self.status, to, keep_query: self.keep_query })
    }
}

/// `redirect = "/to"` or a table.
#[must_use]
pub fn redirect() -> Kind<'static, Redirected> {
    let table = || kinds::table::<RedirectKeys, Redirected>(redirected);
    let read = move |item: &Item<'_>| {
        if item.is_text() {
            return redirected(RedirectKeys { to: keys_of(item, &address()), ..RedirectKeys::default() });
        }
        if item.is_table() { table().read(item) } else { item.wrong_type("a text or a table") }
    };
    Kind::new(read, move || Shape::Any(vec![address().shape(), table().shape()]))
}

fn redirected(keys: RedirectKeys) -> Option<Redirected> {
    let status = u16::try_from(keys.status.or(308)?).unwrap_or(308);
    let keep_query = keys.keep_query.or(true)?;
    Some(Redirected { to: keys.to.take()?, status, keep_query })
}

/// One text in the place of a table.
fn keys_of<T>(item: &Item<'_>, kind: &Kind<'_, T>) -> Key<T> {
    Key(Some(Setting { value: kind.read(item), key: item.key_span().clone(), span: item.span().clone() }))
}

fn headers() -> Kind<'static, Vec<(String, String)>> {
    let read = |item: &Item<'_>| {
        let entries = item.table()?.entries();
        let read = |entry: &Item<'_>| {
            let value = kinds::header_value().read(entry);
            Some((entry.parsed_key(names::changed_header)?, value?))
        };
        let pairs: Option<Vec<_>> = entries.iter().map(read).collect();
        pairs.filter(|_| kinds::each_header_once(&entries))
    };
    Kind::new(read, || Shape::Map(kinds::HEADER_NAME, Box::new(Shape::Text(kinds::HEADER_VALUE))))
}

fn address() -> Kind<'static, Located<Template>> {
    let grammar = Grammar {
        name: "address",
        sentence: "a path or an http or https URL, with `{path.NAME}` for parameters: `\"/v2/{path.rest}\"`",
        example: "/v2/{path.rest}",
        pattern: Some("^(/|https?://)"),
    };
    let read = move |item: &Item<'_>| {
        let template = kinds::header_template().read(item)?;
        let text = item.text()?;
        let path = text.starts_with('/') && !text.starts_with("//");
        let host = text.split_once("://").is_some_and(|(scheme, rest)| {
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            matches!(scheme, "http" | "https") && !host.is_empty() && !host.contains(['{', '\\', '@'])
        });
        if path || host {
            return Some(template);
        }
        let draft = item.draft(Code::BadAddress, "this is no address to go to").expected(grammar.sentence);
        draft.help("the host must stand in the file: what a request says never chooses it").report();
        None
    };
    Kind::new(read, move || Shape::Text(grammar))
}
