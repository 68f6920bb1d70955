//! What an isolate knows of the log, and how old that is.
//!
//! Age counts from the moment when the question was sent, on the isolate's own clock: whatever was committed before that
//! moment is in the answer. So what is younger than a second lacks nothing that is older than a second, however slow
//! answers are. Answers may come late, twice or in another order; only what is new in them is taken.
//!
//! A clock that has been set back makes all of this void, and everything is learnt anew.

use crate::{
    fleet::{
        limits::overrides::Overrides,
        signals::{
            Answer, Change, Delta, Known, WINDOW, Whole,
            marks::{Marks, Table},
            switch::Switches,
        },
    },
    http::Millis,
};

/// The knowledge of an isolate, or of a relay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Feed {
    known: Known,
    /// All switches that are thrown, as far as it is known.
    pub switches: Switches,
    /// All keys that have another limit.
    pub overrides: Overrides,
    /// All marks.
    pub marks: Marks,
    as_of: Option<Millis>,
}

/// An answer said nothing that can be used: of another log, or with a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Useless;

impl Feed {
    /// What a question says is known. Nothing, when there are so many young marks that a new table is due.
    #[must_use]
    pub fn known(&self) -> Known {
        if self.marks.recent().len() > WINDOW { Known::default() } else { self.known }
    }

    /// How far the log is known.
    #[must_use]
    pub fn position(&self) -> Known {
        self.known
    }

    /// How old the knowledge is; `None` where there is none, or the clock has been set back behind it.
    #[must_use]
    pub fn age(&self, now: Millis) -> Option<Millis> {
        now.checked_sub(self.as_of?)
    }

    /// Looks at the clock. When that has been set back, nobody can tell how old the knowledge is, nor which switches were
    /// taken for over: it is to be learnt anew. Until then it is kept, for those who must do without the log.
    pub fn look(&mut self, now: Millis) {
        if self.as_of.is_some_and(|as_of| now < as_of) {
            (self.known, self.as_of) = (Known::default(), None);
        }
    }

    /// Takes what an answer says to a question that was sent at that time. Returns the changes that were new, the whole
    /// counting as none.
    ///
    /// # Errors
    /// [`Useless`]: nothing was learnt, not even that nothing is new.
    pub fn absorb(&mut self, now: Millis, sent: Millis, answer: Answer) -> Result<Vec<Change>, Useless> {
        self.look(now);
        if now < sent {
            return Err(Useless);
        }
        match answer {
            Answer::Delta(delta) => self.add(sent, delta),
            Answer::Whole(whole) => self.replace(sent, whole).map(|()| Vec::new()),
            Answer::Sequence(_) | Answer::IsMarked(_) | Answer::Refused(_) => Err(Useless),
        }
    }

    fn add(&mut self, sent: Millis, delta: Delta) -> Result<Vec<Change>, Useless> {
        let Delta { log, after, changes, age_ms } = delta;
        if log != self.known.log {
            return Err(Useless);
        }
        let told = self.known.sequence.checked_sub(after).ok_or(Useless)?;
        let new: Vec<Change> = changes.into_iter().skip(usize::try_from(told).unwrap_or(usize::MAX)).collect();
        for change in &new {
            self.learn(change);
        }
        self.known.sequence = self.known.sequence.saturating_add(new.len() as u64);
        self.prove(sent, age_ms);
        Ok(new)
    }

    fn learn(&mut self, change: &Change) {
        match change {
            Change::Throw(switch) => self.switches.throw(switch.clone()),
            Change::Release(lever) => self.switches.release(lever),
            Change::Mark(mark) => self.marks.mark(mark.hash),
            Change::Unmark(hash) => self.marks.unmark(*hash),
            Change::Override(other) => self.overrides.set(other.clone()),
            Change::Lift(limit, key) => self.overrides.lift(*limit, key),
            // For those who remember refusals.
            Change::Reset(..) => {}
        }
    }

    fn replace(&mut self, sent: Millis, whole: Whole) -> Result<(), Useless> {
        let Whole { log, sequence, switches, marks, age_ms, overrides, table } = whole;
        let proven = sent.saturating_sub(Millis::from(age_ms));
        if log != self.known.log && self.as_of.is_some_and(|as_of| proven < as_of) {
            // An old log, told by somebody who did not know better.
            return Err(Useless);
        }
        if log != self.known.log || sequence >= self.known.sequence {
            let table = Table::read(table).ok_or(Useless)?;
            self.marks = Marks::new(table, marks);
            self.switches = Switches(switches);
            self.overrides = Overrides(overrides);
            self.known = Known { log, sequence };
        }
        self.prove(sent, age_ms);
        Ok(())
    }

    fn prove(&mut self, sent: Millis, age_ms: u32) {
        let proven = sent.saturating_sub(Millis::from(age_ms));
        let as_of = self.as_of.map_or(proven, |as_of| as_of.max(proven));
        self.as_of = Some(as_of);
        // What is over now may hold again when the clock is set back. What was over then cannot, unless it is noticed.
        self.switches.expire(as_of);
        self.overrides.expire(as_of);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::signals::{
        Mark,
        switch::{Kind, Lever, Scope, Switch},
    };

    fn mark(hash: u64) -> Change {
        Change::Mark(Mark { hash, until: 1_000_000 })
    }

    fn delta(after: u64, changes: Vec<Change>) -> Answer {
        Answer::Delta(Delta { log: 7, after, changes, age_ms: 0 })
    }

    fn whole(log: u64, sequence: u64, marks: Vec<u64>, age_ms: u32) -> Answer {
        Answer::Whole(Whole { log, sequence, marks, age_ms, ..Whole::default() })
    }

    fn feed() -> Feed {
        let mut feed = Feed::default();
        feed.absorb(1_000, 1_000, whole(7, 2, vec![1, 2], 0)).unwrap();
        feed
    }

    #[test]
    fn age_counts_from_when_the_question_was_sent_and_the_age_of_the_answer_is_added() {
        let mut feed = feed();
        assert_eq!((feed.age(1_400), feed.age(999)), (Some(400), None));
        feed.absorb(9_000, 1_500, Answer::Delta(Delta { log: 7, after: 2, changes: vec![], age_ms: 200 })).unwrap();
        assert_eq!(feed.age(2_000), Some(700));
        feed.absorb(9_000, 1_200, delta(2, vec![])).unwrap();
        assert_eq!(feed.age(2_000), Some(700), "a late answer makes nothing older");
        assert_eq!(Feed::default().age(5), None);
    }

    #[test]
    fn what_is_told_twice_is_learnt_once() {
        let mut feed = feed();
        assert_eq!(feed.absorb(9_000, 0, delta(2, vec![mark(3)])).unwrap(), [mark(3)]);
        assert_eq!(feed.absorb(9_000, 0, delta(2, vec![mark(3), mark(4)])).unwrap(), [mark(4)]);
        assert_eq!(feed.absorb(9_000, 0, delta(0, vec![mark(1), mark(2), Change::Unmark(3)])).unwrap(), []);
        assert_eq!((feed.position().sequence, feed.marks.recent()), (4, &[1, 2, 3, 4][..]));
    }

    #[test]
    fn a_gap_and_another_log_teach_nothing() {
        let mut feed = feed();
        let before = feed.clone();
        assert_eq!(feed.absorb(9_000, 9_000, delta(3, vec![mark(4)])), Err(Useless));
        assert_eq!(
            feed.absorb(9_000, 9_000, Answer::Delta(Delta { log: 8, after: 2, ..Delta::default() })),
            Err(Useless)
        );
        assert_eq!(feed.absorb(9_000, 9_000, Answer::Sequence(2)), Err(Useless));
        let table = vec![9, 9];
        assert_eq!(
            feed.absorb(9_000, 9_000, Answer::Whole(Whole { log: 7, sequence: 9, table, ..Whole::default() })),
            Err(Useless)
        );
        assert_eq!(feed, before);
    }

    #[test]
    fn an_older_whole_proves_no_more_than_its_age_and_takes_nothing_back() {
        let mut feed = feed();
        feed.absorb(9_000, 1_100, delta(2, vec![mark(3)])).unwrap();
        feed.absorb(9_000, 1_200, whole(7, 2, vec![1, 2], 0)).unwrap();
        assert_eq!((feed.marks.recent(), feed.age(1_300)), (&[1, 2, 3][..], Some(100)));
    }

    #[test]
    fn a_log_that_began_anew_replaces_everything_unless_the_news_is_old() {
        let mut feed = feed();
        assert_eq!(feed.absorb(9_000, 1_500, whole(5, 1, vec![9], 501)), Err(Useless));
        feed.absorb(9_000, 1_500, whole(5, 1, vec![9], 0)).unwrap();
        assert_eq!((feed.position(), feed.marks.recent()), (Known { log: 5, sequence: 1 }, &[9][..]));
    }

    #[test]
    fn a_clock_that_is_set_back_makes_everything_be_learnt_anew() {
        let mut feed = feed();
        feed.absorb(4_000, 3_900, delta(2, vec![mark(3)])).unwrap();
        assert_eq!(feed.absorb(3_899, 3_000, delta(3, vec![])), Err(Useless), "nobody knows when 3,000 was");
        assert_eq!((feed.age(4_000), feed.known()), (None, Known::default()));
        assert_eq!(feed.marks.recent(), &[1, 2, 3], "it is kept for those who must do without the log");
        assert_eq!(
            feed.absorb(3_950, 3_951, whole(7, 3, vec![], 0)),
            Err(Useless),
            "asked before the clock was set back"
        );
        feed.absorb(3_950, 3_940, whole(7, 3, vec![4], 0)).unwrap();
        assert_eq!((feed.age(3_950), feed.marks.recent()), (Some(10), &[4][..]));
    }

    #[test]
    fn a_switch_is_forgotten_only_when_it_was_over_at_a_moment_that_is_known() {
        let lever = Lever { kind: Kind::Kill, scope: Scope::Gateway };
        let (reason, by) = (String::new(), String::new());
        let switch = Switch { lever, reason, retry_after_s: 0, by, since: 0, until: 1_500 };
        let mut feed = feed();
        feed.absorb(9_000, 1_400, delta(2, vec![Change::Throw(switch)])).unwrap();
        assert!(!feed.switches.is_empty(), "the clock may be wrong");
        feed.absorb(9_000, 1_500, delta(3, vec![])).unwrap();
        assert!(feed.switches.is_empty());
    }

    #[test]
    fn many_young_marks_ask_for_a_new_table() {
        let mut feed = feed();
        let many = (10..).take(WINDOW).map(mark).collect();
        feed.absorb(9_000, 2_000, delta(2, many)).unwrap();
        assert_eq!(feed.known(), Known::default());
        assert_eq!(feed.position().sequence, 2 + WINDOW as u64);
    }
}
