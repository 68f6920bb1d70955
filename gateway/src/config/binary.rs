//! The compiled file, `gateway.bin`: one value for each environment, of which an isolate reads one.
//!
//! | bytes | meaning |
//! |---|---|
//! | 4 | magic, `FGBN` |
//! | 4 | format number, little-endian like all numbers here |
//! | 8 | hash of the index |
//! | 4 | length of the index |
//! | … | index: for each environment its name (none: outside of any), length and hash, as postcard |
//! | … | the values, one after another, as postcard |
//!
//! An isolate checks magic, format and both hashes before it believes a byte.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// What every compiled file begins with.
const MAGIC: [u8; 4] = *b"FGBN";

/// The format that this build writes and reads.
pub const FORMAT: u32 = 8;

/// Why a compiled file is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Not a compiled gateway at all.
    Magic,
    /// Made by another version, with this format number.
    Format(u32),
    /// The content is not what was written.
    Hash,
    /// The content does not decode.
    Payload,
    /// There is no such environment; these there are.
    Environment(String, Vec<String>),
}

impl Unreadable {
    /// The reason in a sentence, for the person who deploys.
    #[must_use]
    pub fn message(&self) -> String {
        let again = "build it anew with `npm run build`";
        match self {
            Self::Magic => "gateway.bin is not a compiled gateway; build it with `npm run build`".to_owned(),
            Self::Format(found) => {
                format!("gateway.bin has format {found}, this build reads format {FORMAT}; {again}")
            }
            Self::Hash => format!("the content of gateway.bin does not match its hash; {again}"),
            Self::Payload => format!("the content of gateway.bin does not decode; {again}"),
            Self::Environment(name, known) if known.is_empty() => {
                format!("FERROGATE_ENV is `{name}`, and gateway.toml has no [env.{name}], nor any other")
            }
            Self::Environment(name, known) => {
                format!("FERROGATE_ENV is `{name}`, and gateway.toml has no [env.{name}], only {}", known.join(", "))
            }
        }
    }
}

/// Where one environment's value is.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    name: Option<String>,
    length: u32,
    hash: u64,
}

/// The compiled file of the values of environments; `None` is the name of the one outside of any.
///
/// # Errors
/// When a value cannot be represented, which no value of this project is.
pub fn encode<'v, T: Serialize + 'v>(
    values: impl IntoIterator<Item = (Option<&'v str>, &'v T)>,
) -> Result<Vec<u8>, postcard::Error> {
    let (mut index, mut payloads) = (Vec::new(), Vec::new());
    for (name, value) in values {
        let payload = postcard::to_allocvec(value)?;
        index.push(Entry { name: name.map(str::to_owned), length: length(&payload)?, hash: hash(&payload) });
        payloads.extend(payload);
    }
    let index = postcard::to_allocvec(&index)?;
    let header = [&MAGIC[..], &FORMAT.to_le_bytes(), &hash(&index).to_le_bytes(), &length(&index)?.to_le_bytes()];
    Ok([header.concat(), index, payloads].concat())
}

fn length(bytes: &[u8]) -> Result<u32, postcard::Error> {
    u32::try_from(bytes.len()).map_err(|_| postcard::Error::SerializeBufferFull)
}

/// The value of an environment; `None` asks for the one outside of any.
///
/// # Errors
/// Says which check failed.
pub fn decode<T: DeserializeOwned>(file: &[u8], environment: Option<&str>) -> Result<T, Unreadable> {
    decode_hashed(file, environment).map(|(value, _)| value)
}

/// The value of an environment, and its hash, by which an operator tells configurations apart.
///
/// # Errors
/// Says which check failed.
pub fn decode_hashed<T: DeserializeOwned>(file: &[u8], environment: Option<&str>) -> Result<(T, u64), Unreadable> {
    let (magic, rest) = file.split_first_chunk::<4>().ok_or(Unreadable::Magic)?;
    let (format, rest) = rest.split_first_chunk::<4>().ok_or(Unreadable::Magic)?;
    if *magic != MAGIC {
        return Err(Unreadable::Magic);
    }
    let format = u32::from_le_bytes(*format);
    if format != FORMAT {
        return Err(Unreadable::Format(format));
    }
    let (expected, rest) = rest.split_first_chunk::<8>().ok_or(Unreadable::Hash)?;
    let (index_length, rest) = rest.split_first_chunk::<4>().ok_or(Unreadable::Hash)?;
    let (index, payloads) = split(rest, u32::from_le_bytes(*index_length))?;
    if hash(index) != u64::from_le_bytes(*expected) {
        return Err(Unreadable::Hash);
    }
    let index: Vec<Entry> = postcard::from_bytes(index).map_err(|_| Unreadable::Payload)?;
    let (payload, hash) = find(&index, payloads, environment)?;
    postcard::from_bytes(payload).map(|value| (value, hash)).map_err(|_| Unreadable::Payload)
}

fn find<'f>(index: &[Entry], mut payloads: &'f [u8], wanted: Option<&str>) -> Result<(&'f [u8], u64), Unreadable> {
    for entry in index {
        let (payload, rest) = split(payloads, entry.length)?;
        if entry.name.as_deref() == wanted {
            return if hash(payload) == entry.hash { Ok((payload, entry.hash)) } else { Err(Unreadable::Hash) };
        }
        payloads = rest;
    }
    let known = index.iter().filter_map(|entry| entry.name.clone()).collect();
    Err(Unreadable::Environment(wanted.unwrap_or_default().to_owned(), known))
}

fn split(bytes: &[u8], at: u32) -> Result<(&[u8], &[u8]), Unreadable> {
    usize::try_from(at).ok().and_then(|at| bytes.split_at_checked(at)).ok_or(Unreadable::Hash)
}

/// FNV-1a over 64 bits, eight bytes a step: it finds accidents, not forgers; whoever can change the file can deploy
/// another one.
fn hash(bytes: &[u8]) -> u64 {
    let (words, tail) = bytes.as_chunks::<8>();
    let step = |hash: u64, word: u64| (hash ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
    let whole = words.iter().fold(0xcbf2_9ce4_8422_2325, |hash, word| step(hash, u64::from_le_bytes(*word)));
    tail.iter().fold(whole, |hash, byte| step(hash, u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Sample = (String, u32);

    fn file() -> Vec<u8> {
        let (outside, inside): (Sample, Sample) = (("a".to_owned(), 7), ("b".to_owned(), 9));
        encode([(None, &outside), (Some("staging"), &inside)]).unwrap()
    }

    #[test]
    fn every_environment_reads_its_own_value() {
        assert_eq!(decode::<Sample>(&file(), None), Ok(("a".to_owned(), 7)));
        assert_eq!(decode::<Sample>(&file(), Some("staging")), Ok(("b".to_owned(), 9)));
        let hashes = [None, Some("staging")].map(|name| decode_hashed::<Sample>(&file(), name).unwrap().1);
        assert_ne!(hashes[0], hashes[1]);
        let unknown = Unreadable::Environment("prod".to_owned(), vec!["staging".to_owned()]);
        assert_eq!(decode::<Sample>(&file(), Some("prod")), Err(unknown));
    }

    #[test]
    fn every_kind_of_damage_is_named() {
        let damaged = |at: usize| {
            let mut copy = file();
            copy[at] ^= 1;
            decode::<Sample>(&copy, None)
        };
        assert_eq!(damaged(0), Err(Unreadable::Magic));
        assert_eq!(damaged(4), Err(Unreadable::Format(FORMAT ^ 1)));
        for at in [8, 16, 24] {
            assert_eq!(damaged(at), Err(Unreadable::Hash), "{at}");
        }
        let whole = file();
        assert_eq!(damaged(whole.len() - 4), Err(Unreadable::Hash));
        assert!(damaged(whole.len() - 1).is_ok(), "another environment's value is not looked at");
        for length in 0..whole.len() - 4 {
            assert!(decode::<Sample>(&whole[..length], None).is_err(), "{length}");
        }
        assert_eq!(decode::<Vec<String>>(&encode([(None, &9_u8)]).unwrap(), None), Err(Unreadable::Payload));
    }

    #[test]
    fn every_byte_of_a_value_counts() {
        let bytes: Vec<u8> = (0..21).collect();
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 0x80;
            assert_ne!(hash(&other), hash(&bytes), "{at}");
        }
    }
}
