//! Numbers in decimal, written behind a text. The formatter of the standard library does the same at ten times the price,
//! which shows where every answer has a few.

/// The most digits that a number has.
const MOST: usize = 20;

/// Writes a number behind a text.
pub fn push(text: &mut String, number: u64) {
    let mut digits = [0_u8; MOST];
    let (mut rest, mut first) = (number, MOST);
    for (at, place) in digits.iter_mut().enumerate().rev() {
        let digit = u8::try_from(rest.wrapping_rem(10)).unwrap_or_default();
        *place = b'0'.wrapping_add(digit);
        rest = rest.div_euclid(10);
        first = at;
        if rest == 0 {
            break;
        }
    }
    text.extend(digits.iter().skip(first).map(|digit| char::from(*digit)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pushed(number: u64) -> String {
        let mut text = String::from("n=");
        push(&mut text, number);
        text
    }

    #[test]
    fn the_least_and_the_most_have_their_digits() {
        assert_eq!([0, 9, 10, u64::MAX].map(pushed), ["n=0", "n=9", "n=10", "n=18446744073709551615"]);
    }

    proptest! {
        #[test]
        fn a_number_is_written_as_the_standard_library_does(number in any::<u64>(), shift in 0_u32..64) {
            let number = number >> shift;
            prop_assert_eq!(pushed(number), format!("n={number}"));
        }
    }
}
