//! A relay: an object near its readers that asks the root for all of them.
//!
//! It keeps a copy in memory and answers from it, with its age, as long as that is young enough for the reader. Everything
//! that is no reading goes on to the root as it came.

use std::collections::VecDeque;

use crate::{
    fleet::{
        message::{self, Spoken},
        signals::{Answer, Change, Known, Question, Signals, WINDOW, Whole, delta, feed::Feed},
    },
    http::Millis,
};

/// The state of a relay. It is lost with the object, and then learnt anew.
#[derive(Debug, Default)]
pub struct Relay {
    feed: Feed,
    /// The last changes, up to where the feed knows the log.
    window: VecDeque<Change>,
}

/// What becomes of a message to a relay.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// This is the answer.
    Answer(Vec<u8>),
    /// The root is to be asked this first; then [`Relay::absorb`] what it says and ask here again.
    AskFirst(Vec<u8>),
    /// The root is to answer the message itself.
    PassOn,
}

impl Relay {
    /// Answers a message from what is known, if that is young enough.
    #[must_use]
    pub fn serve(&mut self, now: Millis, message: &[u8]) -> Reply {
        self.feed.look(now);
        let Some((Question::Read(known, accepted_ms), Spoken::Newest)) = message::read_question::<Signals>(message)
        else {
            return Reply::PassOn;
        };
        match self.feed.age(now) {
            Some(age) if age <= Millis::from(accepted_ms) => {
                Reply::Answer(message::answer::<Signals>(&self.tell(known, age), Spoken::Newest))
            }
            _ => Reply::AskFirst(message::question::<Signals>(&Question::Read(self.feed.known(), 0))),
        }
    }

    /// Learns what the root said to a question that was sent at that time. What is of no use leaves the copy as it is.
    pub fn absorb(&mut self, now: Millis, sent: Millis, answer: Vec<u8>) {
        let Some(answer) = message::read_answer::<Signals>(answer) else { return };
        let before = self.feed.position();
        let Ok(new) = self.feed.absorb(now, sent, answer) else { return };
        let after = self.feed.position();
        if after.log == before.log && after.sequence == before.sequence.saturating_add(new.len() as u64) {
            self.window.extend(new);
        } else {
            self.window.clear();
        }
        let over = self.window.len().saturating_sub(WINDOW);
        self.window.drain(..over);
    }

    fn tell(&self, known: Known, age: Millis) -> Answer {
        let Known { log, sequence } = self.feed.position();
        let age_ms = u32::try_from(age).unwrap_or(u32::MAX);
        if let Some(delta) = delta(known, log, sequence, &self.window) {
            return Answer::Delta(super::Delta { age_ms, ..delta });
        }
        let marks = self.feed.marks.recent().to_vec();
        let (switches, table) = (self.feed.switches.0.clone(), self.feed.marks.table().to_vec());
        let overrides = self.feed.overrides.0.clone();
        Answer::Whole(Whole { log, sequence, switches, marks, age_ms, overrides, table })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::signals::{Delta, Mark};

    fn read(known: Known, accepted_ms: u32) -> Vec<u8> {
        message::question::<Signals>(&Question::Read(known, accepted_ms))
    }

    fn answered(reply: Reply) -> Answer {
        let Reply::Answer(bytes) = reply else { panic!("{reply:?}") };
        message::read_answer::<Signals>(bytes).unwrap()
    }

    fn told(answer: &Answer) -> Vec<u8> {
        message::answer::<Signals>(answer, Spoken::Newest)
    }

    fn mark(hash: u64) -> Change {
        Change::Mark(Mark { hash, until: 9 })
    }

    #[test]
    fn it_asks_first_when_it_knows_nothing_or_what_is_too_old() {
        let mut relay = Relay::default();
        let nothing = Known::default();
        assert_eq!(relay.serve(50, &read(nothing, 100)), Reply::AskFirst(read(nothing, 0)));
        relay.absorb(50, 50, told(&Answer::Whole(Whole { log: 3, sequence: 4, marks: vec![1], ..Whole::default() })));
        let Answer::Whole(whole) = answered(relay.serve(150, &read(nothing, 100))) else { panic!("no whole") };
        assert_eq!((whole.sequence, whole.age_ms, whole.marks), (4, 100, vec![1]));
        let known = Known { log: 3, sequence: 4 };
        assert_eq!(relay.serve(151, &read(nothing, 100)), Reply::AskFirst(read(known, 0)));
    }

    #[test]
    fn it_tells_each_reader_what_that_one_lacks() {
        let mut relay = Relay::default();
        relay.absorb(0, 0, told(&Answer::Whole(Whole { log: 3, sequence: 4, ..Whole::default() })));
        relay.absorb(
            10,
            10,
            told(&Answer::Delta(Delta { log: 3, after: 4, changes: vec![mark(5), mark(6)], age_ms: 0 })),
        );
        let mut at = |sequence| answered(relay.serve(15, &read(Known { log: 3, sequence }, 5)));
        assert_eq!(at(5), Answer::Delta(Delta { log: 3, after: 5, changes: vec![mark(6)], age_ms: 5 }));
        assert!(matches!(at(3), Answer::Whole(whole) if whole.sequence == 6));
    }

    #[test]
    fn what_is_no_reading_goes_on_to_the_root() {
        let mut relay = Relay::default();
        let write = message::question::<Signals>(&Question::Write(Known::default(), vec![mark(1)]));
        for message in [&write[..], &[1, 0], &[9, 9], &[]] {
            assert_eq!(relay.serve(0, message), Reply::PassOn);
        }
    }
}
