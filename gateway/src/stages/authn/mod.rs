//! Who is asking: a bearer token, checked against one configured issuer.

mod claims;
#[cfg(feature = "compiler")]
pub mod issuers;
#[cfg(feature = "compiler")]
pub mod keys;
mod memory;
mod signature;

use std::rc::Rc;

use jwt_compact::UntrustedToken;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::{
    claims::{AllClaims, Times},
    memory::Memory,
    signature::Signature,
};
use crate::{
    config::text::{Text, Values},
    facts::principal::Principal,
    http::{
        Millis,
        problem::{Fault, Kind, Problem},
    },
};

/// `[issuers.NAME]`: whose tokens are believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issuer {
    /// The name in the file.
    pub name: String,
    /// The one algorithm that its key is for.
    pub algorithm: Algorithm,
    /// What `iss` must be.
    pub issuer: Text,
    /// What `aud` must be or hold.
    pub audience: Text,
    /// The shared key; at least 32 bytes once resolved (RFC 7518 section 3.2).
    pub secret: Text,
    /// How far clocks may differ, in seconds; 0 to 300.
    pub leeway_s: u32,
}

/// Signature algorithms (RFC 7518 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
}

/// The key of this stage: `auth`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Config {
    /// `auth = "none"`: anybody.
    #[default]
    Public,
    /// `auth = "NAME"`: a token of this issuer, by its index in the blueprint.
    Token(u16),
}

/// 401: no credentials were sent.
pub const TOKEN_MISSING: Kind =
    Kind { code: "token_missing", status: 401, title: "A token is needed", fault: Fault::Client };

/// 401: what was sent is no token, or is not believed.
pub const TOKEN_INVALID: Kind =
    Kind { code: "token_invalid", status: 401, title: "The token is not valid", fault: Fault::Client };

/// 401: the token was good once.
pub const TOKEN_EXPIRED: Kind =
    Kind { code: "token_expired", status: 401, title: "The token has expired", fault: Fault::Client };

/// The longest token that is looked at, in bytes: beyond it, parsing costs more than any honest token is worth.
const LONGEST_TOKEN: usize = 8192;

/// The one algorithm there is so far, as tokens name it (RFC 7518 section 3.1).
const HS256: &str = "HS256";

/// The shortest HS256 key, in bytes (RFC 7518 section 3.2).
pub const SHORTEST_SECRET: usize = 32;

/// An issuer made ready for an isolate.
pub struct Verifier {
    signature: Signature,
    issuer: String,
    audience: String,
    leeway_s: i64,
    verified: Memory<Verified>,
}

/// A principal, and when its token is good.
struct Verified {
    principal: Rc<Principal>,
    expires_s: i64,
    starts_s: Option<i64>,
}

/// An issuer that cannot be used with the values it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeakSecret {
    /// The issuer's name in the file.
    pub issuer: String,
}

impl Verifier {
    /// Resolves a configured issuer.
    ///
    /// # Errors
    /// When its secret is shorter than [`SHORTEST_SECRET`].
    pub fn new(config: &Issuer, values: &Values) -> Result<Self, WeakSecret> {
        let Algorithm::Hs256 = config.algorithm;
        let secret = config.secret.resolve(values);
        if secret.len() < SHORTEST_SECRET {
            return Err(WeakSecret { issuer: config.name.clone() });
        }
        let signature = Signature::new(secret.as_bytes()).ok_or_else(|| WeakSecret { issuer: config.name.clone() })?;
        Ok(Self {
            signature,
            issuer: config.issuer.resolve(values),
            audience: config.audience.resolve(values),
            leeway_s: i64::from(config.leeway_s),
            verified: Memory::default(),
        })
    }

    /// What `iss` must be.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whose token the request carries (RFC 6750 section 2.1).
    ///
    /// # Errors
    /// [`TOKEN_MISSING`], [`TOKEN_INVALID`] or [`TOKEN_EXPIRED`], with the challenge of RFC 6750 section 3.
    pub fn authenticate(
        &self,
        authorization: Option<&str>,
        now: Millis,
        realm: &str,
    ) -> Result<Rc<Principal>, Problem> {
        let token = bearer(authorization, realm)?;
        let verified = match self.verified.recall(token) {
            Some(verified) => verified,
            None => self.verify(token, realm)?,
        };
        self.check_times(&verified, now, realm)?;
        Ok(Rc::clone(&verified.principal))
    }

    /// Everything about a token that does not depend on the time.
    fn verify(&self, token: &str, realm: &str) -> Result<Rc<Verified>, Problem> {
        let malformed = || invalid(&TOKEN_INVALID, "The token is malformed, or its signature does not match.", realm);
        let claims = self.verified_claims(token).ok_or_else(malformed)?;
        self.check_addressees(&claims, realm)?;
        let times = Times::of(&claims).ok_or_else(malformed)?;
        let Some(expires_s) = times.expires_s else {
            return Err(invalid(&TOKEN_INVALID, "The token has no expiry (`exp`).", realm));
        };
        let principal = Rc::new(Principal::from_verified_claims(claims));
        let verified = Rc::new(Verified { principal, expires_s, starts_s: times.starts_s });
        self.verified.keep(token, &verified);
        Ok(verified)
    }

    /// The claims, if the signature is ours. The algorithm is the issuer's, never the token's: whatever a token names,
    /// it was checked as HS256, and one that names another algorithm is refused on top (RFC 8725 section 3.1).
    fn verified_claims(&self, token: &str) -> Option<AllClaims> {
        if !self.signature.is_on(token) {
            return None;
        }
        let untrusted: UntrustedToken<'_> = UntrustedToken::new(token).ok()?;
        if untrusted.algorithm() != HS256 {
            return None;
        }
        // `typ` is optional; where it stands it must name a token that is meant for APIs (RFC 9068 section 2.1).
        let typed = untrusted.header().token_type.as_deref();
        if !typed.is_none_or(|name| name.eq_ignore_ascii_case("jwt") || name.eq_ignore_ascii_case("at+jwt")) {
            return None;
        }
        claims::of(token)
    }

    fn check_times(&self, verified: &Verified, now: Millis, realm: &str) -> Result<(), Problem> {
        let now = i64::try_from(now).unwrap_or(i64::MAX).div_euclid(1000);
        if now >= verified.expires_s.saturating_add(self.leeway_s) {
            return Err(invalid(&TOKEN_EXPIRED, "The token has expired.", realm));
        }
        if verified.starts_s.is_some_and(|start| now < start.saturating_sub(self.leeway_s)) {
            return Err(invalid(&TOKEN_INVALID, "The token is not valid yet (`nbf`).", realm));
        }
        Ok(())
    }

    fn check_addressees(&self, claims: &AllClaims, realm: &str) -> Result<(), Problem> {
        if claims.get("iss").and_then(Value::as_str) != Some(&self.issuer) {
            return Err(invalid(&TOKEN_INVALID, "The token is from another issuer (`iss`).", realm));
        }
        let wanted = Value::String(self.audience.clone());
        let addressed = match claims.get("aud") {
            Some(Value::Array(list)) => list.contains(&wanted),
            Some(one) => *one == wanted,
            None => false,
        };
        if addressed {
            Ok(())
        } else {
            Err(invalid(&TOKEN_INVALID, "The token is for another audience (`aud`).", realm))
        }
    }
}

/// The token of `Authorization: Bearer` (the scheme's case does not matter, RFC 9110 section 11.1).
fn bearer<'a>(authorization: Option<&'a str>, realm: &str) -> Result<&'a str, Problem> {
    let missing = || {
        let detail = "This needs a bearer token in the Authorization header.";
        Problem::new(&TOKEN_MISSING, detail)
            .field("authorization", "Bearer, a blank and a token")
            .header("www-authenticate", format!(r#"Bearer realm="{realm}""#))
    };
    let (scheme, token) = authorization.and_then(|value| value.split_once(' ')).ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing());
    }
    let token = token.trim_start_matches(' ');
    if token.len() > LONGEST_TOKEN {
        let detail = format!("The token is longer than {LONGEST_TOKEN} bytes.");
        return Err(invalid(&TOKEN_INVALID, detail, realm));
    }
    Ok(token)
}

fn invalid(kind: &'static Kind, detail: impl Into<std::borrow::Cow<'static, str>>, realm: &str) -> Problem {
    let challenge = format!(r#"Bearer realm="{realm}", error="invalid_token""#);
    Problem::new(kind, detail).header("www-authenticate", challenge)
}

/// What is told of this stage where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(config: &Config, teller: &mut crate::config::told::Teller<'_>) {
    let auth = match *config {
        Config::Public => "none".into(),
        Config::Token(index) => (teller.issuer)(index),
    };
    teller.put("auth", auth);
}

#[cfg(test)]
mod tests {
    use super::*;
    use jwt_compact::{
        AlgorithmExt, Claims, Header,
        alg::{Hs256, Hs256Key},
    };

    const SECRET: &str = "a secret of thirty-two bytes or so";
    const NOW: Millis = 1_800_000_000_000;

    fn verifier() -> Verifier {
        let config = Issuer {
            name: "main".into(),
            algorithm: Algorithm::Hs256,
            issuer: Text::literal("https://issuer.test/"),
            audience: Text::literal("api"),
            secret: Text::literal(SECRET),
            leeway_s: 30,
        };
        Verifier::new(&config, &Values::default()).ok().unwrap()
    }

    fn claims(edit: impl Fn(&mut AllClaims)) -> AllClaims {
        let mut claims = serde_json::json!({
            "iss": "https://issuer.test/", "aud": "api", "sub": "u1", "exp": 1_800_000_060, "scope": "a b",
        });
        edit(claims.as_object_mut().unwrap());
        claims.as_object().unwrap().clone()
    }

    fn sign(claims: AllClaims, secret: &str) -> String {
        sign_as(Header::empty().with_token_type("JWT"), claims, secret)
    }

    fn sign_as(header: Header, claims: AllClaims, secret: &str) -> String {
        Hs256.token(&header, &Claims::new(claims), &Hs256Key::new(secret)).unwrap()
    }

    fn outcome(token: &str) -> Result<Rc<Principal>, &'static str> {
        verifier().authenticate(Some(&format!("Bearer {token}")), NOW, "r").map_err(|problem| problem.kind.code)
    }

    #[test]
    fn a_good_token_names_the_principal() {
        let principal = outcome(&sign(claims(|_| ()), SECRET)).unwrap();
        assert_eq!(principal.subject(), Some("u1"));
        assert!(principal.has_scope("b"));
    }

    #[test]
    fn the_audience_may_be_a_list() {
        let list = claims(|claims| drop(claims.insert("aud".into(), serde_json::json!(["x", "api"]))));
        assert!(outcome(&sign(list, SECRET)).is_ok());
    }

    #[test]
    fn claims_that_do_not_fit_are_refused() {
        let with = |name: &str, value: Value| claims(|claims| drop(claims.insert(name.into(), value.clone())));
        let without = |name: &str| claims(|claims| drop(claims.remove(name)));
        let cases = [
            (with("iss", "https://other.test/".into()), "token_invalid"),
            (without("iss"), "token_invalid"),
            (with("aud", "other".into()), "token_invalid"),
            (with("aud", serde_json::json!(["other"])), "token_invalid"),
            (without("aud"), "token_invalid"),
            (without("exp"), "token_invalid"),
            (with("exp", 1_799_999_970.into()), "token_expired"),
            (with("exp", "soon".into()), "token_invalid"),
            (with("nbf", 1_800_000_031.into()), "token_invalid"),
        ];
        for (claims, code) in cases {
            let shown = format!("{claims:?}");
            assert_eq!(outcome(&sign(claims, SECRET)).err(), Some(code), "{shown}");
        }
    }

    #[test]
    fn clocks_may_differ_by_the_leeway() {
        let with = |name: &str, value: Value| claims(|claims| drop(claims.insert(name.into(), value.clone())));
        assert!(outcome(&sign(with("exp", 1_799_999_971.into()), SECRET)).is_ok());
        assert!(outcome(&sign(with("nbf", 1_800_000_030.into()), SECRET)).is_ok());
    }

    #[test]
    fn a_token_that_was_verified_once_still_expires() {
        let verifier = verifier();
        let value = format!("Bearer {}", sign(claims(|_| ()), SECRET));
        let at = |now: Millis| verifier.authenticate(Some(&value), now, "r").map_err(|problem| problem.kind.code);
        assert!(at(NOW).is_ok() && at(NOW + 89_999).is_ok());
        assert_eq!(at(NOW + 90_000).err(), Some("token_expired"));
    }

    #[test]
    fn a_forged_copy_of_a_remembered_token_is_refused() {
        let verifier = verifier();
        let token = sign(claims(|_| ()), SECRET);
        assert!(verifier.authenticate(Some(&format!("Bearer {token}")), NOW, "r").is_ok());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let other = if signature.starts_with('A') { "B" } else { "A" };
        let forged = format!("Bearer {signed}.{other}{}", &signature[1..]);
        assert_eq!(
            verifier.authenticate(Some(&forged), NOW, "r").err().map(|problem| problem.kind.code),
            Some("token_invalid")
        );
    }

    #[test]
    fn a_wrong_key_a_changed_claim_and_a_cut_signature_are_refused() {
        let token = sign(claims(|_| ()), SECRET);
        let other = sign(claims(|claims| drop(claims.insert("sub".into(), "admin".into()))), SECRET);
        let parts: Vec<&str> = token.split('.').collect();
        let mixed = format!("{}.{}.{}", parts[0], other.split('.').nth(1).unwrap(), parts[2]);
        for bad in [
            sign(claims(|_| ()), "another secret of enough bytes ...."),
            mixed,
            token[..token.len() - 2].to_owned(),
            format!("{token}.x"),
        ] {
            assert_eq!(outcome(&bad).err(), Some("token_invalid"), "{bad}");
        }
    }

    /// The header of a token replaced by another one, with the signature left as it was and left out.
    #[test]
    fn another_algorithm_is_never_accepted() {
        let token = sign(claims(|_| ()), SECRET);
        let (_, rest) = token.split_once('.').unwrap();
        let (body, signature) = rest.split_once('.').unwrap();
        // {"alg":"none"}, {"alg":"RS256"}, {"alg":"hs256"}, {"alg":"HS512"}
        for header in ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJSUzI1NiJ9", "eyJhbGciOiJoczI1NiJ9", "eyJhbGciOiJIUzUxMiJ9"] {
            assert_eq!(outcome(&format!("{header}.{body}.{signature}")).err(), Some("token_invalid"));
            assert_eq!(outcome(&format!("{header}.{body}.")).err(), Some("token_invalid"));
        }
    }

    #[test]
    fn a_token_of_another_type_is_refused() {
        let typed = |name: &str| sign_as(Header::empty().with_token_type(name), claims(|_| ()), SECRET);
        assert!(outcome(&typed("at+jwt")).is_ok());
        assert!(outcome(&sign_as(Header::empty(), claims(|_| ()), SECRET)).is_ok());
        assert_eq!(outcome(&typed("dpop+jwt")).err(), Some("token_invalid"));
    }

    #[test]
    fn no_bearer_token_means_missing() {
        for value in [None, Some(""), Some("Bearer"), Some("Basic dTpw"), Some("Bearertoken")] {
            let problem = verifier().authenticate(value, NOW, "r").unwrap_err();
            assert_eq!(problem.kind.code, "token_missing", "{value:?}");
            assert_eq!(problem.headers.value("www-authenticate"), Some(r#"Bearer realm="r""#));
        }
    }

    #[test]
    fn nonsense_and_oversize_are_refused_and_the_scheme_may_be_in_any_case() {
        for token in ["", "a", "a.b.c", "..", &"x".repeat(8193)] {
            assert_eq!(outcome(token).err(), Some("token_invalid"));
        }
        let value = format!("bEARER  {}", sign(claims(|_| ()), SECRET));
        assert!(verifier().authenticate(Some(&value), NOW, "r").is_ok());
    }

    #[test]
    fn a_short_secret_is_refused_when_the_isolate_starts() {
        let config = Issuer {
            name: "main".into(),
            algorithm: Algorithm::Hs256,
            issuer: Text::default(),
            audience: Text::default(),
            secret: Text::literal("short"),
            leeway_s: 0,
        };
        assert_eq!(Verifier::new(&config, &Values::default()).err(), Some(WeakSecret { issuer: "main".into() }));
    }
}
