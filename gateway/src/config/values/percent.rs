//! Shares: `0%` to `100%`, with up to two decimals.

use std::ops::RangeInclusive;

use super::{Fault, quoted};
use crate::config::{diagnostics::Code, percent::Percent};

/// What to write, for a reference page.
pub const GRAMMAR: &str =
    "A number from 0 to 100 with at most two decimals and a percent sign behind it, for example \"12.5%\".";

/// How many decimals a share can have: those of a basis point.
const DECIMALS: usize = 2;

/// A share.
///
/// # Errors
/// [`Code::BadPercent`] when it is none, [`Code::OutOfRange`] above 100 %.
pub fn parse(text: &str) -> Result<Percent, Fault> {
    let parts = text.strip_suffix('%').and_then(digits);
    let Some((whole, decimals)) = parts else { return Err(malformed(text)) };
    if decimals.len() > DECIMALS {
        let fault = Fault::new(Code::BadPercent, format!("{} has more than two decimals", quoted(text)));
        return Err(fault.expected("at most two decimals").part(whole.len().saturating_add(1), decimals.len()));
    }
    Percent::parse(text).ok_or_else(|| {
        Fault::new(Code::OutOfRange, format!("{} is more than everything", quoted(text))).expected("0% to 100%")
    })
}

/// A share within limits.
///
/// # Errors
/// What [`parse`] says, and [`Code::OutOfRange`] outside the limits.
pub fn within(text: &str, limits: &RangeInclusive<Percent>) -> Result<Percent, Fault> {
    let share = parse(text)?;
    if limits.contains(&share) {
        return Ok(share);
    }
    let message = format!("{} is too {}", quoted(text), if share < *limits.start() { "little" } else { "much" });
    Err(Fault::new(Code::OutOfRange, message).expected(format!("{} to {}", limits.start(), limits.end())))
}

/// The digits before and behind the point of a number; none behind it when there is no point.
fn digits(number: &str) -> Option<(&str, &str)> {
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match number.split_once('.') {
        Some((whole, decimals)) => (are_digits(whole) && are_digits(decimals)).then_some((whole, decimals)),
        None => are_digits(number).then_some((number, "")),
    }
}

/// Says what was probably meant when a sign is missing or a blank is too much.
fn malformed(text: &str) -> Fault {
    let trimmed = text.trim();
    let number = trimmed.strip_suffix('%').unwrap_or(trimmed).trim_end();
    match digits(number) {
        Some(_) if trimmed.ends_with('%') => bad(text).help(format!("write it without blanks: \"{number}%\"")),
        Some((whole, decimals)) if whole == "0" && !decimals.is_empty() => {
            bad(text).help("shares are written in hundredths: \"50%\" for a half")
        }
        Some(_) => bad(text).help(format!("write the percent sign too: \"{number}%\"")),
        None => bad(text),
    }
}

fn bad(text: &str) -> Fault {
    let message = format!("{} is not a share", quoted(text));
    Fault::new(Code::BadPercent, message).expected("a number and a percent sign, for example \"50%\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_as_basis_points() {
        let cases = [
            ("0%", 0),
            ("0.05%", 5),
            ("0.5%", 50),
            ("0.50%", 50),
            ("12.5%", 1_250),
            ("50%", 5_000),
            ("99.99%", 9_999),
            ("100%", 10_000),
            ("100.00%", 10_000),
        ];
        for (text, points) in cases {
            assert_eq!(parse(text).map(Percent::basis_points), Ok(points), "{text}");
        }
    }

    #[test]
    fn what_is_no_share_is_refused() {
        let cases = [
            ("", None),
            ("%", None),
            ("50", None),
            ("0.5", None),
            ("1/2", None),
            ("half", None),
            (".5%", None),
            ("5.%", None),
            ("1.2.3%", None),
            ("-1%", None),
            ("+1%", None),
            ("1e1%", None),
            ("50 %", None),
            ("50% ", None),
            ("50%%", None),
            ("50\u{2009}%", None),
            ("12.345%", Some(3..6)),
            ("12.500%", Some(3..6)),
        ];
        for (text, part) in cases {
            let fault = parse(text).unwrap_err();
            assert_eq!((fault.code, fault.part), (Code::BadPercent, part), "{text:?}");
        }
    }

    #[test]
    fn a_forgotten_sign_is_explained() {
        let help = |text: &str| parse(text).unwrap_err().help;
        assert_eq!(help("50").as_deref(), Some("write the percent sign too: \"50%\""));
        assert_eq!(help("0.5").as_deref(), Some("shares are written in hundredths: \"50%\" for a half"));
        for text in ["50% ", "50 %", " 50 % "] {
            assert_eq!(help(text).as_deref(), Some("write it without blanks: \"50%\""));
        }
        for text in ["1/2", "inf", "1e1", "50%%", "half"] {
            assert_eq!(help(text), None, "{text}");
        }
    }

    #[test]
    fn limits_belong_to_the_range() {
        for text in ["100.01%", "101%", "99999999999%"] {
            assert_eq!(parse(text).map_err(|fault| fault.code), Err(Code::OutOfRange), "{text}");
        }
        let limits = parse("1%").unwrap()..=Percent::WHOLE;
        assert_eq!(within("100%", &limits), Ok(Percent::WHOLE));
        let fault = within("0.99%", &limits).unwrap_err();
        assert_eq!((fault.code, fault.message.as_str()), (Code::OutOfRange, "`0.99%` is too little"));
        assert_eq!(fault.expected.as_deref(), Some("1% to 100%"));
    }
}
