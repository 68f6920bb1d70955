//! Moments as people and machines read them: RFC 3339, in UTC, with milliseconds. No time zones.

use super::Millis;

const MS_PER_DAY: Millis = 86_400_000;

/// A moment in words: `2026-11-21T10:12:13.456Z`. Of a year beyond 9999 it has the last four digits. Every log line has
/// one, so it needs no memory but its own.
#[derive(Clone, Copy, Debug)]
pub struct Written([u8; 24]);

/// Writes a moment down.
#[must_use]
pub fn rfc3339(now: Millis) -> Written {
    let (days, within) = (now.div_euclid(MS_PER_DAY), now.rem_euclid(MS_PER_DAY));
    let (year, month, day) = date(days);
    let part = |unit: Millis| digits(within.div_euclid(unit).rem_euclid(60));
    let ([c, e], [n, t], [m, o], [d, a]) = (digits(year.div_euclid(100)), digits(year), digits(month), digits(day));
    let ([h, r], [i, u], [s, k]) = (digits(within.div_euclid(3_600_000)), part(60_000), part(1_000));
    let (ms, [y, z]) = (within.rem_euclid(1_000), digits(within.rem_euclid(100)));
    let [_, x] = digits(ms.div_euclid(100));
    let text = [c, e, n, t, b'-', m, o, b'-', d, a, b'T', h, r, b':', i, u, b':', s, k, b'.', x, y, z, b'Z'];
    Written(text)
}

/// When the calendar month of a moment begins, and when the next one does.
#[must_use]
pub fn month(now: Millis) -> (Millis, Millis) {
    let first = |days: Millis| days.saturating_sub(date(days).2.saturating_sub(1));
    let start = first(now.div_euclid(MS_PER_DAY));
    // No month has more than 31 days, and none so few that two of them do.
    let next = first(start.saturating_add(31));
    (start.saturating_mul(MS_PER_DAY), next.saturating_mul(MS_PER_DAY))
}

impl Written {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The moment that a text names in the form that is written here. The milliseconds may be left out, and so may the whole
/// time of a day that begins.
#[must_use]
pub fn parse(text: &str) -> Option<Millis> {
    const SHAPE: &str = "0000-00-00T00:00:00.000Z";
    let missing = match text.len() {
        10 => SHAPE.get(10..)?,
        20 => SHAPE.get(19..)?,
        24 => "",
        _ => return None,
    };
    let whole = if missing.is_empty() { text.to_owned() } else { [text.trim_end_matches('Z'), missing].concat() };
    let part = |from: usize, to: usize| whole.get(from..to)?.parse::<u64>().ok();
    let days = days_of(part(0, 4)?, part(5, 7)?, part(8, 10)?)?;
    let seconds =
        part(11, 13)?.checked_mul(60)?.checked_add(part(14, 16)?)?.checked_mul(60)?.checked_add(part(17, 19)?)?;
    let within = seconds.checked_mul(1_000)?.checked_add(part(20, 23)?)?;
    let moment = days.checked_mul(MS_PER_DAY)?.checked_add(within)?;
    // What is no date, no time or of another shape comes out as something else.
    (rfc3339(moment).as_str() == whole).then_some(moment)
}

/// The days from 1970-01-01 to a date: what [`date`] undoes.
fn days_of(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = year.checked_sub(u64::from(month <= 2))?;
    let months = if month > 2 { month.checked_sub(3)? } else { month.checked_add(9)? };
    let of_year = months.checked_mul(153)?.checked_add(2)?.div_euclid(5).checked_add(day)?.checked_sub(1)?;
    let leaps = year.div_euclid(4).checked_sub(year.div_euclid(100))?.checked_add(year.div_euclid(400))?;
    year.checked_mul(365)?.checked_add(leaps)?.checked_add(of_year)?.checked_sub(719_468)
}

/// The last two digits of a number.
fn digits(number: u64) -> [u8; 2] {
    let digit = |number: u64| u8::try_from(number.rem_euclid(10)).unwrap_or_default().wrapping_add(b'0');
    [digit(number.div_euclid(10)), digit(number)]
}

/// Year, month and day of a number of days since 1970-01-01. Years are counted from March, so that the leap day is the
/// last of its year, in eras of 400 years, which are all of the same length.
fn date(days: u64) -> (u64, u64, u64) {
    // From 0000-03-01 on.
    let days = days.saturating_add(719_468);
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let leaps = |of_era: u64| {
        let (fours, centuries, eras) =
            (of_era.div_euclid(1_460), of_era.div_euclid(36_524), of_era.div_euclid(146_096));
        of_era.saturating_sub(fours).saturating_add(centuries).saturating_sub(eras)
    };
    let year_of_era = leaps(of_era).div_euclid(365);
    let before = year_of_era
        .saturating_mul(365)
        .saturating_add(year_of_era.div_euclid(4))
        .saturating_sub(year_of_era.div_euclid(100));
    let of_year = of_era.saturating_sub(before);
    // Five months have 153 days, wherever one begins in March or August.
    let months = of_year.saturating_mul(5).saturating_add(2).div_euclid(153);
    let first = months.saturating_mul(153).saturating_add(2).div_euclid(5);
    let day = of_year.saturating_sub(first).saturating_add(1);
    let month = if months < 10 { months.saturating_add(3) } else { months.saturating_sub(9) };
    let year = era.saturating_mul(400).saturating_add(year_of_era).saturating_add(u64::from(month <= 2));
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_a_calendar_has_them() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
            (1_735_689_599_000, "2024-12-31T23:59:59.000Z"),
            (1_800_000_000_000, "2027-01-15T08:00:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ];
        for (moment, written) in cases {
            assert_eq!(rfc3339(moment).as_str(), written);
        }
        assert!(rfc3339(Millis::MAX).as_str().ends_with('Z'), "any number is a moment");
    }

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        for moment in
            [0, 1, 951_782_399_999, 951_782_400_000, 1_709_164_800_000, 1_800_000_000_000, 253_402_300_799_999]
        {
            assert_eq!(parse(rfc3339(moment).as_str()), Some(moment));
        }
        let cases = [
            ("2027-01-15", Some(1_799_971_200_000)),
            ("2027-01-15T08:00:00Z", Some(1_800_000_000_000)),
            ("2027-01-15T08:00:00.5Z", None),
            ("2027-01-15T08:00:00", None),
            ("2027-02-29", None),
            ("2027-13-01", None),
            ("2027-00-10", None),
            ("2027-01-00", None),
            ("1969-12-31", None),
            ("0000-01-01", None),
            ("2027-01-15T24:00:00Z", None),
            ("2027-01-15T08:60:00Z", None),
            ("2027-01-15t08:00:00z", None),
            ("2027-01-15T08:00:00+00:00", None),
            ("+027-01-15", None),
            ("2027-1-15", None),
            ("202\u{e9}-01-1", None),
            ("", None),
        ];
        for (text, moment) in cases {
            assert_eq!(parse(text), moment, "{text}");
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        const DAYS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..200_000 {
            assert_eq!(date(days), (year, month, day));
            let leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            day += 1;
            if day > DAYS[month as usize - 1] + u64::from(leap) {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
    }
}
