//! Changes that the configuration makes to requests and answers: to both heads, to the path and the query that the
//! upstream gets, and to the status that the client gets. Bodies are left alone.

#[cfg(feature = "compiler")]
pub mod keys;
pub mod query;
pub mod rewrite;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

#[cfg(feature = "explain")]
use crate::config::told::Teller;
use crate::{
    config::template::{Slot, Template},
    http::{
        edits::{Edits, is_field_value},
        problem::Problem,
    },
};

/// The keys of this stage: `request_headers`, `response_headers`, `rewrite`, `request_query`, `status_map`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Config {
    /// Changes on the way to the upstream.
    pub request: Changes,
    /// Changes on the way back.
    pub response: Changes,
    /// The path that the upstream gets; `None` for the client's.
    pub rewrite: Option<Template>,
    /// Changes to the query that the upstream gets.
    pub query: Option<query::Config>,
    /// Status codes of the upstream, each with the one that the client gets instead.
    pub status: Vec<(u16, u16)>,
}

impl Config {
    /// The path and the query, with its `?`, that the upstream gets for those that the client sent.
    ///
    /// # Errors
    /// [`rewrite::REWRITE_IMPOSSIBLE`].
    pub fn target<'a>(
        &'a self,
        path: &'a str,
        query: &'a str,
        fact: impl Fn(&'a Slot) -> Option<Cow<'a, str>>,
    ) -> Result<(Cow<'a, str>, Cow<'a, str>), Problem> {
        let path = match &self.rewrite {
            Some(template) => rewrite::path(template, &fact)?.into(),
            None => path.into(),
        };
        let query = self.query.as_ref().map_or(query.into(), |config| query::changed(config, query, fact).into());
        Ok((path, query))
    }

    /// What the client gets in the place of a status of the upstream; `None` for the same.
    #[must_use]
    pub fn status_of(&self, status: u16) -> Option<u16> {
        self.status.iter().find(|(from, _)| *from == status).map(|(_, to)| *to)
    }

    /// The URL of a plan as it may be shown: of one that is made of secrets only where it goes.
    #[must_use]
    pub fn shown_url<'u>(&self, url: &'u str) -> Cow<'u, str> {
        let changes = self.query.iter().flat_map(|query| query.set.iter().chain(&query.add));
        let templates = self.rewrite.iter().chain(changes.map(|(_, template)| template));
        if !templates.into_iter().any(Template::reads_secrets) {
            return url.into();
        }
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        format!("{scheme}://{}/***", rest.split('/').next().unwrap_or_default()).into()
    }
}

/// Changes to one head.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Changes {
    /// Names, in lower case.
    pub remove: Vec<String>,
    /// Names in lower case with the values that replace whatever is there. A template that a request cannot
    /// fill removes the header instead: what a client sends under that name never gets through.
    pub set: Vec<(String, Template)>,
    /// Names in lower case with values that join what is there. One that a request cannot fill is left out.
    pub add: Vec<(String, Template)>,
}

impl Changes {
    /// Adds the changes to a head's edits; `fact` says what fills a template's slots.
    pub fn apply<'a>(&'a self, head: &mut Edits, fact: impl Fn(&'a Slot) -> Option<Cow<'a, str>>) {
        for name in &self.remove {
            head.remove(name.clone());
        }
        let fill = |template: &'a Template| template.fill(&fact).filter(|value| is_field_value(value));
        for (name, template) in &self.set {
            match fill(template) {
                Some(value) => head.set(name.clone(), value),
                None => head.remove(name.clone()),
            }
        }
        for (name, template) in &self.add {
            if let Some(value) = fill(template) {
                head.append(name.clone(), value);
            }
        }
    }
}

/// What is told of this stage where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(Config { request, response, rewrite, query, status }: &Config, teller: &mut Teller<'_>) {
    for (section, changes) in [("request_headers", request), ("response_headers", response)] {
        // Edits are carried out in the order remove, set: a header that is set is not missed.
        for name in &changes.remove {
            teller.put(format!("{section}.{name}"), "removed");
        }
        told_values(section, "set to", &changes.set, teller);
        told_values(section, "also", &changes.add, teller);
    }
    if let Some(template) = rewrite {
        let value = teller.template(template);
        teller.put("rewrite", value);
    }
    if let Some(query::Config { keep, remove, set, add }) = query {
        if let Some(keep) = keep {
            teller.put("request_query.keep", crate::config::told::sorted(keep));
        }
        for name in remove {
            teller.put(format!("request_query.{name}"), "removed");
        }
        told_values("request_query", "set to", set, teller);
        told_values("request_query", "also", add, teller);
    }
    for (from, to) in status {
        teller.put(format!("status_map.{from}"), to.to_string());
    }
}

/// Values that templates give to names, all of one name together.
#[cfg(feature = "explain")]
fn told_values(section: &str, verb: &str, values: &[(String, Template)], teller: &mut Teller<'_>) {
    use crate::config::told::Value;

    for (name, template) in values {
        let Value { shown, meaning } = teller.template(template);
        let key = format!("{section}.{name}");
        // What is set replaces what was told before; what is added joins it.
        let before = teller.keys.get(&key).filter(|_| verb != "set to").cloned();
        let told = |text: &str, before: Option<&str>| match before {
            Some(before) => format!("{before}, {verb} {text}"),
            None => format!("{verb} {text}"),
        };
        let meaning = meaning.as_deref().unwrap_or(&shown);
        let value = Value {
            shown: told(&shown, before.as_ref().map(|value| value.shown.as_str())),
            meaning: Some(told(meaning, before.as_ref().map(Value::meaning))),
        };
        teller.put(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes() -> Changes {
        let user = Template(vec![Slot::Literal("user ".into()), Slot::Claim("sub".into())]);
        let set = vec![("x-user".into(), user.clone())];
        Changes { remove: vec!["authorization".into()], set, add: vec![("x-all".into(), user)] }
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
        assert_eq!(head.append, [("x-all".into(), "user u1".into())]);
        assert_eq!(head.remove, ["authorization"]);
    }

    #[test]
    fn what_cannot_be_filled_or_sent_is_removed_so_that_nobody_else_fills_it() {
        for subject in [None, Some("a\r\nx-admin: 1"), Some("\u{e9}")] {
            let head = with_subject(subject);
            assert_eq!(
                (head.remove.as_slice(), head.append.as_slice()),
                (&["authorization".into(), "x-user".into()][..], &[][..])
            );
            assert_eq!(with_subject(subject).value("x-user"), None);
        }
    }

    #[test]
    fn a_status_becomes_another_only_where_the_map_says_so() {
        let config = Config { status: vec![(404, 410), (500, 502)], ..Config::default() };
        assert_eq!([404, 500, 410, 200].map(|status| config.status_of(status)), [Some(410), Some(502), None, None]);
    }

    #[test]
    fn a_url_that_is_made_of_secrets_is_not_shown() {
        let made_of = |slot: Slot| Config { rewrite: Some(Template(vec![slot])), ..Config::default() };
        let url = "https://shop.test/v2/top?secret";
        assert_eq!(made_of(Slot::Claim("email".into())).shown_url(url), "https://shop.test/***");
        assert_eq!(made_of(Slot::Claim("sub".into())).shown_url(url), url);
    }
}
