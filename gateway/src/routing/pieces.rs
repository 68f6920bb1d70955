//! A request's path, cut at its slashes.
//!
//! Each segment is looked at once, and only when a search comes that far: the tail of a long path costs nothing.
//! There is room for as many segments as a pattern can have, so nothing is allocated.

use super::{
    pattern::MOST_SEGMENTS,
    types::{self, Type},
};

/// The segments of a path that begins with `/`.
pub(super) struct Pieces<'p> {
    path: &'p str,
    /// Where each segment ends; 0 is not known yet.
    ends: [u32; MOST_SEGMENTS],
    /// The set of types that take each segment; 0 is not known yet.
    types: [u8; MOST_SEGMENTS],
}

impl<'p> Pieces<'p> {
    /// `None` when the path does not begin with `/`, or is longer than any that a platform hands over.
    pub(super) fn new(path: &'p str) -> Option<Self> {
        let fits = path.starts_with('/') && u32::try_from(path.len()).is_ok();
        fits.then_some(Self { path, ends: [0; MOST_SEGMENTS], types: [0; MOST_SEGMENTS] })
    }

    /// Whether a segment that would begin at `start` lies behind the end of the path.
    pub(super) fn is_over(&self, start: usize) -> bool {
        start > self.path.len()
    }

    /// Everything from `start` on.
    pub(super) fn from(&self, start: usize) -> &'p str {
        self.path.get(start..).unwrap_or_default()
    }

    /// Whether whole segments from `start` on are this text.
    pub(super) fn has(&self, start: usize, text: &str) -> bool {
        let rest = self.path.as_bytes().get(start..).unwrap_or_default();
        rest.strip_prefix(text.as_bytes()).is_some_and(|tail| matches!(tail.first(), None | Some(b'/')))
    }

    /// Where the segment of this index ends, which begins at `start`. `None` behind the last that a pattern
    /// could have.
    pub(super) fn end(&mut self, index: usize, start: usize) -> Option<usize> {
        let end = self.ends.get_mut(index)?;
        if *end == 0 {
            let rest = self.path.as_bytes().get(start..)?;
            let length = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
            *end = u32::try_from(start.saturating_add(length)).ok()?;
        }
        Some(*end as usize)
    }

    /// A piece of the path.
    pub(super) fn piece(&self, start: usize, end: usize) -> &'p str {
        self.path.get(start..end).unwrap_or_default()
    }

    /// Which of the `wanted` types, and perhaps of others, take the segment of this index, which lies there.
    pub(super) fn types(&mut self, wanted: u8, index: usize, start: usize, end: usize) -> u8 {
        // The most common question needs no look at the characters.
        if wanted == Type::Any.bit() {
            return if end > start { wanted } else { 0 };
        }
        let segment = self.piece(start, end);
        let Some(known) = self.types.get_mut(index) else { return 0 };
        if *known == 0 {
            *known = types::taking(segment);
        }
        *known
    }
}
