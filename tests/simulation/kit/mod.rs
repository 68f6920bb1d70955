//! A kit that plays machines of `fleet::machine` and whoever talks to them under a scheduler that one seed decides: which
//! message is late, lost or sent twice, which object dies in which step, whose clock is wrong. It knows nothing of what
//! a machine is for; what must hold is told by a scenario (`signals` has one).
//!
//! A scenario is a world (any type) in a [`Sim`]. It seats actors: [`Sim::actor`] has a clock and makes calls,
//! [`Sim::object`] is a `Durable Object` with a machine, a store and alarms, [`Sim::service`] answers by a function of
//! the scenario. Everything happens in events ([`Sim::after`]) at a virtual time that costs nothing. [`Sim::call`] sends
//! bytes and hears what became of them; [`Sim::fail`] ends the schedule. [`explore`] plays many seeds and tells, for one
//! that fails, how to see it again.
//!
//! What happens on its own is set in [`Faults`]; what a scenario wants at a certain moment it does itself: `evict`,
//! `wipe`, `cut`, `set_clock`.

mod clock;
mod explore;
mod faults;
mod kept;
mod network;
mod object;
mod random;
mod sim;
mod store;
mod tests;

pub(crate) use clock::Clock;
pub(crate) use explore::{Counts, Run, explore, find};
pub(crate) use faults::Faults;
pub(crate) use kept::{Kept, damaged};
pub(crate) use network::{Came, Reply};
pub(crate) use object::restored;
pub(crate) use random::Random;
pub(crate) use sim::{Actor, Sim, Time};
