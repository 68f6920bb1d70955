//! Series as bytes, one after another: how they travel and are stored. Numbers are LEB128, as in postcard; a series is its
//! family, the number of its labels, each with its length, and the number of its numbers and these.

use super::{Series, family::Family};

/// More labels or numbers has no series.
const MOST: u64 = 64;

/// Adds a series of a family.
#[inline(never)]
pub fn put(bytes: &mut Vec<u8>, family: Family, labels: &[&str], numbers: &[u64]) {
    put_number(bytes, family.number().into());
    put_number(bytes, labels.len() as u64);
    for label in labels {
        put_number(bytes, label.len() as u64);
        bytes.extend_from_slice(label.as_bytes());
    }
    put_numbers(bytes, numbers);
}

/// Adds numbers, and how many they are.
pub fn put_numbers(bytes: &mut Vec<u8>, numbers: &[u64]) {
    put_number(bytes, numbers.len() as u64);
    for number in numbers {
        put_number(bytes, *number);
    }
}

#[inline(never)]
fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes().first().map_or(0, |low| low | 0x80));
        number >>= 7;
    }
    bytes.extend(number.to_le_bytes().first());
}

/// Reads what was put together.
pub struct Reader<'b>(pub &'b [u8]);

impl Iterator for Reader<'_> {
    type Item = Series;

    /// Ends where nothing is left, or nothing that is a series.
    #[inline(never)]
    fn next(&mut self) -> Option<Series> {
        let family = u8::try_from(self.number()?).ok()?;
        let mut labels = Vec::new();
        for _ in 0..self.number().filter(|count| *count <= MOST)? {
            let length = usize::try_from(self.number()?).ok()?;
            let (label, rest) = self.0.split_at_checked(length)?;
            self.0 = rest;
            labels.push(String::from_utf8(label.to_vec()).ok()?);
        }
        Some(Series { family, labels, numbers: self.numbers(MOST)? })
    }
}

impl Reader<'_> {
    /// The next numbers; `None` if there are more than that.
    pub fn numbers(&mut self, most: u64) -> Option<Vec<u64>> {
        let mut numbers = Vec::new();
        for _ in 0..self.number().filter(|count| *count <= most)? {
            numbers.push(self.number()?);
        }
        Some(numbers)
    }

    #[inline(never)]
    fn number(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0_u64, 0_u32);
        loop {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if *byte < 0x80 {
                return Some(number);
            }
            shift = shift.saturating_add(7);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_put_is_read(
            all in proptest::collection::vec(
                (0..Family::ALL.len(), proptest::collection::vec(".{0,9}", 0..4), proptest::collection::vec(any::<u64>(), 0..16)),
                0..9,
            ),
        ) {
            let mut bytes = Vec::new();
            let mut expected = Vec::new();
            for (family, labels, numbers) in all {
                let family = Family::ALL[family];
                let texts: Vec<&str> = labels.iter().map(String::as_str).collect();
                put(&mut bytes, family, &texts, &numbers);
                expected.push(Series::new(family, labels, &numbers));
            }
            prop_assert_eq!(Reader(&bytes).collect::<Vec<_>>(), expected);
            // Cut off anywhere, what is whole is read.
            for length in 0..bytes.len() {
                prop_assert!(Reader(&bytes[..length]).count() <= Reader(&bytes).count());
            }
        }

        #[test]
        fn any_bytes_are_read_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Reader(&bytes).count() <= bytes.len());
        }
    }

    #[test]
    fn a_number_is_written_as_postcard_does() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            put_number(&mut bytes, number);
            assert_eq!(bytes, postcard::to_allocvec(&number).unwrap());
            assert_eq!(Reader(&bytes).number(), Some(number));
        }
        assert_eq!(Reader(&[0xff; 11]).number(), None);
    }
}
