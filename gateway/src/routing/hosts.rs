//! The hosts that routes are bound to, and the order in which those that fit a request are tried.
//!
//! Whether a text is a host at all is not asked here: an unknown host fits no name and is left with the routes
//! of every host.

use std::{borrow::Cow, iter};

use serde::{Deserialize, Serialize};

use super::table::{ROOT, Span, span};

/// Host names, each with the tree of its routes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hosts {
    /// Named in full, sorted.
    exact: Vec<Name>,
    /// What follows `*.`, sorted.
    wildcards: Vec<Name>,
    /// The length of the longest wildcard: nothing longer is looked up, whatever a request sends.
    longest: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Name {
    text: Span,
    root: u32,
}

impl Hosts {
    /// Adds a name under its place in `text`. Names come sorted, wildcards by what follows `*.`.
    pub(super) fn push(&mut self, is_wildcard: bool, text: Span, root: u32) {
        if is_wildcard {
            self.longest = self.longest.max(text.length);
        }
        let names = if is_wildcard { &mut self.wildcards } else { &mut self.exact };
        names.push(Name { text, root });
    }

    /// Every name with its tree, those with a star as they are written.
    #[cfg(feature = "explain")]
    pub(super) fn named(&self, text: &str) -> impl Iterator<Item = (String, u32)> {
        let exact = self.exact.iter().map(|name| (span(text, name.text).to_owned(), name.root));
        let wild = self.wildcards.iter().map(|name| (format!("*.{}", span(text, name.text)), name.root));
        exact.chain(wild)
    }

    /// Whether every route is for every host.
    pub(super) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.wildcards.is_empty()
    }

    /// The trees to try for a host, the closest first; those of every host come last.
    pub(super) fn roots<'t>(&'t self, text: &'t str, host: &'t str) -> impl Iterator<Item = u32> {
        let exact = find(&self.exact, text, host);
        let longest = self.longest as usize;
        // A label of at least one character stands before the suffix.
        let suffixes = host.match_indices('.').filter(|(at, _)| *at > 0);
        let suffixes = suffixes.filter_map(|(at, _)| host.get(at.saturating_add(1)..));
        let near = suffixes.filter(move |suffix| suffix.len() <= longest);
        let wild = near.filter_map(move |suffix| find(&self.wildcards, text, suffix));
        exact.into_iter().chain(wild).chain(iter::once(ROOT))
    }
}

fn find(names: &[Name], text: &str, wanted: &str) -> Option<u32> {
    let place = names.binary_search_by(|name| span(text, name.text).cmp(wanted)).ok()?;
    names.get(place).map(|name| name.root)
}

/// A host as names are kept: in lower case, without the dot that may end it (RFC 9110 section 4.2.3, RFC 3986
/// section 3.2.2).
pub(crate) fn normal(host: &str) -> Cow<'_, str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_lower = !host.bytes().any(|byte| byte.is_ascii_uppercase());
    if is_lower { Cow::Borrowed(host) } else { Cow::Owned(host.to_ascii_lowercase()) }
}
