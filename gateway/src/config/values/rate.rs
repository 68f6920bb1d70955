//! Rates: `60/min`, `5/10s`, `10000/month per tenant`, `60/min per principal and route`.
//!
//! One spelling per window: a minute is `min` alone and five of them are `5m`, as durations are written elsewhere;
//! `60/m` would be read as a minute by some and as a month by others. The order of keys says nothing.

use std::ops::RangeInclusive;

use super::{Fault, duration, listed, names, quoted, template};
use crate::config::{
    diagnostics::{Code, nearest::nearest},
    rate::{Key, Rate, Window},
};

/// What to write, for a reference page.
pub const GRAMMAR: &str = "A number of requests, a slash and a window (`s`, `min`, `hour`, `day`, `month` or a duration), and where it helps \
     ` per ` with what has a count of its own (`address`, `principal`, `tenant`, `api_key`, `plan`, `route`, `global`, \
     `header:NAME`, `path.NAME`, `claim:NAME`), joined by ` and `, for example \"60/min per principal and route\".";

/// How many requests a rate can allow.
const LIMIT: RangeInclusive<u32> = 1..=1_000_000_000;

/// How long a window can be, in seconds: up to a year.
const SECONDS: RangeInclusive<u32> = 1..=31_536_000;

/// How many keys a rate can have. Each makes a counter's name longer, and a fifth has never told two clients apart.
const MOST_KEYS: usize = 4;

const PER: &str = " per ";
const AND: &str = " and ";

/// A rate.
///
/// # Errors
/// [`Code::BadRate`] when it is none, [`Code::BadDuration`] or [`Code::OutOfRange`] for its window,
/// [`Code::OutOfRange`] for its limit, [`Code::BadHeaderName`] for the header of a key, [`Code::Repeated`] for a key
/// that stands there twice.
pub fn parse(text: &str) -> Result<Rate, Fault> {
    let (amount, keys) = text.split_once(PER).map_or((text, None), |(amount, keys)| (amount, Some(keys)));
    let Some((limit, window)) = amount.split_once('/') else { return Err(no_slash(text, amount)) };
    let limit = limit_of(limit).map_err(|fault| part(fault, 0, limit))?;
    let start = amount.len().saturating_sub(window.len());
    let window = window_of(window).map_err(|fault| part(fault, start, window))?;
    let start = amount.len().saturating_add(PER.len());
    let keys = keys.map_or_else(|| Ok(Vec::new()), |keys| keys_of(keys, start))?;
    Ok(Rate { limit, window, keys })
}

/// What has a count of its own: `principal and route`.
///
/// # Errors
/// What [`parse`] says of keys.
pub fn keys(text: &str) -> Result<Vec<Key>, Fault> {
    keys_of(text, 0)
}

/// A window by itself: `min` or `10s`.
///
/// # Errors
/// What [`parse`] says of windows.
pub fn window(text: &str) -> Result<Window, Fault> {
    window_of(text)
}

/// Underlines a part, unless there is nothing to underline.
fn part(fault: Fault, start: usize, part: &str) -> Fault {
    if part.is_empty() { fault } else { fault.part(start, part.len()) }
}

fn limit_of(text: &str) -> Result<u32, Fault> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        let fault = bad(format!("{} is not a number of requests", quoted(text)));
        return Err(fault.expected("digits without blanks, for example \"60/min\""));
    }
    text.parse().ok().filter(|limit| LIMIT.contains(limit)).ok_or_else(|| {
        let fault = Fault::new(Code::OutOfRange, format!("{} requests are none that a rate can allow", quoted(text)));
        fault.expected(format!("{} to {}", LIMIT.start(), LIMIT.end()))
    })
}

fn window_of(text: &str) -> Result<Window, Fault> {
    if let Some((_, window)) = Window::WORDS.iter().find(|(word, _)| *word == text) {
        return Ok(*window);
    }
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return duration::whole_seconds(text, &SECONDS).map(Window::Seconds);
    }
    Err(bad_window(text))
}

fn bad_window(text: &str) -> Fault {
    let words = || Window::WORDS.iter().map(|(word, _)| *word);
    let fault = bad(format!("{} is not a window", quoted(text)));
    let fault = fault.expected(format!("{} or a duration like \"10s\"", listed(words())));
    let meant = match text.trim().to_ascii_lowercase().as_str() {
        "sec" | "secs" | "second" | "seconds" => Some("s"),
        "m" | "mins" | "minute" | "minutes" => Some("min"),
        "h" | "hr" | "hrs" | "hours" => Some("hour"),
        "d" | "days" => Some("day"),
        "mo" | "mon" | "mth" | "months" => Some("month"),
        "w" | "week" | "weeks" => return fault.help("a week is written `7d`"),
        "y" | "year" | "years" => return fault.help("a year is written `365d`"),
        _ => nearest(text.trim(), words()),
    };
    match meant {
        Some(word) => fault.help(format!("write `{word}`")),
        None if text.contains(' ') => fault.help("what has a count of its own stands behind ` per `"),
        None => fault,
    }
}

/// The keys of a text that begins at `start`, in their own order.
fn keys_of(text: &str, start: usize) -> Result<Vec<Key>, Fault> {
    let mut keys: Vec<Key> = Vec::new();
    let mut at = start;
    for word in text.split(AND) {
        let key = key_of(word).map_err(|fault| part(fault, at, word))?;
        if keys.contains(&key) {
            let fault = Fault::new(Code::Repeated, format!("{} stands here twice", quoted(word)));
            return Err(fault.part(at, word.len()));
        }
        keys.push(key);
        at = at.saturating_add(word.len()).saturating_add(AND.len());
    }
    if keys.len() > MOST_KEYS {
        return Err(bad(format!("a rate has at most {MOST_KEYS} keys")).part(start, text.len()));
    }
    if keys.len() > 1 && keys.contains(&Key::Global) {
        let fault = bad("`global` means one count for all requests, so it stands alone".to_owned());
        return Err(fault.expected("either `global` or the other keys").part(start, text.len()));
    }
    keys.sort();
    Ok(keys)
}

fn key_of(word: &str) -> Result<Key, Fault> {
    if let Some((_, key)) = Key::WORDS.iter().find(|(name, _)| *name == word) {
        return Ok(key.clone());
    }
    if let Some(name) = word.strip_prefix("header:") {
        return names::header(name).map(Key::Header);
    }
    if let Some(name) = word.strip_prefix("path.") {
        let fault = || bad(format!("{} is not the name of a parameter", quoted(name)));
        let expected = "lower case letters, digits and underscores, not a digit first: `path.id`";
        return if is_parameter(name) { Ok(Key::Path(name.to_owned())) } else { Err(fault().expected(expected)) };
    }
    if let Some(name) = word.strip_prefix("claim:") {
        let fault = || bad(format!("{} is not the name of a claim", quoted(name)));
        let expected = "visible ASCII without blanks and braces: `claim:sub`";
        return if template::is_claim(name) {
            Ok(Key::Claim(name.to_owned()))
        } else {
            Err(fault().expected(expected))
        };
    }
    Err(bad_key(word))
}

/// What a route can call a parameter of its path.
fn is_parameter(name: &str) -> bool {
    let first = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_');
    first && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn bad_key(word: &str) -> Fault {
    let words = || Key::WORDS.iter().map(|(name, _)| *name);
    let fault = bad(format!("{} is nothing that requests are counted by", quoted(word)));
    let fault = fault.expected(listed(words().chain(["header:NAME", "path.NAME", "claim:NAME"])));
    if word.contains([',', '+', '&']) {
        return fault.help("join keys with ` and `: `principal and route`");
    }
    let meant = match word.split_once([':', '.']) {
        Some((kind, name)) => meant_kind(kind, name),
        None => meant_word(word).map(str::to_owned),
    };
    if let Some(meant) = meant { fault.help(format!("write {}", quoted(&meant))) } else { fault }
}

/// The key that somebody wanted who wrote it with the wrong sign or word before the name.
fn meant_kind(kind: &str, name: &str) -> Option<String> {
    match kind.to_ascii_lowercase().as_str() {
        "header" | "headers" => Some(format!("header:{name}")),
        "path" | "param" | "params" | "parameter" => Some(format!("path.{name}")),
        "claim" | "claims" | "jwt" | "token" => Some(format!("claim:{name}")),
        _ => None,
    }
}

/// The key that somebody wanted who wrote what it is called elsewhere, or mistyped it.
fn meant_word(word: &str) -> Option<&'static str> {
    match word.to_ascii_lowercase().as_str() {
        "ip" | "client" => Some("address"),
        "user" | "subject" | "sub" => Some("principal"),
        "key" => Some("api_key"),
        "endpoint" | "path" => Some("route"),
        "tier" => Some("plan"),
        "all" | "everybody" | "everyone" => Some("global"),
        _ => nearest(word, Key::WORDS.iter().map(|(name, _)| *name)),
    }
}

fn no_slash(text: &str, amount: &str) -> Fault {
    let fault = bad(format!("{} is not a rate", quoted(text))).expected("a rate, for example \"60/min per principal\"");
    if amount.len() < text.len() { fault.help("the window stands behind a slash: `60/min`") } else { fault }
}

fn bad(message: String) -> Fault {
    Fault::new(Code::BadRate, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(limit: u32, window: Window, keys: &[Key]) -> Rate {
        Rate { limit, window, keys: keys.to_vec() }
    }

    #[test]
    fn every_window_is_read() {
        let cases = [
            ("10/s", 10, Window::Seconds(1), "10/s"),
            ("60/min", 60, Window::Seconds(60), "60/min"),
            ("1000/hour", 1_000, Window::Seconds(3_600), "1000/hour"),
            ("300/day", 300, Window::Seconds(86_400), "300/day"),
            ("10000/month", 10_000, Window::Month, "10000/month"),
            ("5/10s", 5, Window::Seconds(10), "5/10s"),
            ("5/5m", 5, Window::Seconds(300), "5/5m"),
            ("5/1m", 5, Window::Seconds(60), "5/min"),
            ("5/2000ms", 5, Window::Seconds(2), "5/2s"),
            ("1000000000/365d", 1_000_000_000, Window::Seconds(31_536_000), "1000000000/365d"),
        ];
        for (text, limit, window, printed) in cases {
            assert_eq!(parse(text), Ok(rate(limit, window, &[])), "{text}");
            assert_eq!(parse(text).unwrap().to_string(), printed);
        }
    }

    #[test]
    fn every_key_is_read() {
        for (word, key) in Key::WORDS {
            assert_eq!(parse(&format!("1/s per {word}")), Ok(rate(1, Window::Seconds(1), &[key])), "{word}");
        }
        let keys = [Key::Header("x-shop".into()), Key::Path("id".into()), Key::Claim("https://a.example/role".into())];
        let text = "1/s per claim:https://a.example/role and path.id and header:X-Shop";
        assert_eq!(parse(text), Ok(rate(1, Window::Seconds(1), &keys)));
    }

    #[test]
    fn the_order_of_keys_says_nothing() {
        assert_eq!(parse("60/min per route and principal"), parse("60/min per principal and route"));
        assert_eq!(parse("60/min per route and principal").unwrap().to_string(), "60/min per principal and route");
    }

    #[test]
    fn what_is_no_rate_is_underlined() {
        let cases = [
            ("", None),
            ("60", None),
            ("60 per minute", None),
            ("/min", None),
            ("60/", None),
            ("60/min per ", None),
            ("-1/s", Some(0..2)),
            ("1k/s", Some(0..2)),
            ("1_000/s", Some(0..5)),
            ("60 /s", Some(0..3)),
            ("60/m", Some(3..4)),
            ("60/minute", Some(3..9)),
            ("60/ min", Some(3..7)),
            ("60/Min", Some(3..6)),
            ("60/fortnight", Some(3..12)),
            ("60/min per", Some(3..10)),
            ("60/min principal", Some(3..16)),
            ("60/min per ip", Some(11..13)),
            ("60/min per principal, route", Some(11..27)),
            ("60/min per principal and ruote", Some(25..30)),
            ("60/min per principal  and route", Some(11..21)),
            ("60/min per path.Id", Some(11..18)),
            ("60/min per path:id", Some(11..18)),
            ("60/min per claim:", Some(11..17)),
            ("60/min per global and route", Some(11..27)),
            ("1/s per address and tenant and plan and route and api_key", Some(8..57)),
        ];
        for (text, part) in cases {
            let fault = parse(text).unwrap_err();
            assert_eq!((fault.code, fault.part), (Code::BadRate, part), "{text:?}");
        }
    }

    #[test]
    fn a_part_with_a_rule_of_its_own_breaks_that_rule() {
        let cases = [
            ("0/s", Code::OutOfRange, 0..1),
            ("1000000001/s", Code::OutOfRange, 0..10),
            ("99999999999/s", Code::OutOfRange, 0..11),
            ("60/0s", Code::OutOfRange, 3..5),
            ("60/366d", Code::OutOfRange, 3..7),
            ("60/1500ms", Code::BadDuration, 3..9),
            ("60/5min", Code::BadDuration, 3..7),
            ("60/10", Code::BadDuration, 3..5),
            ("60/min per header:a b", Code::BadHeaderName, 11..21),
            ("60/min per route and route", Code::Repeated, 21..26),
            ("60/min per header:a and header:A", Code::Repeated, 24..32),
        ];
        for (text, code, part) in cases {
            let fault = parse(text).unwrap_err();
            assert_eq!((fault.code, fault.part), (code, Some(part)), "{text}");
        }
    }

    #[test]
    fn the_right_word_is_named() {
        let help = |text: &str| parse(text).unwrap_err().help;
        let cases = [
            ("60/m", "write `min`"),
            ("60/second", "write `s`"),
            ("60/Hours", "write `hour`"),
            ("60/dya", "write `day`"),
            ("60/week", "a week is written `7d`"),
            ("60/5min", "minutes are written `m`"),
            ("60/min per ip", "write `address`"),
            ("60/min per principle", "write `principal`"),
            ("60/min per header.x-shop", "write `header:x-shop`"),
            ("60/min per claims.sub", "write `claim:sub`"),
            ("60/min per path:id", "write `path.id`"),
            ("60/min per principal, route", "join keys with ` and `: `principal and route`"),
            ("60 per minute", "the window stands behind a slash: `60/min`"),
            ("60/min route", "what has a count of its own stands behind ` per `"),
        ];
        for (text, expected) in cases {
            assert_eq!(help(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!((help("60/fortnight"), help("60/min per colour")), (None, None));
    }
}
