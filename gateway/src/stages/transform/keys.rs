//! `request_headers`, `response_headers`, `rewrite`, `request_query`, `status_map`: the keys of this stage in policies
//! and routes.

use super::{Changes, Config, query};
use crate::{
    config::{
        diagnostics::Code,
        keys::keys,
        kinds::{self, Kind},
        layers::{RouteFacts, Stack},
        model::{Grammar, Shape},
        reader::{Item, Located, Setting},
        template::{Slot, Template},
        values::{Fault, names, quoted, template},
    },
    http::path,
};

const REWRITE: Grammar = Grammar {
    name: "path template",
    sentence: "a path that begins with a slash, with parameters of the route and claims: `\"/v2/{rest}\"`, \
               `\"/users/{claims.sub}\"`",
    example: "/v2/{rest}",
    pattern: Some("^/[^?#]*$"),
};

const QUERY_NAME: Grammar = Grammar {
    name: "query name",
    sentence: "the name of a pair in a query, decoded: `\"sort by\"` for `?sort+by=…`; its case has a meaning",
    example: "page",
    pattern: Some(r"^[\s\S]+$"),
};

const QUERY_VALUE: Grammar = Grammar {
    name: "query template",
    sentence: "text with the places of a template; it is percent-encoded where it is put into a query",
    example: "{claims.sub}",
    pattern: None,
};

const STATUS: Grammar = Grammar {
    name: "status code",
    sentence: "a status code from 200 to 599",
    example: "404",
    pattern: Some("^[2-5][0-9][0-9]$"),
};

/// Answers that end with their head (RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5).
const BODILESS: [u16; 3] = [204, 205, 304];

keys! {
    /// Changes to requests and answers.
    pub struct Keys {
        /// Changes to what the upstream gets. A template that a request cannot fill removes the header, so that what a
        /// client sends under that name never gets through.
        /// Example: `request_headers = { remove = ["authorization"], set = { x-user-id = "{claims.sub}" } }`
        request_headers: Written [Optional] = kinds::table::<Table, Written>(Written::of),
        /// Changes to what the client gets, in refusals too. They come after `security_headers`.
        /// Example: `response_headers = { remove = ["server"] }`
        response_headers: Written [Optional] = kinds::table::<Table, Written>(Written::of),
        /// The path that the upstream gets in place of the client's, behind the path of its target and its `prefix`. The
        /// query stays. A request of which no path with one meaning can be made is refused.
        rewrite: Located<Template> [Optional] = rewrite(),
        /// Changes to the query that the upstream gets. All other pairs stay byte for byte, in their order.
        /// Example: `request_query = { remove = ["debug"], set = { user = "{claims.sub}" } }`
        request_query: WrittenQuery [Optional] = kinds::table::<QueryTable, WrittenQuery>(WrittenQuery::of),
        /// Status codes of the upstream, each with the one that the client gets instead. The body stays.
        /// Example: `status_map = { 404 = 410, 500 = 502 }`
        status_map: Vec<(u16, u16)> [Default("{}")] = status_map(),
    }
}

keys! {
    /// The table of `request_headers` and `response_headers`.
    pub struct Table {
        /// Headers to take out if they are there.
        /// Example: `remove = ["x-powered-by"]`
        remove: Vec<String> [Default("[]")] = kinds::list(kinds::changed_header()),
        /// Headers to set, each with a template for its value. They replace what is there.
        /// Example: `set = { x-product = "{path.id}" }`
        set: Templates [Default("{}")] = set_headers(),
        /// Headers to add, each with a template for its value, or with a list of them. They join what is there.
        /// Example: `add = { set-cookie = ["a=1", "b=2"] }`
        add: Templates [Default("{}")] = add_headers(),
    }
}

keys! {
    /// The table of `request_query`. Names are compared decoded.
    pub struct QueryTable {
        /// The only pairs that stay; an empty list takes out all. Without it all stay.
        /// Example: `keep = ["page", "limit"]`
        keep: Vec<String> [Optional] = kinds::list(query_name()),
        /// Pairs to take out if they are there.
        /// Example: `remove = ["debug"]`
        remove: Vec<String> [Default("[]")] = kinds::list(query_name()),
        /// Pairs to set, each with a template for its value. They replace all of that name. One that a request cannot fill
        /// is taken out.
        /// Example: `set = { user = "{claims.sub}" }`
        set: Templates [Default("{}")] = set_pairs(),
        /// Pairs to add behind all others, each with a template for its value, or with a list of them.
        /// Example: `add = { source = "gateway" }`
        add: Templates [Default("{}")] = add_pairs(),
    }
}

/// Names with their templates. Every template knows its place, because what it may read depends on the route.
type Templates = Vec<(String, Located<Template>)>;

/// Changes to a head as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    remove: Vec<String>,
    set: Templates,
    add: Templates,
}

impl Written {
    fn of(keys: Table) -> Option<Self> {
        Some(Self {
            remove: keys.remove.take().unwrap_or_default(),
            set: keys.set.take().unwrap_or_default(),
            add: keys.add.take().unwrap_or_default(),
        })
    }

    /// The changes for one route; reports what its requests can never fill.
    fn resolve(&self, route: &RouteFacts<'_>) -> Changes {
        Changes { remove: self.remove.clone(), set: checked(&self.set, route), add: checked(&self.add, route) }
    }
}

/// Changes to a query as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenQuery {
    keep: Option<Vec<String>>,
    remove: Vec<String>,
    set: Templates,
    add: Templates,
}

impl WrittenQuery {
    fn of(keys: QueryTable) -> Option<Self> {
        Some(Self {
            keep: keys.keep.take(),
            remove: keys.remove.take().unwrap_or_default(),
            set: keys.set.take().unwrap_or_default(),
            add: keys.add.take().unwrap_or_default(),
        })
    }

    /// The changes for one route, `None` for none; reports what its requests can never fill.
    fn resolve(&self, route: &RouteFacts<'_>) -> Option<query::Config> {
        let (keep, remove) = (self.keep.clone(), self.remove.clone());
        let config = query::Config { keep, remove, set: checked(&self.set, route), add: checked(&self.add, route) };
        (config != query::Config::default()).then_some(config)
    }
}

fn checked(templates: &Templates, route: &RouteFacts<'_>) -> Vec<(String, Template)> {
    templates.iter().for_each(|(_, template)| route.check_template(template));
    templates.iter().map(|(name, template)| (name.clone(), template.value.clone())).collect()
}

fn set_headers() -> Kind<'static, Templates> {
    entries(kinds::HEADER_NAME, names::changed_header, kinds::header_template)
}

fn add_headers() -> Kind<'static, Templates> {
    several(kinds::HEADER_NAME, names::changed_header, kinds::header_template)
}

fn set_pairs() -> Kind<'static, Templates> {
    entries(QUERY_NAME, query_name_of, query_value)
}

fn add_pairs() -> Kind<'static, Templates> {
    several(QUERY_NAME, query_name_of, query_value)
}

/// A table of names, each with one value. What is right of a table with mistakes is kept, so that its templates are
/// checked against the routes too.
fn entries(
    names: Grammar,
    name: fn(&str) -> Result<String, Fault>,
    value: fn() -> Kind<'static, Located<Template>>,
) -> Kind<'static, Templates> {
    let one = move || {
        let shape = move || value().shape();
        Kind::new(move |item: &Item<'_>| Some(vec![value().read(item)?]), shape)
    };
    table(names, name, one)
}

/// The same with one value or a list of them.
fn several(
    names: Grammar,
    name: fn(&str) -> Result<String, Fault>,
    value: fn() -> Kind<'static, Located<Template>>,
) -> Kind<'static, Templates> {
    table(names, name, move || kinds::one_or_more(value(), "a text or a list of texts"))
}

fn table(
    names: Grammar,
    name: fn(&str) -> Result<String, Fault>,
    values: impl Fn() -> Kind<'static, Vec<Located<Template>>> + Clone + 'static,
) -> Kind<'static, Templates> {
    let shape = values.clone();
    let read = move |item: &Item<'_>| {
        let entries = item.table()?.entries();
        let read = |entry: &Item<'_>| {
            let values = values().read(entry);
            let name = entry.parsed_key(name)?;
            Some(values?.into_iter().map(move |value| (name.clone(), value)))
        };
        let pairs = entries.iter().filter_map(read).flatten().collect();
        if names == kinds::HEADER_NAME {
            kinds::each_header_once(&entries);
        }
        Some(pairs)
    };
    Kind::new(read, move || Shape::Map(names, Box::new(shape().shape())))
}

fn query_name() -> Kind<'static, String> {
    kinds::parsed(QUERY_NAME, query_name_of)
}

fn query_name_of(text: &str) -> Result<String, Fault> {
    if text.is_empty() {
        return Err(Fault::new(Code::EmptyText, "a pair of a query has an empty name").expected(QUERY_NAME.sentence));
    }
    Ok(text.to_owned())
}

fn query_value() -> Kind<'static, Located<Template>> {
    Kind::new(|item| kinds::read_template(item, template::of_any_text), || Shape::Text(QUERY_VALUE))
}

fn rewrite() -> Kind<'static, Located<Template>> {
    Kind::new(|item| kinds::read_template(item, rewrite_of), || Shape::Text(REWRITE))
}

/// A template for a path: its literals have one meaning wherever its places are filled.
fn rewrite_of(text: &str) -> Result<Template, Fault> {
    let template = template::of_any_text(text)?;
    let mut sample = String::new();
    for slot in &template.0 {
        match slot {
            Slot::Literal(text) => sample.push_str(text),
            // No digit of a percent-encoding and no dot, so nothing here can depend on it.
            Slot::PathParameter(_) | Slot::Claim(_) => sample.push('x'),
            other => {
                let written = Template(vec![other.clone()]).to_string();
                let fault = Fault::new(Code::BadTemplate, format!("{} cannot stand in a path", quoted(&written)));
                let fault = fault.part(text.find(&written).unwrap_or_default(), written.len());
                return Err(fault.expected("parameters of the route, `{path.NAME}` or `{NAME}`, and `{claims.NAME}`"));
            }
        }
    }
    path::check(&sample).map_err(|error| {
        let fault = Fault::new(Code::BadPath, format!("{} makes no path that requests can have", quoted(text)));
        let fault = fault.expected(error.expected());
        if text.contains('?') { fault.help("the query of a request stays; `request_query` changes it") } else { fault }
    })?;
    Ok(template)
}

fn status_map() -> Kind<'static, Vec<(u16, u16)>> {
    let read = |item: &Item<'_>| {
        let entries = item.table()?.entries();
        let read = |entry: &Item<'_>| {
            let to = client_status(entry);
            Some((entry.parsed_key(status_of)?, to?))
        };
        let pairs: Vec<Option<(u16, u16)>> = entries.iter().map(read).collect();
        let mut pairs = pairs.into_iter().collect::<Option<Vec<_>>>()?;
        pairs.sort_unstable();
        Some(pairs)
    };
    Kind::new(read, || Shape::Map(STATUS, Box::new(Shape::Integer(200, 599))))
}

fn status_of(text: &str) -> Result<u16, Fault> {
    let status = text.parse().ok().filter(|status| text.len() == 3 && (200..=599).contains(status));
    let fault = || Fault::new(Code::OutOfRange, format!("{} is no status of an answer", quoted(text)));
    status.ok_or_else(|| fault().expected("200 to 599"))
}

/// The upstream's body goes to the client, so the status must be one that has a body.
fn client_status(item: &Item<'_>) -> Option<u16> {
    let status = u16::try_from(item.integer(&(200..=599))?).ok()?;
    if !BODILESS.contains(&status) {
        return Some(status);
    }
    let draft = item.draft(Code::OutOfRange, format!("an answer of status {status} has no body"));
    draft.help("choose a status whose answers have a body: that of the upstream goes to the client").report();
    None
}

/// This stage's part of a route's policy.
pub fn resolve(keys: &Stack<'_, Keys>, route: &mut RouteFacts<'_>) -> Option<Config> {
    if route.passes_through {
        keys.refuse_pass_through(route);
    }
    let changes = |setting: Option<&Setting<Written>>| {
        let written = setting.and_then(|setting| setting.value.as_ref());
        written.map(|written| written.resolve(route)).unwrap_or_default()
    };
    let request = changes(keys.pick(|keys| &keys.request_headers));
    let response = changes(keys.pick(|keys| &keys.response_headers));
    if route.passes_through {
        // What `[gateway]` says of requests does not hold here.
        return Some(Config { request, response, ..Config::default() });
    }
    let rewrite = keys.pick(|keys| &keys.rewrite).and_then(|setting| setting.value.as_ref());
    rewrite.into_iter().for_each(|template| route.check_template(template));
    let query = keys.pick(|keys| &keys.request_query).and_then(|setting| setting.value.as_ref());
    Some(Config {
        request,
        response,
        rewrite: rewrite.map(|template| template.value.clone()),
        query: query.and_then(|written| written.resolve(route)),
        status: keys.value(|keys| &keys.status_map),
    })
}
