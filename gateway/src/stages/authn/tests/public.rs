//! Tokens that the platform checks: RS256 and ES256.

use super::{
    super::examples::{
        EC_HEADER, EC_PEM, EC_SIGNATURE, EC_X, EC_Y, PAYLOAD, RSA_HEADER, RSA_N, RSA_PEM, RSA_SIGNATURE,
    },
    *,
};

pub(super) fn jwk(kid: &str) -> String {
    format!(r#"{{"kty":"RSA","n":"{RSA_N}","e":"AQAB","kid":"{kid}"}}"#)
}

/// The issuer of the examples of RFC 7515, which names no audience: those are given one after the signature.
fn token_for(algorithm: &str, kid: Option<&str>, payload: &str, signature_length: usize) -> String {
    use base64ct::{Base64UrlUnpadded, Encoding};
    let kid = kid.map(|kid| format!(r#","kid":"{kid}""#)).unwrap_or_default();
    let header = Base64UrlUnpadded::encode_string(format!(r#"{{"alg":"{algorithm}"{kid}}}"#).as_bytes());
    format!("{header}.{}.{}", Base64UrlUnpadded::encode_string(payload.as_bytes()), "A".repeat(signature_length))
}

const RSA_LENGTH: usize = 342;

fn believing(right: fn(&Verify) -> bool) -> Platform {
    Platform { now: NOW, right: Some(right), asked: RefCell::default() }
}

/// Which keys the platform was asked for.
fn asked(platform: &Platform) -> Vec<u16> {
    platform.asked.borrow().iter().map(|verify| verify.key.key).collect()
}

#[test]
fn the_examples_of_the_standard_are_handed_to_the_platform_as_they_are() {
    let ec = format!(r#"{{"kty":"EC","crv":"P-256","x":"{EC_X}","y":"{EC_Y}"}}"#);
    for (algorithm, key, header, signature) in
        [(Algorithm::Rs256, RSA_PEM, RSA_HEADER, RSA_SIGNATURE), (Algorithm::Es256, &*ec, EC_HEADER, EC_SIGNATURE)]
    {
        let verifiers = [verifier(&issuer(algorithm, public_keys(&[(None, key)])))];
        let platform = believing(|_| true);
        let token = format!("{header}.{PAYLOAD}.{signature}");
        assert_eq!(code_of(&verifiers, &token, &platform), Some("token_invalid"), "from another issuer");
        let key = Key { issuer: 0, key: 0 };
        let (signed, signature) = (format!("{header}.{PAYLOAD}"), signature.to_owned());
        assert_eq!(*platform.asked.borrow(), [Verify { key, signed, signature }]);
    }
}

#[test]
fn a_public_key_is_asked_once_for_a_token() {
    let verifiers = [verifier(&issuer(Algorithm::Rs256, public_keys(&[(None, &jwk("1"))])))];
    let platform = believing(|_| true);
    let token = token_for("RS256", Some("1"), &payload(""), RSA_LENGTH);
    for _ in 0..3 {
        assert_eq!(code_of(&verifiers, &token, &platform), None);
    }
    assert_eq!(asked(&platform), [0], "the second time it was remembered");
}

#[test]
fn a_token_is_not_believed_before_the_platform_has_spoken() {
    let verifiers = [verifier(&issuer(Algorithm::Rs256, public_keys(&[(None, &jwk("1"))])))];
    let token = token_for("RS256", None, &payload(""), RSA_LENGTH);
    for _ in 0..2 {
        assert_eq!(code_of(&verifiers, &token, &believing(|_| false)), Some("token_invalid"));
    }
    let broken = Platform { now: NOW, ..Platform::default() };
    let problem = ask(&verifiers, &only(), Some(&format!("Bearer {token}")), &broken).unwrap_err();
    assert_eq!(problem.1, "the test asked for nothing like this");
}

#[test]
fn the_kid_of_a_token_chooses_the_key() {
    let keys = public_keys(&[(None, &jwk("1")), (None, &jwk("2")), (Some("pem"), RSA_PEM), (None, RSA_PEM)]);
    let verifiers = [verifier(&issuer(Algorithm::Rs256, keys))];
    for (kid, expected) in [
        (Some("1"), vec![0]),
        (Some("2"), vec![1]),
        (Some("pem"), vec![2]),
        (Some("x"), vec![3]),
        (None, vec![0, 1, 2, 3]),
    ] {
        let platform = believing(|_| false);
        let token = token_for("RS256", kid, &payload(""), RSA_LENGTH);
        assert_eq!(code_of(&verifiers, &token, &platform), Some("token_invalid"));
        assert_eq!(asked(&platform), expected, "{kid:?}");
    }
    let named = [verifier(&issuer(Algorithm::Rs256, public_keys(&[(None, &jwk("1"))])))];
    let platform = believing(|_| true);
    assert_eq!(
        code_of(&named, &token_for("RS256", Some("x"), &payload(""), RSA_LENGTH), &platform),
        Some("token_invalid")
    );
    assert_eq!(asked(&platform), [0_u16; 0], "an unknown kid costs no signature");
}

#[test]
fn keys_in_turn_are_tried_four_times_and_no_more() {
    let names: Vec<String> = (0..10).map(|number| jwk(&number.to_string())).collect();
    let sources: Vec<(Option<&str>, &str)> = names.iter().map(|text| (None, text.as_str())).collect();
    let verifiers = [verifier(&issuer(Algorithm::Rs256, public_keys(&sources)))];
    let token = token_for("RS256", None, &payload(""), RSA_LENGTH);
    let platform = believing(|_| false);
    assert_eq!(code_of(&verifiers, &token, &platform), Some("token_invalid"));
    assert_eq!(asked(&platform), [0, 1, 2, 3]);
    let platform = believing(|verify| verify.key.key == 2);
    assert_eq!(code_of(&verifiers, &token, &platform), None);
    assert_eq!(asked(&platform), [0, 1, 2]);
}

#[test]
fn what_cannot_be_right_is_refused_without_the_platform() {
    let rsa = [verifier(&issuer(Algorithm::Rs256, public_keys(&[(None, RSA_PEM)])))];
    let ec = [verifier(&issuer(Algorithm::Es256, public_keys(&[(None, EC_PEM)])))];
    let rs = |payload: &str| token_for("RS256", None, payload, RSA_LENGTH);
    let cases = [
        (&rsa, token_for("RS256", None, &payload(""), RSA_LENGTH - 1)),
        (&rsa, token_for("RS256", None, &payload(""), 0)),
        (&rsa, token_for("none", None, &payload(""), RSA_LENGTH)),
        (&rsa, token_for("ES256", None, &payload(""), 86)),
        (&rsa, token_for("HS256", None, &payload(""), 43)),
        (&rsa, rs(&payload(r#","sub":"u1""#))),
        (&rsa, rs("[]")),
        (&ec, token_for("RS256", None, &payload(""), RSA_LENGTH)),
        (&ec, token_for("ES256", None, &payload(""), 87)),
        // The two numbers in DER, as other libraries write them.
        (&ec, token_for("ES256", None, &payload(""), 95)),
    ];
    for (verifiers, token) in cases {
        let platform = believing(|_| true);
        assert_eq!(code_of(verifiers, &token, &platform), Some("token_invalid"), "{token}");
        assert_eq!(asked(&platform), [0_u16; 0], "{token}");
    }
}

/// The public key is no secret: a token that is signed with its bytes must be worth nothing (RFC 8725 section 2.1).
#[test]
fn the_public_key_is_never_taken_for_a_secret() {
    for (algorithm, text) in [(Algorithm::Rs256, RSA_PEM), (Algorithm::Es256, EC_PEM)] {
        let verifiers = [verifier(&issuer(algorithm, public_keys(&[(None, text)])))];
        for secret in [text, &format!("{text}\n"), verifiers[0].key(0).unwrap(), RSA_N, ""] {
            for name in ["HS256", "RS256", "ES256"] {
                let platform = believing(|_| false);
                let token = signed(&format!(r#"{{"alg":"{name}"}}"#), &payload(""), secret);
                assert_eq!(code_of(&verifiers, &token, &platform), Some("token_invalid"));
                assert_eq!(asked(&platform), [0_u16; 0], "a MAC has not the length of a signature");
            }
        }
    }
}

#[test]
fn keys_of_several_issuers_are_told_apart() {
    let partner =
        Issuer { issuer: Text::literal("partner"), ..issuer(Algorithm::Es256, public_keys(&[(None, EC_PEM)])) };
    let verifiers =
        [verifier(&shared()), verifier(&partner), verifier(&issuer(Algorithm::Rs256, public_keys(&[(None, RSA_PEM)])))];
    let platform = believing(|_| true);
    let token = token_for("ES256", None, &payload("").replace("https://issuer.test/", "partner"), 86);
    let config = Config::Token(vec![0, 1]);
    assert_eq!(ask(&verifiers, &config, Some(&format!("Bearer {token}")), &platform), Ok(Some("u1".into())));
    assert_eq!(platform.asked.borrow()[0].key, Key { issuer: 1, key: 0 });
}
