//! `request_headers`, `response_headers`: the keys of this stage in policies and routes.

use super::{Changes, Config};
use crate::config::{
    keys::keys,
    kinds::{self, Kind},
    layers::{RouteFacts, Stack},
    model::Shape,
    reader::{Item, Located, Setting},
    template::Template,
    values::names,
};

keys! {
    /// Changes to the heads of requests and answers.
    pub struct Keys {
        /// Changes to what the upstream gets. A template that a request cannot fill removes the header, so that what a
        /// client sends under that name never gets through.
        /// Example: `request_headers = { remove = ["authorization"], set = { x-user-id = "{claims.sub}" } }`
        request_headers: Written [Optional] = kinds::table::<Table, Written>(Written::of),
        /// Changes to what the client gets, in refusals too. They come after `security_headers`.
        /// Example: `response_headers = { remove = ["server"] }`
        response_headers: Written [Optional] = kinds::table::<Table, Written>(Written::of),
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
        set: Vec<(String, Located<Template>)> [Default("{}")] = set(),
    }
}

/// Changes as written: every template knows its place, because what it may read depends on the route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    remove: Vec<String>,
    set: Vec<(String, Located<Template>)>,
}

impl Written {
    fn of(keys: Table) -> Option<Self> {
        Some(Self { remove: keys.remove.take().unwrap_or_default(), set: keys.set.take().unwrap_or_default() })
    }

    /// The changes for one route; reports what its requests can never fill.
    fn resolve(&self, route: &RouteFacts<'_>) -> Changes {
        self.set.iter().for_each(|(_, template)| route.check_template(template));
        let set = self.set.iter().map(|(name, template)| (name.clone(), template.value.clone())).collect();
        Changes { remove: self.remove.clone(), set }
    }
}

/// What is right of a table with mistakes is kept, so that its templates are checked against the routes too.
fn set() -> Kind<'static, Vec<(String, Located<Template>)>> {
    let read = |item: &Item<'_>| {
        let entries = item.table()?.entries();
        let read = |entry: &Item<'_>| {
            let template = kinds::header_template().read(entry);
            Some((entry.parsed_key(names::changed_header)?, template?))
        };
        let pairs = entries.iter().filter_map(read).collect();
        kinds::each_header_once(&entries);
        Some(pairs)
    };
    Kind::new(read, || Shape::Map(kinds::HEADER_NAME, Box::new(Shape::Text(kinds::TEMPLATE))))
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
    Some(Config {
        request: changes(keys.pick(|keys| &keys.request_headers)),
        response: changes(keys.pick(|keys| &keys.response_headers)),
    })
}
