//! Signals: the one ordered log of what the whole fleet must learn soon.
//!
//! Here stands its sequence only, with the messages that an isolate and the object exchange. What a signal
//! says, snapshots and deltas come with their first users.

use serde::{Deserialize, Serialize};

/// The version of these messages. An object that meets another one answers [`Answer::Unknown`].
pub const FORMAT: u8 = 1;

/// What an isolate asks the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// How far the log has come.
    Sequence,
    /// Take the next number.
    Advance,
}

/// What the object answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// The number of the last signal; 0 before the first.
    Sequence(u64),
    /// The question was of another format, or no question at all.
    Unknown,
}

/// The object's state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    sequence: u64,
}

impl Signals {
    /// The state as it was stored.
    #[must_use]
    pub fn restore(sequence: u64) -> Self {
        Self { sequence }
    }

    /// Answers a question. The new state must be stored before the answer is sent.
    #[must_use]
    pub fn apply(self, question: Question) -> (Self, Answer) {
        let next = match question {
            Question::Sequence => self,
            Question::Advance => Self { sequence: self.sequence.saturating_add(1) },
        };
        (next, Answer::Sequence(next.sequence))
    }

    /// What has to be stored.
    #[must_use]
    pub fn sequence(self) -> u64 {
        self.sequence
    }
}

/// A message with its format number in front.
///
/// # Errors
/// None for the messages of this module; the signature is the encoder's.
pub fn encode(message: &impl Serialize) -> Result<Vec<u8>, postcard::Error> {
    let mut bytes = vec![FORMAT];
    bytes.extend(postcard::to_allocvec(message)?);
    Ok(bytes)
}

/// A message of this format, `None` for any other.
#[must_use]
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    let (format, payload) = bytes.split_first()?;
    if *format == FORMAT { postcard::from_bytes(payload).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_given_out_once_each() {
        let (state, first) = Signals::default().apply(Question::Advance);
        let (state, second) = Signals::restore(state.sequence()).apply(Question::Advance);
        assert_eq!((first, second), (Answer::Sequence(1), Answer::Sequence(2)));
        assert_eq!(state.apply(Question::Sequence), (state, Answer::Sequence(2)));
    }

    #[test]
    fn a_message_of_another_format_is_not_understood() {
        let mut bytes = encode(&Question::Advance).unwrap();
        assert_eq!(decode(&bytes), Some(Question::Advance));
        bytes[0] = 9;
        assert_eq!(decode::<Question>(&bytes), None);
        assert_eq!(decode::<Question>(&[]), None);
    }
}
