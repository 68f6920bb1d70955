//! A moment that somebody names, RFC 3339 or milliseconds since 1970, and moments as they are told.

use std::ops::RangeInclusive;

use gateway::http::{Millis, timestamp};

/// Reads a moment; `None` when it is none, or one before 1970.
pub(crate) fn parse(text: &str) -> Option<Millis> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { rfc3339(text) }
}

/// `2026-11-21T18:00:00Z, in 9 min`, or `5 min ago`, or `now`.
pub(crate) fn told(moment: Millis, now: Millis) -> String {
    let written = timestamp::rfc3339(moment);
    let seconds = written.as_str().get(..19).unwrap_or_default();
    let words = if moment.abs_diff(now) < 2_000 {
        // No two clocks are closer.
        "now".to_owned()
    } else if moment >= now {
        format!("in {}", distance(moment.saturating_sub(now)))
    } else {
        format!("{} ago", distance(now.saturating_sub(moment)))
    };
    format!("{seconds}Z, {words}")
}

/// In the largest unit of which there are two at least, to the nearest.
fn distance(ms: Millis) -> String {
    const UNITS: [(&str, Millis); 3] = [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000)];
    let (unit, size) = UNITS.into_iter().find(|(_, size)| ms >= size.saturating_mul(2)).unwrap_or(("s", 1_000));
    let number = ms.saturating_add(size / 2).checked_div(size).unwrap_or_default();
    format!("{number} {unit}")
}

/// What is left of a text that is read from its beginning.
struct Rest<'t>(&'t str);

impl<'t> Rest<'t> {
    /// A number of exactly so many digits, within bounds.
    fn number(&mut self, digits: usize, within: RangeInclusive<i64>) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        self.0 = rest;
        number.parse().ok().filter(|number| within.contains(number))
    }

    /// One of these letters.
    fn letter(&mut self, known: &[char]) -> Option<char> {
        let letter = self.0.chars().next().filter(|letter| known.contains(letter))?;
        self.0 = self.0.strip_prefix(letter)?;
        Some(letter)
    }

    /// Milliseconds behind a point; further digits are dropped.
    fn fraction(&mut self) -> Option<i64> {
        if self.letter(&['.']).is_none() {
            return Some(0);
        }
        let end = self.0.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(self.0.len());
        let (digits, rest): (&'t str, &'t str) = self.0.split_at_checked(end)?;
        self.0 = rest;
        let first: String = digits.chars().chain("00".chars()).take(3).collect();
        if digits.is_empty() { None } else { first.parse().ok() }
    }

    /// Minutes that the clock there is ahead of UTC.
    fn offset(&mut self) -> Option<i64> {
        let sign = match self.letter(&['Z', 'z', '+', '-'])? {
            'Z' | 'z' => return Some(0),
            '-' => -1,
            _ => 1,
        };
        let hours = self.number(2, 0..=23)?;
        self.letter(&[':'])?;
        let minutes = self.number(2, 0..=59)?;
        hours.checked_mul(60)?.checked_add(minutes)?.checked_mul(sign)
    }
}

/// `2026-11-21T08:00:00Z`: RFC 3339 section 5.6. A leap second counts as the second behind it.
fn rfc3339(text: &str) -> Option<Millis> {
    let mut rest = Rest(text);
    let year = rest.number(4, 1..=9999)?;
    rest.letter(&['-'])?;
    let month = rest.number(2, 1..=12)?;
    rest.letter(&['-'])?;
    let day = rest.number(2, 1..=days_in(year, month))?;
    rest.letter(&['T', 't', ' '])?;
    let hour = rest.number(2, 0..=23)?;
    rest.letter(&[':'])?;
    let minute = rest.number(2, 0..=59)?;
    rest.letter(&[':'])?;
    let second = rest.number(2, 0..=60)?;
    let millis = rest.fraction()?;
    let ahead = rest.offset()?;
    if !rest.0.is_empty() {
        return None;
    }
    let days = days_before(year, month)?.checked_add(day)?.checked_sub(1)?;
    let minutes = days.checked_mul(1_440)?.checked_add(hour.checked_mul(60)?)?.checked_add(minute)?;
    let seconds = minutes.checked_sub(ahead)?.checked_mul(60)?.checked_add(second)?;
    u64::try_from(seconds.checked_mul(1_000)?.checked_add(millis)?).ok()
}

fn is_leap(year: i64) -> bool {
    let divides = |by: i64| year.checked_rem(by) == Some(0);
    divides(4) && (!divides(100) || divides(400))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the first of a month; negative before.
fn days_before(year: i64, month: i64) -> Option<i64> {
    /// Days from the first day of year 1 to 1970-01-01.
    const TO_1970: i64 = 719_162;
    let whole = year.checked_sub(1)?;
    let leaps = whole.checked_div(4)?.checked_sub(whole.checked_div(100)?)?.checked_add(whole.checked_div(400)?)?;
    let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    whole.checked_mul(365)?.checked_add(leaps)?.checked_add(months)?.checked_sub(TO_1970)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read() {
        let cases = [
            ("0", 0),
            ("1795248000123", 1_795_248_000_123),
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:30:45Z", 951_827_445_000),
            ("2026-11-21T08:00:00.5+01:00", 1_795_244_400_500),
            ("2026-11-21t08:00:00.123456z", 1_795_248_000_123),
            ("2026-11-21 02:30:00-05:30", 1_795_248_000_000),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000),
            ("9999-12-31T23:59:59Z", 253_402_300_799_000),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_moment_is_told_with_its_distance() {
        const NOW: Millis = 1_800_000_000_000;
        let cases = [
            (0, "now"),
            (1_999, "now"),
            (2_000, "in 2 s"),
            (9_600, "in 10 s"),
            (119_000, "in 119 s"),
            (599_500, "in 10 min"),
            (5_400_000, "in 90 min"),
            (36_000_000, "in 10 h"),
            (30 * 86_400_000, "in 30 d"),
        ];
        for (ahead, words) in cases {
            assert!(told(NOW + ahead, NOW).ends_with(&format!("Z, {words}")), "{ahead}: {}", told(NOW + ahead, NOW));
        }
        assert_eq!(told(NOW - 300_000, NOW), "2027-01-15T07:55:00Z, 5 min ago");
    }

    #[test]
    fn anything_else_is_none() {
        let wrong = [
            "",
            "now",
            "-1",
            "2026-11-21",
            "2026-11-21T08:00:00",
            "2026-11-21T08:00Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T08:00:00.Z",
            "2026-11-21T08:00:00+0100",
            "2026-11-21T08:00:00Zx",
            "1969-12-31T23:59:59Z",
            "99999999999999999999999",
            "ä026-11-21T08:00:00Z",
        ];
        for text in wrong {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
