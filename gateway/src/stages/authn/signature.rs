//! HS256 signatures (RFC 7518 section 3.2), checked here and not by WebCrypto: a promise for each token costs more.
//!
//! Whether the token agrees that it is HS256 is the caller's to see.

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Bytes of an HMAC-SHA-256.
const LENGTH: usize = 32;

/// Keys whose first blocks have been worked in, the newest first.
pub(super) struct Secrets(Vec<Hmac<Sha256>>);

impl Secrets {
    /// Of secrets; HMAC takes any length (RFC 2104 section 2), so this does not fail.
    pub(super) fn new<'s>(secrets: impl IntoIterator<Item = &'s str>) -> Option<Self> {
        let mac = |secret: &str| Hmac::new_from_slice(secret.as_bytes()).ok();
        secrets.into_iter().map(mac).collect::<Option<_>>().map(Self)
    }

    /// Whether one of them signed this. The comparison takes as long whatever differs.
    pub(super) fn signed(&self, signed: &str, signature: &str) -> bool {
        let mut bytes = [0_u8; LENGTH];
        let Ok(signature) = Base64UrlUnpadded::decode(signature, &mut bytes) else { return false };
        self.0.iter().any(|secret| {
            let mut mac = secret.clone();
            mac.update(signed.as_bytes());
            mac.verify_slice(signature).is_ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515 appendix A.1.
    const SIGNED: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
                          eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    const SIGNATURE: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const KEY: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";

    fn example() -> Hmac<Sha256> {
        Hmac::new_from_slice(&Base64UrlUnpadded::decode_vec(KEY).unwrap()).unwrap()
    }

    #[test]
    fn the_example_of_the_standard_is_signed() {
        assert!(Secrets(vec![example()]).signed(SIGNED, SIGNATURE));
    }

    #[test]
    fn any_of_the_secrets_may_have_signed() {
        let other = || Hmac::new_from_slice(b"another").unwrap();
        assert!(Secrets(vec![other(), other(), example()]).signed(SIGNED, SIGNATURE));
        assert!(!Secrets(vec![other(), other()]).signed(SIGNED, SIGNATURE));
        assert!(!Secrets(Vec::new()).signed(SIGNED, SIGNATURE));
    }

    #[test]
    fn anything_else_is_not() {
        let secrets = Secrets(vec![example()]);
        assert!(!secrets.signed(&format!("x{SIGNED}"), SIGNATURE));
        for signature in [&SIGNATURE[1..], &format!("A{}", &SIGNATURE[1..]), &format!("{SIGNATURE}A"), "", "dBjf"] {
            assert!(!secrets.signed(SIGNED, signature), "{signature}");
        }
    }
}
