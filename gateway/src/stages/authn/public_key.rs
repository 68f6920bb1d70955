//! Public keys of issuers: read from a JWK, a JWK Set (RFC 7517) or a PEM (RFC 7468 section 13), checked, and written down
//! as the JWK that WebCrypto takes. Whatever it could refuse later is refused here: a key is looked at when the
//! configuration is compiled, or when the gateway starts if it comes from a variable.
//!
//! No signature is checked here.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use serde_json::Value;

use super::{Algorithm, der, p256};
use crate::http::strict;

/// Most keys of an issuer: enough for any rotation.
pub const MOST_KEYS: usize = 16;

/// Bits that the modulus of an RSA key may have: fewer are weak (RFC 7518 section 3.3), more cost too much.
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The longest exponent that is taken, in bytes.
const LONGEST_EXPONENT: usize = 4;

/// Members that only private and secret keys have (RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A key that signatures can be checked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// The name by which tokens choose it.
    pub kid: Option<String>,
    /// The key as WebCrypto imports it.
    pub jwk: String,
    /// How long its signatures are, in characters of a token.
    pub signature_length: usize,
}

/// Why a text is no key that can be used. Nothing of the text is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It is private or a secret, and has no business here.
    Private,
    /// Anything else, in words.
    Wrong(&'static str),
}

impl Unusable {
    /// What is wrong, behind "a key".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Private => "is private: only its public half belongs here",
            Self::Wrong(words) => words,
        }
    }
}

/// Numbers of a key, without zeros in front where that is how they are written.
enum Numbers {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    P256 { x: [u8; 32], y: [u8; 32] },
}

/// The keys in a text that are for an algorithm. `kid` names a key that has no name itself.
///
/// # Errors
/// The first thing that is wrong.
pub fn read(text: &str, kid: Option<&str>, algorithm: Algorithm) -> Result<Vec<PublicKey>, Unusable> {
    let text = text.trim();
    if text.contains("PRIVATE KEY-----") {
        return Err(Unusable::Private);
    }
    if text.starts_with("-----") {
        return Ok(vec![of_pem(text)?.checked(kid, algorithm)?]);
    }
    let members = strict::object(text.as_bytes())
        .ok_or(Unusable::Wrong("is neither a JWK or JWK Set, with every name once, nor a PEM of a public key"))?;
    match members.get("keys") {
        Some(Value::Array(keys)) => of_set(keys, kid, algorithm),
        Some(_) => Err(Unusable::Wrong("is a JWK Set whose `keys` is no list")),
        None => Ok(vec![of_jwk(&members, kid, algorithm)?]),
    }
}

/// What a set has for this algorithm; keys for other purposes are no matter of ours (RFC 7517 section 5).
fn of_set(keys: &[Value], kid: Option<&str>, algorithm: Algorithm) -> Result<Vec<PublicKey>, Unusable> {
    let mut read = Vec::new();
    for key in keys {
        let Value::Object(members) = key else {
            return Err(Unusable::Wrong("is a JWK Set with an entry that is no object"));
        };
        refuse_private(members)?;
        if purpose(members, algorithm).is_ok() {
            read.push(of_jwk(members, kid, algorithm)?);
        }
    }
    if read.is_empty() { Err(Unusable::Wrong("is a JWK Set without a key for this algorithm")) } else { Ok(read) }
}

fn of_jwk(members: &strict::Object, kid: Option<&str>, algorithm: Algorithm) -> Result<PublicKey, Unusable> {
    refuse_private(members)?;
    purpose(members, algorithm)?;
    let own = match members.get("kid") {
        None => None,
        Some(Value::String(kid)) => Some(kid.as_str()),
        Some(_) => return Err(Unusable::Wrong("has a `kid` that is no text")),
    };
    let bytes =
        |name: &str| members.get(name).and_then(Value::as_str).and_then(|it| Base64UrlUnpadded::decode_vec(it).ok());
    let numbers = match algorithm {
        Algorithm::Es256 => bytes("x").zip(bytes("y")).and_then(|(x, y)| point(&x, &y)),
        _ => bytes("n").zip(bytes("e")).map(|(modulus, exponent)| Numbers::Rsa { modulus, exponent }),
    };
    numbers
        .ok_or(Unusable::Wrong("has numbers that are missing, too long or too short, or not base64url"))?
        .checked(own.or(kid), algorithm)
}

fn refuse_private(members: &strict::Object) -> Result<(), Unusable> {
    if PRIVATE.iter().any(|name| members.contains_key(*name)) { Err(Unusable::Private) } else { Ok(()) }
}

/// Whether a key says that it is for signatures of this algorithm.
fn purpose(members: &strict::Object, algorithm: Algorithm) -> Result<(), Unusable> {
    let says = |name: &str, wanted: &str| members.get(name).is_none_or(|value| value == wanted);
    let may_verify = match members.get("key_ops") {
        None => true,
        Some(operations) => {
            operations.as_array().is_some_and(|list| list.iter().any(|operation| operation == "verify"))
        }
    };
    let (kind, fits) = match algorithm {
        Algorithm::Es256 => ("EC", members.get("crv").is_some_and(|curve| curve == "P-256")),
        _ => ("RSA", true),
    };
    match () {
        () if members.get("kty").is_none_or(|kty| kty != kind) || !fits => Err(OF_ANOTHER_KIND),
        () if !says("alg", algorithm.name()) => Err(Unusable::Wrong("says in `alg` that it is for another algorithm")),
        () if !says("use", "sig") || !may_verify => Err(Unusable::Wrong("says that it is not for checking signatures")),
        () => Ok(()),
    }
}

const OF_ANOTHER_KIND: Unusable =
    Unusable::Wrong("is not of the kind that the algorithm takes: RSA for RS256, P-256 for ES256");

/// A SubjectPublicKeyInfo in base64 between its two lines.
fn of_pem(text: &str) -> Result<Numbers, Unusable> {
    let inner =
        text.strip_prefix("-----BEGIN PUBLIC KEY-----").and_then(|it| it.strip_suffix("-----END PUBLIC KEY-----"));
    let inner = inner.ok_or(Unusable::Wrong("is a PEM, but not one `-----BEGIN PUBLIC KEY-----`"))?;
    let letters: String = inner.split_ascii_whitespace().collect();
    let key = Base64::decode_vec(&letters).ok();
    match key.as_deref().and_then(der::public_key) {
        Some(der::Key::Rsa(modulus, exponent)) => {
            Ok(Numbers::Rsa { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
        }
        Some(der::Key::P256(x, y)) => point(x, y).ok_or(OFF_CURVE),
        None => Err(Unusable::Wrong("is a PEM whose content is no RSA or P-256 key")),
    }
}

const OFF_CURVE: Unusable = Unusable::Wrong("is no point of the curve P-256");

fn point(x: &[u8], y: &[u8]) -> Option<Numbers> {
    Some(Numbers::P256 { x: x.try_into().ok()?, y: y.try_into().ok()? })
}

impl Numbers {
    fn checked(self, kid: Option<&str>, algorithm: Algorithm) -> Result<PublicKey, Unusable> {
        let encoded = Base64UrlUnpadded::encode_string;
        let (jwk, signature) = match (self, algorithm) {
            (Self::Rsa { modulus, exponent }, Algorithm::Rs256) => {
                let (modulus, exponent) = (without_zeros(&modulus), without_zeros(&exponent));
                check_rsa(modulus, exponent)?;
                let (n, e) = (encoded(modulus), encoded(exponent));
                (format!(r#"{{"kty":"RSA","alg":"RS256","n":"{n}","e":"{e}"}}"#), modulus.len())
            }
            (Self::P256 { x, y }, Algorithm::Es256) => {
                if !p256::is_on_curve(&x, &y) {
                    return Err(OFF_CURVE);
                }
                let (x, y) = (encoded(&x), encoded(&y));
                (format!(r#"{{"kty":"EC","alg":"ES256","crv":"P-256","x":"{x}","y":"{y}"}}"#), 64)
            }
            _ => return Err(OF_ANOTHER_KIND),
        };
        let signature_length = signature.saturating_mul(4).div_ceil(3);
        Ok(PublicKey { kid: kid.map(str::to_owned), jwk, signature_length })
    }
}

fn check_rsa(modulus: &[u8], exponent: &[u8]) -> Result<(), Unusable> {
    let zeros = modulus.first().map_or(0, |first| first.leading_zeros());
    let bits = modulus.len().saturating_mul(8).saturating_sub(usize::try_from(zeros).unwrap_or_default());
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    if !MODULUS_BITS.contains(&bits) || !is_odd(modulus) {
        return Err(Unusable::Wrong("has an RSA modulus that is even, or not of 2048 to 8192 bits"));
    }
    if exponent.len() > LONGEST_EXPONENT || !is_odd(exponent) || exponent == [1] {
        return Err(Unusable::Wrong("has an RSA exponent that is not odd, from 3 to 32 bits"));
    }
    Ok(())
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::examples::{EC_PEM, EC_X, EC_Y, RSA_N, RSA_PEM};
    use super::*;
    use Algorithm::{Es256, Rs256};

    fn rsa(more: &str) -> String {
        format!(r#"{{"kty":"RSA","n":"{RSA_N}","e":"AQAB"{more}}}"#)
    }

    fn ec(more: &str) -> String {
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{EC_X}","y":"{EC_Y}"{more}}}"#)
    }

    fn one(text: &str, algorithm: Algorithm) -> Result<PublicKey, Unusable> {
        let keys = read(text, Some("given"), algorithm)?;
        assert_eq!(keys.len(), 1);
        Ok(keys[0].clone())
    }

    #[test]
    fn a_key_may_be_a_jwk_or_a_pem() {
        for (text, algorithm, length) in [
            (rsa(""), Rs256, 342),
            (rsa(r#","use":"sig","alg":"RS256","key_ops":["verify"],"x5t":"x""#), Rs256, 342),
            (format!("\n  {RSA_PEM}\r\n"), Rs256, 342),
            (ec(""), Es256, 86),
            (EC_PEM.replace('\n', "\r\n"), Es256, 86),
        ] {
            let key = one(&text, algorithm).unwrap();
            assert_eq!((key.kid.as_deref(), key.signature_length), (Some("given"), length), "{text}");
            assert_eq!(one(&key.jwk, algorithm).as_ref(), Ok(&key), "what goes to WebCrypto is a key");
        }
        assert_eq!(one(RSA_PEM, Rs256), one(&rsa(""), Rs256));
        assert_eq!(one(EC_PEM, Es256), one(&ec(""), Es256));
        assert_eq!(one(&rsa(r#","kid":"own""#), Rs256).unwrap().kid.as_deref(), Some("own"));
    }

    #[test]
    fn a_set_gives_what_is_for_the_algorithm() {
        let set = format!(
            r#"{{"keys":[{},{},{},{},{{"kty":"OKP"}}]}}"#,
            rsa(r#","kid":"1""#),
            rsa(r#","kid":"2","use":"enc""#),
            ec(r#","kid":"3""#),
            rsa(r#","kid":"4","alg":"RS512""#)
        );
        let kids =
            |algorithm| read(&set, None, algorithm).map(|keys| keys.into_iter().map(|key| key.kid.unwrap()).collect());
        assert_eq!((kids(Rs256), kids(Es256)), (Ok(vec!["1".to_owned()]), Ok(vec!["3".to_owned()])));
        for text in [
            r#"{"keys":[]}"#,
            r#"{"keys":{}}"#,
            r#"{"keys":[1]}"#,
            &set.replace("P-256", "P-384").replace("RSA", "OKP"),
        ] {
            assert!(matches!(read(text, None, Es256), Err(Unusable::Wrong(_))), "{text}");
        }
    }

    #[test]
    fn private_and_secret_keys_are_refused_before_anything_else() {
        for text in [
            rsa(r#","d":"AQAB""#),
            ec(r#","d":"""#),
            r#"{"kty":"oct","k":"c2VjcmV0"}"#.to_owned(),
            format!(r#"{{"keys":[{},{{"kty":"OKP","d":"x"}}]}}"#, rsa("")),
            "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----".to_owned(),
            "-----BEGIN EC PRIVATE KEY-----".to_owned(),
        ] {
            assert_eq!(read(&text, None, Rs256), Err(Unusable::Private), "{text}");
        }
    }

    #[test]
    fn a_key_that_is_weak_or_broken_is_refused() {
        let n = |n: &str| rsa("").replace(RSA_N, n);
        let bytes = Base64UrlUnpadded::decode_vec(RSA_N).unwrap();
        let changed = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = bytes.clone();
            change(&mut bytes);
            n(&Base64UrlUnpadded::encode_string(&bytes))
        };
        let cases = [
            (changed(&|n| n.truncate(255)), Rs256),
            (changed(&|n| n[0] &= 0x7f), Rs256),
            (changed(&|n| n[255] &= 0xfe), Rs256),
            (changed(&|n| n.resize(1025, 1)), Rs256),
            (rsa("").replace("AQAB", "AQ"), Rs256),
            (rsa("").replace("AQAB", "AQAA"), Rs256),
            (rsa("").replace("AQAB", "AQAAAAE"), Rs256),
            (rsa("").replace("AQAB", ""), Rs256),
            (n("not base64url!"), Rs256),
            (rsa(r#","use":"enc""#), Rs256),
            (rsa(r#","use":1"#), Rs256),
            (rsa(r#","alg":"PS256""#), Rs256),
            (rsa(r#","key_ops":["encrypt"]"#), Rs256),
            (rsa(r#","kid":1"#), Rs256),
            (rsa(r#","e":"AQAB""#), Rs256),
            (rsa(""), Es256),
            (ec(""), Rs256),
            (RSA_PEM.to_owned(), Es256),
            (EC_PEM.to_owned(), Rs256),
            (ec("").replace("P-256", "P-384"), Es256),
            (ec("").replace(EC_X, EC_Y), Es256),
            (ec("").replace(EC_X, &EC_X[..42]), Es256),
            (EC_PEM.replace("PUBLIC KEY", "CERTIFICATE"), Es256),
            (EC_PEM.replace("MFkw", "MFkx"), Es256),
            ("-----BEGIN PUBLIC KEY----------END PUBLIC KEY-----".to_owned(), Es256),
            (String::new(), Rs256),
            ("nonsense".to_owned(), Rs256),
        ];
        for (text, algorithm) in cases {
            assert!(matches!(read(&text, None, algorithm), Err(Unusable::Wrong(_))), "{text}");
        }
    }

    #[test]
    fn zeros_in_front_of_a_modulus_make_no_difference() {
        let long = [&[0, 0][..], &Base64UrlUnpadded::decode_vec(RSA_N).unwrap()].concat();
        assert_eq!(one(&rsa("").replace(RSA_N, &Base64UrlUnpadded::encode_string(&long)), Rs256), one(&rsa(""), Rs256));
    }
}
