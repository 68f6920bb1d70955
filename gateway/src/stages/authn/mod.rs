//! Who is asking: a bearer token, checked against the issuers that the route takes.
//!
//! A token goes through these in order: the field (`bearer`), what was believed before (`memory`), its form and header
//! (`scan`, `http::strict`), its signature, its claims (`claims`), the time. What it is checked with is the issuer's, made ready
//! in `verifier`.

mod bearer;
mod claims;
mod der;
#[cfg(test)]
mod examples;
#[cfg(feature = "compiler")]
pub mod issuers;
#[cfg(feature = "compiler")]
pub mod keys;
mod memory;
mod p256;
pub mod public_key;
mod scan;
mod signature;
#[cfg(test)]
mod tests;
mod verifier;

use std::rc::Rc;

use serde::{Deserialize, Serialize};

pub use self::{
    bearer::{AUTHORIZATION_MALFORMED, TOKEN_EXPIRED, TOKEN_INVALID},
    verifier::{Unfit, Verifier},
};
use self::{
    bearer::{MALFORMED, Refused},
    scan::Compact,
    verifier::{Check, Verified},
};
use crate::{
    config::text::Text,
    facts::principal::{ClaimNames, Principal},
    http::{problem::Problem, strict::Object},
    ports::{
        clock::Clock,
        signatures::{Failure, Key, Signatures, Verify},
    },
};

/// `[issuers.NAME]`: whose tokens are believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issuer {
    /// The name in the file.
    pub name: String,
    /// The one algorithm that its keys are for.
    pub algorithm: Algorithm,
    /// What `iss` must be.
    pub issuer: Text,
    /// What `aud` must be or hold, one of these.
    pub audiences: Vec<Text>,
    /// What its signatures are checked with.
    pub keys: Keys,
    /// What its tokens must say besides.
    pub rules: Rules,
    /// In which claims its tokens say what.
    pub names: ClaimNames,
}

/// What the signatures of an issuer are checked with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Keys {
    /// Secrets that it shares with the gateway, the newest first; each at least [`SHORTEST_SECRET`] bytes once resolved.
    Secrets(Vec<Text>),
    /// Its public keys.
    Public(Vec<KeySource>),
}

/// A text with public keys: see [`public_key::read`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySource {
    /// The name of a key that has none itself.
    pub kid: Option<String>,
    /// JWK, JWK Set or PEM.
    pub text: Text,
}

/// What tokens of an issuer must say besides from whom and for whom they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// How far clocks may differ, in seconds; 0 to 300.
    pub leeway_s: u32,
    /// How old they may be, in seconds.
    pub max_age_s: Option<u32>,
    /// Claims that must be there and say something.
    pub require: Vec<String>,
    /// What `typ` must be, one of these; empty for `JWT`, `at+jwt` or nothing.
    pub types: Vec<String>,
}

/// Signature algorithms (RFC 7518 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

impl Algorithm {
    /// As tokens name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

/// The key of this stage: `auth`. Issuers stand there by their indices in the blueprint, in rising order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Config {
    /// `auth = "none"`: anybody.
    #[default]
    Public,
    /// A token of one of these issuers.
    Token(Vec<u16>),
    /// A token of one of these issuers, or none.
    Optional(Vec<u16>),
}

impl Config {
    /// The issuers whose tokens are taken.
    #[must_use]
    pub fn issuers(&self) -> &[u16] {
        match self {
            Self::Public => &[],
            Self::Token(issuers) | Self::Optional(issuers) => issuers,
        }
    }
}

/// The shortest HS256 key, in bytes (RFC 7518 section 3.2).
pub const SHORTEST_SECRET: usize = 32;

/// Most keys that are tried on one token, and most secrets of an issuer.
pub const MOST_TRIES: usize = 4;

/// A request, as far as this stage looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'r> {
    /// The field `Authorization`.
    pub authorization: Option<&'r str>,
    /// The realm of challenges.
    pub realm: &'r str,
}

/// Somebody who is believed.
pub struct Authenticated<'g> {
    /// Who vouches for them.
    pub issuer: &'g Verifier,
    /// Who they are.
    pub principal: Rc<Principal>,
}

/// Whose token the request carries; nobody's where the route does not insist. A token that was believed before costs no
/// signature, and only RS256 and ES256 wait for the platform.
///
/// # Errors
/// [`TOKEN_MISSING`](crate::facts::principal::TOKEN_MISSING), [`TOKEN_INVALID`], [`TOKEN_EXPIRED`] or
/// [`AUTHORIZATION_MALFORMED`] with the challenge of RFC 6750 section 3; `failed` says what it means that a signature
/// cannot be checked.
pub async fn authenticate<'g>(
    verifiers: &'g [Verifier],
    config: &Config,
    asked: Asked<'_>,
    ports: &(impl Clock + Signatures),
    failed: impl Fn(Failure) -> Problem,
) -> Result<Option<Authenticated<'g>>, Problem> {
    let refuse = |refused: Refused| refused.problem(asked.realm);
    let token = match config {
        Config::Public => return Ok(None),
        _ => bearer::token(asked.authorization).map_err(refuse)?,
    };
    let token = match (token, config) {
        (Some(token), _) => token,
        (None, Config::Optional(_)) => return Ok(None),
        (None, _) => return Err(refuse(Refused::missing())),
    };
    let taken = Taken { verifiers, issuers: config.issuers() };
    let (issuer, verified) = match taken.recall(token) {
        Some(known) => known,
        None => match taken.look_at(token).map_err(refuse)? {
            Looked::Believed(issuer, verified) => (issuer, verified),
            // In a box, so that the futures of all other requests have no place for it.
            Looked::Unsigned(unsigned) => match Box::pin(unsigned.is_signed(ports)).await {
                Ok(true) => (unsigned.verifier, unsigned.verifier.believe(token, unsigned.claims).map_err(refuse)?),
                Ok(false) => return Err(refuse(Refused::invalid(MALFORMED))),
                Err(failure) => return Err(failed(failure)),
            },
        },
    };
    issuer.check_times(&verified, ports.now()).map_err(refuse)?;
    Ok(Some(Authenticated { issuer, principal: Rc::clone(&verified.principal) }))
}

/// The issuers that a route takes.
#[derive(Clone, Copy)]
struct Taken<'g, 'c> {
    verifiers: &'g [Verifier],
    issuers: &'c [u16],
}

/// What becomes of a token that is new.
enum Looked<'g, 't> {
    /// It is believed.
    Believed(&'g Verifier, Rc<Verified>),
    /// Its signature is still to be checked.
    Unsigned(Box<Unsigned<'g, 't>>),
}

/// A token of which nothing is believed yet.
struct Unsigned<'g, 't> {
    issuer: u16,
    verifier: &'g Verifier,
    compact: Compact<'t>,
    claims: Object,
    keys: Vec<u16>,
}

impl<'g> Taken<'g, '_> {
    fn recall(self, token: &str) -> Option<(&'g Verifier, Rc<Verified>)> {
        self.each().find_map(|(_, verifier)| Some((verifier, verifier.recall(token)?)))
    }

    fn each(self) -> impl Iterator<Item = (u16, &'g Verifier)> {
        self.issuers.iter().filter_map(move |index| Some((*index, self.verifiers.get(usize::from(*index))?)))
    }

    /// Finds out who should have signed a token, and whether they have, if that can be found out here. With one issuer and
    /// its secrets, nothing but the form is looked at before the signature: a forged token then costs a tenth less.
    fn look_at<'t>(self, token: &'t str) -> Result<Looked<'g, 't>, Refused> {
        let compact = Compact::of(token).ok_or_else(|| bearer::misshapen(token))?;
        let read = || compact.claims().ok_or_else(|| Refused::invalid(MALFORMED));
        let (mut claims, (issuer, verifier)) = (None, self.only());
        let (issuer, verifier) = match verifier {
            Some(only) => (issuer, only),
            None => self.named(claims.insert(read()?))?,
        };
        if let Check::Secrets(secrets) = verifier.check() {
            if !secrets.signed(compact.signed, compact.signature) {
                return Err(Refused::invalid(MALFORMED));
            }
            verifier.header(&compact)?;
            let claims = claims.map_or_else(read, Ok)?;
            return Ok(Looked::Believed(verifier, verifier.believe(token, claims)?));
        }
        let header = verifier.header(&compact)?;
        let claims = claims.map_or_else(read, Ok)?;
        let keys = verifier.candidates(header.key.as_deref(), compact.signature);
        Ok(Looked::Unsigned(Box::new(Unsigned { issuer, verifier, compact, claims, keys })))
    }

    /// The one issuer, if there is one only.
    fn only(self) -> (u16, Option<&'g Verifier>) {
        match *self.issuers {
            [index] => (index, self.verifiers.get(usize::from(index))),
            _ => (0, None),
        }
    }

    /// The issuer that a token names. Nobody has signed that yet: it says no more than with whose keys to check.
    fn named(self, claims: &Object) -> Result<(u16, &'g Verifier), Refused> {
        let named = claims::issuer_of(claims);
        let found = self.each().find(|(_, verifier)| Some(verifier.issuer()) == named);
        found.ok_or_else(|| Refused::invalid(claims::OTHER_ISSUER))
    }
}

impl Unsigned<'_, '_> {
    /// Whether one of the keys in question has signed it.
    async fn is_signed(&self, ports: &impl Signatures) -> Result<bool, Failure> {
        for key in &self.keys {
            let Compact { signed, signature, .. } = self.compact;
            let key = Key { issuer: self.issuer, key: *key };
            if ports.verify(Verify { key, signed: signed.to_owned(), signature: signature.to_owned() }).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// What is told of this stage where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(config: &Config, teller: &mut crate::config::told::Teller<'_>) {
    let issuers = config.issuers().iter().map(|index| (teller.issuer)(*index));
    let auth = match config {
        Config::Public => "none".into(),
        Config::Token(_) => crate::config::told::either(issuers, None),
        Config::Optional(_) => crate::config::told::either(issuers, Some("none")),
    };
    teller.put("auth", auth);
}
