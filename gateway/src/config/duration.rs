//! Durations as one would write them. What is wrong with one is said by `values::duration`, which the Worker does without.

/// The units with their milliseconds, from the smallest.
pub const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// A duration with the largest unit that leaves a whole number.
#[must_use]
pub fn show(milliseconds: u64) -> String {
    let fits = |unit: &&(&str, u64)| milliseconds != 0 && milliseconds.checked_rem(unit.1) == Some(0);
    let unit = UNITS.iter().rev().find(fits);
    unit.map_or_else(
        || "0s".to_owned(),
        |(name, size)| format!("{}{name}", milliseconds.checked_div(*size).unwrap_or_default()),
    )
}

/// The milliseconds of a duration: a whole number and a unit. What is wrong with it is said by `values::duration`.
#[must_use]
pub fn parse(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_unit_that_leaves_a_whole_number_is_taken() {
        let cases = [(0, "0s"), (1, "1ms"), (1_500, "1500ms"), (60_000, "1m"), (5_400_000, "90m"), (172_800_000, "2d")];
        for (milliseconds, text) in cases {
            assert_eq!(show(milliseconds), text);
        }
    }
}
