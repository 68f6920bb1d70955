//! What the gateway needs from outside, as narrow traits: the Worker, the command line and the tests each
//! bring their own.

pub mod bodies;
pub mod clock;
pub mod dependencies;
pub mod entropy;
pub mod errands;
pub mod signatures;
pub mod statements;
pub mod upstream;
pub mod wakers;
pub mod witness;

use bodies::Bodies;
use clock::Clock;
use dependencies::Dependencies;
use entropy::Entropy;
use errands::Errands;
use signatures::Signatures;
use upstream::Upstream;
use witness::Witness;

/// All ports together: what the pipeline is given.
#[cfg(not(feature = "faults"))]
pub trait Ports: Bodies + Clock + Entropy + Errands + Upstream + Signatures + Dependencies + Witness {}

#[cfg(not(feature = "faults"))]
impl<T: Bodies + Clock + Entropy + Errands + Upstream + Signatures + Dependencies + Witness> Ports for T {}

/// All ports together, and the one that faults need.
#[cfg(feature = "faults")]
pub trait Ports:
    Bodies + Clock + Entropy + Errands + Upstream + Signatures + Dependencies + Witness + dependencies::Pause
{
}

#[cfg(feature = "faults")]
impl<T: Bodies + Clock + Entropy + Errands + Upstream + Signatures + Dependencies + Witness + dependencies::Pause> Ports
    for T
{
}
