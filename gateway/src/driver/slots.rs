//! Where requests in flight are kept: numbered places, each with a generation and a deadline.
//!
//! A handle that was given out stays valid for one request only. Whoever comes back with an old one, be it a
//! late answer or an aborted client, finds nothing and can change nothing.

use std::{future::Future, pin::Pin, rc::Rc, task::Waker};

use crate::{driver::effects::Exchange, http::Millis, pipeline::run::Finished};

/// How many slots one sweep looks at: a request pays for a few others, never for all.
const SWEPT_AT_ONCE: usize = 4;

/// Most requests in flight at once. Beyond it the oldest slot gives way: its request, if anybody still waits for it,
/// is finished outside with the edits that its plan took along. This bounds memory whatever clients do.
pub const MOST: usize = 8_192;

/// Names one request in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle {
    /// Which slot.
    pub index: u32,
    /// Which of the requests that have used it.
    pub generation: u32,
}

/// A request in flight.
pub struct Slot {
    /// Its pipeline.
    pub future: Pin<Box<dyn Future<Output = Finished>>>,
    /// Where it leaves its effects and finds their answers.
    pub exchange: Rc<Exchange>,
    /// When it is given up.
    pub deadline: Millis,
    /// Asks for another poll.
    pub waker: Waker,
    /// How long it is kept at most for what it waits for now, in milliseconds.
    pub whole_time: Millis,
}

#[derive(Default)]
struct Place {
    generation: u32,
    waker: Option<Waker>,
    slot: Option<Slot>,
}

/// All slots of an isolate.
#[derive(Default)]
pub struct Slots {
    places: Vec<Place>,
    free: Vec<u32>,
    swept: usize,
    evicted: usize,
}

impl Slots {
    /// Puts a request into a free slot. `waker` makes the slot's waker, the first time that the slot is used.
    pub fn insert(
        &mut self,
        future: Pin<Box<dyn Future<Output = Finished>>>,
        exchange: Rc<Exchange>,
        deadline: Millis,
        waker: impl FnOnce(u32) -> Waker,
    ) -> Handle {
        if self.free.is_empty() && self.places.len() >= MOST {
            self.evict();
        }
        let index = self.free.pop().unwrap_or_else(|| self.grow());
        let generation = self.place(index).map_or(0, |place| {
            let waker = place.waker.get_or_insert_with(|| waker(index)).clone();
            place.slot = Some(Slot { future, exchange, deadline, waker, whole_time: 0 });
            place.generation
        });
        Handle { index, generation }
    }

    /// The request of a handle, if it is still that one.
    pub fn get(&mut self, handle: Handle) -> Option<&mut Slot> {
        self.place(handle.index).filter(|place| place.generation == handle.generation)?.slot.as_mut()
    }

    /// Frees a slot. Does nothing for an old handle.
    pub fn remove(&mut self, handle: Handle) {
        let Some(place) = self.place(handle.index) else { return };
        if place.generation == handle.generation && place.slot.take().is_some() {
            place.generation = place.generation.wrapping_add(1);
            self.free.push(handle.index);
        }
    }

    /// Frees a few slots whose deadline has passed, going round.
    pub fn sweep(&mut self, now: Millis) {
        for _ in 0..SWEPT_AT_ONCE.min(self.places.len()) {
            self.swept = self.swept.checked_rem(self.places.len()).unwrap_or(0);
            let index = self.swept;
            self.swept = self.swept.saturating_add(1);
            let Some(place) = self.places.get(index) else { return };
            if place.slot.as_ref().is_some_and(|slot| slot.deadline < now) {
                let generation = place.generation;
                self.remove(Handle { index: u32::try_from(index).unwrap_or(u32::MAX), generation });
            }
        }
    }

    /// Frees the slot that comes next in a circle: near enough the oldest, and found at once.
    fn evict(&mut self) {
        let index = self.evicted.checked_rem(self.places.len()).unwrap_or(0);
        self.evicted = index.saturating_add(1);
        if let Some(generation) = self.places.get(index).map(|place| place.generation) {
            self.remove(Handle { index: u32::try_from(index).unwrap_or(u32::MAX), generation });
        }
    }

    /// How many slots hold a request.
    #[must_use]
    pub fn occupied(&self) -> usize {
        self.places.len().saturating_sub(self.free.len())
    }

    fn grow(&mut self) -> u32 {
        let index = self.places.len();
        self.places.push(Place::default());
        // Memory ends long before four thousand million requests are in flight.
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    fn place(&mut self, index: u32) -> Option<&mut Place> {
        self.places.get_mut(usize::try_from(index).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn insert(slots: &mut Slots, deadline: Millis) -> Handle {
        slots.insert(Box::pin(std::future::pending()), Rc::default(), deadline, |_| Waker::noop().clone())
    }

    #[test]
    fn an_old_handle_reaches_nothing() {
        let mut slots = Slots::default();
        let old = insert(&mut slots, 10);
        slots.remove(old);
        let new = insert(&mut slots, 10);
        assert_eq!(old.index, new.index);
        assert!(slots.get(old).is_none());
        slots.remove(old);
        assert!(slots.get(new).is_some());
        assert_eq!(slots.occupied(), 1);
    }

    #[test]
    fn sweeping_frees_what_is_overdue_and_nothing_else() {
        let mut slots = Slots::default();
        let handles: Vec<Handle> = (0..40).map(|at| insert(&mut slots, at)).collect();
        (0..10).for_each(|_| slots.sweep(20));
        let left: Vec<bool> = handles.iter().map(|handle| slots.get(*handle).is_some()).collect();
        assert_eq!(left, (0..40).map(|at| at >= 20).collect::<Vec<_>>());
    }

    #[test]
    fn slots_never_grow_beyond_their_bound_and_the_oldest_gives_way() {
        let mut slots = Slots::default();
        let handles: Vec<Handle> = (0..=MOST).map(|_| insert(&mut slots, u64::MAX)).collect();
        assert_eq!(slots.occupied(), MOST);
        assert!(slots.get(handles[0]).is_none());
        assert!(slots.get(handles[1]).is_some() && slots.get(handles[MOST]).is_some());
    }

    proptest! {
        #[test]
        fn every_handle_reaches_its_own_request_only(steps in proptest::collection::vec((0_u8..3, 0_usize..20), 1..200)) {
            let mut slots = Slots::default();
            let mut live: Vec<(Handle, Millis)> = Vec::new();
            let mut gone: Vec<Handle> = Vec::new();
            for (number, (action, which)) in steps.into_iter().enumerate() {
                let mark = 1_000 + number as Millis;
                match action {
                    0 | 1 => live.push((insert(&mut slots, mark), mark)),
                    _ if !live.is_empty() => {
                        let (handle, _) = live.swap_remove(which % live.len());
                        slots.remove(handle);
                        gone.push(handle);
                    }
                    _ => slots.sweep(500),
                }
                prop_assert_eq!(slots.occupied(), live.len());
                for (handle, mark) in &live {
                    prop_assert_eq!(slots.get(*handle).map(|slot| slot.deadline), Some(*mark));
                }
                for handle in &gone {
                    prop_assert!(slots.get(*handle).is_none());
                }
            }
        }
    }
}
