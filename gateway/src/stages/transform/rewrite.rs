//! `rewrite`: the path that the upstream gets in place of the client's.
//!
//! What comes out has one meaning, like every path that came in, or the request is refused. It is never made to fit.

use std::borrow::Cow;

use crate::{
    config::template::{Slot, Template},
    http::{
        path, percent,
        problem::{Fault, Kind, Problem},
    },
};

/// 404: no path can be made of what the request says.
pub const REWRITE_IMPOSSIBLE: Kind =
    Kind { code: "rewrite_impossible", status: 404, title: "There is no such place", fault: Fault::Client };

/// The path for one request; `fact` says what fills the slots. Parameters stay encoded as they were sent, everything
/// else is data of one segment.
///
/// # Errors
/// [`REWRITE_IMPOSSIBLE`] when a slot has no value, or what comes out could be read in two ways.
pub fn path<'a>(template: &'a Template, fact: impl Fn(&'a Slot) -> Option<Cow<'a, str>>) -> Result<String, Problem> {
    let refused = || Problem::new(&REWRITE_IMPOSSIBLE, "No path can be made of what the request says.");
    let path = filled(template, fact).ok_or_else(refused)?;
    path::check(&path).map_err(|error| refused().field("path", error.expected()))?;
    Ok(path)
}

fn filled<'a>(template: &'a Template, fact: impl Fn(&'a Slot) -> Option<Cow<'a, str>>) -> Option<String> {
    let mut path = String::new();
    for slot in &template.0 {
        match slot {
            Slot::Literal(text) => path.push_str(text),
            Slot::PathParameter(_) => path.push_str(&fact(slot)?),
            other => {
                // Data that is no segment of its own would name another place: what is above, or the whole list.
                let data = fact(other).filter(|data| !matches!(&**data, "" | "." | ".."))?;
                percent::encode(&data, &mut path);
            }
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `/v2/{id}/{claims.sub}`, or only one of the two.
    fn rewritten(id: Option<&'static str>, subject: Option<&'static str>) -> Result<String, &'static str> {
        let mut slots = vec![Slot::Literal("/v2/".into())];
        slots.extend(id.map(|_| Slot::PathParameter("id".into())));
        slots.extend(id.and(subject).map(|_| Slot::Literal("/".into())));
        slots.extend(subject.map(|_| Slot::Claim("sub".into())));
        let template = Template(slots);
        let fact = |slot: &Slot| if matches!(slot, Slot::Claim(_)) { subject } else { id };
        path(&template, |slot| fact(slot).map(Cow::from)).map_err(|problem| problem.kind.code)
    }

    #[test]
    fn parameters_stay_as_sent_and_claims_are_one_segment() {
        assert_eq!(rewritten(Some("a%20b/c%C3%A9/"), None), Ok("/v2/a%20b/c%C3%A9/".into()));
        assert_eq!(rewritten(Some(""), None), Ok("/v2/".into()));
        assert_eq!(rewritten(Some("x"), Some("a b?c#d;%41\u{e9}")), Ok("/v2/x/a%20b%3Fc%23d%3B%2541%C3%A9".into()));
        assert_eq!(rewritten(None, Some("...")), Ok("/v2/...".into()));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused_and_never_made_to_fit() {
        for subject in ["", ".", "..", "a/b", "a\\b", "../admin", "a\0b", "a\nb"] {
            assert_eq!(rewritten(None, Some(subject)), Err("rewrite_impossible"), "{subject:?}");
        }
        for id in ["/a", "a//b", "..", "a/../b"] {
            assert_eq!(rewritten(Some(id), None), Err("rewrite_impossible"), "{id}");
        }
        assert_eq!(rewritten(Some(""), Some("u")), Err("rewrite_impossible"), "an empty segment in the middle");
    }

    #[test]
    fn a_place_that_has_no_value_is_no_path() {
        let template = Template(vec![Slot::Literal("/".into()), Slot::Claim("tenant".into())]);
        assert_eq!(path(&template, |_| None).map_err(|problem| problem.kind.status), Err(404));
    }

    proptest! {
        #[test]
        fn a_claim_never_becomes_more_than_one_segment(subject in ".{0,12}") {
            let template = Template(vec![Slot::Literal("/a/".into()), Slot::Claim("sub".into()), Slot::Literal("/b".into())]);
            if let Ok(path) = path(&template, |_| Some(subject.as_str().into())) {
                prop_assert_eq!(path.matches('/').count(), 3);
                prop_assert!(path.starts_with("/a/") && path.ends_with("/b"));
                prop_assert!(!path.contains(['?', '#', '\\']));
            }
        }
    }
}
