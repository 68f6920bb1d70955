//! Whether a point lies on the curve P-256 (FIPS 186-4, appendix D.1.2.3). WebCrypto refuses one that does not, but only
//! at the first token: the operator should learn of it before.
//!
//! Public numbers only, so nothing here takes care of timing. No signature is checked here.

/// A number below 2^256, its lowest 64 bits first.
type Number = [u64; 4];

const P: Number = [0xffff_ffff_ffff_ffff, 0x0000_0000_ffff_ffff, 0, 0xffff_ffff_0000_0001];
const B: Number = [0x3bce_3c3e_27d2_604b, 0x651d_06b0_cc53_b0f6, 0xb3eb_bd55_7698_86bc, 0x5ac6_35d8_aa3a_93e7];

/// Whether these are the coordinates of a point: y² = x³ - 3x + b.
pub(super) fn is_on_curve(x: &[u8; 32], y: &[u8; 32]) -> bool {
    let (x, y) = (number(x), number(y));
    if !is_below(&x, &P) || !is_below(&y, &P) {
        return false;
    }
    let cube = multiply(&multiply(&x, &x), &x);
    let left = [x, x, x].iter().fold(multiply(&y, &y), |sum, x| add(&sum, x));
    left == add(&cube, &B)
}

fn number(bytes: &[u8; 32]) -> Number {
    let mut number = [0; 4];
    for (word, bytes) in number.iter_mut().rev().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_be_bytes(*bytes);
    }
    number
}

fn is_below(a: &Number, b: &Number) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

/// The sum modulo P of two numbers below P.
fn add(a: &Number, b: &Number) -> Number {
    let (mut sum, mut carry) = (*a, false);
    for (word, b) in sum.iter_mut().zip(b) {
        (*word, carry) = carrying(*word, *b, carry, u64::overflowing_add);
    }
    if !carry && is_below(&sum, &P) {
        return sum;
    }
    let mut borrow = false;
    for (word, p) in sum.iter_mut().zip(&P) {
        (*word, borrow) = carrying(*word, *p, borrow, u64::overflowing_sub);
    }
    sum
}

fn carrying(a: u64, b: u64, carry: bool, step: fn(u64, u64) -> (u64, bool)) -> (u64, bool) {
    let (first, over) = step(a, b);
    let (second, again) = step(first, u64::from(carry));
    (second, over || again)
}

/// The product modulo P, bit by bit: a key is looked at once in the life of an isolate.
fn multiply(a: &Number, b: &Number) -> Number {
    let mut product = [0; 4];
    for word in b.iter().rev() {
        for bit in (0..u64::BITS).rev() {
            product = add(&product, &product);
            if word.wrapping_shr(bit) & 1 == 1 {
                product = add(&product, a);
            }
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64ct::{Base64UrlUnpadded, Encoding};

    fn bytes(text: &str) -> [u8; 32] {
        Base64UrlUnpadded::decode_vec(text).unwrap().try_into().unwrap()
    }

    #[test]
    fn the_points_of_the_standards_are_on_it() {
        // RFC 7515 appendix A.3, RFC 7517 appendix A.1.
        let points = [
            ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
            ("MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"),
        ];
        for (x, y) in points {
            let (x, mut y) = (bytes(x), bytes(y));
            assert!(is_on_curve(&x, &y));
            assert!(!is_on_curve(&y, &x));
            y[31] ^= 1;
            assert!(!is_on_curve(&x, &y));
        }
    }

    #[test]
    fn a_coordinate_is_below_the_modulus() {
        assert!(!is_on_curve(&[0; 32], &[0; 32]));
        assert!(!is_on_curve(&[0xff; 32], &[0xff; 32]));
    }
}
