//! What goes back to the client, as data.

use super::edits::{Edits, Field};

/// The answer of the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Made here, whole.
    Made(Made),
    /// The answer that the upstream gave, with its head edited and its body passed on untouched.
    Relay(Relay),
}

/// An answer that the gateway makes itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// Status code, 200 to 599.
    pub status: u16,
    /// The whole head.
    pub head: Edits,
    /// The body; empty for none.
    pub body: Field,
}

/// An answer that comes from an upstream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relay {
    /// Changes to the upstream's head, on top of those that the forward plan named.
    pub head: Edits,
    /// Hand the upstream's answer on as it is, without a copy of its head.
    pub untouched: bool,
    /// The status that the client gets; `None` for the upstream's.
    pub status: Option<u16>,
}

impl Reply {
    /// The head's edits, for the finishers.
    pub fn head_mut(&mut self) -> &mut Edits {
        match self {
            Self::Made(made) => &mut made.head,
            Self::Relay(relay) => &mut relay.head,
        }
    }
}
