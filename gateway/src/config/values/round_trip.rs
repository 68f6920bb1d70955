//! What is printed is read back as the same value, for every kind of value; and every grammar's examples are right.

use std::fmt::{Debug, Display};

use proptest::{prelude::*, test_runner::TestCaseError};

use super::{
    Fault, cidr, condition, duration, host, media_type, names, percent, rate, size, template, url,
    variables::{self, Written},
};
use crate::config::{percent::Percent, size::Size};

/// A text that is a value stays that value when it is printed and read again, and its print is its own print.
fn unchanged<T: Debug + Display + PartialEq>(
    text: &str,
    parse: impl Fn(&str) -> Result<T, Fault>,
) -> Result<(), TestCaseError> {
    let value = parse(text);
    prop_assert!(value.is_ok(), "{text:?} {value:?}");
    maybe_unchanged(text, parse)
}

/// The same for a text that may be a value.
fn maybe_unchanged<T: Debug + Display + PartialEq>(
    text: &str,
    parse: impl Fn(&str) -> Result<T, Fault>,
) -> Result<(), TestCaseError> {
    if let Ok(value) = parse(text) {
        let printed = value.to_string();
        let again = parse(&printed);
        prop_assert_eq!(again.as_ref().map(ToString::to_string), Ok(printed));
        prop_assert_eq!(again, Ok(value));
    }
    Ok(())
}

/// A duration, whose print is a function.
fn duration_text(text: &str) -> Result<String, Fault> {
    duration::parse(text).map(duration::show)
}

/// An upstream's URL, which is checked and kept as written.
fn upstream(text: &str) -> Result<Written, Fault> {
    let written = variables::parse(text)?;
    url::check_upstream(&written).map(|()| written)
}

/// An origin with variables, which is checked and kept as written.
fn written_origin(text: &str) -> Result<Written, Fault> {
    let written = variables::parse(text)?;
    url::check_origin_pattern(&written).map(|()| written)
}

const LABELS: &str = "[a-z0-9]{1,4}(-[a-z0-9]{1,4})?(\\.[a-z][a-z0-9]{0,3}){1,3}";

fn key() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec!["address", "principal", "tenant", "api_key", "plan", "route"]);
    prop_oneof![
        word.prop_map(str::to_owned),
        "header:[A-Za-z0-9!#$%&'*+.^_`|~-]{1,8}",
        "path\\.[a-z_][a-z0-9_]{0,5}",
        "claim:[!-z|~]{1,8}",
    ]
}

proptest! {
    #[test]
    fn durations(milliseconds in 0_u64..10_u64.pow(15), unit in "(ms|s|m|h|d)", number in 0_u32..100_000) {
        unchanged(&duration::show(milliseconds), duration_text)?;
        unchanged(&format!("{number}{unit}"), duration_text)?;
        prop_assert_eq!(duration::parse(&duration::show(milliseconds)), Ok(milliseconds));
    }

    #[test]
    fn sizes(bytes in 0..=Size::MOST.0, unit in "([KMG]i?B|B)", number in 0_u32..4) {
        prop_assert_eq!(size::parse(&Size(bytes).to_string()), Ok(Size(bytes)));
        unchanged(&format!("{number}{unit}"), size::parse)?;
    }

    #[test]
    fn shares(points in 0_u16..=10_000, text in "[0-9]{1,2}(\\.[0-9]{1,2})?%") {
        let share = Percent::from_basis_points(points).unwrap();
        prop_assert_eq!(percent::parse(&share.to_string()), Ok(share));
        unchanged(&text, percent::parse)?;
    }

    #[test]
    fn rates(
        limit in 1_u32..=1_000_000_000,
        window in "(s|min|hour|day|month|[1-9][0-9]?[smhd])",
        keys in prop::collection::vec(key(), 0..4),
    ) {
        let per = if keys.is_empty() { "" } else { " per " };
        let text = format!("{limit}/{window}{per}{}", keys.join(" and "));
        // Two keys may be the same one: that alone is refused.
        if !rate::parse(&text).is_err_and(|fault| fault.code == super::Code::Repeated) {
            unchanged(&text, rate::parse)?;
        }
    }

    #[test]
    fn networks(four: u32, six: u128, length in 0_u8..=128) {
        use std::net::{Ipv4Addr, Ipv6Addr};
        let four = Ipv4Addr::from_bits(four & u32::MAX.checked_shl(32 - u32::from(length % 33)).unwrap_or(0));
        let six = Ipv6Addr::from_bits(six & u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0));
        unchanged(&format!("{four}/{}", length % 33), cidr::parse)?;
        unchanged(&format!("{six}/{length}"), cidr::parse)?;
        unchanged(&four.to_string(), cidr::parse)?;
    }

    #[test]
    fn media_types(text in "([A-Za-z]{1,5}/(\\*|(\\*\\+|[a-z.]{1,3}\\+)?[A-Za-z0-9.-]{1,6})|\\*/\\*)") {
        unchanged(&text, media_type::parse)?;
    }

    #[test]
    fn hosts(star in "(\\*\\.)?", name in LABELS, four: u32) {
        unchanged(&format!("{star}{name}"), host::parse)?;
        unchanged(&std::net::Ipv4Addr::from_bits(four).to_string(), host::parse)?;
    }

    #[test]
    fn origins(scheme in "https?", star in "(\\*\\.)?", name in LABELS, port in "(:[1-9][0-9]{3})?") {
        unchanged(&format!("{scheme}://{star}{name}{port}"), url::parse_origin)?;
        unchanged(&format!("{scheme}://{star}{name}{port}"), written_origin)?;
        unchanged(&format!("{scheme}://{star}${{A}}.{name}:${{B:-1}}"), written_origin)?;
    }

    #[test]
    fn upstreams(scheme in "https?", name in LABELS, port in "(:[1-9][0-9]{3})?", path in "(/[a-z0-9~]{1,3}){0,2}/?") {
        unchanged(&format!("{scheme}://{name}{port}{path}"), upstream)?;
        unchanged(&format!("{scheme}://${{A:-{name}}}{port}{path}"), upstream)?;
        unchanged(&format!("${{URL}}{path}"), upstream)?;
    }

    #[test]
    fn texts_with_variables(parts in prop::collection::vec("([a-z$ ]{1,3}|\\$\\{[A-Z_][A-Z0-9_]{0,3}(:-[a-z{$:-]{0,3})?\\})", 0..5)) {
        let text = parts.concat();
        // A default such as `a${` looks like a variable in a variable, which is refused.
        prop_assume!(variables::parse(&text).is_ok());
        unchanged(&text, variables::parse)?;
        prop_assert_eq!(variables::parse(&text).unwrap().to_string(), text);
    }

    #[test]
    fn templates(parts in prop::collection::vec("([!-z|~]|\\{\\{|\\}\\}|\\{request\\.id\\}|\\{claims\\.[a-z:/]{1,4}\\}|\\{path\\.[a-z]{1,3}\\})", 1..6)) {
        let text: String = parts.iter().filter(|part| *part != "{").map(String::as_str).collect();
        prop_assume!(!text.is_empty());
        unchanged(&text, template::parse)?;
    }

    #[test]
    fn names_of_all_kinds(name in "[a-z0-9-]{1,63}", scope in "[!#-\\[\\]-~]{1,20}", header in "[A-Za-z0-9!#$%&'*+.^_`|~-]{2,20}") {
        unchanged(&name, names::gateway)?;
        unchanged(&name, names::section)?;
        unchanged(&scope, names::scope)?;
        unchanged(&header, names::header)?;
        unchanged(&header, names::cors_header)?;
        unchanged(&format!("x-{header}"), names::changed_header)?;
    }

    /// Texts made of what the grammars are made of, most of them wrong: nothing panics, and what is read is stable.
    #[test]
    fn texts_that_may_be_anything(text in "[0-9a-f.:/*%+;{}$ \u{e9}-]{0,12}|(60|/|min|s| per | and |route|header:|path\\.|x){0,8}") {
        maybe_unchanged(&text, duration_text)?;
        maybe_unchanged(&text, size::parse)?;
        maybe_unchanged(&text, percent::parse)?;
        maybe_unchanged(&text, rate::parse)?;
        maybe_unchanged(&text, cidr::parse)?;
        maybe_unchanged(&text, media_type::parse)?;
        maybe_unchanged(&text, host::parse)?;
        maybe_unchanged(&text, url::parse_origin)?;
        maybe_unchanged(&format!("https://{text}"), url::parse_origin)?;
        maybe_unchanged(&text, upstream)?;
        maybe_unchanged(&text, variables::parse)?;
        maybe_unchanged(&text, template::parse)?;
        maybe_unchanged(&text, names::scope)?;
        maybe_unchanged(&format!("claims.{text}"), |text| condition::parse(text).map(|parsed| parsed.condition))?;
    }

    /// A part that does not lie in its text, or that cuts a letter, would underline something else.
    #[test]
    fn what_is_underlined_is_a_part_of_the_text(text in "\\PC{0,12}|[a-z0-9.:/*%+;\\[\\] \u{e9}-]{0,12}|(6|/|min| per | and |route|path\\.|\u{e9}){0,8}") {
        let faults = [
            size::parse(&text).err(),
            percent::parse(&text).err(),
            rate::parse(&text).err(),
            cidr::parse(&text).err(),
            media_type::parse(&text).err(),
            host::parse(&text).err(),
            url::parse_origin(&text).err(),
            template::parse(&text).err(),
            variables::parse(&text).err(),
        ];
        for fault in faults.into_iter().flatten() {
            let part = fault.part.clone().map_or(Some(text.as_str()), |part| text.get(part));
            prop_assert!(part.is_some_and(|part| !part.is_empty() || text.is_empty()), "{:?} {:?}", text, fault);
            prop_assert!(!fault.message.is_empty() && !fault.message.ends_with('.'));
        }
    }
}

/// The quoted texts of a grammar.
fn examples(grammar: &str) -> Vec<&str> {
    grammar.split('"').skip(1).step_by(2).collect()
}

#[test]
fn the_examples_of_a_grammar_are_right() {
    fn check<T: Debug>(grammar: &str, parse: impl Fn(&str) -> Result<T, Fault>) {
        let examples = examples(grammar);
        assert!(!examples.is_empty() && grammar.ends_with('.'), "{grammar}");
        for example in examples {
            assert!(parse(example).is_ok(), "{example}: {grammar}");
        }
    }
    check(duration::GRAMMAR, duration::parse);
    check(size::GRAMMAR, size::parse);
    check(percent::GRAMMAR, percent::parse);
    check(rate::GRAMMAR, rate::parse);
    check(cidr::GRAMMAR, cidr::parse);
    check(media_type::GRAMMAR, media_type::parse);
    check(host::GRAMMAR, host::parse);
    check(url::ORIGIN_GRAMMAR, url::parse_origin);
}

#[test]
fn the_compiled_file_keeps_these_values() {
    fn kept<T: Debug + PartialEq + serde::Serialize + serde::de::DeserializeOwned>(value: &T) {
        let bytes = postcard::to_allocvec(value).unwrap();
        assert_eq!(postcard::from_bytes::<T>(&bytes).as_ref(), Ok(value));
    }
    kept(&size::parse("10MiB").unwrap());
    kept(&percent::parse("12.5%").unwrap());
    kept(&rate::parse("60/month per principal and header:x-shop").unwrap());
    kept(&cidr::parse("10.0.0.0/8").unwrap());
    kept(&cidr::parse("2001:db8::/32").unwrap());
    kept(&media_type::parse("application/*+json").unwrap());
    kept(&host::parse("*.acme.example").unwrap());
    kept(&url::parse_origin("https://*.acme.example:8443").unwrap());
}
