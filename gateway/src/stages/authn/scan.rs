//! The form of a token: three parts of canonical base64url, and a header that asks for nothing strange. Refused here is
//! what no honest issuer makes, before any of it is believed. What is left is read by `jwt-compact`.
//!
//! Not here: signatures, and what claims say.

use base64ct::{Base64UrlUnpadded, Encoding};
use jwt_compact::UntrustedToken;

use crate::http::strict;

/// The longest token that is looked at, in bytes: beyond it, parsing costs more than any honest token is worth.
pub(super) const LONGEST_TOKEN: usize = 8192;

/// The longest header as it stands in the token: 1 KiB of JSON.
const LONGEST_HEADER: usize = 1366;

/// Header parameters that change what is signed or how it is read. None of them is understood, so none may stand there
/// (RFC 7515 section 4.1.11, RFC 7797, RFC 7516 section 4.1.3). Keys that a token brings along (`jwk`, `jku`, `x5c`, `x5u`)
/// are not in the list because they are never looked at.
const STRANGE: [&str; 3] = ["crit", "b64", "zip"];

/// The parts of a compact token (RFC 7515 section 3.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Compact<'t> {
    whole: &'t str,
    /// What is signed: header and payload with the dot between them.
    pub(super) signed: &'t str,
    header: &'t str,
    payload: &'t str,
    /// The signature.
    pub(super) signature: &'t str,
}

impl<'t> Compact<'t> {
    /// `None` for what is not three parts of canonical base64url, or has a header that is too long.
    pub(super) fn of(token: &'t str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let is_whole = header.len() <= LONGEST_HEADER && [header, payload, signature].into_iter().all(is_canonical);
        is_whole.then_some(Self { whole: token, signed, header, payload, signature })
    }

    /// What the header says; `None` when it is malformed or strange.
    pub(super) fn header(&self) -> Option<Header> {
        // The scan first: `jwt-compact` would take the last of two members of one name.
        let members = strict::object(&Base64UrlUnpadded::decode_vec(self.header).ok()?)?;
        if STRANGE.iter().any(|name| members.contains_key(*name)) {
            return None;
        }
        let token: UntrustedToken<'_> = UntrustedToken::new(self.whole).ok()?;
        let jwt_compact::Header { token_type, key_id, .. } = token.header();
        let (kind, key) = (token_type.clone(), key_id.clone());
        Some(Header { algorithm: token.algorithm().to_owned(), kind, key })
    }

    /// The claims; `None` when they are no object that can be read in one way only.
    pub(super) fn claims(&self) -> Option<strict::Object> {
        strict::object(&Base64UrlUnpadded::decode_vec(self.payload).ok()?)
    }
}

/// What a token says of itself, believed by nobody: the issuer decides about the algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// `alg`.
    pub(super) algorithm: String,
    /// `typ`.
    pub(super) kind: Option<String>,
    /// `kid`.
    pub(super) key: Option<String>,
}

/// For each byte the value of the base64url letter that it is, or [`FOREIGN`].
const LETTERS: [u8; 256] = letters();
const FOREIGN: u8 = 0x80;

#[expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "worked out when it is compiled")]
const fn letters() -> [u8; 256] {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut letters = [FOREIGN; 256];
    let mut value = 0;
    while value < alphabet.len() {
        letters[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    letters
}

fn letter(byte: u8) -> u8 {
    LETTERS.get(usize::from(byte)).copied().unwrap_or(FOREIGN)
}

/// Whether a text is the one way to write some bytes in base64url without padding (RFC 4648 section 3.5): only letters
/// of the alphabet, a length that exists, and nothing in the bits that are left over.
fn is_canonical(text: &str) -> bool {
    let bytes = text.as_bytes();
    let seen = bytes.iter().fold(0, |seen, byte| seen | letter(*byte));
    let unused = match bytes.len() & 3 {
        0 => 0,
        2 => 0b1111,
        3 => 0b11,
        _ => return false,
    };
    seen & FOREIGN == 0 && bytes.last().is_none_or(|last| letter(*last) & unused == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(json: &str) -> Option<Header> {
        let token = format!("{}.e30.eA", Base64UrlUnpadded::encode_string(json.as_bytes()));
        Compact::of(&token)?.header()
    }

    #[test]
    fn a_token_has_three_parts_of_canonical_base64url() {
        let compact = Compact::of("eyJh.e30.eA").unwrap();
        assert_eq!((compact.signed, compact.signature), ("eyJh.e30", "eA"));
        let cases = [
            "",
            "a",
            "e30",
            "e30.e30",
            "e30.e30.e30.e30",
            "e30.e30.e30=",
            "e30=.e30.e30",
            "e30.e30 .e30",
            "e30.e3 0.e30",
            "e30.e30.+/+/",
            "e30.e30.A",
            "e30.e31.eA",
            "e30.e30.eB",
            "e30.e30.\u{e9}A",
            "e30.e30\n.eA",
        ];
        for token in cases {
            assert!(Compact::of(token).is_none(), "{token}");
        }
    }

    #[test]
    fn a_header_names_an_algorithm_a_type_and_a_key() {
        let read = header(r#"{"alg":"RS256","typ":"JWT","kid":"1","jku":"https://evil.test/","jwk":{"kty":"RSA"}}"#);
        let expected = Header { algorithm: "RS256".into(), kind: Some("JWT".into()), key: Some("1".into()) };
        assert_eq!(read, Some(expected));
        assert_eq!(header(r#"{"alg":"x"}"#).map(|header| (header.kind, header.key)), Some((None, None)));
    }

    #[test]
    fn a_strange_header_is_refused() {
        let cases = [
            "{}",
            r#"{"alg":7}"#,
            r#"{"alg":null}"#,
            r#"{"alg":"HS256","alg":"none"}"#,
            r#"{"alg":"HS256","typ":1}"#,
            r#"{"alg":"HS256","kid":["a"]}"#,
            r#"{"alg":"HS256","crit":["exp"]}"#,
            r#"{"alg":"HS256","crit":[]}"#,
            r#"{"alg":"HS256","b64":false}"#,
            r#"{"alg":"HS256","zip":"DEF"}"#,
            r#"["HS256"]"#,
            "x",
        ];
        for json in cases {
            assert_eq!(header(json), None, "{json}");
        }
    }

    #[test]
    fn a_header_has_a_kibibyte_at_most() {
        let sized = |length: usize| header(&format!("{{\"alg\":\"{}\"}}", "x".repeat(length - 10)));
        assert!(sized(1024).is_some());
        assert!(sized(1025).is_none());
    }

    proptest! {
        #[test]
        fn canonical_is_what_encoding_gives_back(text in "[A-Za-z0-9_=+/.-]{0,9}") {
            let there_and_back = Base64UrlUnpadded::decode_vec(&text).map(|bytes| Base64UrlUnpadded::encode_string(&bytes));
            prop_assert_eq!(is_canonical(&text), there_and_back.as_deref() == Ok(&text), "{}", text);
        }

        #[test]
        fn any_token_is_taken_apart_or_refused_without_a_panic(text in "[A-Za-z0-9_.=-]{0,40}|.{0,20}") {
            if let Some(compact) = Compact::of(&text) {
                let _ = (compact.header(), compact.claims());
            }
        }
    }
}
