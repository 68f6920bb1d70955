//! `request_query`: changes to the query that the upstream gets. Pairs that nobody names stay as they were sent, byte
//! for byte and in their order.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{
    config::template::{Slot, Template},
    http::{percent, query},
};

/// Changes to a query, carried out in the order of the fields. Names are decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Config {
    /// The only pairs that stay; `None` for all.
    pub keep: Option<Vec<String>>,
    /// Pairs that go.
    pub remove: Vec<String>,
    /// What replaces all pairs of a name, at the place of the first. One that a request cannot fill only takes them out.
    pub set: Vec<(String, Template)>,
    /// What comes behind all others. One that a request cannot fill is left out.
    pub add: Vec<(String, Template)>,
}

/// The query for one request, with its `?` unless it is empty; `sent` is the client's, with its `?`.
pub fn changed<'a>(config: &'a Config, sent: &str, fact: impl Fn(&'a Slot) -> Option<Cow<'a, str>>) -> String {
    let mut changed: Vec<Cow<'_, str>> = Vec::new();
    let mut placed = vec![false; config.set.len()];
    let sent = sent.strip_prefix('?').unwrap_or(sent);
    for piece in query::pieces(sent).filter(|_| !sent.is_empty()) {
        let set = config.set.iter().zip(&mut placed).find(|((name, _), _)| query::is_named(piece, name));
        match set {
            Some((_, true)) => {}
            Some((pair, placed)) => {
                *placed = true;
                changed.extend(filled(pair, &fact).map(Cow::from));
            }
            None if stays(config, piece) => changed.push(piece.into()),
            None => {}
        }
    }
    let left = config.set.iter().zip(placed).filter(|(_, placed)| !placed).map(|(pair, _)| pair);
    changed.extend(left.chain(&config.add).filter_map(|pair| filled(pair, &fact)).map(Cow::from));
    if changed.is_empty() { String::new() } else { ["?", &changed.join("&")].concat() }
}

fn stays(config: &Config, piece: &str) -> bool {
    let among = |names: &[String]| names.iter().any(|name| query::is_named(piece, name));
    config.keep.as_deref().is_none_or(among) && !among(&config.remove)
}

/// A pair as it is sent, if the request fills it.
fn filled<'a>(
    (name, value): &'a (String, Template),
    fact: &impl Fn(&'a Slot) -> Option<Cow<'a, str>>,
) -> Option<String> {
    let mut piece = String::new();
    percent::encode(name, &mut piece);
    piece.push('=');
    value.0.iter().try_for_each(|slot| push_value(&mut piece, slot, fact))?;
    Some(piece)
}

/// What was part of a URL is encoded already; what means something in a query and nothing in a path is encoded on top.
/// Everything else is data.
fn push_value<'a>(piece: &mut String, slot: &'a Slot, fact: &impl Fn(&'a Slot) -> Option<Cow<'a, str>>) -> Option<()> {
    match slot {
        Slot::Literal(text) => percent::encode(text, piece),
        Slot::PathParameter(_) => {
            percent::encode_but(&fact(slot)?, |byte| byte.is_ascii_graphic() && !b"&+=;#'\"<>".contains(&byte), piece);
        }
        Slot::QueryValue(_) => piece.push_str(&fact(slot)?),
        data => percent::encode(&fact(data)?, piece),
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn pairs(pairs: &[(&str, Slot)]) -> Vec<(String, Template)> {
        pairs.iter().map(|(name, slot)| ((*name).to_owned(), Template(vec![slot.clone()]))).collect()
    }

    fn literal(text: &str) -> Slot {
        Slot::Literal(text.into())
    }

    fn facts(slot: &Slot) -> Option<Cow<'_, str>> {
        match slot {
            Slot::Claim(name) => (name == "sub").then(|| "u 1&a=b".into()),
            Slot::PathParameter(_) => Some("x%20y+z&/é".into()),
            Slot::QueryValue(_) => Some("a+b%20c".into()),
            _ => None,
        }
    }

    #[test]
    fn what_nobody_names_stays_byte_for_byte() {
        let config = Config { remove: names(&["debug", "a b"]), ..Config::default() };
        let cases = [
            ("?x=%zz&&y=+&=&z", "?x=%zz&&y=+&=&z"),
            ("?debug=1&x=1&de%62ug&x=2", "?x=1&x=2"),
            ("?a+b=1&a%20b=2&a%2Bb=3", "?a%2Bb=3"),
            ("?debug", ""),
            ("?", ""),
            ("", ""),
            ("?Debug=1", "?Debug=1"),
        ];
        for (sent, expected) in cases {
            assert_eq!(changed(&config, sent, facts), expected, "{sent}");
        }
    }

    #[test]
    fn of_a_list_to_keep_nothing_else_stays() {
        let keep = Some(names(&["page", "limit"]));
        let config = Config { keep, remove: names(&["limit"]), ..Config::default() };
        assert_eq!(changed(&config, "?page=1&x=2&&limit=3&p%61ge=4", facts), "?page=1&p%61ge=4");
        let nothing = Config { keep: Some(Vec::new()), ..Config::default() };
        assert_eq!(changed(&nothing, "?page=1&&", facts), "");
    }

    #[test]
    fn what_is_set_stands_once_at_the_place_of_the_first() {
        let config = Config { set: pairs(&[("b", literal("n&w")), ("new", literal("1"))]), ..Config::default() };
        assert_eq!(changed(&config, "?a=1&b=2&c=3&%62=4", facts), "?a=1&b=n%26w&c=3&new=1");
        assert_eq!(changed(&config, "", facts), "?b=n%26w&new=1");
    }

    #[test]
    fn what_a_request_cannot_fill_is_not_what_the_client_says_either() {
        let config = Config { set: pairs(&[("tenant", Slot::Claim("tenant".into()))]), ..Config::default() };
        assert_eq!(changed(&config, "?tenant=other&x", facts), "?x");
        assert_eq!(changed(&config, "?x&ten%61nt=other", facts), "?x");
    }

    #[test]
    fn values_are_data_whatever_they_hold() {
        let add = pairs(&[
            ("user[]", Slot::Claim("sub".into())),
            ("q", Slot::PathParameter("q".into())),
            ("again", Slot::QueryValue("x".into())),
            ("none", Slot::Claim("tenant".into())),
        ]);
        let config = Config { add, ..Config::default() };
        let expected = "?q=0&user%5B%5D=u%201%26a%3Db&q=x%20y%2Bz%26/%C3%A9&again=a+b%20c";
        assert_eq!(changed(&config, "?q=0", facts), expected);
    }

    proptest! {
        #[test]
        fn no_client_says_what_the_gateway_sets(sent in "(\\?([a%6+1=&]|%61){0,16})?", value in "[a-z&=+ ]{0,6}") {
            let config = Config { set: pairs(&[("a", literal(&value))]), ..Config::default() };
            let query = changed(&config, &sent, facts);
            let pieces = query::pieces(&query[1..]).filter(|piece| query::is_named(piece, "a"));
            let mut encoded = String::from("a=");
            percent::encode(&value, &mut encoded);
            prop_assert_eq!(pieces.collect::<Vec<_>>(), [encoded.as_str()]);
        }

        #[test]
        fn a_query_that_nothing_is_changed_of_is_the_same(sent in "\\?[a-c%6=&+]{1,16}") {
            let config = Config { remove: names(&["z"]), ..Config::default() };
            prop_assert_eq!(changed(&config, &sent, facts), sent);
        }
    }
}
