//! Moments: a date or a date with a time as RFC 3339 writes them, and the forms in which headers have them.
//!
//! Whole seconds from 1970 on. Nothing here knows what time it is.

use super::{Fault, quoted};
use crate::config::{diagnostics::Code, model::Grammar};

/// How moments are written.
pub const GRAMMAR: Grammar = Grammar {
    name: "date",
    sentence: "a date, which begins at midnight UTC, or a date and a time with its offset, as in RFC 3339",
    example: "2026-12-31T00:00:00Z",
    pattern: Some("^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}([Zz]|[+-][0-9]{2}:[0-9]{2}))?$"),
};

const DAY_S: u64 = 86_400;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// The first of January 1970 was a Thursday.
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// The seconds from the beginning of 1970 to a moment.
///
/// # Errors
/// [`Code::BadDate`].
pub fn parse(text: &str) -> Result<u64, Fault> {
    let fault = || Fault::new(Code::BadDate, format!("{} is not a date", quoted(text))).expected(GRAMMAR.sentence);
    let Some((date, rest)) = text.split_at_checked(10) else { return Err(fault()) };
    let midnight = midnight(date).ok_or_else(fault)?;
    let Some(time) = rest.strip_prefix(['T', 't', ' ']) else {
        return if rest.is_empty() { Ok(midnight) } else { Err(fault()) };
    };
    match seconds(time) {
        Some((seconds, offset)) => midnight
            .checked_add(seconds)
            .and_then(|local| local.checked_add_signed(offset.saturating_neg()))
            .ok_or_else(fault),
        None if is_time(time) => Err(fault().help(format!("write the offset too: \"{text}Z\" for UTC"))),
        None => Err(fault()),
    }
}

fn midnight(date: &str) -> Option<u64> {
    let (year, month, day) = match date.split('-').collect::<Vec<_>>().as_slice() {
        [year, month, day] => (number(year, 4)?, number(month, 2)?, number(day, 2)?),
        _ => return None,
    };
    let is_date = year >= 1970 && (1..=12).contains(&month) && (1..=days_of(year, month)).contains(&day);
    let years: u64 = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
    let months: u64 = (1..month).map(|month| days_of(year, month)).sum();
    let days = years.saturating_add(months).saturating_add(day.saturating_sub(1));
    is_date.then(|| days.saturating_mul(DAY_S))
}

/// A time of the day and its offset from UTC, both in seconds.
fn seconds(time: &str) -> Option<(u64, i64)> {
    let (clock, offset) = time.split_at_checked(8)?;
    let offset = match offset.split_at_checked(1)? {
        ("Z" | "z", "") => 0,
        ("+", offset) => i64::try_from(minutes(offset)?).ok()?.saturating_mul(60),
        ("-", offset) => i64::try_from(minutes(offset)?).ok()?.saturating_mul(-60),
        _ => return None,
    };
    Some((of_clock(clock)?, offset))
}

fn is_time(time: &str) -> bool {
    of_clock(time).is_some()
}

fn of_clock(clock: &str) -> Option<u64> {
    let (hours, seconds) = clock.rsplit_once(':')?;
    let seconds = number(seconds, 2).filter(|seconds| *seconds < 60)?;
    Some(minutes(hours)?.saturating_mul(60).saturating_add(seconds))
}

fn minutes(text: &str) -> Option<u64> {
    let (hours, minutes) = text.split_once(':')?;
    let hours = number(hours, 2).filter(|hours| *hours < 24)?;
    let minutes = number(minutes, 2).filter(|minutes| *minutes < 60)?;
    Some(hours.saturating_mul(60).saturating_add(minutes))
}

fn number(text: &str, digits: usize) -> Option<u64> {
    let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Year, month and day of a moment.
fn civil(seconds: u64) -> (u64, u64, u64) {
    let (mut year, mut month, mut days) = (1970_u64, 1_u64, seconds / DAY_S);
    while let Some(left) = days.checked_sub(if is_leap(year) { 366 } else { 365 }) {
        (year, days) = (year.saturating_add(1), left);
    }
    while let Some(left) = days.checked_sub(days_of(year, month)) {
        (month, days) = (month.saturating_add(1), left);
    }
    (year, month, days.saturating_add(1))
}

fn clock(seconds: u64) -> String {
    let time = seconds % DAY_S;
    format!("{:02}:{:02}:{:02}", time / 3_600, time / 60 % 60, time % 60)
}

/// A moment as headers have it: IMF-fixdate (RFC 9110 section 5.6.7).
#[must_use]
pub fn http(seconds: u64) -> String {
    let (year, month, day) = civil(seconds);
    let weekday = usize::try_from(seconds / DAY_S % 7).ok().and_then(|at| WEEKDAYS.get(at)).unwrap_or(&"");
    let month = usize::try_from(month.saturating_sub(1)).ok().and_then(|at| MONTHS.get(at)).unwrap_or(&"");
    format!("{weekday}, {day:02} {month} {year:04} {} GMT", clock(seconds))
}

/// A moment as RFC 3339 writes it, in UTC.
#[must_use]
pub fn rfc3339(seconds: u64) -> String {
    let (year, month, day) = civil(seconds);
    format!("{year:04}-{month:02}-{day:02}T{}Z", clock(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_are_read_with_and_without_a_time() {
        let cases = [
            ("1970-01-01", 0),
            ("2026-06-01", 1_780_272_000),
            ("2026-12-31T00:00:00Z", 1_798_675_200),
            ("2026-12-31 00:00:00z", 1_798_675_200),
            ("2026-12-31t02:00:00+02:00", 1_798_675_200),
            ("2026-12-30T18:30:00-05:30", 1_798_675_200),
            ("2024-02-29T23:59:59Z", 1_709_251_199),
            ("2000-02-29", 951_782_400),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse(text), Ok(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "2026",
            "2026-6-1",
            "2026-13-01",
            "2026-00-01",
            "2026-02-29",
            "2100-02-29",
            "2026-04-31",
            "1969-12-31",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:60Z",
            "2026-01-01T00:00Z",
            "2026-01-01Z",
            "2026-01-01T00:00:00.5Z",
            "2026-01-01T00:00:00+0200",
            "2026-01-01T00:00:00+24:00",
            "1970-01-01T00:00:00+00:01",
            "+026-01-01",
            "2026-01-01T+1:00:00Z",
            "Wed, 30 Jun 2027 00:00:00 GMT",
            "\u{e9}026-01-01",
        ] {
            assert_eq!(parse(text).map_err(|fault| fault.code), Err(Code::BadDate), "{text}");
        }
        let help = parse("2026-01-01T00:00:00").unwrap_err().help;
        assert_eq!(help.as_deref(), Some("write the offset too: \"2026-01-01T00:00:00Z\" for UTC"));
    }

    #[test]
    fn headers_have_days_of_the_week() {
        assert_eq!(http(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(http(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(http(1_798_675_200), "Thu, 31 Dec 2026 00:00:00 GMT");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(seconds in 0_u64..253_402_300_800) {
            prop_assert_eq!(parse(&rfc3339(seconds)), Ok(seconds));
        }

        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in "[0-9TZ:+ é-]{0,26}") {
            let _ = parse(&text);
        }
    }
}
