//! Switches that stop requests: the kill switch, drain and maintenance, thrown by an operator for a time.
//!
//! Not here: what a request is told (`stages`), and those that stand in the configuration.

use serde::{Deserialize, Serialize};

use crate::http::Millis;

/// What a switch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// Nothing is served: something is wrong.
    Kill,
    /// No new requests are taken: another gateway takes over.
    Drain,
    /// Closed for a while, on purpose.
    Maintenance,
}

impl Kind {
    /// Every kind by its name.
    pub const WORDS: [(&'static str, Self); 3] =
        [("kill", Self::Kill), ("drain", Self::Drain), ("maintenance", Self::Maintenance)];

    /// Its name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Drain => "drain",
            Self::Maintenance => "maintenance",
        }
    }
}

/// What a switch is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scope {
    /// Every route.
    Gateway,
    /// The routes with this tag: an API.
    Tag(String),
    /// The routes that go to this upstream.
    Upstream(String),
    /// One route, by its method and path as configured.
    Route(String),
}

impl Scope {
    /// As operators write it: `gateway`, `tag:NAME`, `upstream:NAME`, `route:METHOD /path`.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Gateway => "gateway".to_owned(),
            Self::Tag(name) => ["tag:", name].concat(),
            Self::Upstream(name) => ["upstream:", name].concat(),
            Self::Route(key) => ["route:", key].concat(),
        }
    }

    /// Reads what [`Scope::text`] writes. Whether there is such a thing is not known here.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None => (text == "gateway").then_some(Self::Gateway),
            Some((_, "")) => None,
            Some(("tag", name)) => Some(Self::Tag(name.to_owned())),
            Some(("upstream", name)) => Some(Self::Upstream(name.to_owned())),
            Some(("route", key)) => Some(Self::Route(key.to_owned())),
            Some(_) => None,
        }
    }
}

/// Whether a name of routes, as the file has it, names the route of this key: `GET,POST /items` names two, `ANY /items`
/// all that there are.
#[must_use]
pub fn names_route(name: &str, key: &str) -> bool {
    match (name.split_once(' '), key.split_once(' ')) {
        (Some((methods, path)), Some((method, own))) => {
            path == own && methods.split(',').any(|named| named == method || named == "ANY")
        }
        _ => false,
    }
}

/// Which switch: there is one for each kind and scope.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lever {
    /// What it does.
    pub kind: Kind,
    /// What it is about.
    pub scope: Scope,
}

/// A switch that is thrown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    /// Which one.
    pub lever: Lever,
    /// What callers are told.
    pub reason: String,
    /// `Retry-After` in seconds; 0: the time that is left.
    pub retry_after_s: u32,
    /// Who has thrown it.
    pub by: String,
    /// When it was thrown.
    pub since: Millis,
    /// When it is released by itself.
    pub until: Millis,
}

impl Switch {
    /// Whether it holds.
    #[must_use]
    pub fn holds(&self, now: Millis) -> bool {
        now < self.until
    }

    /// What `Retry-After` says now: at least a second.
    #[must_use]
    pub fn retry_after_s(&self, now: Millis) -> u64 {
        let left = self.until.saturating_sub(now).div_ceil(1_000).max(1);
        match self.retry_after_s {
            0 => left,
            seconds => left.min(u64::from(seconds)),
        }
    }
}

/// All switches that are thrown: few, so a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Switches(pub Vec<Switch>);

impl Switches {
    /// Throws one.
    pub fn throw(&mut self, switch: Switch) {
        self.release(&switch.lever);
        self.0.push(switch);
    }

    /// Releases one.
    pub fn release(&mut self, lever: &Lever) {
        self.0.retain(|switch| switch.lever != *lever);
    }

    /// Forgets those whose time is over.
    pub fn expire(&mut self, now: Millis) {
        self.0.retain(|switch| switch.holds(now));
    }

    /// Whether none is thrown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The switch of this kind that holds for something, the one that holds longest.
    pub fn find(&self, kind: Kind, now: Millis, is_meant: impl Fn(&Scope) -> bool) -> Option<&Switch> {
        let holding = self.0.iter().filter(|switch| switch.lever.kind == kind && switch.holds(now));
        holding.filter(|switch| is_meant(&switch.lever.scope)).max_by_key(|switch| switch.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn kill(scope: Scope, until: Millis) -> Switch {
        let lever = Lever { kind: Kind::Kill, scope };
        Switch { lever, reason: "leak".into(), retry_after_s: 0, by: "ops".into(), since: 0, until }
    }

    #[test]
    fn a_scope_is_read_as_it_is_written() {
        let named = |make: fn(String) -> Scope| make("GET /a:b".to_owned());
        for scope in [Scope::Gateway, named(Scope::Tag), named(Scope::Upstream), named(Scope::Route)] {
            assert_eq!(Scope::parse(&scope.text()), Some(scope));
        }
        for other in ["", "all", "Gateway", "gateway:", "tag", "tag:", "host:x"] {
            assert_eq!(Scope::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_name_with_several_methods_names_several_routes() {
        let named = |name: &str| ["GET /a", "POST /a", "GET /b"].map(|key| names_route(name, key));
        assert_eq!(named("GET /a"), [true, false, false]);
        assert_eq!(named("GET,POST /a"), [true, true, false]);
        assert_eq!(named("ANY /a"), [true, true, false]);
        assert_eq!([named("/a"), named("GET"), named("GE /a")], [[false; 3]; 3]);
    }

    #[test]
    fn a_switch_says_when_to_come_back_and_never_later_than_its_end() {
        let switch = |retry_after_s| Switch { retry_after_s, ..kill(Scope::Gateway, 10_000) };
        assert_eq!([0, 3, 60].map(|seconds| switch(seconds).retry_after_s(500)), [10, 3, 10]);
        assert_eq!(switch(3).retry_after_s(10_000), 1);
    }

    #[test]
    fn there_is_one_switch_for_each_kind_and_scope_and_it_ends_by_itself() {
        let mut switches = Switches::default();
        switches.throw(kill(Scope::Gateway, 5));
        switches.throw(kill(Scope::Tag("a".into()), 20));
        switches.throw(kill(Scope::Gateway, 10));
        assert_eq!(switches.0.len(), 2);
        let found = |now| switches.find(Kind::Kill, now, |scope| *scope == Scope::Gateway).map(|switch| switch.until);
        assert_eq!((found(9), found(10)), (Some(10), None));
        assert_eq!(switches.find(Kind::Kill, 0, |_| true).map(|switch| switch.until), Some(20));
        assert!(switches.find(Kind::Drain, 0, |_| true).is_none());
        switches.expire(10);
        assert_eq!(switches.0.len(), 1);
        switches.release(&Lever { kind: Kind::Kill, scope: Scope::Tag("a".into()) });
        assert!(switches.is_empty());
    }
}
