//! The outbox: what an isolate has to tell others and may lose. It goes behind a response, every two seconds at most, one
//! message to each destination.
//!
//! Two parts: counts, which come together in place (`metrics::tally`), and events, a list with a limit. What cannot be
//! handed over is not tried again: how much that was is told with what goes next. Not here: what must not be lost.

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
        },
    },
    http::Millis,
    ports::errands::{Class, Destination, Errand},
};

/// How long it is collected, in milliseconds.
pub const FLUSH_MS: u32 = 2_000;

/// When a flush that was due has not come: whoever was to do it is gone, as with the context of its request.
const GONE_MS: Millis = 5_000;

/// Most bytes of events. What does not fit is dropped, and counted.
pub const MOST_BYTES: usize = 64 * 1024;

/// So many bytes of events do not wait for their time.
const MANY_BYTES: usize = MOST_BYTES / 2;

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

/// What losses are counted under: so many requests whose counts are lost, or so many events.
const COUNTS: &str = "metrics";
const EVENTS: &str = "events";

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
    events: Option<Events>,
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
    /// The isolate's number among all that there are.
    isolate: u64,
    flushes: u64,
    to: Destination,
}

#[derive(Debug)]
struct Events {
    texts: Vec<String>,
    bytes: usize,
    to: Destination,
}

impl Outbox {
    /// From now on counts, for one of so many objects. The isolate's number is random.
    pub fn count(&self, tally: Tally, isolate: u64, shards: u16) {
        let name = metrics::name_of(metrics::shard_of(isolate, shards));
        let to = Destination::Object(Class::Metrics, name);
        self.inside.borrow_mut().counts = Some(Counts { tally, isolate, flushes: 0, to });
    }

    /// From now on takes events, for this destination: the message is a JSON array of texts.
    pub fn take_events(&self, to: Destination) {
        self.inside.borrow_mut().events = Some(Events { texts: Vec::new(), bytes: 0, to });
    }

    /// A request has been answered. Says so to whoever counts, and sees to it that what there is to tell will be told.
    #[inline]
    pub fn served(&self, now: Millis, seen: impl FnOnce() -> Seen) {
        let mut inside = self.inside.borrow_mut();
        let inside = &mut *inside;
        if let Some(counts) = &mut inside.counts {
            counts.tally.count(&seen());
        } else if inside.events.is_none() {
            return;
        }
        if inside.armed.is_none_or(|armed| now.abs_diff(armed) >= GONE_MS) {
            self.arm(inside, now);
        }
    }

    #[cold]
    fn arm(&self, inside: &mut Inside, now: Millis) {
        let bytes = inside.events.as_ref().map_or(0, |events| events.bytes);
        if bytes > 0 || inside.counts.is_some() {
            inside.armed = Some(now);
            self.due.set(if bytes > MANY_BYTES { Due::Now } else { Due::Soon });
        }
    }

    /// Counts something else; see [`Tally::add`].
    pub fn add(&self, family: Family, place: Option<Place>, words: [&'static str; 2], more: u64) {
        self.inside.borrow_mut().add(family, place, words, more);
    }

    /// Counts requests that were answered without the gateway. They go with what goes next.
    pub fn note(&self, seen: &Seen, more: u64) {
        if let Some(counts) = &mut self.inside.borrow_mut().counts {
            counts.tally.count_many(seen, more);
        }
    }

    /// Something has happened that others want to know: a JSON text. Goes at the end of a request.
    pub fn event(&self, text: String) {
        let mut inside = self.inside.borrow_mut();
        let Some(events) = &mut inside.events else { return };
        let bytes = events.bytes.saturating_add(text.len());
        if bytes > MOST_BYTES {
            return inside.lose(EVENTS, 1);
        }
        let was_few = events.bytes <= MANY_BYTES;
        events.bytes = bytes;
        events.texts.push(text);
        if was_few && bytes > MANY_BYTES {
            // A flush that waits is too late for them.
            inside.armed = None;
        }
    }

    /// Whether there is something to do behind this response. Says so once.
    #[must_use]
    pub fn due(&self) -> Due {
        self.due.take()
    }

    /// The next message to send, until there is none, with a number for [`Outbox::flushed`].
    #[must_use]
    pub fn flush(&self, names: &dyn Names) -> Option<(u8, Errand)> {
        let mut inside = self.inside.borrow_mut();
        inside.armed = None;
        let (what, held, errand) = match inside.events() {
            Some(events) => events,
            None => inside.counts(names)?,
        };
        if inside.out.len() >= MOST_OUT
            && let Some(oldest) = inside.out.pop_front()
        {
            inside.lose(oldest.what, oldest.held);
        }
        inside.sent = inside.sent.wrapping_add(1);
        let number = inside.sent;
        inside.out.push_back(Out { number, what, held });
        Some((number, errand))
    }

    /// What became of a message: whether it has arrived.
    pub fn flushed(&self, number: u8, has_arrived: bool) {
        let mut inside = self.inside.borrow_mut();
        let at = inside.out.iter().position(|out| out.number == number);
        let out = at.and_then(|at| inside.out.remove(at));
        if let Some(Out { what, held, .. }) = out.filter(|_| !has_arrived) {
            inside.lose(what, held);
        }
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

    fn events(&mut self) -> Option<(&'static str, u64, Errand)> {
        let events = self.events.as_mut().filter(|events| !events.texts.is_empty())?;
        let texts = std::mem::take(&mut events.texts);
        events.bytes = 0;
        let message = serde_json::to_vec(&texts).unwrap_or_default();
        Some((EVENTS, texts.len() as u64, Errand { to: events.to.clone(), message }))
    }

    fn counts(&mut self, names: &dyn Names) -> Option<(&'static str, u64, Errand)> {
        let counts = self.counts.as_mut().filter(|counts| counts.tally.requests() > 0)?;
        let held = counts.tally.requests();
        counts.flushes = counts.flushes.saturating_add(1);
        counts.tally.add(Family::Flushes, None, ["", ""], 1);
        let series = counts.tally.drain(names);
        let question = Question::Add(Delta { isolate: counts.isolate, number: counts.flushes, series });
        let message = message::question::<Metrics>(&question);
        Some((COUNTS, held, Errand { to: counts.to.clone(), message }))
    }
}

#[cfg(test)]
mod tests;
