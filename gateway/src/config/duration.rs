//! Durations as one would write them. Reading them is left to `values::duration`, which the Worker does without.

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
