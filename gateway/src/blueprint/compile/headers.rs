//! `request_headers` and `response_headers`: changes to a head, and what their templates may read.

use crate::{
    config::{
        diagnostics::{Code, Report, Span},
        reader::{Item, Located},
        template::{Slot, Template},
        values::{listed, names, quoted, template},
    },
    stages::transform::Changes,
};

/// Changes as written: every template knows its place, because what it may read depends on the route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    remove: Vec<String>,
    set: Vec<(String, Located<Template>)>,
}

/// The route that changes are for.
pub(super) struct For<'r> {
    /// Where its key stands.
    pub(super) key: &'r Span,
    /// The names of its parameters.
    pub(super) parameters: &'r [String],
    /// Whether it takes requests without a token.
    pub(super) is_public: bool,
}

/// Reads `request_headers = { remove = […], set = { … } }`.
pub(super) fn read(item: &Item<'_>) -> Option<Written> {
    let mut section = item.table()?;
    let remove = section.setting("remove", |item| item.list_of(|name| name.parsed(names::changed_header)));
    let set = section.setting("set", set);
    section.finish();
    let remove = remove.and_then(|setting| setting.value).unwrap_or_default();
    Some(Written { remove, set: set.and_then(|setting| setting.value).unwrap_or_default() })
}

/// What is right of a table with mistakes is kept, so that its templates are checked against the routes too.
fn set(item: &Item<'_>) -> Option<Vec<(String, Located<Template>)>> {
    let entries = item.table()?.entries();
    let read = |entry: &Item<'_>| {
        let template = entry.parsed(template::parse);
        Some((entry.parsed_key(names::changed_header)?, entry.located(template?)))
    };
    let pairs = entries.iter().filter_map(read).collect();
    each_once(&entries);
    Some(pairs)
}

/// Whether no two keys name the same header; reports those that do.
pub(super) fn each_once(entries: &[Item<'_>]) -> bool {
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

impl Written {
    /// The changes for one route; reports what its requests can never fill.
    pub(super) fn resolve(&self, route: &For<'_>, report: &Report<'_>) -> Changes {
        for (_, template) in &self.set {
            for slot in &template.value.0 {
                check(slot, &template.span, route, report);
            }
        }
        let set = self.set.iter().map(|(name, template)| (name.clone(), template.value.clone())).collect();
        Changes { remove: self.remove.clone(), set }
    }
}

fn check(slot: &Slot, place: &Span, route: &For<'_>, report: &Report<'_>) {
    match slot {
        Slot::Claim(name) if route.is_public => {
            let message = format!("{} has no value on a public route", quoted(&format!("{{claims.{name}}}")));
            let draft = report
                .draft(Code::ClaimsOnPublic, place, message)
                .related(route.key, "this route takes requests without a token");
            draft.help("set `auth` to an issuer, or leave this header to routes that have one").report();
        }
        Slot::PathParameter(name) if !route.parameters.contains(name) => {
            let message = format!("no parameter of the route is named {}", quoted(name));
            let names = || route.parameters.iter().map(String::as_str);
            let draft = report.draft(Code::UnknownParameter, place, message).related(route.key, "this route");
            draft.expected(listed(names())).found(quoted(name)).nearest(name, names()).report();
        }
        _ => {}
    }
}
