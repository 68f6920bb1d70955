//! Routes that no request can reach, because closer routes take everything that they could.
//!
//! # What there is
//!
//! A route of fixed length is always reachable. Take a host that no closer pattern names, and for each parameter a
//! value that is in no literal and in no closer type: there are endless UUIDs, slugs and other segments, and more
//! integers than routes. A closer route would have to differ at some first segment, by a literal or a closer type,
//! and neither takes that value. The same holds for the segments before a rest.
//!
//! What is left is a rest whose every tail is taken: `/a/{rest...}` beside `/a/`, `/a/{x}` and `/a/{x}/{rest...}`,
//! or beside these with the last one split up again in the same way. Literals and types cannot do it: only a
//! parameter without a type takes all segments. Hosts cannot do it either: to a wildcard or
//! to every host, the closer hosts leave endlessly many. That is the only case, and it is looked for here.
//!
//! Where versions are mixed with routes that have none, a route is reported only when that is certain.

use std::collections::BTreeSet;

use super::{
    build::{Branch, Builder},
    table::RouteIndex,
    types::Type,
    versions::{Choice, Entry, Wish, choose},
};

/// A route that no request reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreachable {
    /// The route.
    pub route: RouteIndex,
    /// Those that take what it could, the shortest path first.
    pub by: Vec<RouteIndex>,
}

impl Builder {
    /// The routes that no request reaches, on none of their hosts.
    #[must_use]
    pub fn unreachable(&self) -> Vec<Unreachable> {
        let mut seen = Seen::default();
        let trees = self.exact.values().chain(self.wildcards.values()).chain([&self.any_host]);
        trees.for_each(|tree| seen.look(tree));
        let Seen { reachable, mut covered } = seen;
        covered.retain(|route| !reachable.contains(&route.route));
        covered.sort_by_key(|found| found.route);
        covered.dedup_by_key(|found| found.route);
        covered
    }
}

#[derive(Default)]
struct Seen {
    reachable: BTreeSet<RouteIndex>,
    covered: Vec<Unreachable>,
}

impl Seen {
    fn look(&mut self, branch: &Branch) {
        self.reachable.extend(branch.ends.iter().map(|entry| entry.route));
        for entry in &branch.rest {
            match coverers(branch, entry) {
                Some(by) => self.covered.push(Unreachable { route: entry.route, by }),
                None => _ = self.reachable.insert(entry.route),
            }
        }
        branch.literals.values().chain(branch.types.values()).for_each(|child| self.look(child));
    }
}

/// The routes that take every tail of a rest, if they do, for every wish that could lead to it.
fn coverers(branch: &Branch, entry: &Entry) -> Option<Vec<RouteIndex>> {
    let named = entry.asked().map(|version| Wish::Label(version.label));
    // A route without a version gets other wishes too, but what is closer takes those as it takes this one.
    let unnamed = entry.asked().is_none_or(|version| version.default).then_some(Wish::None);
    let mut by: Vec<RouteIndex> = Vec::new();
    for wish in named.into_iter().chain(unnamed) {
        for route in cover(branch, entry, wish)? {
            if !by.contains(&route) {
                by.push(route);
            }
        }
    }
    Some(by)
}

/// The routes that take the three kinds of tails: nothing, one segment, and more than one.
fn cover(branch: &Branch, entry: &Entry, wish: Wish) -> Option<Vec<RouteIndex>> {
    let any = branch.types.get(&Type::Any)?;
    let nothing = taker(&branch.literals.get("")?.ends, entry, wish)?;
    let one = taker(&any.ends, entry, wish)?;
    let more = taker(&any.rest, entry, wish).map(|route| vec![route]).or_else(|| cover(any, entry, wish))?;
    Some([vec![nothing, one], more].concat())
}

/// The route at a closer place that keeps a request from `entry`.
fn taker(closer: &[Entry], entry: &Entry, wish: Wish) -> Option<RouteIndex> {
    let is_plain = entry.asked().is_none();
    let taker = match choose(closer, entry.method, wish) {
        // A route without a version may itself stand behind others that have some.
        Choice::Serve(found) => Some(found).filter(|found| is_plain || found.asked().is_some()),
        // Routes without a version are not looked for behind those that have some.
        Choice::Others if is_plain => closer.iter().find(|found| found.serves(entry.method)),
        Choice::Others | Choice::Nothing => None,
    };
    taker.map(|found| found.route)
}
