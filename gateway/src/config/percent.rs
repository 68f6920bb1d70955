//! A share of a whole, from 0 % to 100 %. Reading one is left to `values::percent`, which the Worker does without.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A share in basis points: hundredths of a percent, never more than 10,000. Whole numbers, so that two gateways
/// that read one file never differ by a rounding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Percent(u16);

impl Percent {
    /// Nothing: 0 %.
    pub const NONE: Self = Self(0);

    /// Everything: 100 %.
    pub const WHOLE: Self = Self(10_000);

    /// A share from its basis points; `None` above 10,000.
    #[must_use]
    pub fn from_basis_points(points: u16) -> Option<Self> {
        (points <= Self::WHOLE.0).then_some(Self(points))
    }

    /// Reads `50%`, `12.5%` or `0.05%`: digits, at most two decimals and the sign, up to 100 %; `None` for anything else.
    /// `values::percent` says what is wrong with it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.strip_suffix('%')?;
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !are_digits(whole) || !are_digits(decimals) || decimals.len() > 2 {
            return None;
        }
        // The digits with the point moved two places to the right are the basis points.
        format!("{whole}{decimals:0<2}").parse().ok().and_then(Self::from_basis_points)
    }

    /// Hundredths of a percent, 0 to 10,000.
    #[must_use]
    pub fn basis_points(self) -> u16 {
        self.0
    }
}

/// Prints at most two decimals and none that says nothing: `50%`, `12.5%`, `0.05%`.
impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = format!("{:02}", self.0 % 100);
        let decimals = decimals.trim_end_matches('0');
        write!(f, "{}{}{decimals}%", self.0 / 100, if decimals.is_empty() { "" } else { "." })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_printed_where_they_say_something() {
        for (points, text) in
            [(0, "0%"), (5, "0.05%"), (50, "0.5%"), (1_250, "12.5%"), (5_000, "50%"), (9_999, "99.99%")]
        {
            assert_eq!(Percent::from_basis_points(points).unwrap().to_string(), text);
        }
    }

    #[test]
    fn no_share_is_more_than_the_whole() {
        assert_eq!(Percent::from_basis_points(10_000), Some(Percent::WHOLE));
        assert_eq!(Percent::from_basis_points(10_001), None);
    }
}
