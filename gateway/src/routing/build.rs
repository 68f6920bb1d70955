//! Collects routes into trees and finds those that cannot stand beside each other. For the compiler: a request
//! meets only the [`Table`] that comes out.

use std::collections::BTreeMap;

use super::{
    flatten::flatten,
    pattern::{MOST_SEGMENTS, Pattern, Segment},
    table::{RouteIndex, Table},
    types::Type,
    versions::{Entry, Version},
    wish::Places,
};
use crate::http::method::Method;

/// The most nodes of one host that one path may make a search enter: some 7 microseconds of a server's processor.
/// A plain REST interface has one for each segment; three children that all fit, on six levels in a row, are too many.
pub const MOST_WAYS: u32 = 1_000;

/// What a route is bound to.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'b> {
    /// Its path.
    pub pattern: &'b Pattern,
    /// Its method.
    pub method: Method,
    /// Its host in lower case, `*.` at the start for one or more labels; `None` for every host. A route with
    /// several hosts is inserted once for each.
    pub host: Option<&'b str>,
    /// Its version.
    pub version: Option<VersionLabel<'b>>,
}

/// The version of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionLabel<'b> {
    /// What requests call it.
    pub label: &'b str,
    /// Whether requests that name no version get this one.
    pub default: bool,
    /// Whether the route's path has it as a literal segment: then its requests need not ask for it.
    pub in_path: bool,
}

/// Why a route cannot join the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// Another route has the same host, method, version and shape.
    Tie(RouteIndex),
    /// Another version of the same host, method and shape is the default already.
    TwoDefaults(RouteIndex),
    /// With this route, one path could make a search enter more than [`MOST_WAYS`] nodes of its host.
    TooManyWays,
    /// More segments, versions or routes than an index can name.
    TooMany,
}

/// Routes that are still coming.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    /// Routes of every host.
    pub(super) any_host: Branch,
    /// Routes of hosts, by the name in full.
    pub(super) exact: BTreeMap<String, Branch>,
    /// Routes of hosts, by what follows `*.`.
    pub(super) wildcards: BTreeMap<String, Branch>,
    pub(super) versions: Vec<String>,
    /// Where in paths versions stand: the index of the segment and that of the label, each pair once.
    pub(super) in_paths: Vec<(u8, u16)>,
    places: Places,
}

/// A tree below one segment.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Branch {
    pub(super) literals: BTreeMap<String, Branch>,
    pub(super) types: BTreeMap<Type, Branch>,
    /// Routes that end here, in order.
    pub(super) ends: Vec<Entry>,
    /// Routes that take all that is left from here, in order.
    pub(super) rest: Vec<Entry>,
    /// The most nodes that one path can make a search enter from here on.
    ways: u32,
    /// The most ways of a literal child: a path fits only one of them.
    literal_ways: u32,
}

impl Builder {
    /// For requests that name versions in these places.
    #[must_use]
    pub fn new(places: Places) -> Self {
        Self { places, ..Self::default() }
    }

    /// Adds a route.
    ///
    /// # Errors
    /// When no rule would tell it from another route, or a limit is reached.
    pub fn insert(&mut self, binding: &Binding<'_>, route: RouteIndex) -> Result<(), Conflict> {
        let segments = &binding.pattern.0;
        if segments.len() > MOST_SEGMENTS {
            return Err(Conflict::TooMany);
        }
        let known = self.versions.len();
        let version = binding.version.map(|version| self.version(version)).transpose()?;
        let tree = self.tree(binding.host);
        let inserted = tree.insert(segments, Entry { method: binding.method, version, route });
        let ways = tree.ways;
        if inserted.is_err() {
            // A route that is not there names no version.
            self.versions.truncate(known);
        } else if let Some(version) = version.filter(|version| !version.is_asked) {
            self.note_path(segments, version.label);
        }
        inserted?;
        if ways > MOST_WAYS { Err(Conflict::TooManyWays) } else { Ok(()) }
    }

    /// The table of all routes that were added.
    #[must_use]
    pub fn finish(&self) -> Table {
        Table { places: self.places, ..flatten(self) }
    }

    fn note_path(&mut self, segments: &[Segment], label: u16) {
        let name = self.versions.get(usize::from(label));
        let is_it = |segment: &Segment| matches!(segment, Segment::Literal(text) if Some(text) == name);
        let at = segments.iter().position(is_it).and_then(|at| u8::try_from(at).ok());
        if let Some(at) = at.filter(|at| !self.in_paths.contains(&(*at, label))) {
            self.in_paths.push((at, label));
        }
    }

    fn tree(&mut self, host: Option<&str>) -> &mut Branch {
        match host.map(|host| (host, host.strip_prefix("*."))) {
            None => &mut self.any_host,
            Some((_, Some(suffix))) => self.wildcards.entry(suffix.to_owned()).or_default(),
            Some((host, None)) => self.exact.entry(host.to_owned()).or_default(),
        }
    }

    fn version(&mut self, version: VersionLabel<'_>) -> Result<Version, Conflict> {
        let known = self.versions.iter().position(|label| label == version.label);
        let index = known.unwrap_or(self.versions.len());
        let label = u16::try_from(index).map_err(|_| Conflict::TooMany)?;
        if known.is_none() {
            self.versions.push(version.label.to_owned());
        }
        Ok(Version { is_asked: !version.in_path, label, default: version.default })
    }
}

impl Branch {
    fn insert(&mut self, segments: &[Segment], entry: Entry) -> Result<(), Conflict> {
        let added = match segments.split_first() {
            None => add(&mut self.ends, entry),
            Some((Segment::Rest(_), _)) => add(&mut self.rest, entry),
            Some((Segment::Parameter { takes, .. }, others)) => {
                self.types.entry(*takes).or_default().insert(others, entry)
            }
            Some((Segment::Literal(text), others)) => {
                let child = self.literals.entry(text.clone()).or_default();
                let added = child.insert(others, entry);
                self.literal_ways = self.literal_ways.max(child.ways);
                added
            }
        };
        self.ways = self.count_ways();
        added
    }

    pub(super) fn has_children(&self) -> bool {
        !self.literals.is_empty() || !self.types.is_empty()
    }

    /// The literal child, where there is nothing else.
    pub(super) fn only_child(&self) -> Option<(&String, &Self)> {
        let alone = self.literals.len() == 1 && self.types.is_empty() && self.ends.is_empty() && self.rest.is_empty();
        if alone { self.literals.first_key_value() } else { None }
    }

    /// The most nodes that one path can make a search enter.
    #[cfg(test)]
    pub(super) fn ways(&self) -> u32 {
        self.ways
    }

    /// This node, and all children that one segment can fit: one literal, and every type but for integers and
    /// UUIDs, which exclude each other.
    fn count_ways(&self) -> u32 {
        let of = |kind: Type| self.types.get(&kind).map_or(0, |branch| branch.ways);
        let either = of(Type::Int).max(of(Type::Uuid));
        [self.literal_ways, either, of(Type::Slug), of(Type::Any)].into_iter().fold(1, u32::saturating_add)
    }
}

/// Adds an entry to those of its place.
fn add(entries: &mut Vec<Entry>, entry: Entry) -> Result<(), Conflict> {
    let label = |entry: &Entry| entry.asked().map(|version| version.label);
    let is_default = |entry: &Entry| entry.asked().is_some_and(|version| version.default);
    for other in entries.iter().filter(|other| other.method == entry.method) {
        if label(other) == label(&entry) {
            return Err(Conflict::Tie(other.route));
        }
        if is_default(other) && is_default(&entry) {
            return Err(Conflict::TwoDefaults(other.route));
        }
    }
    let place = entries.partition_point(|other| *other < entry);
    entries.insert(place, entry);
    Ok(())
}
