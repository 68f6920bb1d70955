//! What an isolate has counted since it last handed it over. Counting a request that is not refused allocates nothing
//! and writes no text: its route is an index, its numbers stand in a fixed array.
//!
//! Bounded by construction: by the routes and upstreams of the configuration and the words of the code.

use super::{Times, board::OTHER, family::Family, packed};
use crate::http::Millis;

/// The classes of status codes.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The outcomes of requests that were not refused.
pub const FORWARDED: &str = "forwarded";
/// See [`FORWARDED`].
pub const ANSWERED: &str = "answered";

/// The label of requests without a route.
pub const NO_ROUTE: &str = "-";

/// Most labels of paths that are no routes. The gateway has fewer of its own; beyond them they are [`NO_ROUTE`].
const MOST_PATHS: usize = 64;

/// Most series of the rare kind. Beyond them the labels of a new one are [`OTHER`].
const MOST_RARE: usize = 2_048;

/// Most limits of routes with an outcome each. Beyond them all are [`OTHER`].
const MOST_LIMITED: usize = 2_048;

/// What a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A route, by its index.
    Route(u16),
    /// A path of the gateway's own, by its label; or [`NO_ROUTE`].
    Path(&'static str),
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An upstream answered.
    Forwarded,
    /// The gateway answered.
    Answered,
    /// This stage refused it, with a problem of this code.
    Refused(&'static str, &'static str),
}

/// A request that has been answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What it was for.
    pub place: Place,
    /// The status of its answer.
    pub status: u16,
    /// What became of it.
    pub outcome: Outcome,
    /// How long that took; unknown only of what was refused before the gateway had it.
    pub took_ms: Option<Millis>,
    /// Which upstream was asked, by its index, and how long that took.
    pub upstream: Option<(u16, Millis)>,
    /// How often it waited for the platform.
    pub awaits: u32,
}

/// What indices stand for.
pub trait Names {
    /// The label of a route.
    fn route(&self, index: u16) -> &str;
    /// The name of an upstream.
    fn upstream(&self, index: u16) -> &str;
}

/// The counts.
#[derive(Debug)]
pub struct Tally {
    routes: usize,
    /// The labels behind the routes.
    paths: Vec<&'static str>,
    /// For each place, routes first, where its row is, plus one; 0: there is none yet.
    rows_of: Vec<u16>,
    rows: Vec<Row>,
    upstreams: Vec<Times>,
    /// In their order.
    rare: Vec<(Rare, u64)>,
    /// In their order. They stay when they are told, so that a limit is named once.
    limited: Vec<Limited>,
    requests: u64,
    awaits: u64,
    awaiting: u64,
}

/// The numbers of a place.
#[derive(Debug)]
struct Row {
    place: usize,
    /// By class, first those that were forwarded.
    counts: [u64; 2 * CLASSES.len()],
    times: Times,
}

/// What is not counted in a fixed place: a family and its labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rare {
    family: Family,
    place: Option<Place>,
    words: [&'static str; 2],
}

/// What a limit has said on a route.
#[derive(Debug)]
struct Limited {
    key: (u64, u16, &'static str),
    /// The limit and its plan.
    names: [Box<str>; 2],
    count: u64,
}

impl Tally {
    /// Of a gateway with so many routes and upstreams.
    #[must_use]
    pub fn new(routes: usize, upstreams: usize) -> Self {
        Self {
            routes,
            paths: Vec::new(),
            rows_of: vec![0; routes],
            rows: Vec::new(),
            upstreams: vec![Times::default(); upstreams],
            rare: Vec::new(),
            limited: Vec::new(),
            requests: 0,
            awaits: 0,
            awaiting: 0,
        }
    }

    /// How many requests it has counted.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// Counts a request.
    #[inline]
    pub fn count(&mut self, seen: &Seen) {
        self.count_many(seen, 1);
    }

    /// Counts so many alike.
    #[inline]
    pub fn count_many(&mut self, seen: &Seen, more: u64) {
        let class = usize::from(seen.status / 100).clamp(1, CLASSES.len()).saturating_sub(1);
        let at = match seen.outcome {
            Outcome::Forwarded => class,
            Outcome::Answered => class.saturating_add(CLASSES.len()),
            Outcome::Refused(stage, code) => {
                let class = CLASSES.get(class).copied().unwrap_or_default();
                self.add(Family::Requests, Some(seen.place), [class, stage], more);
                self.add(Family::Problems, None, [code, ""], more);
                usize::MAX
            }
        };
        if let Some(ms) = seen.took_ms
            && let Some(row) = self.row(seen.place)
        {
            row.times.add(ms);
            if let Some(count) = row.counts.get_mut(at) {
                *count = count.saturating_add(more);
            }
        }
        if let Some((index, ms)) = seen.upstream
            && let Some(times) = self.upstreams.get_mut(usize::from(index))
        {
            times.add(ms);
        }
        self.requests = self.requests.saturating_add(more);
        self.awaits = self.awaits.saturating_add(u64::from(seen.awaits));
        self.awaiting = self.awaiting.saturating_add(u64::from(seen.awaits > 0));
    }

    /// Counts something else: so many more of a counter, whose labels are a place, if it has one, and words.
    pub fn add(&mut self, family: Family, place: Option<Place>, words: [&'static str; 2], more: u64) {
        let mut key = Rare { family, place, words };
        let mut found = self.find(&key);
        if self.rare.len() >= MOST_RARE && found.is_err() {
            key = Rare { family, place: place.map(|_| Place::Path(NO_ROUTE)), words: [OTHER; 2] };
            found = self.find(&key);
        }
        match found {
            Ok(at) => {
                if let Some((_, count)) = self.rare.get_mut(at) {
                    *count = count.saturating_add(more);
                }
            }
            Err(at) => self.rare.insert(at, (key, more)),
        }
    }

    /// Counts what the limit of a number has said to a request of a route. `names` are those of the limit and its plan.
    pub fn limited(&mut self, route: u16, limit: u64, outcome: &'static str, names: [&str; 2]) {
        let (mut key, mut names) = ((limit, route, outcome), names);
        let mut found = self.find_limited(&key);
        if self.limited.len() >= MOST_LIMITED && found.is_err() {
            (key, names) = ((0, u16::MAX, outcome), [OTHER; 2]);
            found = self.find_limited(&key);
        }
        match found {
            Ok(at) => {
                if let Some(limited) = self.limited.get_mut(at) {
                    limited.count = limited.count.saturating_add(1);
                }
            }
            Err(at) => self.limited.insert(at, Limited { key, names: names.map(Box::from), count: 1 }),
        }
    }

    fn find_limited(&self, wanted: &(u64, u16, &'static str)) -> Result<usize, usize> {
        self.limited.binary_search_by(|known| known.key.cmp(wanted))
    }

    fn find(&self, wanted: &Rare) -> Result<usize, usize> {
        self.rare.binary_search_by(|(known, _)| known.cmp(wanted))
    }

    #[inline]
    fn row(&mut self, place: Place) -> Option<&mut Row> {
        let place = match place {
            Place::Route(index) => usize::from(index),
            Place::Path(label) => self.path(label),
        };
        match self.rows_of.get(place)?.checked_sub(1) {
            Some(row) => self.rows.get_mut(usize::from(row)),
            None => self.new_row(place),
        }
    }

    #[cold]
    fn new_row(&mut self, place: usize) -> Option<&mut Row> {
        self.rows.push(Row { place, counts: [0; 2 * CLASSES.len()], times: Times::default() });
        // There are at most 65,535 routes and paths; what an index cannot name is not counted.
        *self.rows_of.get_mut(place)? = u16::try_from(self.rows.len()).ok()?;
        self.rows.last_mut()
    }

    fn path(&mut self, label: &'static str) -> usize {
        let known = self.paths.iter().position(|known| *known == label);
        let index = known.unwrap_or_else(|| self.new_path(label));
        self.routes.saturating_add(index)
    }

    #[cold]
    fn new_path(&mut self, label: &'static str) -> usize {
        if self.paths.len() >= MOST_PATHS {
            return 0;
        }
        if self.paths.is_empty() && label != NO_ROUTE {
            self.new_path(NO_ROUTE);
        }
        self.paths.push(label);
        self.rows_of.push(0);
        self.paths.len().saturating_sub(1)
    }

    /// Takes out all that was counted, [`packed`].
    pub fn drain(&mut self, names: &dyn Names) -> Vec<u8> {
        let mut bytes = Vec::new();
        for row in std::mem::take(&mut self.rows) {
            if let Some(at) = self.rows_of.get_mut(row.place) {
                *at = 0;
            }
            row.pack(self.label(row.place, names), &mut bytes);
        }
        for (index, times) in self.upstreams.iter_mut().enumerate().filter(|(_, times)| times.count() > 0) {
            let name = u16::try_from(index).map(|index| names.upstream(index)).unwrap_or_default();
            packed::put(&mut bytes, Family::UpstreamDuration, &[name], times.numbers());
            *times = Times::default();
        }
        for (Rare { family, place, words: [first, second] }, count) in self.rare.drain(..) {
            let place = place.map(|place| match place {
                Place::Route(index) => names.route(index),
                Place::Path(label) => label,
            });
            let labels = place.map_or([first, second, ""], |place| [place, first, second]);
            let labels = labels.get(..family.about().labels.len()).unwrap_or_default();
            packed::put(&mut bytes, family, labels, &[count]);
        }
        for Limited { key: (_, route, outcome), names: [limit, plan], count } in &mut self.limited {
            let count = std::mem::take(count);
            if count > 0 {
                packed::put(&mut bytes, Family::RateLimits, &[names.route(*route), limit, plan, outcome], &[count]);
            }
        }
        let (awaits, awaiting) = (std::mem::take(&mut self.awaits), std::mem::take(&mut self.awaiting));
        packed::put(&mut bytes, Family::Awaits, &[], &[awaits]);
        packed::put(&mut bytes, Family::Awaiting, &[], &[awaiting]);
        self.requests = 0;
        bytes
    }

    fn label<'n>(&self, place: usize, names: &'n dyn Names) -> &'n str {
        match place.checked_sub(self.routes) {
            Some(path) => self.paths.get(path).copied().unwrap_or(NO_ROUTE),
            None => u16::try_from(place).map_or(NO_ROUTE, |index| names.route(index)),
        }
    }
}

impl Row {
    fn pack(&self, label: &str, bytes: &mut Vec<u8>) {
        let (forwarded, answered) = self.counts.split_at(CLASSES.len());
        for (outcome, counts) in [(FORWARDED, forwarded), (ANSWERED, answered)] {
            for (class, count) in CLASSES.iter().zip(counts).filter(|(_, count)| **count > 0) {
                packed::put(bytes, Family::Requests, &[label, class, outcome], &[*count]);
            }
        }
        packed::put(bytes, Family::Duration, &[label], self.times.numbers());
    }
}

#[cfg(test)]
mod tests;
