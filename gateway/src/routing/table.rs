//! The table of routes: what is written into the compiled file and searched for every request.
//!
//! It is a tree of path segments in a few flat lists over one text, so that thousands of routes are read back
//! without thousands of allocations. It is made by [`super::build::Builder`] and never changes.

use serde::{Deserialize, Serialize};

use super::{
    hosts::{self, Hosts},
    search::Search,
    versions::{Choice, Entry, Wish, choose},
    wish::Places,
};
use crate::http::method::Method;

/// Index of a route in the blueprint.
pub type RouteIndex = u16;

/// The most places of versions in paths that are tried for a path that is not there.
const MOST_PLACES: usize = 32;

/// The tree of the routes of every host.
pub(super) const ROOT: u32 = 0;

/// A piece of the table's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) length: u32,
}

/// The piece of a text; nothing when it is not there.
pub(super) fn span(text: &str, span: Span) -> &str {
    let start = span.start as usize;
    text.get(start..start.saturating_add(span.length as usize)).unwrap_or_default()
}

/// A node of the tree. Its children stand in a row: first the literal ones, then one for each type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Node {
    /// What leads here from the parent, if that is literal: one segment, or several where no way branches off.
    pub(super) label: Span,
    /// How many segments lead here.
    pub(super) depth: u8,
    /// The first child.
    pub(super) children: u32,
    /// How many of the children are literal.
    pub(super) literals: u32,
    /// The set of types that have a child.
    pub(super) types: u8,
    /// The first entry.
    pub(super) entries: u32,
    /// How many entries end here.
    pub(super) ends: u32,
    /// How many after those take all that is left.
    pub(super) rest: u32,
}

/// All routes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    pub(super) nodes: Vec<Node>,
    pub(super) entries: Vec<Entry>,
    /// Literal children of crowded nodes by hash, [`ROOT`] where there is none; a power of two of them, or none.
    pub(super) slots: Vec<u32>,
    /// All labels and host names.
    pub(super) text: String,
    pub(super) hosts: Hosts,
    /// The labels of versions, in the order in which they were first named.
    pub(super) versions: Vec<String>,
    /// Where in paths versions stand: the index of the segment and that of the label, each pair once.
    pub(super) in_paths: Vec<(u8, u16)>,
    /// Where else requests name versions.
    pub places: Places,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            nodes: vec![Node::default()],
            entries: Vec::new(),
            slots: Vec::new(),
            text: String::new(),
            hosts: Hosts::default(),
            versions: Vec::new(),
            in_paths: Vec::new(),
            places: Places::default(),
        }
    }
}

/// What a request asks for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'r> {
    /// Its method.
    pub method: Method,
    /// Its host without a port, in either case; `None` finds only routes of every host.
    pub host: Option<&'r str>,
    /// Its path, which begins with `/`.
    pub path: &'r str,
    /// The version of the interface that it names.
    pub version: Option<&'r str>,
}

/// A route and what the request says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match<'r> {
    /// Which route.
    pub route: RouteIndex,
    /// Its version; also where the request named none and this is the default.
    pub version: Option<&'r str>,
    /// What its parameters hold, as sent, in the order of the path.
    pub values: Vec<&'r str>,
}

/// Why there is no route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Miss<'t> {
    /// No route has this path and this method.
    Nothing,
    /// There are such routes, but not in the version that is asked for; or none is asked for and none is the
    /// default. These versions exist, in the order of the file.
    Version(Vec<&'t str>),
}

impl Table {
    /// Whether some route has a version, so that requests may name one.
    #[must_use]
    pub fn knows_versions(&self) -> bool {
        !self.versions.is_empty()
    }

    /// Whether some route is bound to a host, so that the hosts of requests matter.
    #[must_use]
    pub fn knows_hosts(&self) -> bool {
        !self.hosts.is_empty()
    }

    /// The closest route for a request.
    ///
    /// A version is looked for like a method: on the closest place that has it. A route without a version takes
    /// every request, but not behind a closer one that has versions: who asks for a version that is gone must
    /// not end in a route that was never meant.
    ///
    /// # Errors
    /// What there is instead.
    pub fn find<'r>(&'r self, wanted: &Wanted<'r>) -> Result<Match<'r>, Miss<'r>> {
        let wish = self.wish(wanted.version);
        let mut versions_seen = false;
        let mut accept = |entries: &'r [Entry]| match choose(entries, wanted.method, wish) {
            Choice::Serve(entry) if entry.asked().is_some() || !versions_seen => Some(entry),
            Choice::Others => {
                versions_seen = true;
                None
            }
            Choice::Serve(_) | Choice::Nothing => None,
        };
        match self.search(wanted.host, wanted.path, &mut accept) {
            Some((entry, values)) => {
                let label = entry.version.and_then(|version| self.versions.get(usize::from(version.label)));
                Ok(Match { route: entry.route, version: label.map(String::as_str), values })
            }
            None if versions_seen => Err(Miss::Version(self.versions_of(wanted))),
            None => Err(Miss::Nothing),
        }
    }

    /// The methods that some route has for a path on the hosts that apply, in the order of [`Method::ALL`].
    #[must_use]
    pub fn allowed(&self, host: Option<&str>, path: &str) -> Vec<Method> {
        let mut found = [false; Method::ALL.len()];
        self.search(host, path, &mut |entries: &[Entry]| {
            for (method, found) in Method::ALL.into_iter().zip(&mut found) {
                *found |= entries.iter().any(|entry| entry.serves(method));
            }
            None
        });
        Method::ALL.into_iter().zip(found).filter(|(_, found)| *found).map(|(method, _)| method).collect()
    }

    /// The versions that a path and a method have on the hosts that apply.
    fn versions_of<'t>(&'t self, wanted: &Wanted<'_>) -> Vec<&'t str> {
        let mut found = vec![false; self.versions.len()];
        self.search(wanted.host, wanted.path, &mut |entries: &[Entry]| {
            let serving = entries.iter().filter(|entry| entry.serves(wanted.method));
            for version in serving.filter_map(Entry::asked) {
                if let Some(place) = found.get_mut(usize::from(version.label)) {
                    *place = true;
                }
            }
            None
        });
        self.versions.iter().zip(found).filter(|(_, found)| *found).map(|(label, _)| label.as_str()).collect()
    }

    /// The versions in which a path would be there that has another one, or one that is none, where routes have theirs:
    /// `/v9/orders` beside `/v1/orders`. Each place is searched once; places beyond [`MOST_PLACES`] are not looked at.
    #[must_use]
    pub fn versions_near<'t>(&'t self, wanted: &Wanted<'_>) -> Vec<&'t str> {
        let mut near: Vec<&str> = Vec::new();
        for (at, label) in self.in_paths.iter().take(MOST_PLACES) {
            let Some(label) = self.versions.get(usize::from(*label)) else { continue };
            let Some(path) = with_version(wanted.path, usize::from(*at), label) else { continue };
            let is_there = self.find(&Wanted { path: &path, ..*wanted }).is_ok();
            if is_there && !near.contains(&label.as_str()) {
                near.push(label);
            }
        }
        near
    }

    /// Searches the trees of every host that applies, until `accept` takes something.
    fn search<'t, 'p>(
        &'t self,
        host: Option<&str>,
        path: &'p str,
        accept: &mut impl FnMut(&'t [Entry]) -> Option<&'t Entry>,
    ) -> Option<(&'t Entry, Vec<&'p str>)> {
        let mut search = Search::new(self, path, accept)?;
        let entry = match host {
            Some(host) if self.knows_hosts() => {
                self.hosts.roots(&self.text, &hosts::normal(host)).find_map(|root| search.run(root))
            }
            _ => search.run(ROOT),
        }?;
        Some((entry, search.into_values()))
    }

    fn wish(&self, version: Option<&str>) -> Wish {
        let Some(wanted) = version else { return Wish::None };
        let exact = self.versions.iter().position(|label| label == wanted);
        // `2` is `v2`, as a media type has it, unless there is a version `2` too.
        let is_number = wanted.starts_with(|first: char| first.is_ascii_digit());
        let by_number = || self.versions.iter().position(|label| label.strip_prefix('v') == Some(wanted));
        let label = exact.or_else(|| if is_number { by_number() } else { None });
        label.and_then(|index| u16::try_from(index).ok()).map_or(Wish::Unknown, Wish::Label)
    }

    pub(super) fn node(&self, index: u32) -> Option<&Node> {
        self.nodes.get(index as usize)
    }

    /// The routes that end at a node.
    pub(super) fn ends(&self, node: &Node) -> &[Entry] {
        self.entries_from(node.entries, node.ends)
    }

    /// The routes that take all that is left from a node.
    pub(super) fn rest(&self, node: &Node) -> &[Entry] {
        self.entries_from(node.entries.saturating_add(node.ends), node.rest)
    }

    fn entries_from(&self, start: u32, length: u32) -> &[Entry] {
        let start = start as usize;
        self.entries.get(start..start.saturating_add(length as usize)).unwrap_or_default()
    }
}

/// A path with this version in the place of a segment that looks like a version too: the same but for its digits.
fn with_version(path: &str, at: usize, label: &str) -> Option<String> {
    let letters = |text: &str| text.bytes().filter(|byte| !byte.is_ascii_digit()).collect::<Vec<u8>>();
    let mut segments: Vec<&str> = path.split('/').collect();
    let place = segments.get_mut(at.saturating_add(1))?;
    if *place == label || letters(place) != letters(label) {
        return None;
    }
    *place = label;
    Some(segments.join("/"))
}
