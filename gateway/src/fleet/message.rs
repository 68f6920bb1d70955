//! What travels between an isolate and an object, and what is stored: a format number, then postcard.
//!
//! During a deploy two versions run at once. Version N of a protocol reads formats N-1 and N and answers in the format
//! in which it was asked; whatever else comes is not understood, and the asker is told which format would have been.

use serde::{Serialize, de::DeserializeOwned};

/// The format number of an answer that says: not understood. Behind it stands the newest format that the object speaks.
const NOT_UNDERSTOOD: u8 = 0;

/// The messages between a caller and one kind of object.
pub trait Protocol {
    /// What a caller asks.
    type Question: Serialize + DeserializeOwned;
    /// What the object answers.
    type Answer: Serialize + DeserializeOwned;
    /// The number of the newest format; never 0.
    const FORMAT: u8;

    /// Reads a question of the format before; `None` where there is none, or it says nothing that is still understood.
    #[must_use]
    fn question_before(_payload: &[u8]) -> Option<Self::Question> {
        None
    }

    /// Writes an answer in the format before.
    #[must_use]
    fn answer_before(_answer: &Self::Answer) -> Option<Vec<u8>> {
        None
    }

    /// Reads an answer of the format before.
    #[must_use]
    fn read_answer_before(_payload: &[u8]) -> Option<Self::Answer> {
        None
    }

    /// Bytes that travel behind an answer as they are, because they are many.
    fn tail(_answer: &Self::Answer) -> &[u8] {
        &[]
    }

    /// The answer with the bytes that came behind it; `None` where none may come.
    #[must_use]
    fn with_tail(answer: Self::Answer, tail: Vec<u8>) -> Option<Self::Answer> {
        tail.is_empty().then_some(answer)
    }
}

/// In which format a question came, and so its answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// The newest one.
    Newest,
    /// The one before.
    Before,
}

/// Writes something with its format number in front. Empty if it cannot be written, which no reader understands.
#[must_use]
pub fn encode(format: u8, message: &impl Serialize) -> Vec<u8> {
    postcard::to_extend(message, vec![format]).unwrap_or_default()
}

/// Reads something of exactly this format.
#[must_use]
pub fn decode<T: DeserializeOwned>(format: u8, bytes: &[u8]) -> Option<T> {
    let (found, payload) = bytes.split_first()?;
    if *found == format { whole(payload) } else { None }
}

/// Reads something that must be the whole of what came.
#[must_use]
pub fn whole<T: DeserializeOwned>(payload: &[u8]) -> Option<T> {
    let (message, rest) = postcard::take_from_bytes(payload).ok()?;
    rest.is_empty().then_some(message)
}

/// Writes a question.
#[must_use]
pub fn question<P: Protocol>(question: &P::Question) -> Vec<u8> {
    encode(P::FORMAT, question)
}

/// Reads a question, as the object does.
#[must_use]
pub fn read_question<P: Protocol>(bytes: &[u8]) -> Option<(P::Question, Spoken)> {
    let (format, payload) = bytes.split_first()?;
    match *format {
        format if format == P::FORMAT => Some((whole(payload)?, Spoken::Newest)),
        format if Some(format) == P::FORMAT.checked_sub(1) => Some((P::question_before(payload)?, Spoken::Before)),
        _ => None,
    }
}

/// Writes an answer in the format in which was asked.
#[must_use]
pub fn answer<P: Protocol>(answer: &P::Answer, spoken: Spoken) -> Vec<u8> {
    match spoken {
        Spoken::Newest => {
            let mut bytes = encode(P::FORMAT, answer);
            bytes.extend_from_slice(P::tail(answer));
            bytes
        }
        Spoken::Before => match P::answer_before(answer) {
            Some(payload) => [vec![P::FORMAT.saturating_sub(1)], payload].concat(),
            None => not_understood::<P>(),
        },
    }
}

/// The answer to what is no question of a format that is spoken.
#[must_use]
pub fn not_understood<P: Protocol>() -> Vec<u8> {
    vec![NOT_UNDERSTOOD, P::FORMAT]
}

/// Reads an answer, as the caller does; `None` where the object has not understood or speaks a format that is unknown
/// here: then what was asked counts as not answered.
#[must_use]
pub fn read_answer<P: Protocol>(mut bytes: Vec<u8>) -> Option<P::Answer> {
    let (format, payload) = bytes.split_first()?;
    match *format {
        format if format == P::FORMAT => {
            let (answer, tail) = postcard::take_from_bytes(payload).ok()?;
            // In place: the bytes behind may be megabytes.
            let head = bytes.len().saturating_sub(tail.len());
            bytes.drain(..head);
            P::with_tail(answer, bytes)
        }
        NOT_UNDERSTOOD => None,
        format if Some(format) == P::FORMAT.checked_sub(1) => P::read_answer_before(payload),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Third;

    impl Protocol for Third {
        type Question = u32;
        type Answer = u32;
        const FORMAT: u8 = 3;

        fn question_before(payload: &[u8]) -> Option<u32> {
            whole::<u8>(payload).map(u32::from)
        }

        fn answer_before(answer: &u32) -> Option<Vec<u8>> {
            u8::try_from(*answer).ok().map(|answer| vec![answer])
        }

        fn read_answer_before(payload: &[u8]) -> Option<u32> {
            whole::<u8>(payload).map(u32::from)
        }
    }

    #[test]
    fn questions_of_this_format_and_the_one_before_are_read() {
        assert_eq!(read_question::<Third>(&question::<Third>(&70_000)), Some((70_000, Spoken::Newest)));
        assert_eq!(read_question::<Third>(&[2, 200]), Some((200, Spoken::Before)));
        for other in [&[][..], &[0], &[1, 7], &[4, 7], &[3], &[2], &[2, 7, 7], &[3, 7, 7]] {
            assert_eq!(read_question::<Third>(other), None, "{other:?}");
        }
    }

    #[test]
    fn nothing_may_follow_an_answer_that_has_no_tail() {
        assert_eq!(read_answer::<Third>(vec![3, 7, 7]), None);
    }

    #[test]
    fn an_answer_goes_in_the_format_of_the_question_if_it_can() {
        assert_eq!(answer::<Third>(&7, Spoken::Before), [2, 7]);
        assert_eq!(answer::<Third>(&700, Spoken::Before), [0, 3]);
        for spoken in [Spoken::Before, Spoken::Newest] {
            assert_eq!(read_answer::<Third>(answer::<Third>(&7, spoken)), Some(7));
        }
        assert_eq!(read_answer::<Third>(not_understood::<Third>()), None);
        assert_eq!(read_answer::<Third>(vec![4, 7]), None);
        assert_eq!(read_answer::<Third>(Vec::new()), None);
    }
}
