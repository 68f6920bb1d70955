//! What is on or off: said in the file, or by one variable when an isolate starts.

use serde::{Deserialize, Serialize};

use super::text::Values;

/// The words that switch something.
pub const WORDS: [&str; 6] = ["on", "off", "true", "false", "1", "0"];

/// When something is on that is not always off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Switch {
    /// Always.
    On,
    /// When the variable at this index says so. That it says one of [`WORDS`] has been looked at when the isolate started.
    Variable(u16),
}

impl Switch {
    /// Whether it is on with these values.
    #[must_use]
    pub fn is_on(self, values: &Values) -> bool {
        match self {
            Self::On => true,
            Self::Variable(index) => parse(values.get(index)) == Some(true),
        }
    }

    /// As one would write it.
    #[cfg(feature = "explain")]
    #[must_use]
    pub fn told(self, variables: &super::text::Variables) -> String {
        match self {
            Self::On => "yes".to_owned(),
            Self::Variable(index) => {
                super::told::text(&super::text::Text(vec![super::text::Piece::Variable(index)]), variables)
            }
        }
    }
}

/// What one of [`WORDS`] means; `None` for any other text.
#[must_use]
pub fn parse(text: &str) -> Option<bool> {
    match text {
        "on" | "true" | "1" => Some(true),
        "off" | "false" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::text::Variables;

    #[test]
    fn only_its_words_switch_something() {
        assert_eq!(WORDS.map(parse), [Some(true), Some(false), Some(true), Some(false), Some(true), Some(false)]);
        for text in ["", "On", "yes", "no", " on", "10"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_variable_decides_when_the_isolate_starts() {
        let mut variables = Variables::default();
        let index = variables.intern("DRAIN", Some("off")).unwrap();
        let is_on = |value: Option<&str>| Switch::Variable(index).is_on(&variables.values(&[value.map(str::to_owned)]));
        assert_eq!(
            [is_on(Some("1")), is_on(Some("off")), is_on(None), is_on(Some("maybe"))],
            [true, false, false, false]
        );
        assert!(Switch::On.is_on(&Values::default()));
    }
}
