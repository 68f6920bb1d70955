//! An issuer made ready for an isolate: what its tokens are checked against, and those that it has believed before.

use std::rc::Rc;

use super::{
    Algorithm, Issuer, KeySource, Keys, MOST_TRIES, Rules, SHORTEST_SECRET,
    bearer::{MALFORMED, Refused, TOKEN_EXPIRED},
    claims::{self, Times},
    memory::Memory,
    public_key::{self, MOST_KEYS, PublicKey, Unusable},
    scan::{Compact, Header},
    signature::Secrets,
};
use crate::{
    config::text::Values,
    facts::principal::{ClaimNames, Principal},
    http::{Millis, strict::Object},
};

/// An issuer made ready for an isolate.
pub struct Verifier {
    algorithm: Algorithm,
    check: Check,
    issuer: String,
    audiences: Vec<String>,
    rules: Rules,
    names: ClaimNames,
    verified: Memory<Verified>,
}

/// How signatures are checked. Secrets never meet a public key: nothing that a token says chooses between the two.
pub(super) enum Check {
    /// Here.
    Secrets(Secrets),
    /// By the platform.
    Keys(Vec<PublicKey>),
}

/// A principal, and when its token is good.
pub(super) struct Verified {
    pub(super) principal: Rc<Principal>,
    times: Times,
}

/// An issuer that cannot be used with the values it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// A secret is shorter than [`SHORTEST_SECRET`].
    ShortSecret,
    /// A key cannot be used.
    Key(Unusable),
    /// This name is that of two keys.
    SameKid(String),
    /// There are more keys than [`MOST_KEYS`], or more without a name than are tried.
    TooManyKeys,
}

impl Unfit {
    /// What is wrong with an issuer, in a sentence without values.
    #[must_use]
    pub fn message(&self, issuer: &str) -> String {
        match self {
            Self::ShortSecret => format!("the secret of issuer `{issuer}` is shorter than {SHORTEST_SECRET} bytes"),
            Self::Key(unusable) => format!("a key of issuer `{issuer}` {}", unusable.words()),
            Self::SameKid(_) => format!("two keys of issuer `{issuer}` have the same `kid`"),
            Self::TooManyKeys => {
                format!("issuer `{issuer}` has more than {MOST_KEYS} keys, or more than {MOST_TRIES} without a `kid`")
            }
        }
    }
}

impl Verifier {
    /// Resolves a configured issuer.
    ///
    /// # Errors
    /// When its secrets are too short or its keys cannot be used.
    pub fn new(config: &Issuer, values: &Values) -> Result<Self, Unfit> {
        let check = match &config.keys {
            Keys::Secrets(secrets) => {
                let secrets: Vec<String> = secrets.iter().map(|secret| secret.resolve(values)).collect();
                let are_long = secrets.iter().all(|secret| secret.len() >= SHORTEST_SECRET);
                let ready = Secrets::new(secrets.iter().map(String::as_str)).filter(|_| are_long);
                Check::Secrets(ready.ok_or(Unfit::ShortSecret)?)
            }
            Keys::Public(sources) => Check::Keys(public_keys(sources, config.algorithm, values)?),
        };
        Ok(Self {
            algorithm: config.algorithm,
            check,
            issuer: config.issuer.resolve(values),
            audiences: config.audiences.iter().map(|audience| audience.resolve(values)).collect(),
            rules: config.rules.clone(),
            names: config.names.clone(),
            verified: Memory::default(),
        })
    }

    /// What `iss` must be.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// A public key as WebCrypto takes it, by its place.
    #[must_use]
    pub fn key(&self, index: u16) -> Option<&str> {
        match &self.check {
            Check::Keys(keys) => keys.get(usize::from(index)).map(|key| key.jwk.as_str()),
            Check::Secrets(_) => None,
        }
    }

    pub(super) fn check(&self) -> &Check {
        &self.check
    }

    /// What was found out about this very token before.
    pub(super) fn recall(&self, token: &str) -> Option<Rc<Verified>> {
        self.verified.recall(token)
    }

    /// Forgets the tokens that were believed, so that the next request is the first one again.
    #[cfg(feature = "explain")]
    pub fn forget(&self) {
        self.verified.forget();
    }

    /// The header, if it is one that the tokens of this issuer have. The algorithm is the issuer's, never the token's: one
    /// that names another is refused, and one that names ours is checked with ours (RFC 8725 section 3.1).
    pub(super) fn header(&self, compact: &Compact<'_>) -> Result<Header, Refused> {
        let header = compact.header().filter(|header| header.algorithm == self.algorithm.name());
        header.filter(|header| self.takes(header.kind.as_deref())).ok_or_else(|| Refused::invalid(MALFORMED))
    }

    /// Whether tokens may be of this type. One that says none may be anything, unless types are named (RFC 8725
    /// section 3.11); the prefix may be left out (RFC 7515 section 4.1.9).
    fn takes(&self, kind: Option<&str>) -> bool {
        let Some(kind) = kind else { return self.rules.types.is_empty() };
        let is = |wanted: &str| {
            let (prefix, name) = kind.split_at_checked(kind.len().saturating_sub(wanted.len())).unwrap_or(("", kind));
            name.eq_ignore_ascii_case(wanted) && (prefix.is_empty() || prefix.eq_ignore_ascii_case("application/"))
        };
        if self.rules.types.is_empty() { is("jwt") || is("at+jwt") } else { self.rules.types.iter().any(|own| is(own)) }
    }

    /// Which keys may have signed a token, by their places: those that its `kid` names, else those without a name; any
    /// where it names none. Never more than [`MOST_TRIES`]: each costs a signature.
    pub(super) fn candidates(&self, kid: Option<&str>, signature: &str) -> Vec<u16> {
        let Check::Keys(keys) = &self.check else { return Vec::new() };
        let named = keys.iter().any(|key| kid.is_some() && key.kid.as_deref() == kid);
        let may = |key: &PublicKey| match kid {
            None => true,
            Some(_) if named => key.kid.as_deref() == kid,
            Some(_) => key.kid.is_none(),
        };
        let numbered = (0_u16..).zip(keys).filter(|(_, key)| may(key)).take(MOST_TRIES);
        numbered.filter(|(_, key)| key.signature_length == signature.len()).map(|(index, _)| index).collect()
    }

    /// Believes the claims of a token whose signature has been checked, if they are what they must be, and remembers it.
    pub(super) fn believe(&self, token: &str, claims: Object) -> Result<Rc<Verified>, Refused> {
        claims::check(&claims, &self.issuer, &self.audiences, &self.rules).map_err(Refused::invalid)?;
        let times = Times::of(&claims, &self.rules).map_err(Refused::invalid)?;
        let principal = Rc::new(Principal::from_verified_claims(claims, &self.names));
        let verified = Rc::new(Verified { principal, times });
        self.verified.keep(token, &verified);
        Ok(verified)
    }

    /// Whether a token is good now.
    pub(super) fn check_times(&self, verified: &Verified, now: Millis) -> Result<(), Refused> {
        let now = i64::try_from(now).unwrap_or(i64::MAX).div_euclid(1000);
        let leeway = i64::from(self.rules.leeway_s);
        if now >= verified.times.end_s.saturating_add(leeway) {
            let or_old = "The token has expired, or is older than it may be here.";
            let detail = if self.rules.max_age_s.is_some() { or_old } else { "The token has expired." };
            return Err(Refused::new(&TOKEN_EXPIRED, detail));
        }
        if verified.times.start_s.is_some_and(|start| now < start.saturating_sub(leeway)) {
            return Err(Refused::invalid("The token is not valid yet (`nbf`, `iat`)."));
        }
        Ok(())
    }
}

/// The keys of an issuer.
///
/// # Errors
/// The first thing that is wrong.
fn public_keys(sources: &[KeySource], algorithm: Algorithm, values: &Values) -> Result<Vec<PublicKey>, Unfit> {
    let mut keys: Vec<PublicKey> = Vec::new();
    for source in sources {
        let read = public_key::read(&source.text.resolve(values), source.kid.as_deref(), algorithm);
        keys.extend(read.map_err(Unfit::Key)?);
    }
    check_together(&keys)?;
    Ok(keys)
}

/// Whether keys can stand beside one another.
///
/// # Errors
/// When two have one name, or there are too many.
pub(super) fn check_together(keys: &[PublicKey]) -> Result<(), Unfit> {
    let unnamed = keys.iter().filter(|key| key.kid.is_none()).count();
    if keys.len() > MOST_KEYS || unnamed > MOST_TRIES {
        return Err(Unfit::TooManyKeys);
    }
    let mut kids: Vec<&str> = keys.iter().filter_map(|key| key.kid.as_deref()).collect();
    kids.sort_unstable();
    match kids.windows(2).find_map(|pair| matches!(pair, [a, b] if a == b).then(|| pair.first()).flatten()) {
        Some(kid) => Err(Unfit::SameKid((*kid).to_owned())),
        None => Ok(()),
    }
}
