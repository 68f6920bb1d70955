//! `[versions]`: where requests name a version of the interface, and which versions there are at the place of a route.

use std::{cmp::Ordering, collections::HashMap};

use super::{route_key::Target, routes::Declared};
use crate::{
    config::{
        context::Context,
        diagnostics::Code,
        keys::{Keys as _, keys},
        kinds::{self, HEADER_NAME, Kind},
        model::Key,
        reader::{Item, Located},
        values::{Fault, listed, names, quoted},
    },
    http::{method::Method, request::Header},
    routing::{
        build::VersionLabel,
        pattern::{Pattern, Segment},
        served::{self, Served},
        wish::{Places, Source},
    },
};

/// Where a version may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Accept,
    Header,
}

const PLACES: [(&str, Place); 3] = [("path", Place::Path), ("accept", Place::Accept), ("header", Place::Header)];

keys! {
    /// How requests name a version of the interface.
    pub(super) struct Keys {
        /// Where a version is looked for: a segment of the path, the parameter `version` of `Accept`, a header. They come
        /// in this order, whatever their order here.
        /// Example: `by = ["path", "header"]`
        by: Vec<Place> [Default("[\"path\", \"accept\", \"header\"]")] =
            kinds::some_of(kinds::word(&PLACES), "name a place, or leave `by` out to mean all"),
        /// The header by which requests name a version, and answers say which one served.
        /// Example: `header = "api-version"`
        header: String [Default("\"x-api-version\"")] = header(),
        /// The version of requests that name none. It holds wherever a route has it and no route of the same place says
        /// `default` itself.
        /// Example: `default = "v1"`
        default: Located<String> [Optional] = default(),
        /// Whether headers of older gateways are sent too. They are `X-Latest-Version`, and on deprecated routes
        /// `X-API-Deprecated`, `X-API-Deprecation-Date`, `X-API-Sunset-Date` and `X-API-Migration-Guide`.
        legacy_headers: bool [Default("false")] = kinds::boolean(),
    }
}

fn default() -> Kind<'static, Located<String>> {
    Kind::new(
        |item| Some(item.located(super::route_keys::version_name().read(item)?)),
        || super::route_keys::version_name().shape(),
    )
}

/// Another header than the usual one is packed with those that the configuration names.
fn header() -> Kind<'static, String> {
    let name = || kinds::parsed(HEADER_NAME, own_header);
    let read = move |item: &Item<'_>| {
        let name = name().read(item)?;
        if name != Header::ApiVersion.name() {
            item.context().intern_header(item, &name)?;
        }
        Some(name)
    };
    Kind::new(read, move || name().shape())
}

/// A header that says nothing else yet: the answer has it too.
fn own_header(text: &str) -> Result<String, Fault> {
    let name = names::changed_header(text)?;
    let is_taken = Header::ALL.into_iter().any(|known| known != Header::ApiVersion && known.name() == name);
    if !is_taken && name != "vary" && name != served::SUPPORTED {
        return Ok(name);
    }
    let fault = Fault::new(Code::BadHeaderName, format!("{} has another meaning already", quoted(&name)));
    Err(fault.expected("a header that says nothing but the version").help("for example \"x-api-version\""))
}

/// Reads `[versions]`.
pub(super) fn read(item: &Item<'_>) -> Option<Keys> {
    let mut section = item.table()?;
    let keys = Keys::read(&mut section);
    section.finish();
    Some(keys)
}

/// The keys that the section can have.
pub(super) fn model() -> Vec<Key> {
    Keys::model()
}

impl Keys {
    fn by(&self, place: Place) -> bool {
        self.by.get().is_none_or(|places| places.contains(&place))
    }

    /// The header's name.
    fn header_name(&self) -> &str {
        self.header.get().map_or(Header::ApiVersion.name(), String::as_str)
    }

    /// Whether headers of older gateways are sent too.
    pub(super) fn legacy_headers(&self) -> bool {
        self.legacy_headers.get().copied().unwrap_or_default()
    }

    /// What answers say.
    pub(super) fn config(&self) -> served::Config {
        let (accept, header) = (self.by(Place::Accept), self.by(Place::Header));
        let fields = [accept.then_some("Accept"), header.then(|| self.header_name())];
        let vary = fields.into_iter().flatten().collect::<Vec<_>>().join(", ");
        served::Config { header: self.header_name().to_owned(), vary, legacy_headers: self.legacy_headers() }
    }

    /// Where requests name versions, among the headers that are packed for the configuration.
    pub(super) fn places(&self, context: &Context<'_>) -> Places {
        let name = self.header_name();
        let named = context.header_place(name).map(Source::Named);
        let source = if name == Header::ApiVersion.name() { Some(Source::Own) } else { named };
        Places { accept: self.by(Place::Accept), header: source.filter(|_| self.by(Place::Header)) }
    }
}

/// All versions of all routes, by where they are.
pub(super) struct Versions<'d> {
    keys: &'d Keys,
    places: HashMap<(Method, String), Vec<Member<'d>>>,
}

/// A route with a version.
struct Member<'d> {
    hosts: Vec<String>,
    name: &'d str,
    in_path: bool,
    /// Whether the route says itself that it is the default.
    is_default: bool,
}

impl<'d> Versions<'d> {
    /// Of all routes; reports a default version that none of them has.
    pub(super) fn of(declared: &'d [Declared], keys: &'d Keys, context: &Context<'_>) -> Self {
        let mut versions = Self { keys, places: HashMap::new() };
        for route in declared {
            let (Some(target), Some(version)) = (&route.target, route.version_key()) else { continue };
            let in_path = versions.is_in_path(target, &version.name);
            let shape = shape(&target.pattern, in_path.then_some(&version.name));
            for method in &target.methods {
                let (hosts, is_default) = (route.hosts(), version.default == Some(true));
                let member = Member { hosts, name: &version.name, in_path, is_default };
                versions.places.entry((*method, shape.clone())).or_default().push(member);
            }
        }
        versions.check_default(context);
        versions
    }

    fn check_default(&self, context: &Context<'_>) {
        let Some(default) = self.keys.default.get() else { return };
        let mut names: Vec<&str> = self.places.values().flatten().map(|member| member.name).collect();
        names.sort_unstable();
        names.dedup();
        if names.contains(&default.value.as_str()) {
            return;
        }
        let message = format!("no route has the version {}", quoted(&default.value));
        let draft = context.report.draft(Code::UnknownWord, &default.span, message);
        draft.expected(listed(names.iter().copied())).nearest(&default.value, names.iter().copied()).report();
    }

    fn is_in_path(&self, target: &Target, name: &str) -> bool {
        let is_it = |segment: &Segment| matches!(segment, Segment::Literal(text) if text == name);
        self.keys.by(Place::Path) && target.pattern.0.iter().any(is_it)
    }

    /// The version of a route as the table takes it.
    pub(super) fn label(&self, route: &'d Declared, target: &Target, method: Method) -> Option<VersionLabel<'d>> {
        let version = route.version_key()?;
        let in_path = self.is_in_path(target, &version.name);
        let by_section = || {
            let says_so = self.beside(route, target, method).iter().any(|member| member.is_default);
            !says_so && self.keys.default.get().is_some_and(|default| default.value == version.name)
        };
        Some(VersionLabel { label: &version.name, default: version.default.unwrap_or_else(by_section), in_path })
    }

    /// Reports a version that requests can name nowhere.
    pub(super) fn check_reachable(&self, route: &Declared, label: VersionLabel<'_>, context: &Context<'_>) {
        let is_named = label.in_path || label.default || self.keys.by(Place::Accept) || self.keys.by(Place::Header);
        if !is_named {
            let message =
                format!("no request reaches {} in the version {}", quoted(&route.key.value), quoted(label.label));
            let draft = context.report.draft(Code::Unreachable, &route.key.span, message);
            draft
                .help("`by` of `[versions]` lets requests name it nowhere: name it in the path, or look in a header")
                .report();
        }
    }

    /// What answers of a route say of versions.
    pub(super) fn served(&self, route: &Declared, target: &Target, method: Method) -> Option<Served> {
        let beside = self.beside(route, target, method);
        let mut names: Vec<&str> = Vec::new();
        beside.iter().for_each(|member| {
            if !names.contains(&member.name) {
                names.push(member.name);
            }
        });
        let latest = names.iter().copied().max_by(|left, right| natural(left, right))?;
        Some(Served {
            name: route.version(),
            supported: names.join(", "),
            latest: latest.to_owned(),
            is_asked: beside.iter().any(|member| !member.in_path),
        })
    }

    /// The routes with versions that are certainly where this one is: the same method and path, and no host or one of
    /// its hosts.
    fn beside(&self, route: &Declared, target: &Target, method: Method) -> Vec<&Member<'d>> {
        let version = route.version_key().filter(|version| self.is_in_path(target, &version.name));
        let shape = shape(&target.pattern, version.map(|version| version.name.as_str()));
        let hosts = route.hosts();
        let is_here =
            |member: &&Member<'_>| member.hosts.is_empty() || member.hosts.iter().any(|host| hosts.contains(host));
        self.places.get(&(method, shape)).into_iter().flatten().filter(is_here).collect()
    }
}

/// The path without the names of its parameters, and without the version that stands in it.
fn shape(pattern: &Pattern, version: Option<&str>) -> String {
    let mut left = version;
    let part = |segment: &Segment| match segment {
        Segment::Literal(text) if left == Some(text) => {
            left = None;
            "/{}version".to_owned()
        }
        Segment::Literal(text) => format!("/{text}"),
        Segment::Parameter { takes, .. } => format!("/{{{}}}", takes.name().unwrap_or_default()),
        Segment::Rest(_) => "/{...}".to_owned(),
    };
    pattern.0.iter().map(part).collect()
}

/// The order of names with numbers in them: `v2` comes before `v10`.
fn natural(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left, right);
    loop {
        let (one, other) = (number(left), number(right));
        if let (Some((one, left_tail)), Some((other, right_tail))) = (one, other) {
            let order = (one.len(), one).cmp(&(other.len(), other));
            if order != Ordering::Equal {
                return order;
            }
            (left, right) = (left_tail, right_tail);
            continue;
        }
        let (mut letters, mut others) = (left.chars(), right.chars());
        match (letters.next(), others.next()) {
            (Some(one), Some(other)) if one == other => (left, right) = (letters.as_str(), others.as_str()),
            (one, other) => return one.cmp(&other),
        }
    }
}

/// The digits that a text begins with, without zeros in front, and what follows them.
fn number(text: &str) -> Option<(&str, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, tail) = text.split_at_checked(length).filter(|_| length > 0)?;
    Some((digits.trim_start_matches('0'), tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_numbers_are_ordered_by_them() {
        let mut names = ["v10", "v2", "2026-01-15", "2025-12-31", "v2.10", "v2.9", "beta", "v02", "v"];
        names.sort_by(|left, right| natural(left, right));
        assert_eq!(names, ["2025-12-31", "2026-01-15", "beta", "v", "v2", "v02", "v2.9", "v2.10", "v10"]);
    }

    #[test]
    fn the_shape_of_a_path_leaves_names_and_its_version_out() {
        let of = |path: &str, version| shape(&Pattern::parse(path).unwrap(), version);
        assert_eq!(of("/v1/{id:int}", Some("v1")), of("/v2/{number:int}", Some("v2")));
        assert_ne!(of("/v1/{id:int}", Some("v1")), of("/v1/{id:int}", None));
        assert_ne!(of("/v1/{id:int}", Some("v1")), of("/v1/{id}", Some("v1")));
    }
}
