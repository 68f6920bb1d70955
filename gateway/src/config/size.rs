//! A number of bytes: of a body, a buffer, a cache. Reading one is left to `values::size`, which the Worker does
//! without.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Size(pub u64);

impl Size {
    /// The largest size that a file can name: 4 GiB, more than wasm memory can address.
    pub const MOST: Self = Self(4 * 1_073_741_824);

    /// The units with their bytes, from the largest. A binary unit stands before the decimal one of its rank, so
    /// it is the one that is printed where both would do.
    pub const UNITS: [(&'static str, u64); 7] = [
        ("GiB", 1_073_741_824),
        ("GB", 1_000_000_000),
        ("MiB", 1_048_576),
        ("MB", 1_000_000),
        ("KiB", 1_024),
        ("KB", 1_000),
        ("B", 1),
    ];
}

/// Prints the largest unit that leaves a whole number: `1MiB`, `1500KB`, `0B`.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |unit: &&(&str, u64)| self.0 != 0 && self.0.checked_rem(unit.1) == Some(0);
        let (name, bytes) = Self::UNITS.iter().find(fits).unwrap_or(&("B", 1));
        write!(f, "{}{name}", self.0.checked_div(*bytes).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_unit_that_divides_is_printed() {
        let cases = [
            (0, "0B"),
            (1, "1B"),
            (1_000, "1KB"),
            (1_024, "1KiB"),
            (1_500, "1500B"),
            (1_500_000, "1500KB"),
            (1_024_000, "1000KiB"),
            (1_048_576, "1MiB"),
            (1_024_000_000, "1024MB"),
            (4_294_967_296, "4GiB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(Size(bytes).to_string(), text);
        }
    }
}
