//! Durations: a whole number and a unit, `250ms`, `2s`, `5m`, `1h`, `1d`.
//!
//! No fractions and no sums: `1.5s` is `1500ms` and `1h30m` is `90m`, so that a duration has few spellings.

use std::ops::RangeInclusive;

use super::{Fault, quoted};
pub use crate::config::duration::show;
use crate::config::{diagnostics::Code, duration::UNITS};

/// What to write, for a reference page.
pub const GRAMMAR: &str = "A whole number and a unit without a blank, `ms`, `s`, `m`, `h` or `d`, for example \"30s\".";

/// The milliseconds of a duration.
///
/// # Errors
/// [`Code::BadDuration`] when it is none, [`Code::OutOfRange`] when it is longer than a number can say.
pub fn parse(text: &str) -> Result<u64, Fault> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or((text, ""));
    let Some((_, milliseconds)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(bad_unit(text, unit));
    };
    if number.is_empty() {
        return Err(bad(text));
    }
    let value = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*milliseconds));
    value.ok_or_else(|| Fault::new(Code::OutOfRange, format!("{} is longer than any duration", quoted(text))))
}

/// The milliseconds of a duration within limits, in milliseconds.
///
/// # Errors
/// What [`parse`] says, and [`Code::OutOfRange`] outside the limits.
pub fn within(text: &str, limits: &RangeInclusive<u64>) -> Result<u64, Fault> {
    let value = parse(text)?;
    if limits.contains(&value) {
        return Ok(value);
    }
    let message = format!("{} is too {}", quoted(text), if value < *limits.start() { "short" } else { "long" });
    let expected = format!("{} to {}", show(*limits.start()), show(*limits.end()));
    Err(Fault::new(Code::OutOfRange, message).expected(expected))
}

/// The seconds of a duration within limits, in seconds.
///
/// # Errors
/// What [`within`] says, and [`Code::BadDuration`] when it is not a whole number of seconds.
pub fn whole_seconds(text: &str, limits: &RangeInclusive<u32>) -> Result<u32, Fault> {
    let milliseconds = |seconds: u32| u64::from(seconds).saturating_mul(1_000);
    let value = within(text, &(milliseconds(*limits.start())..=milliseconds(*limits.end())))?;
    let seconds = u32::try_from(value / 1_000).unwrap_or(u32::MAX);
    if milliseconds(seconds) == value {
        return Ok(seconds);
    }
    Err(Fault::new(Code::BadDuration, format!("{} is not a whole number of seconds", quoted(text)))
        .expected("whole seconds"))
}

fn bad_unit(text: &str, unit: &str) -> Fault {
    let help = match unit.trim() {
        "" => format!("write the unit too, for example \"{}s\"", text.trim()),
        "sec" | "secs" | "second" | "seconds" | "S" => "seconds are written `s`".to_owned(),
        "min" | "mins" | "minute" | "minutes" | "M" => "minutes are written `m`".to_owned(),
        "hour" | "hours" | "hr" | "hrs" | "H" => "hours are written `h`".to_owned(),
        "day" | "days" | "D" => "days are written `d`".to_owned(),
        _ => return bad(text),
    };
    bad(text).help(help)
}

fn bad(text: &str) -> Fault {
    let message = format!("{} is not a duration", quoted(text));
    Fault::new(Code::BadDuration, message).expected("a whole number and a unit (ms, s, m, h, d), for example \"30s\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_unit_is_read() {
        let cases = [("250ms", 250), ("2s", 2_000), ("5m", 300_000), ("1h", 3_600_000), ("1d", 86_400_000), ("0s", 0)];
        for (text, milliseconds) in cases {
            assert_eq!(parse(text), Ok(milliseconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "s", "1", "1.5s", "-1s", "+1s", "1 s", "1h30m", "1S", "1w", "\u{0661}s", "1s "] {
            assert_eq!(parse(text).map_err(|fault| fault.code), Err(Code::BadDuration), "{text:?}");
        }
        assert_eq!(parse("99999999999999999999d").map_err(|fault| fault.code), Err(Code::OutOfRange));
    }

    #[test]
    fn a_forgotten_or_wrong_unit_is_explained() {
        assert_eq!(parse("30").unwrap_err().help.as_deref(), Some("write the unit too, for example \"30s\""));
        assert_eq!(parse("5min").unwrap_err().help.as_deref(), Some("minutes are written `m`"));
    }

    #[test]
    fn limits_belong_to_the_range_and_are_shown_as_durations() {
        assert_eq!(within("1ms", &(1..=600_000)), Ok(1));
        assert_eq!(within("10m", &(1..=600_000)), Ok(600_000));
        let fault = within("11m", &(1..=600_000)).unwrap_err();
        assert_eq!((fault.code, fault.expected.as_deref()), (Code::OutOfRange, Some("1ms to 10m")));
    }

    #[test]
    fn parts_of_a_second_are_refused_where_seconds_count() {
        assert_eq!(whole_seconds("2m", &(0..=300)), Ok(120));
        assert_eq!(whole_seconds("1500ms", &(0..=300)).map_err(|fault| fault.code), Err(Code::BadDuration));
        assert_eq!(whole_seconds("6m", &(0..=300)).unwrap_err().expected.as_deref(), Some("0s to 5m"));
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(milliseconds in 0_u64..10_u64.pow(15)) {
            prop_assert_eq!(parse(&show(milliseconds)), Ok(milliseconds));
        }
    }
}
