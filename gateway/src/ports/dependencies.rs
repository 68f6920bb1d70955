//! What the gateway stands on, as far as its health paths ask for it.

use std::{borrow::Cow, fmt, future::Future};

/// Something that the gateway stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Component {
    /// D1.
    Database,
    /// KV.
    KeyValue,
    /// The Cache API.
    Cache,
    /// Durable Objects.
    Objects,
    /// An upstream that says where it is to be asked.
    Upstream(Probe),
}

/// How an upstream is asked how it is: a GET that any answer below 400 satisfies.
#[derive(Clone, PartialEq, Eq)]
pub struct Probe {
    /// Absolute URL.
    pub url: String,
    /// The binding of the Worker that is asked instead of the network; empty for the network.
    pub binding: String,
    /// The header that proves who asks: name and value.
    pub credential: Option<(String, String)>,
}

/// The credential is not for printing.
impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe").field("url", &self.url).field("binding", &self.binding).finish_non_exhaustive()
    }
}

/// Why a component is not well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The Worker has no such binding.
    Absent,
    /// It did not answer in time.
    Timeout,
    /// It refused, or could not be reached.
    Failed,
    /// It answered with this status.
    Status(u16),
}

impl Trouble {
    /// The trouble in a word, for the operator.
    #[must_use]
    pub fn word(self) -> Cow<'static, str> {
        match self {
            Self::Absent => "absent".into(),
            Self::Timeout => "timeout".into(),
            Self::Failed => "failed".into(),
            Self::Status(status) => format!("status {status}").into(),
        }
    }
}

/// Asks what the gateway stands on.
pub trait Dependencies {
    /// Asks a component once, and waits for no longer than this many milliseconds.
    fn ask(&self, component: &Component, within_ms: u32) -> impl Future<Output = Result<(), Trouble>>;
}

/// Waiting on the platform for its own sake, which only the tests of trap recovery need.
#[cfg(feature = "faults")]
pub trait Pause {
    /// Ends after this many milliseconds.
    fn pause(&self, ms: u32) -> impl Future<Output = ()>;
}
