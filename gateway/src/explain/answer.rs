//! What others would have answered, had they been asked: `status=503`, `timeout`, `down=database`.

use std::fmt;

use crate::{
    driver::effects,
    ports::upstream::{BodyEnd, Head},
};

/// What the health paths ask for, by name; `upstream` is every upstream that says `health`.
const SERVICES: [&str; 5] = ["database", "key_value", "cache", "objects", "upstream"];

/// The answers that are one word.
const WORDS: [(&str, Answer); 8] = [
    ("unreachable", Answer::Unreachable),
    ("timeout", Answer::Timeout),
    ("too_large", Answer::TooLarge),
    ("complete", Answer::Complete),
    ("broken", Answer::Broken),
    ("ready", Answer::Ready),
    ("signed", Answer::Signed(true)),
    ("unsigned", Answer::Signed(false)),
];

/// One answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `status=503`: the upstream answers with this status.
    Status(u16),
    /// `unreachable`: the connection to the upstream fails.
    Unreachable,
    /// `timeout`: the upstream takes too long.
    Timeout,
    /// `too_large`: the body of the request grows beyond its limit on the way.
    TooLarge,
    /// `complete`: the body of the answer reaches the client as a whole. Also what holds when nothing is said.
    Complete,
    /// `broken`: the body of the answer breaks off.
    Broken,
    /// `ready`: everything that the health paths ask for answers.
    Ready,
    /// `down=database`: this service does not.
    Down(&'static str),
    /// `signed`, `unsigned`: whether a key has signed the token, where the platform is asked.
    Signed(bool),
}

impl Answer {
    /// Reads an answer.
    ///
    /// # Errors
    /// What was expected and what was found.
    pub fn parse(text: &str) -> Result<Self, String> {
        let word = WORDS.into_iter().find(|(word, _)| *word == text).map(|(_, answer)| answer);
        let status = || {
            let status = text.strip_prefix("status=")?.parse().ok()?;
            (200..=599).contains(&status).then_some(Self::Status(status))
        };
        let down = || {
            let name = text.strip_prefix("down=")?;
            SERVICES.into_iter().find(|service| *service == name).map(Self::Down)
        };
        word.or_else(status).or_else(down).ok_or_else(|| {
            let words = WORDS.map(|(word, _)| word).join(", ");
            format!(
                "expected an answer: status=200 to status=599, {words} or down= with one of {}; found `{}`",
                SERVICES.join(", "),
                text.escape_debug()
            )
        })
    }

    /// As the driver takes it, if it answers an effect.
    pub(super) fn of_effect(self) -> Option<effects::Answer> {
        Some(match self {
            Self::Status(status) => effects::Answer::Head(Head { status, told: None }),
            Self::Unreachable => effects::Answer::Unreachable,
            Self::Timeout => effects::Answer::Timeout,
            Self::TooLarge => effects::Answer::BodyTooLarge,
            Self::Complete => effects::Answer::BodyEnd(BodyEnd::Complete, 0),
            Self::Broken => effects::Answer::BodyEnd(BodyEnd::Broken, 0),
            Self::Signed(is_signed) => effects::Answer::Verified(is_signed),
            Self::Ready | Self::Down(_) => return None,
        })
    }

    /// The services that are down; `None` when nothing is said about services.
    pub(super) fn of_services(answers: &[Self]) -> Option<Vec<&'static str>> {
        let said = answers.iter().any(|answer| matches!(answer, Self::Ready | Self::Down(_)));
        let down = answers.iter().filter_map(|answer| match answer {
            Self::Down(name) => Some(*name),
            _ => None,
        });
        said.then(|| down.collect())
    }
}

/// Prints what [`Answer::parse`] reads.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status={status}"),
            Self::Down(name) => write!(f, "down={name}"),
            word => f.write_str(WORDS.into_iter().find(|(_, answer)| answer == word).map_or("", |(word, _)| word)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read() {
        let others = [Answer::Status(200), Answer::Status(599), Answer::Down("key_value")];
        for answer in WORDS.map(|(_, answer)| answer).into_iter().chain(others) {
            assert_eq!(Answer::parse(&answer.to_string()), Ok(answer));
        }
    }

    #[test]
    fn anything_else_is_refused_with_what_was_expected() {
        for text in ["", "status=", "status=199", "status=600", "status=abc", "Timeout", "down=", "down=mail"] {
            let message = Answer::parse(text).unwrap_err();
            assert!(message.starts_with("expected an answer: status=200") && message.contains(text), "{message}");
        }
    }
}
