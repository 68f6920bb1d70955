//! Whole tokens: signed as issuers sign them, and as nobody should.

mod public;

use std::{
    cell::RefCell,
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use jwt_compact::{
    AlgorithmExt, Claims, Header,
    alg::{Hs256, Hs256Key},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    examples::{EC_PEM, RSA_PEM},
    *,
};
use crate::{config::text::Values, facts::principal::TOKEN_MISSING, http::Millis};

const SECRET: &str = "a secret of thirty-two bytes or so";
const NOW: Millis = 1_800_000_000_000;

/// A platform that believes the signatures of one kind of text, and remembers what it was asked.
#[derive(Default)]
struct Platform {
    now: Millis,
    right: Option<fn(&Verify) -> bool>,
    asked: RefCell<Vec<Verify>>,
}

impl Clock for Platform {
    fn now(&self) -> Millis {
        self.now
    }
}

impl Signatures for Platform {
    async fn verify(&self, verify: Verify) -> Result<bool, Failure> {
        let right = self.right.map(|right| right(&verify));
        self.asked.borrow_mut().push(verify);
        right.ok_or(Failure::Unusable)
    }
}

fn at(now: Millis) -> Platform {
    Platform { now, right: Some(|_| false), ..Platform::default() }
}

/// Nothing in this stage waits for more than the platform, and this one answers at once.
fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

fn secrets(secrets: &[&str]) -> Keys {
    Keys::Secrets(secrets.iter().map(|secret| Text::literal(secret)).collect())
}

fn public_keys(texts: &[(Option<&str>, &str)]) -> Keys {
    let source =
        |(kid, text): &(Option<&str>, &str)| KeySource { kid: kid.map(str::to_owned), text: Text::literal(text) };
    Keys::Public(texts.iter().map(source).collect())
}

fn issuer(algorithm: Algorithm, keys: Keys) -> Issuer {
    Issuer {
        name: "main".into(),
        algorithm,
        issuer: Text::literal("https://issuer.test/"),
        audiences: vec![Text::literal("other"), Text::literal("api")],
        keys,
        rules: Rules { leeway_s: 30, ..Rules::default() },
        names: crate::facts::principal::ClaimNames::default(),
    }
}

fn shared() -> Issuer {
    issuer(Algorithm::Hs256, secrets(&[SECRET]))
}

fn verifier(issuer: &Issuer) -> Verifier {
    Verifier::new(issuer, &Values::default()).unwrap_or_else(|unfit| panic!("{}", unfit.message("main")))
}

fn failed(_: Failure) -> Problem {
    Problem::new(&TOKEN_MISSING, "the test asked for nothing like this")
}

/// The subject, or the code and the detail of the refusal.
type Outcome = Result<Option<String>, (&'static str, String)>;

fn ask(verifiers: &[Verifier], config: &Config, authorization: Option<&str>, platform: &Platform) -> Outcome {
    let asked = Asked { authorization, realm: "r" };
    let found = now_or_never(authenticate(verifiers, config, asked, platform, failed));
    found
        .map(|found| found.and_then(|found| found.principal.subject().map(str::to_owned)))
        .map_err(|problem| (problem.kind.code, problem.detail.into_owned()))
}

fn only() -> Config {
    Config::Token(vec![0])
}

/// The code of what becomes of a token; nothing when it is believed.
fn code_of(verifiers: &[Verifier], token: &str, platform: &Platform) -> Option<&'static str> {
    ask(verifiers, &only(), Some(&format!("Bearer {token}")), platform).err().map(|(code, _)| code)
}

fn code(issuer: &Issuer, token: &str) -> Option<&'static str> {
    code_of(&[verifier(issuer)], token, &at(NOW))
}

fn claims(edit: impl Fn(&mut Object)) -> Object {
    let mut claims = json!({
        "iss": "https://issuer.test/", "aud": "api", "sub": "u1", "exp": 1_800_000_060, "scope": "a b",
    });
    edit(claims.as_object_mut().unwrap());
    claims.as_object().unwrap().clone()
}

fn with(name: &str, value: Value) -> Object {
    claims(|claims| drop(claims.insert(name.into(), value.clone())))
}

fn without(name: &str) -> Object {
    claims(|claims| drop(claims.remove(name)))
}

fn sign(claims: Object, secret: &str) -> String {
    sign_as(Header::empty().with_token_type("JWT"), claims, secret)
}

fn sign_as(header: Header, claims: Object, secret: &str) -> String {
    Hs256.token(&header, &Claims::new(claims), &Hs256Key::new(secret)).unwrap()
}

/// A token of any header and payload, signed with HS256.
fn signed(header: &str, payload: &str, secret: &str) -> String {
    use base64ct::{Base64UrlUnpadded, Encoding};
    use hmac::{Hmac, Mac};
    let part = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let unsigned = format!("{}.{}", part(header), part(payload));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(unsigned.as_bytes());
    format!("{unsigned}.{}", Base64UrlUnpadded::encode_string(&mac.finalize().into_bytes()))
}

const HEADER: &str = r#"{"alg":"HS256"}"#;

fn payload(more: &str) -> String {
    format!(r#"{{"iss":"https://issuer.test/","aud":"api","sub":"u1","exp":1800000060{more}}}"#)
}

#[test]
fn a_good_token_names_the_principal() {
    let verifiers = [verifier(&shared())];
    let authorization = format!("bEARER  {}", sign(claims(|_| ()), SECRET));
    let asked = Asked { authorization: Some(&authorization), realm: "r" };
    let (config, platform) = (only(), at(NOW));
    let found = now_or_never(authenticate(&verifiers, &config, asked, &platform, failed)).unwrap().unwrap();
    assert_eq!((found.principal.subject(), found.issuer.issuer()), (Some("u1"), "https://issuer.test/"));
    assert!(found.principal.has_scope("b"));
}

#[test]
fn one_of_the_audiences_is_enough() {
    for audience in [json!("api"), json!("other"), json!(["x", "api"])] {
        assert_eq!(code(&shared(), &sign(with("aud", audience), SECRET)), None);
    }
}

#[test]
fn claims_that_do_not_fit_are_refused() {
    let cases = [
        (with("iss", "https://other.test/".into()), "token_invalid"),
        (without("iss"), "token_invalid"),
        (with("aud", "else".into()), "token_invalid"),
        (with("aud", json!(["else"])), "token_invalid"),
        (without("aud"), "token_invalid"),
        (without("exp"), "token_invalid"),
        (with("exp", 1_799_999_970.into()), "token_expired"),
        (with("exp", "soon".into()), "token_invalid"),
        (with("nbf", 1_800_000_031.into()), "token_invalid"),
        (with("iat", 1_800_000_031.into()), "token_invalid"),
    ];
    for (claims, expected) in cases {
        let shown = format!("{claims:?}");
        assert_eq!(code(&shared(), &sign(claims, SECRET)), Some(expected), "{shown}");
    }
}

#[test]
fn clocks_may_differ_by_the_leeway() {
    for claims in
        [with("exp", 1_799_999_971.into()), with("nbf", 1_800_000_030.into()), with("iat", 1_800_000_030.into())]
    {
        assert_eq!(code(&shared(), &sign(claims, SECRET)), None);
    }
}

#[test]
fn a_token_that_was_believed_once_still_expires_and_grows_old() {
    let life = |rules: Rules, last: Millis| {
        let verifiers = [verifier(&Issuer { rules, ..shared() })];
        let token = sign(with("iat", 1_800_000_000.into()), SECRET);
        let at = |now| code_of(&verifiers, &token, &at(now));
        assert_eq!((at(NOW), at(last), at(last + 1)), (None, None, Some("token_expired")));
    };
    life(Rules { leeway_s: 30, ..Rules::default() }, NOW + 89_999);
    life(Rules { leeway_s: 30, max_age_s: Some(20), ..Rules::default() }, NOW + 49_999);
    life(Rules { max_age_s: Some(20), ..Rules::default() }, NOW + 19_999);
}

#[test]
fn the_rules_of_an_issuer_hold_for_its_tokens() {
    let require = Issuer { rules: Rules { require: vec!["tenant".into()], ..Rules::default() }, ..shared() };
    assert_eq!(code(&require, &sign(with("tenant", "t".into()), SECRET)), None);
    assert_eq!(code(&require, &sign(claims(|_| ()), SECRET)), Some("token_invalid"));
    let aged = Issuer { rules: Rules { max_age_s: Some(60), ..Rules::default() }, ..shared() };
    assert_eq!(code(&aged, &sign(claims(|_| ()), SECRET)), Some("token_invalid"), "no `iat`");
}

#[test]
fn the_type_of_a_token_is_one_that_is_taken() {
    let typed = |name: &str| sign_as(Header::empty().with_token_type(name), claims(|_| ()), SECRET);
    let untyped = || sign_as(Header::empty(), claims(|_| ()), SECRET);
    for name in ["at+jwt", "JWT", "jwt", "application/at+jwt"] {
        assert_eq!(code(&shared(), &typed(name)), None, "{name}");
    }
    assert_eq!(code(&shared(), &untyped()), None);
    let strict = Issuer { rules: Rules { types: vec!["at+jwt".into()], ..Rules::default() }, ..shared() };
    assert_eq!(code(&strict, &typed("application/AT+JWT")), None);
    assert_eq!(code(&strict, &typed("JWT")), Some("token_invalid"));
    assert_eq!(code(&strict, &untyped()), Some("token_invalid"));
    for name in ["dpop+jwt", "", "xat+jwt", "application/", "text/jwt"] {
        assert_eq!(code(&shared(), &typed(name)), Some("token_invalid"), "{name}");
    }
}

#[test]
fn a_forged_copy_of_a_remembered_token_is_refused() {
    let verifiers = [verifier(&shared())];
    let token = sign(claims(|_| ()), SECRET);
    assert_eq!(code_of(&verifiers, &token, &at(NOW)), None);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{signed}.{other}{}", &signature[1..]);
    assert_eq!(code_of(&verifiers, &forged, &at(NOW)), Some("token_invalid"));
}

#[test]
fn a_wrong_key_a_changed_claim_and_a_cut_signature_are_refused() {
    let token = sign(claims(|_| ()), SECRET);
    let other = sign(with("sub", "admin".into()), SECRET);
    let parts: Vec<&str> = token.split('.').collect();
    let mixed = format!("{}.{}.{}", parts[0], other.split('.').nth(1).unwrap(), parts[2]);
    for bad in [
        sign(claims(|_| ()), "another secret of enough bytes ...."),
        mixed,
        token[..token.len() - 2].to_owned(),
        format!("{token}.x"),
        format!("{token}="),
    ] {
        assert_eq!(code(&shared(), &bad), Some("token_invalid"), "{bad}");
    }
}

#[test]
fn a_secret_can_be_changed_while_tokens_of_the_old_one_are_out() {
    let old = "the secret of last year, long enough";
    let rotating = issuer(Algorithm::Hs256, secrets(&[SECRET, old]));
    for secret in [SECRET, old] {
        assert_eq!(code(&rotating, &sign(claims(|_| ()), secret)), None);
    }
    assert_eq!(code(&shared(), &sign(claims(|_| ()), old)), Some("token_invalid"));
}

/// The header of a token replaced by another one, with the signature left as it was, left out, and made anew.
#[test]
fn another_algorithm_is_never_accepted() {
    let token = sign(claims(|_| ()), SECRET);
    let (_, rest) = token.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    // {"alg":"none"}, {"alg":"RS256"}, {"alg":"hs256"}, {"alg":"HS512"}
    for header in ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJSUzI1NiJ9", "eyJhbGciOiJoczI1NiJ9", "eyJhbGciOiJIUzUxMiJ9"] {
        assert_eq!(code(&shared(), &format!("{header}.{body}.{signature}")), Some("token_invalid"));
        assert_eq!(code(&shared(), &format!("{header}.{body}.")), Some("token_invalid"));
    }
    for name in ["none", "None", "RS256", "ES256", "HS512", "hs256", ""] {
        let signed = signed(&format!(r#"{{"alg":"{name}"}}"#), &payload(""), SECRET);
        assert_eq!(code(&shared(), &signed), Some("token_invalid"), "{name}");
    }
}

#[test]
fn what_is_signed_is_still_read_strictly() {
    assert_eq!(code(&shared(), &signed(HEADER, &payload(""), SECRET)), None);
    let deep = |levels: usize| payload(&format!(",\"x\":{}{}", "[".repeat(levels), "]".repeat(levels)));
    assert_eq!(code(&shared(), &signed(HEADER, &deep(15), SECRET)), None);
    let bad = [
        (HEADER, payload(r#","sub":"u1""#)),
        (HEADER, payload(r#","x":{"a":1,"a":1}"#)),
        (HEADER, deep(16)),
        (HEADER, format!("[{}]", payload(""))),
        (HEADER, "nonsense".to_owned()),
        (r#"{"alg":"HS256","crit":["exp"]}"#, payload("")),
        (r#"{"alg":"HS256","b64":true}"#, payload("")),
        (r#"{"alg":"HS256","zip":"DEF"}"#, payload("")),
        (r#"{"alg":"HS256","alg":"HS256"}"#, payload("")),
        (r#"{"typ":"JWT"}"#, payload("")),
    ];
    for (header, payload) in bad {
        assert_eq!(code(&shared(), &signed(header, &payload, SECRET)), Some("token_invalid"), "{header} {payload}");
    }
}

#[test]
fn keys_that_a_token_brings_along_are_not_looked_at() {
    let own = "the key of whoever made this token up";
    let header = |key: &str| {
        format!(r#"{{"alg":"HS256","jwk":{{"kty":"oct","k":"{key}"}},"jku":"https://evil.test/","x5u":"x"}}"#)
    };
    assert_eq!(code(&shared(), &signed(&header("dGhlIGtleQ"), &payload(""), own)), Some("token_invalid"));
    assert_eq!(code(&shared(), &signed(&header("dGhlIGtleQ"), &payload(""), SECRET)), None);
}

#[test]
fn a_route_without_a_token_asks_for_one_unless_it_is_optional() {
    let verifiers = [verifier(&shared())];
    let missing = |config: &Config, value| ask(&verifiers, config, value, &at(NOW)).map_err(|(code, _)| code);
    for value in [None, Some(""), Some("Basic dTpw"), Some("Bearertoken")] {
        assert_eq!(missing(&only(), value), Err("token_missing"), "{value:?}");
        assert_eq!(missing(&Config::Optional(vec![0]), value), Ok(None), "{value:?}");
        assert_eq!(missing(&Config::Public, value), Ok(None), "{value:?}");
    }
    let good = format!("Bearer {}", sign(claims(|_| ()), SECRET));
    assert_eq!(missing(&Config::Optional(vec![0]), Some(&good)), Ok(Some("u1".into())));
    assert_eq!(missing(&Config::Public, Some("Bearer x")), Ok(None), "nobody looks at it");
    for (value, code) in [
        ("Bearer", "token_missing"),
        ("Bearer a.b.c", "token_invalid"),
        ("Bearer a, Bearer b", "authorization_malformed"),
        ("Basic a, Bearer b", "authorization_malformed"),
    ] {
        for config in [only(), Config::Optional(vec![0])] {
            assert_eq!(missing(&config, Some(value)), Err(code), "{value}");
        }
    }
}

#[test]
fn a_token_has_a_length_that_is_looked_at() {
    let long = |length: usize| signed(HEADER, &payload(&format!(",\"x\":\"{}\"", "y".repeat(length))), SECRET);
    let (fits, over) = (long(5_900), long(6_100));
    assert!(fits.len() <= 8_192 && over.len() > 8_192);
    assert_eq!((code(&shared(), &fits), code(&shared(), &over)), (None, Some("token_invalid")));
}

#[test]
fn the_token_says_which_of_the_issuers_to_ask() {
    let partner = Issuer {
        issuer: Text::literal("partner"),
        ..issuer(Algorithm::Hs256, secrets(&["the secret of the partner, also long"]))
    };
    let verifiers = [verifier(&shared()), verifier(&partner)];
    let both = Config::Token(vec![0, 1]);
    let ask = |config: &Config, token: &str| ask(&verifiers, config, Some(&format!("Bearer {token}")), &at(NOW));
    let (own, theirs) =
        (sign(claims(|_| ()), SECRET), sign(with("iss", "partner".into()), "the secret of the partner, also long"));
    for token in [&own, &theirs, &own, &theirs] {
        assert!(ask(&both, token).is_ok());
    }
    for bad in [
        sign(with("iss", "partner".into()), SECRET),
        sign(claims(|_| ()), "the secret of the partner, also long"),
        sign(with("iss", "somebody".into()), SECRET),
        sign(without("iss"), SECRET),
        sign(with("iss", json!(["partner"])), SECRET),
    ] {
        assert_eq!(ask(&both, &bad).unwrap_err().0, "token_invalid", "{bad}");
    }
    assert!(ask(&only(), &theirs).is_err(), "a remembered token is good for the routes of its issuer alone");
    assert!(ask(&Config::Token(vec![1]), &own).is_err());
}

#[test]
fn secrets_and_keys_that_cannot_be_used_keep_the_gateway_from_starting() {
    let unfit = |issuer: &Issuer| Verifier::new(issuer, &Values::default()).err();
    assert_eq!(unfit(&issuer(Algorithm::Hs256, secrets(&["short"]))), Some(Unfit::ShortSecret));
    assert_eq!(unfit(&issuer(Algorithm::Hs256, secrets(&[SECRET, "short"]))), Some(Unfit::ShortSecret));
    let rsa = |texts: &[(Option<&str>, &str)]| unfit(&issuer(Algorithm::Rs256, public_keys(texts)));
    assert!(matches!(rsa(&[(None, EC_PEM)]), Some(Unfit::Key(_))));
    assert_eq!(
        rsa(&[(None, &public::jwk("1").replace("\"n\"", "\"d\":\"x\",\"n\""))]),
        Some(Unfit::Key(public_key::Unusable::Private))
    );
    assert_eq!(rsa(&[(None, &public::jwk("1")), (Some("1"), RSA_PEM)]), Some(Unfit::SameKid("1".into())));
    assert_eq!(rsa(&[(None, RSA_PEM); 5]), Some(Unfit::TooManyKeys));
    let names: Vec<String> = (0..17).map(|number| number.to_string()).collect();
    let many: Vec<(Option<&str>, &str)> = names.iter().map(|name| (Some(name.as_str()), RSA_PEM)).collect();
    assert_eq!((rsa(&many), rsa(&many[..16])), (Some(Unfit::TooManyKeys), None));
}

#[test]
fn no_refusal_puts_a_quote_or_a_backslash_into_its_challenge() {
    let require =
        Issuer { rules: Rules { require: vec!["tenant".into()], max_age_s: Some(9), ..Rules::default() }, ..shared() };
    let verifiers = [verifier(&require)];
    let tenant = |edit: fn(&mut Object)| {
        let mut claims = with("tenant", "t".into());
        claims.insert("iat".into(), 1_800_000_000.into());
        edit(&mut claims);
        format!("Bearer {}", sign(claims, SECRET))
    };
    let values = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer \"\\".to_owned(),
        format!("Bearer {}", "x".repeat(9_000)),
        "Bearer a.b.c".to_owned(),
        tenant(|claims| drop(claims.remove("tenant"))),
        tenant(|claims| drop(claims.remove("iat"))),
        tenant(|claims| drop(claims.remove("exp"))),
        tenant(|claims| drop(claims.insert("exp".into(), "x".into()))),
        tenant(|claims| drop(claims.insert("exp".into(), 1.into()))),
        tenant(|claims| drop(claims.insert("nbf".into(), 1_900_000_000.into()))),
        tenant(|claims| drop(claims.remove("aud"))),
        tenant(|claims| drop(claims.remove("iss"))),
    ];
    for value in values {
        let (config, platform) = (only(), at(NOW));
        let asked = Asked { authorization: Some(&value), realm: "r" };
        let Err(problem) = now_or_never(authenticate(&verifiers, &config, asked, &platform, failed)) else {
            panic!("{value}")
        };
        let challenge = problem.headers.value("www-authenticate").unwrap();
        let description = challenge.split_once("error_description=\"").map(|(_, rest)| rest.strip_suffix('"').unwrap());
        assert_eq!(description.is_some(), problem.kind.code != "token_missing", "{challenge}");
        let is_allowed = |c: char| (' '..='~').contains(&c) && c != '"' && c != '\\';
        assert!(description.unwrap_or_default().chars().all(is_allowed), "{challenge}");
        assert_eq!(challenge.matches("Bearer").count() - description.unwrap_or_default().matches("Bearer").count(), 1);
    }
}

proptest! {
    #[test]
    fn whatever_is_sent_is_refused_unless_it_is_signed(text in "[A-Za-z0-9_.=, -]{0,60}|(Bearer )?[^\\r\\n]{0,30}|Bearer eyJhbGciOiJSUzI1NiJ9[.]e30[.]A{342}") {
        let verifiers = [verifier(&shared()), verifier(&issuer(Algorithm::Rs256, public_keys(&[(None, RSA_PEM)])))];
        for config in [Config::Token(vec![0]), Config::Token(vec![1]), Config::Token(vec![0, 1])] {
            prop_assert!(ask(&verifiers, &config, Some(&text), &at(NOW)).is_err(), "{}", text);
        }
    }

    #[test]
    fn any_change_of_a_signed_token_is_refused(at_byte in 0_usize..200, byte in "[A-Za-z0-9_.-]") {
        let token = sign(claims(|_| ()), SECRET);
        let at_byte = at_byte % token.len();
        let changed = format!("{}{byte}{}", &token[..at_byte], &token[at_byte + 1..]);
        prop_assume!(changed != token);
        prop_assert_eq!(code(&shared(), &changed), Some("token_invalid"));
    }
}
