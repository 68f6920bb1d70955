//! Sizes: a whole number and a unit, `512B`, `64KB`, `10MiB`. `KB`, `MB` and `GB` are powers of 1000, `KiB`, `MiB`
//! and `GiB` powers of 1024 (IEC 80000-13).
//!
//! Units are told apart by case, so that `Mb` never passes for megabytes. No fractions: `1.5MB` is `1500KB`.

use std::ops::RangeInclusive;

use super::{Fault, quoted};
use crate::config::{diagnostics::Code, size::Size};

/// What to write, for a reference page.
pub const GRAMMAR: &str = "A whole number and a unit without a blank, `B`, `KB`, `MB` or `GB` in steps of 1000, `KiB`, \
                           `MiB` or `GiB` in steps of 1024, at most 4 GiB, for example \"10MiB\".";

/// A size.
///
/// # Errors
/// [`Code::BadSize`] when it is none, [`Code::OutOfRange`] above [`Size::MOST`].
pub fn parse(text: &str) -> Result<Size, Fault> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or((text, ""));
    if number.is_empty() {
        return Err(bad(text));
    }
    let Some((_, bytes)) = Size::UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(bad_unit(number, unit));
    };
    let size = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*bytes)).map(Size);
    size.filter(|size| *size <= Size::MOST).ok_or_else(|| {
        let fault = Fault::new(Code::OutOfRange, format!("{} is larger than any size", quoted(text)));
        fault.expected(format!("at most {}", Size::MOST))
    })
}

/// A size within limits.
///
/// # Errors
/// What [`parse`] says, and [`Code::OutOfRange`] outside the limits.
pub fn within(text: &str, limits: &RangeInclusive<Size>) -> Result<Size, Fault> {
    let size = parse(text)?;
    if limits.contains(&size) {
        return Ok(size);
    }
    let message = format!("{} is too {}", quoted(text), if size < *limits.start() { "small" } else { "large" });
    Err(Fault::new(Code::OutOfRange, message).expected(format!("{} to {}", limits.start(), limits.end())))
}

/// Says what the unit should have been; the number before it is right.
fn bad_unit(number: &str, unit: &str) -> Fault {
    let text = format!("{number}{unit}");
    let help = match unit.trim().to_ascii_lowercase().as_str() {
        "" => format!("write the unit too: \"{number}B\" for bytes, \"{number}KB\" or \"{number}MB\" for more"),
        "b" | "byte" | "bytes" => format!("bytes are written `B`: \"{number}B\""),
        "k" | "kb" | "kib" => two_units(number, "KB", "KiB"),
        "m" | "mb" | "mib" => two_units(number, "MB", "MiB"),
        "g" | "gb" | "gib" => two_units(number, "GB", "GiB"),
        other if other.starts_with('.') => {
            "write a whole number of a smaller unit: \"1500KB\" instead of 1.5 MB".to_owned()
        }
        other if other.starts_with(['_', ',']) => "write the digits together: \"10000KB\"".to_owned(),
        _ => return bad(&text).part(number.len(), unit.len()),
    };
    let fault = bad(&text).help(help);
    if unit.is_empty() { fault } else { fault.part(number.len(), unit.len()) }
}

fn two_units(number: &str, decimal: &str, binary: &str) -> String {
    format!("write \"{number}{decimal}\" to count in thousands or \"{number}{binary}\" to count in steps of 1024")
}

fn bad(text: &str) -> Fault {
    let message = format!("{} is not a size", quoted(text));
    let expected = "a whole number and a unit (B, KB, MB, GB, KiB, MiB, GiB), for example \"10MiB\"";
    Fault::new(Code::BadSize, message).expected(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read() {
        let cases = [
            ("0B", 0),
            ("512B", 512),
            ("64KB", 64_000),
            ("64KiB", 65_536),
            ("10MB", 10_000_000),
            ("10MiB", 10_485_760),
            ("1GB", 1_000_000_000),
            ("4GiB", 4_294_967_296),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse(text), Ok(Size(bytes)), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused_and_its_unit_underlined() {
        let cases = [
            ("", None),
            ("MB", None),
            ("-1MB", None),
            ("+1MB", None),
            ("\u{661}MB", None),
            (" 1MB", None),
            ("10", None),
            ("10 MB", Some(2..5)),
            ("10MB ", Some(2..5)),
            ("10mb", Some(2..4)),
            ("10Mb", Some(2..4)),
            ("10M", Some(2..3)),
            ("1.5MB", Some(1..5)),
            ("1_000B", Some(1..6)),
            ("1TB", Some(1..3)),
            ("1MB2KB", Some(1..6)),
        ];
        for (text, part) in cases {
            let fault = parse(text).unwrap_err();
            assert_eq!((fault.code, fault.part), (Code::BadSize, part), "{text:?}");
        }
    }

    #[test]
    fn a_forgotten_or_wrong_unit_is_explained() {
        let help = |text: &str| parse(text).unwrap_err().help.unwrap();
        assert_eq!(help("10"), "write the unit too: \"10B\" for bytes, \"10KB\" or \"10MB\" for more");
        assert_eq!(help("10 k"), "write \"10KB\" to count in thousands or \"10KiB\" to count in steps of 1024");
        assert_eq!(help("5bytes"), "bytes are written `B`: \"5B\"");
        assert!(help("1.5MB").starts_with("write a whole number of a smaller unit"));
    }

    #[test]
    fn limits_belong_to_the_range_and_are_shown_as_sizes() {
        for text in ["4294967297B", "5GB", "99999999999999999999B", "18446744073709551615GiB"] {
            let fault = parse(text).unwrap_err();
            assert_eq!((fault.code, fault.expected.as_deref()), (Code::OutOfRange, Some("at most 4GiB")), "{text}");
        }
        let limits = Size(1)..=Size(1_048_576);
        assert_eq!(within("1B", &limits), Ok(Size(1)));
        assert_eq!(within("1MiB", &limits), Ok(Size(1_048_576)));
        for (text, message) in [("0B", "`0B` is too small"), ("2MB", "`2MB` is too large")] {
            let fault = within(text, &limits).unwrap_err();
            assert_eq!((fault.code, fault.message.as_str()), (Code::OutOfRange, message));
            assert_eq!(fault.expected.as_deref(), Some("1B to 1MiB"));
        }
    }
}
