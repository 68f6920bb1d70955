//! Tells upstreams who asks, in headers that nobody else can fill: a name that stands under `principal_headers` anywhere in
//! the configuration is taken out of every request on every route, whoever sends it.
//!
//! Not here: other changes to heads (`transform`), and what the pipeline takes out where.

#[cfg(feature = "compiler")]
pub mod keys;

use std::borrow::Cow;

use crate::{
    config::template::{Slot, Template},
    http::edits::{Edits, is_field_value},
};

/// The key of this stage, `principal_headers`: names in lower case with what fills them. Empty on public routes.
pub type Config = Vec<(String, Template)>;

/// Adds the headers of an authenticated request; `fact` says what fills a template's slots. What cannot be filled stays
/// away, whatever else would have set it.
pub fn apply<'a>(config: &'a Config, head: &mut Edits, fact: impl Fn(&'a Slot) -> Option<Cow<'a, str>>) {
    for (name, template) in config {
        match template.fill(&fact).filter(|value| is_field_value(value)) {
            Some(value) => head.set(name.clone(), value),
            None => head.set.retain(|(known, _)| known != name),
        }
    }
}

/// What is told of this stage where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(config: &Config, teller: &mut crate::config::told::Teller<'_>) {
    for (name, template) in config {
        let value = teller.template(template);
        teller.put(format!("principal_headers.{name}"), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_filled_stays_away() {
        let config = vec![("x-user".to_owned(), Template(vec![Slot::Claim("sub".into())]))];
        let head = |subject: Option<&'static str>| {
            let mut head = Edits::default();
            head.set("x-user", "of-the-route");
            apply(&config, &mut head, |_| subject.map(Cow::from));
            head.value("x-user").map(str::to_owned)
        };
        assert_eq!(head(Some("u1")).as_deref(), Some("u1"));
        for subject in [None, Some(""), Some("a\r\nx-admin: 1"), Some("\u{e9}")] {
            assert_eq!(head(subject), None, "{subject:?}");
        }
    }
}
