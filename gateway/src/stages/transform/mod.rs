//! Changes that the configuration makes to the heads of requests and answers.

#[cfg(feature = "compiler")]
pub mod keys;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{
    config::template::{Slot, Template},
    http::edits::{Edits, is_field_value},
};

/// The keys of this stage: `request_headers`, `response_headers`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Config {
    /// Changes on the way to the upstream.
    pub request: Changes,
    /// Changes on the way back.
    pub response: Changes,
}

/// Changes to one head.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Changes {
    /// Names, in lower case.
    pub remove: Vec<String>,
    /// Names in lower case with the values that replace whatever is there. A template that a request cannot
    /// fill removes the header instead: what a client sends under that name never gets through.
    pub set: Vec<(String, Template)>,
}

impl Changes {
    /// Adds the changes to a head's edits; `fact` says what fills a template's slots.
    pub fn apply<'a>(&'a self, head: &mut Edits, fact: impl Fn(&'a Slot) -> Option<Cow<'a, str>>) {
        for name in &self.remove {
            head.remove(name.clone());
        }
        for (name, template) in &self.set {
            match template.fill(&fact).filter(|value| is_field_value(value)) {
                Some(value) => head.set(name.clone(), value),
                None => head.remove(name.clone()),
            }
        }
    }
}

/// What is told of this stage where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(Config { request, response }: &Config, teller: &mut crate::config::told::Teller<'_>) {
    for (section, changes) in [("request_headers", request), ("response_headers", response)] {
        // Edits are carried out in the order remove, set: a header that is set is not missed.
        for name in &changes.remove {
            teller.put(format!("{section}.{name}"), "removed");
        }
        for (name, value) in &changes.set {
            let crate::config::told::Value { shown, meaning } = teller.template(value);
            let set = |text: String| format!("set to {text}");
            let value = crate::config::told::Value { shown: set(shown), meaning: meaning.map(set) };
            teller.put(format!("{section}.{name}"), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes() -> Changes {
        let user = Template(vec![Slot::Literal("user ".into()), Slot::Claim("sub".into())]);
        Changes { remove: vec!["authorization".into()], set: vec![("x-user".into(), user)] }
    }

    fn with_subject(subject: Option<&'static str>) -> Edits {
        let mut head = Edits::default();
        changes().apply(&mut head, |_| subject.map(Cow::from));
        head
    }

    #[test]
    fn a_template_is_filled_with_facts() {
        let head = with_subject(Some("u1"));
        assert_eq!(head.value("x-user"), Some("user u1"));
        assert_eq!(head.remove, ["authorization"]);
    }

    #[test]
    fn what_cannot_be_filled_or_sent_is_removed_so_that_nobody_else_fills_it() {
        for subject in [None, Some("a\r\nx-admin: 1"), Some("\u{e9}")] {
            assert_eq!(with_subject(subject).remove, ["authorization", "x-user"]);
            assert_eq!(with_subject(subject).value("x-user"), None);
        }
    }
}
