//! The outbox: what an isolate has to tell others and may lose. It goes behind a response, every two seconds at most, one
//! message to each destination.
//!
//! Here are the counts, which come together in place (`metrics::tally`), and the numbers of all messages on their way; rows
//! about requests are in `audit::events` and go with them. How much could not be handed over is told with what goes next.
//! Not here: what must not be lost.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
};

use crate::{
    fleet::{
        message,
        metrics::{
            self, Delta, Metrics, Question,
            family::Family,
            tally::{Names, Place, Seen, Tally},
            top::Top,
        },
    },
    http::Millis,
    ports::errands::{Class, Destination, Errand},
};

/// How long it is collected, in milliseconds.
pub const FLUSH_MS: u32 = 2_000;

/// When a flush that was due has not come: whoever was to do it is gone, as with the context of its request.
const GONE_MS: Millis = 5_000;

/// When there is something to do behind a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Due {
    /// Not at all.
    #[default]
    Never,
    /// After [`FLUSH_MS`].
    Soon,
    /// At once.
    Now,
}

/// What losses are counted under: so many requests whose counts are lost, or so many rows.
const COUNTS: &str = "metrics";
/// The same of rows for the audit log.
pub const ROWS: &str = "audit";

/// Most messages whose end is waited for. The oldest of more is lost, or whoever carried it.
const MOST_OUT: usize = 8;

/// What an isolate has to tell. Closed until it is opened: then there is nobody to tell, and nothing is kept.
#[derive(Debug, Default)]
pub struct Outbox {
    inside: RefCell<Inside>,
    due: Cell<Due>,
}

#[derive(Debug, Default)]
struct Inside {
    counts: Option<Counts>,
    /// Since when a flush is due that has not come.
    armed: Option<Millis>,
    /// What is on its way, the oldest first.
    out: VecDeque<Out>,
    sent: u8,
}

/// A message on its way.
#[derive(Clone, Copy, Debug)]
struct Out {
    number: u8,
    what: &'static str,
    held: u64,
}

#[derive(Debug)]
struct Counts {
    tally: Tally,
    /// Who was refused.
    refused: Top,
    /// The isolate's number among all that there are.
    isolate: u64,
    flushes: u64,
    to: Destination,
}

impl Outbox {
    /// From now on counts, for one of so many objects. The isolate's number is random.
    pub fn count(&self, tally: Tally, isolate: u64, shards: u16) {
        let name = metrics::name_of(metrics::shard_of(isolate, shards));
        let to = Destination::Object(Class::Metrics, name);
        self.inside.borrow_mut().counts = Some(Counts { tally, refused: Top::default(), isolate, flushes: 0, to });
    }

    /// A request has been answered. Says so to whoever counts, and sees to it that what there is to tell will be told.
    #[inline]
    pub fn served(&self, now: Millis, seen: impl FnOnce() -> Seen) {
        let mut inside = self.inside.borrow_mut();
        let inside = &mut *inside;
        let Some(counts) = &mut inside.counts else { return };
        counts.tally.count(&seen());
        if inside.armed.is_none_or(|armed| now.abs_diff(armed) >= GONE_MS) {
            inside.armed = Some(now);
            self.due.set(Due::Soon);
        }
    }

    /// Whether a flush is to come.
    #[must_use]
    pub fn is_armed(&self) -> bool {
        self.inside.borrow().armed.is_some()
    }

    /// Counts something else; see [`Tally::add`].
    pub fn add(&self, family: Family, place: Option<Place>, words: [&'static str; 2], more: u64) {
        self.inside.borrow_mut().add(family, place, words, more);
    }

    /// Counts what a limit has said; see [`Tally::limited`].
    pub fn limited(&self, route: u16, limit: u64, outcome: &'static str, names: [&str; 2]) {
        if let Some(counts) = &mut self.inside.borrow_mut().counts {
            counts.tally.limited(route, limit, outcome, names);
        }
    }

    /// Counts the refusal of a key by a limit, both as they are shown. The key is made up only if somebody counts.
    pub fn refused(&self, limit: &str, key: impl FnOnce() -> String) {
        if let Some(counts) = &mut self.inside.borrow_mut().counts {
            counts.refused.hit([limit, &key()]);
        }
    }

    /// Counts requests that were answered without the gateway. They go with what goes next.
    pub fn note(&self, seen: &Seen, more: u64) {
        if let Some(counts) = &mut self.inside.borrow_mut().counts {
            counts.tally.count_many(seen, more);
        }
    }

    /// Whether there is something to do behind this response. Says so once.
    #[must_use]
    pub fn due(&self) -> Due {
        self.due.take()
    }

    /// What has been counted, to be sent, with a number for [`Outbox::flushed`].
    #[must_use]
    pub fn flush(&self, names: &dyn Names) -> Option<(u8, Errand)> {
        let mut inside = self.inside.borrow_mut();
        inside.armed = None;
        let (held, errand) = inside.counts(names)?;
        Some((inside.track(COUNTS, held), errand))
    }

    /// The number of a message that holds so much.
    pub fn track(&self, what: &'static str, held: u64) -> u8 {
        self.inside.borrow_mut().track(what, held)
    }

    /// What became of a message: whether it has arrived. Says what it was of.
    pub fn flushed(&self, number: u8, has_arrived: bool) -> Option<&'static str> {
        let mut inside = self.inside.borrow_mut();
        let at = inside.out.iter().position(|out| out.number == number);
        let Out { what, held, .. } = at.and_then(|at| inside.out.remove(at))?;
        if !has_arrived {
            inside.lose(what, held);
        }
        Some(what)
    }

    /// So much of something is lost.
    pub fn lose(&self, what: &'static str, held: u64) {
        self.inside.borrow_mut().lose(what, held);
    }
}

impl Inside {
    fn add(&mut self, family: Family, place: Option<Place>, words: [&'static str; 2], more: u64) {
        if let Some(counts) = &mut self.counts {
            counts.tally.add(family, place, words, more);
        }
    }

    fn lose(&mut self, what: &'static str, held: u64) {
        self.add(Family::Dropped, None, [what, ""], held);
    }

    fn track(&mut self, what: &'static str, held: u64) -> u8 {
        if self.out.len() >= MOST_OUT
            && let Some(oldest) = self.out.pop_front()
        {
            self.lose(oldest.what, oldest.held);
        }
        self.sent = self.sent.wrapping_add(1);
        self.out.push_back(Out { number: self.sent, what, held });
        self.sent
    }

    fn counts(&mut self, names: &dyn Names) -> Option<(u64, Errand)> {
        let counts = self.counts.as_mut().filter(|counts| counts.tally.requests() > 0)?;
        let held = counts.tally.requests();
        counts.flushes = counts.flushes.saturating_add(1);
        counts.tally.add(Family::Flushes, None, ["", ""], 1);
        let mut series = counts.tally.drain(names);
        std::mem::take(&mut counts.refused).pack(&mut series);
        let question = Question::Add(Delta { isolate: counts.isolate, number: counts.flushes, series });
        let message = message::question::<Metrics>(&question);
        Some((held, Errand { to: counts.to.clone(), message }))
    }
}

#[cfg(test)]
mod tests;
