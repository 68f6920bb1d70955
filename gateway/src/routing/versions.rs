//! Which of the routes at one place takes a request: by its method and by the version that it asks for.
//!
//! A place is where a search ends: a host and the shape of a path. A place without versions serves whatever is
//! asked for and pays nothing for the others that have some.

use serde::{Deserialize, Serialize};

use super::table::RouteIndex;
use crate::http::method::Method;

/// One route at its place. In order: those without a version come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) method: Method,
    pub(super) version: Option<Version>,
    pub(super) route: RouteIndex,
}

impl Entry {
    /// Whether it can serve requests of a method; GET serves HEAD too (RFC 9110 section 9.3.2).
    pub(super) fn serves(&self, method: Method) -> bool {
        self.method == method || (method == Method::Head && self.method == Method::Get)
    }

    /// Its version, if requests have to ask for it. To a version that stands in the path they have come already, so
    /// such a route is chosen like one without.
    pub(super) fn asked(&self) -> Option<Version> {
        self.version.filter(|version| version.is_asked)
    }
}

/// The version of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Version {
    /// Whether requests have to ask for it; else it stands in the path of its route. Those come first.
    pub(super) is_asked: bool,
    /// Index of its label.
    pub(super) label: u16,
    /// Whether it serves requests that ask for none.
    pub(super) default: bool,
}

/// The version that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// It does not say.
    None,
    /// This label.
    Label(u16),
    /// One that no route has.
    Unknown,
}

/// What a place has for a method and a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice<'t> {
    /// This.
    Serve(&'t Entry),
    /// The method, in other versions only.
    Others,
    /// Not the method.
    Nothing,
}

/// Chooses at one place. HEAD is served by GET where no route of its own serves it.
pub(super) fn choose(entries: &[Entry], method: Method, wish: Wish) -> Choice<'_> {
    let own = of_method(entries, method, wish);
    if method != Method::Head || matches!(own, Choice::Serve(_)) {
        return own;
    }
    match of_method(entries, Method::Get, wish) {
        Choice::Nothing => own,
        by_get => by_get,
    }
}

/// The exact version; or one without, if it stands alone or nothing is asked for; or the default.
fn of_method(entries: &[Entry], method: Method, wish: Wish) -> Choice<'_> {
    let (mut plain, mut others) = (None, false);
    for entry in entries.iter().filter(|entry| entry.method == method) {
        let Some(version) = entry.asked() else {
            plain = Some(entry);
            continue;
        };
        let wanted = match wish {
            Wish::None => version.default && plain.is_none(),
            Wish::Label(label) => version.label == label,
            Wish::Unknown => false,
        };
        if wanted {
            return Choice::Serve(entry);
        }
        others = true;
    }
    match plain {
        Some(entry) if !others || wish == Wish::None => Choice::Serve(entry),
        _ if others => Choice::Others,
        _ => Choice::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(method: Method, version: Option<(u16, bool)>, route: u16) -> Entry {
        Entry { method, version: version.map(|(label, default)| Version { is_asked: true, label, default }), route }
    }

    fn route(entries: &[Entry], method: Method, wish: Wish) -> Option<u16> {
        let mut entries = entries.to_vec();
        entries.sort();
        if let Choice::Serve(entry) = choose(&entries, method, wish) { Some(entry.route) } else { None }
    }

    #[test]
    fn without_versions_every_wish_is_served() {
        let entries = [entry(Method::Get, None, 1)];
        for wish in [Wish::None, Wish::Label(0), Wish::Unknown] {
            assert_eq!(route(&entries, Method::Get, wish), Some(1));
            assert_eq!(choose(&entries, Method::Post, wish), Choice::Nothing);
        }
    }

    #[test]
    fn a_wish_gets_its_version_or_none() {
        let entries = [entry(Method::Get, Some((0, false)), 1), entry(Method::Get, Some((1, true)), 2)];
        assert_eq!(route(&entries, Method::Get, Wish::Label(0)), Some(1));
        assert_eq!(route(&entries, Method::Get, Wish::Label(1)), Some(2));
        assert_eq!(route(&entries, Method::Get, Wish::None), Some(2));
        assert_eq!(choose(&entries, Method::Get, Wish::Label(9)), Choice::Others);
        assert_eq!(choose(&entries, Method::Get, Wish::Unknown), Choice::Others);
    }

    #[test]
    fn no_wish_prefers_the_route_without_a_version() {
        let entries = [entry(Method::Get, Some((0, true)), 1), entry(Method::Get, None, 2)];
        assert_eq!(route(&entries, Method::Get, Wish::None), Some(2));
        assert_eq!(route(&entries, Method::Get, Wish::Label(0)), Some(1));
        assert_eq!(route(&entries, Method::Get, Wish::Unknown), None);
    }

    #[test]
    fn head_takes_its_own_version_and_otherwise_that_of_get() {
        let entries = [entry(Method::Head, Some((0, false)), 1), entry(Method::Get, Some((1, false)), 2)];
        assert_eq!(route(&entries, Method::Head, Wish::Label(0)), Some(1));
        assert_eq!(route(&entries, Method::Head, Wish::Label(1)), Some(2));
        assert_eq!(choose(&entries, Method::Head, Wish::None), Choice::Others);
        assert_eq!(choose(&entries, Method::Get, Wish::Label(0)), Choice::Others);
    }
}
