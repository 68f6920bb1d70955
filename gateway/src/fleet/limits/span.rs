//! What was used, as intervals: so many tokens at some time between two moments. Where that is exactly is not known, and
//! need not be: whoever counts a span whole in every window that it meets counts too much, never too little.

use serde::{Deserialize, Serialize};

use crate::http::Millis;

/// So many tokens, used at the earliest and at the latest then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The earliest moment.
    pub from: Millis,
    /// The latest moment.
    pub to: Millis,
    /// How many.
    pub count: u32,
}

impl Span {
    /// One that holds both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let count = self.count.saturating_add(other.count);
        Self { from: self.from.min(other.from), to: self.to.max(other.to), count }
    }

    /// How long it is, in milliseconds.
    #[must_use]
    pub fn length(self) -> Millis {
        self.to.saturating_sub(self.from)
    }
}

/// Spans in the order of their ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spans(Vec<Span>);

impl Spans {
    /// Adds one. It joins the one that ends next to it, if both together are no longer than this many milliseconds: so
    /// there are never more than twice as many as such lengths fit into what is remembered.
    pub fn add(&mut self, span: Span, width: Millis) {
        if span.count == 0 {
            return;
        }
        let at = self.0.partition_point(|known| known.to <= span.to);
        let before = at.checked_sub(1).filter(|before| self.joined(*before, span, width));
        if before.is_none() && !self.joined(at, span, width) {
            self.0.insert(at, span);
        }
    }

    fn joined(&mut self, at: usize, span: Span, width: Millis) -> bool {
        let next_ends = at.checked_add(1).and_then(|next| self.0.get(next)).map_or(Millis::MAX, |next| next.to);
        let Some(known) = self.0.get_mut(at) else { return false };
        let both = known.with(span);
        let fits = both.length() <= width && both.to <= next_ends;
        if fits {
            *known = both;
        }
        fits
    }

    /// So many tokens were not used after all. The oldest go: so no later window holds less than what was used.
    pub fn take_back(&mut self, mut count: u32) {
        for span in &mut self.0 {
            let taken = span.count.min(count);
            (span.count, count) = (span.count.saturating_sub(taken), count.saturating_sub(taken));
        }
        self.0.retain(|span| span.count > 0);
    }

    /// Forgets what ended before a moment.
    pub fn forget(&mut self, before: Millis) {
        let gone = self.0.partition_point(|span| span.to < before);
        self.0.drain(..gone);
    }

    /// How many tokens there are.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.0.iter().fold(0, |sum, span| sum.saturating_add(span.count.into()))
    }

    /// The spans, those that end first first.
    pub fn iter(&self) -> impl Iterator<Item = Span> + '_ {
        self.0.iter().copied()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn span(from: Millis, to: Millis, count: u32) -> Span {
        Span { from, to, count }
    }

    fn of(spans: &[Span], width: Millis) -> Spans {
        let mut all = Spans::default();
        spans.iter().for_each(|span| all.add(*span, width));
        all
    }

    #[test]
    fn what_is_near_becomes_one_span() {
        let all = of(&[span(0, 5, 1), span(3, 10, 2), span(50, 60, 4), span(51, 52, 8), span(7, 7, 0)], 10);
        assert_eq!(all.iter().collect::<Vec<_>>(), [span(0, 10, 3), span(50, 60, 12)]);
    }

    #[test]
    fn what_has_ended_before_a_moment_is_forgotten() {
        let mut all = of(&[span(0, 5, 1), span(20, 30, 2)], 0);
        all.forget(5);
        assert_eq!(all.sum(), 3);
        all.forget(6);
        assert_eq!(all.sum(), 2);
    }

    #[test]
    fn what_was_not_used_is_taken_from_the_oldest() {
        let mut all = of(&[span(0, 5, 1), span(20, 30, 4), span(50, 60, 9)], 0);
        all.take_back(3);
        assert_eq!(all.iter().collect::<Vec<_>>(), [span(20, 30, 2), span(50, 60, 9)]);
        all.take_back(99);
        assert_eq!(all, Spans::default());
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_less_than_what_was_added(
            added in proptest::collection::vec((0_u64..1_000, 0_u64..40, 1_u32..9), 1..60),
            width in 0_u64..100,
            begins in 0_u64..1_100,
        ) {
            let added: Vec<Span> = added.iter().map(|(from, length, count)| span(*from, from + length, *count)).collect();
            let all = of(&added, width);
            let ends = begins + 100;
            let within = |span: &Span| span.from <= ends && span.to >= begins;
            let real: u64 = added.iter().filter(|span| within(span)).map(|span| u64::from(span.count)).sum();
            let held: u64 = all.iter().filter(within).map(|span| u64::from(span.count)).sum();
            prop_assert!(held >= real);
            prop_assert_eq!(all.sum(), added.iter().map(|span| u64::from(span.count)).sum::<u64>());
            prop_assert!(all.0.is_sorted_by_key(|span| span.to));
        }
    }
}
