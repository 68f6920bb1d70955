//! What the gateway needs from outside, as narrow traits: the Worker, the command line and the tests each
//! bring their own.

pub mod clock;
pub mod dependencies;
pub mod entropy;
pub mod upstream;
pub mod wakers;

use clock::Clock;
use dependencies::Dependencies;
use entropy::Entropy;
use upstream::Upstream;

/// All ports together: what the pipeline is given.
#[cfg(not(feature = "faults"))]
pub trait Ports: Clock + Entropy + Upstream + Dependencies {}

#[cfg(not(feature = "faults"))]
impl<T: Clock + Entropy + Upstream + Dependencies> Ports for T {}

/// All ports together, and the one that faults need.
#[cfg(feature = "faults")]
pub trait Ports: Clock + Entropy + Upstream + Dependencies + dependencies::Pause {}

#[cfg(feature = "faults")]
impl<T: Clock + Entropy + Upstream + Dependencies + dependencies::Pause> Ports for T {}
