//! What differs between two configurations in meaning: what requests would notice, and what the Worker must be given.
//!
//! Both are put into the same words (`parts`, `routes`), and the words are compared. The order in the file, the names
//! of policies, issuers and parameters, and tags make no difference. Values of variables are not known here.

mod parts;
mod routes;

use serde::Serialize;

use crate::{
    blueprint::Blueprint,
    config::told::{Keys, Value},
};

/// Something that is different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What has become of it.
    pub what: What,
    /// `gateway`, `variable`, `issuer`, `upstream` or `route`.
    pub section: &'static str,
    /// Which one: as the new configuration names it, or the old one where it is gone.
    pub name: String,
    /// What is different about it; everything that holds for what was added or removed.
    pub changes: Vec<Change>,
}

/// What has become of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It was not there.
    Added,
    /// It is not there any more.
    Removed,
    /// It was there in another form.
    Changed,
}

/// A key with its value before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The key.
    pub key: String,
    /// What it was; absent when it was not there.
    pub old: Option<String>,
    /// What it is; absent when it is not there.
    pub new: Option<String>,
}

/// What differs in meaning, in the order of the sections of the file.
#[must_use]
pub fn diff(old: &Blueprint, new: &Blueprint) -> Vec<Difference> {
    let (issuers, upstreams) = (parts::matched(old, new, parts::issuers), parts::matched(old, new, parts::upstreams));
    let mut differences = parts::gateway(old, new);
    differences.extend(parts::variables(old, new));
    differences.extend(parts::differences("issuer", &issuers));
    differences.extend(parts::differences("upstream", &upstreams));
    let old = routes::bindings(old, &issuers.old, &upstreams.old);
    let new = routes::bindings(new, &issuers.new, &upstreams.new);
    differences.extend(routes::differences(&old, &new));
    differences
}

/// The keys that do not mean the same.
fn changes(old: &Keys, new: &Keys) -> Vec<Change> {
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    let change = |key: &String| {
        let (old, new) = (old.get(key), new.get(key));
        let shown = |value: Option<&Value>| value.map(|value| value.shown.clone());
        let same = old.map(Value::meaning) == new.map(Value::meaning);
        (!same).then(|| Change { key: key.clone(), old: shown(old), new: shown(new) })
    };
    names.into_iter().filter_map(change).collect()
}

fn difference(section: &'static str, name: &str, old: Option<&Keys>, new: Option<&Keys>) -> Option<Difference> {
    let what = match (old, new) {
        (None, Some(_)) => What::Added,
        (Some(_), None) => What::Removed,
        _ => What::Changed,
    };
    let nothing = Keys::new();
    let changes = changes(old.unwrap_or(&nothing), new.unwrap_or(&nothing));
    let is_there = what != What::Changed || !changes.is_empty();
    is_there.then(|| Difference { what, section, name: name.to_owned(), changes })
}
