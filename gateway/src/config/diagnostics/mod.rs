//! What is wrong with a configuration, as data: one [`Diagnostic`] per finding, each with its place, what was
//! expected, what was found and the nearest name that would have been right.
//!
//! Not here: what counts as wrong. Sections decide that; they report through [`Report`]. [`render`] makes text of
//! findings; they are serialisable for everything else.

pub mod code;
pub mod render;
pub mod report;
pub mod source;

use serde::Serialize;

pub use super::nearest;
pub use code::Code;
pub use report::{Draft, Report};
pub use source::{Place, Sources};

/// Where something stands in a source text, in bytes.
pub type Span = std::ops::Range<usize>;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// There is no compiled file while this stands.
    Error,
    /// It compiles, but it is probably not what was meant.
    Warning,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Which rule was broken.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// The finding in one sentence, without a full stop.
    pub message: String,
    /// Where it is.
    pub place: Place,
    /// What would have been right.
    pub expected: Option<String>,
    /// What stands there instead.
    pub found: Option<String>,
    /// The valid name that is closest to the one that was found.
    pub nearest: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
    /// Other places that belong to it.
    pub related: Vec<Related>,
    /// The environments in which alone it is found; empty when it is found outside of any.
    pub environments: Vec<String>,
}

/// Another place that belongs to a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Related {
    /// What is there.
    pub message: String,
    /// Where it is.
    pub place: Place,
}

/// Puts findings into the order of the files.
pub fn in_order(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by(|left, right| (&left.place, left.code).cmp(&(&right.place, right.code)));
}

/// Whether there is a finding that forbids the compiled file.
#[must_use]
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}
