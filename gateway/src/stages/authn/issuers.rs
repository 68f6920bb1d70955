//! `[issuers.NAME]`: whose tokens are believed.

use super::{
    Algorithm, Issuer, KeySource, Keys as Material, MOST_TRIES, Rules, Unfit,
    public_key::{self, MOST_KEYS, PublicKey, Unusable},
    verifier::check_together,
};
use crate::{
    config::{
        diagnostics::{Code, Draft},
        keys::keys,
        kinds::{self, Kind},
        model::{Grammar, Shape},
        reader::{Item, Located},
        text::{Piece, Text},
        values::{Fault, quoted},
    },
    facts::principal::ClaimNames,
};

/// Clocks of servers on the internet rarely differ by more.
const DEFAULT_LEEWAY_S: u32 = 30;

/// A year: older than any token for an interface should be.
const OLDEST_S: u32 = 31_536_000;

const ALGORITHMS: &[(&str, Algorithm)] =
    &[("HS256", Algorithm::Hs256), ("RS256", Algorithm::Rs256), ("ES256", Algorithm::Es256)];

keys! {
    /// Whose tokens are believed.
    pub struct Keys {
        /// The one algorithm that its keys are for. A token that names another is refused. `HS256` needs `secret`, the
        /// others need `keys`.
        algorithm: Algorithm [Required] = kinds::word(ALGORITHMS),
        /// What `iss` must be, exactly.
        issuer: Text [Required] = kinds::not_empty(),
        /// What `aud` must be, or hold if it is a list; one of several.
        /// Example: `audience = ["acme-api", "acme-admin"]`
        audience: Vec<Text> [Required] = some("audience", kinds::not_empty(), usize::MAX),
        /// The key that issuer and gateway share, or several while it is being changed, the newest first. Each has at
        /// least 32 bytes, or the gateway does not start.
        /// Example: `secret = ["${JWT_SECRET}", "${OLD_JWT_SECRET}"]`
        secret: Vec<Text> [Optional] = some("secret", kinds::secret(), MOST_TRIES),
        /// The public keys of the issuer, in the file or in variables. Each is a JWK, a JWK Set or a PEM
        /// (`BEGIN PUBLIC KEY`), or a table of a PEM with the `kid` by which tokens choose it. Together they are at most 16
        /// keys, of which 4 have no `kid`.
        /// Example: `keys = ["${ACME_JWKS}"]`
        keys: Vec<Located<KeySource>> [Optional] = kinds::some_of(key(), "name at least one key"),
        /// Claims that must be there and say something, besides those that are always checked.
        /// Example: `require = ["sub", "tenant"]`
        require: Vec<String> [Default("[]")] = kinds::list(word(CLAIM)),
        /// What `typ` in the header must be, one of these. Without it that is `JWT`, `at+jwt` or nothing.
        /// Example: `types = ["at+jwt"]`
        types: Vec<String> [Optional] = kinds::some_of(word(TYPE), "name a type, or leave `types` out"),
        /// How old a token may be, by `iat`, which must then be there.
        /// Example: `max_age = "1h"`
        max_age: u32 [Optional] = kinds::seconds(1..=OLDEST_S),
        /// How far clocks may differ when `exp`, `nbf`, `iat` and `max_age` are looked at.
        /// Example: `leeway = "5s"`
        leeway: u32 [Default("\"30s\"")] = kinds::seconds(0..=300),
        /// The claim that holds the caller's roles: one role as a text, several separated by blanks, or a list of texts.
        /// Dots lead into claims inside claims.
        /// Example: `roles = "realm_access.roles"`
        roles: String [Default("\"roles\"")] = word(NESTED_CLAIM),
        /// The claim that names the customer that the caller belongs to, by which limits can count (`per tenant`).
        /// Example: `tenant = "org_id"`
        tenant: String [Default("\"tenant\"")] = word(NESTED_CLAIM),
        /// The claim that names the caller's [plan](plans.md).
        /// Example: `plan = "app_metadata.plan"`
        plan: String [Default("\"plan\"")] = word(NESTED_CLAIM),
    }
}

keys! {
    /// An entry of `keys` with a name.
    pub struct NamedKey {
        /// The name by which tokens choose the key.
        /// Example: `kid = "2026-11"`
        kid: String [Required] = word(KID),
        /// The key: `-----BEGIN PUBLIC KEY-----` and so on.
        /// Example: `pem = "${ACME_PEM}"`
        pem: Text [Required] = kinds::not_empty(),
    }
}

const CLAIM: Grammar = Grammar {
    name: "claim name",
    sentence: "visible ASCII without blanks, quotes and backslashes",
    example: "tenant",
    pattern: Some(r"^[!#-\[\]-~]+$"),
};
const NESTED_CLAIM: Grammar = Grammar {
    name: "nested claim",
    sentence: "the name of a claim; dots lead into claims inside claims, unless a claim has the dots in its own name",
    example: "realm_access.roles",
    ..CLAIM
};
const TYPE: Grammar = Grammar { name: "token type", example: "at+jwt", ..CLAIM };
const KID: Grammar = Grammar { name: "key name", example: "2026-11", ..CLAIM };

const KEY: Grammar = Grammar {
    name: "public key",
    sentence: "a JWK, a JWK Set or a PEM of a public key, or a variable that holds one",
    example: "${ACME_JWKS}",
    pattern: Some(r"^[\s\S]+$"),
};

fn word(grammar: Grammar) -> Kind<'static, String> {
    kinds::parsed(grammar, |text| {
        let is_letter = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        if !text.is_empty() && text.bytes().all(is_letter) {
            return Ok(text.to_owned());
        }
        Err(Fault::new(Code::BadTokenWord, format!("{} cannot stand there", quoted(text))).expected(CLAIM.sentence))
    })
}

/// One text or a list of at least one and at most so many.
fn some(key: &'static str, element: Kind<'static, Text>, most: usize) -> Kind<'static, Vec<Text>> {
    let several = std::rc::Rc::new(kinds::one_or_more(element, "a text or a list"));
    let shape = std::rc::Rc::clone(&several);
    let read = move |item: &Item<'_>| {
        let values = several.read(item)?;
        match values.len() {
            0 => item.draft(Code::EmptyList, format!("`{key}` names nothing")).report(),
            count if count > most => {
                let draft = item.draft(Code::OutOfRange, format!("`{key}` names {count} of them"));
                draft.expected(format!("1 to {most}")).report();
            }
            _ => return Some(values),
        }
        None
    };
    Kind::new(read, move || shape.shape())
}

fn key() -> Kind<'static, Located<KeySource>> {
    let table = || {
        kinds::table::<NamedKey, KeySource>(|keys| {
            Some(KeySource { kid: Some(keys.kid.take()?), text: keys.pem.take()? })
        })
    };
    let read = move |item: &Item<'_>| {
        let source = if item.is_table() {
            table().read(item)?
        } else {
            KeySource { kid: None, text: kinds::not_empty().read(item)? }
        };
        Some(item.located(source))
    };
    Kind::new(read, move || Shape::Any(vec![Shape::Text(KEY), table().shape()]))
}

/// An issuer; `None` when something about it is wrong.
#[must_use]
pub fn issuer(item: &Item<'_>, keys: Keys) -> Option<Issuer> {
    let (material, otherwise) = (material(item, &keys), ClaimNames::default());
    let rules = Rules {
        leeway_s: keys.leeway.or(DEFAULT_LEEWAY_S)?,
        max_age_s: keys.max_age.maybe()?,
        require: keys.require.or(Vec::new())?,
        types: keys.types.or(Vec::new())?,
    };
    Some(Issuer {
        name: item.key().to_owned(),
        rules,
        names: ClaimNames {
            roles: keys.roles.or(otherwise.roles)?,
            tenant: keys.tenant.or(otherwise.tenant)?,
            plan: keys.plan.or(otherwise.plan)?,
        },
        algorithm: keys.algorithm.take()?,
        issuer: keys.issuer.take()?,
        audiences: keys.audience.take()?,
        keys: material?,
    })
}

/// What signatures are checked with: secrets or keys, as the algorithm wants it.
fn material(item: &Item<'_>, keys: &Keys) -> Option<Material> {
    let algorithm = *keys.algorithm.get()?;
    let (wanted, other, is_there, place) = match algorithm {
        Algorithm::Hs256 => {
            ("secret", "keys", keys.secret.0.is_some(), keys.keys.0.as_ref().map(|setting| &setting.key))
        }
        _ => ("keys", "secret", keys.keys.0.is_some(), keys.secret.0.as_ref().map(|setting| &setting.key)),
    };
    let name = algorithm.name();
    if let Some(place) = place {
        let draft = item.report().draft(Code::KeysOfAlgorithm, place, format!("`{other}` is not for {name}"));
        draft.help(format!("with {name} write `{wanted}`, or choose another algorithm")).report();
    }
    if !is_there && place.is_none() && !item.context().is_misspelt(item.path(), wanted) {
        let draft =
            item.report().draft(Code::MissingKey, item.key_span(), format!("`[{}]` has no `{wanted}`", item.path()));
        draft.expected(format!("`{wanted}`: with {name}, signatures are checked with it")).report();
    }
    match algorithm {
        _ if place.is_some() => None,
        Algorithm::Hs256 => keys.secret.get().cloned().map(Material::Secrets),
        _ => public(item, keys.keys.get()?, algorithm),
    }
}

/// Public keys; those that stand in the file are looked at.
fn public(item: &Item<'_>, sources: &[Located<KeySource>], algorithm: Algorithm) -> Option<Material> {
    let (mut known, mut whole): (Vec<PublicKey>, bool) = (Vec::new(), true);
    for source in sources {
        let Some(literal) = literal(&source.value.text) else { continue };
        match public_key::read(&literal, source.value.kid.as_deref(), algorithm) {
            Ok(keys) => known.extend(keys),
            Err(unusable) => {
                report(item, source, unusable);
                whole = false;
            }
        }
    }
    if let Err(unfit) = check_together(&known) {
        let place = sources.last().map(|source| source.span.clone()).unwrap_or_default();
        together(item.report().draft(Code::BadKey, &place, unfit.message(item.key())), &unfit);
        whole = false;
    }
    whole.then(|| Material::Public(sources.iter().map(|source| source.value.clone()).collect()))
}

fn together(draft: Draft<'_>, unfit: &Unfit) {
    match unfit {
        Unfit::TooManyKeys => draft.expected(format!("at most {MOST_KEYS} keys, {MOST_TRIES} of them without a `kid`")),
        _ => draft.help("give each key a name of its own"),
    }
    .report();
}

fn report(item: &Item<'_>, source: &Located<KeySource>, unusable: Unusable) {
    let code = if unusable == Unusable::Private { Code::PrivateKey } else { Code::BadKey };
    let draft = item.report().draft(code, &source.span, format!("this key {}", unusable.words()));
    match unusable {
        Unusable::Private => draft.help(
            "whoever has read the file can sign tokens with it: make another one, and write its public half here",
        ),
        Unusable::Wrong(_) => draft.expected(KEY.sentence),
    }
    .report();
}

/// A text without variables.
fn literal(text: &Text) -> Option<String> {
    let piece = |piece: &Piece| match piece {
        Piece::Literal(text) => Some(text.clone()),
        Piece::Variable(_) => None,
    };
    text.0.iter().map(piece).collect()
}
