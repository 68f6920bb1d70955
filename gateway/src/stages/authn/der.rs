//! The little of DER (X.690) that a SubjectPublicKeyInfo is written in: RSA (RFC 8017 appendix A.1.1) and points of the
//! curve P-256 (RFC 5480). Whether the numbers are good ones is the caller's to see.

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

/// `rsaEncryption` with the NULL that belongs to it.
const RSA: [u8; 13] = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 0x05, 0];
/// `id-ecPublicKey` with `secp256r1`.
const P256: [u8; 19] = [0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];

/// The numbers of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Key<'k> {
    /// Modulus and exponent.
    Rsa(&'k [u8], &'k [u8]),
    /// The coordinates of a point.
    P256(&'k [u8], &'k [u8]),
}

/// The key in a SubjectPublicKeyInfo; `None` for one of another kind, and for what is none.
pub(super) fn public_key(bytes: &[u8]) -> Option<Key<'_>> {
    let (algorithm, rest) = element(SEQUENCE, only(SEQUENCE, bytes)?)
        .and_then(|(algorithm, rest)| Some((algorithm, only(BIT_STRING, rest)?)))?;
    // No bit of the last byte is unused.
    let (0, key) = rest.split_first()? else { return None };
    if algorithm == P256 {
        let (4, point) = key.split_first()? else { return None };
        let (x, y) = point.split_at_checked(32)?;
        return (y.len() == 32).then_some(Key::P256(x, y));
    }
    let (modulus, rest) = element(INTEGER, only(SEQUENCE, key)?)?;
    (algorithm == RSA).then_some(Key::Rsa(modulus, only(INTEGER, rest)?))
}

/// The content of an element with nothing behind it.
fn only(tag: u8, bytes: &[u8]) -> Option<&[u8]> {
    element(tag, bytes).filter(|(_, rest)| rest.is_empty()).map(|(content, _)| content)
}

/// The content of an element, and what stands behind it.
fn element(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match *first {
        short @ 0..=0x7f => (usize::from(short), rest),
        0x81 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
        0x82 => rest.split_first_chunk().map(|(length, rest)| (usize::from(u16::from_be_bytes(*length)), rest))?,
        // Longer than any key that is taken.
        _ => return None,
    };
    (*found == tag).then(|| rest.split_at_checked(length))?
}

#[cfg(test)]
mod tests {
    use super::super::examples::{EC_PEM, RSA_PEM};
    use super::*;
    use base64ct::{Base64, Encoding};
    use proptest::prelude::*;

    fn der(pem: &str) -> Vec<u8> {
        let inner: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        Base64::decode_vec(&inner).unwrap()
    }

    #[test]
    fn both_kinds_of_keys_are_read() {
        assert!(matches!(public_key(&der(RSA_PEM)), Some(Key::Rsa(modulus, [1, 0, 1])) if modulus.len() == 257));
        assert!(matches!(public_key(&der(EC_PEM)), Some(Key::P256(x, y)) if x.len() == 32 && y.len() == 32));
    }

    #[test]
    fn a_key_that_is_cut_or_has_something_behind_it_is_none() {
        for pem in [RSA_PEM, EC_PEM] {
            let whole = der(pem);
            for length in 0..whole.len() {
                assert_eq!(public_key(&whole[..length]), None, "{length}");
            }
            assert_eq!(public_key(&[&whole[..], &[0]].concat()), None);
        }
    }

    proptest! {
        #[test]
        fn any_change_of_a_byte_is_read_or_refused_without_a_panic(at in 0_usize..91, byte in any::<u8>()) {
            let mut changed = der(EC_PEM);
            changed[at] = byte;
            let _ = public_key(&changed);
        }
    }
}
