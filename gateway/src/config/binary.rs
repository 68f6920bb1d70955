//! The compiled file, `gateway.bin`: magic, format number, hash, payload.
//!
//! An isolate checks all three before it believes a byte. The payload is postcard.

use serde::{Serialize, de::DeserializeOwned};

/// What every compiled file begins with.
const MAGIC: [u8; 4] = *b"FGBN";

/// The format that this build writes and reads.
pub const FORMAT: u32 = 1;

const HEADER: usize = 16;

/// Why a compiled file is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Not a compiled gateway at all.
    Magic,
    /// Made by another version, with this format number.
    Format(u32),
    /// The content is not what was written.
    Hash,
    /// The content does not decode.
    Payload,
}

impl Unreadable {
    /// The reason in a sentence, for the person who deploys.
    #[must_use]
    pub fn message(self) -> String {
        match self {
            Self::Magic => "gateway.bin is not a compiled gateway; build it with `npm run build`".to_owned(),
            Self::Format(found) => {
                format!(
                    "gateway.bin has format {found}, this build reads format {FORMAT}; build it anew with `npm run build`"
                )
            }
            Self::Hash => {
                "the content of gateway.bin does not match its hash; build it anew with `npm run build`".to_owned()
            }
            Self::Payload => {
                "the content of gateway.bin does not decode; build it anew with `npm run build`".to_owned()
            }
        }
    }
}

/// The compiled file of a value.
///
/// # Errors
/// When the value cannot be represented, which no value of this project is.
pub fn encode(value: &impl Serialize) -> Result<Vec<u8>, postcard::Error> {
    let payload = postcard::to_allocvec(value)?;
    let mut file = Vec::with_capacity(payload.len().saturating_add(HEADER));
    file.extend(MAGIC);
    file.extend(FORMAT.to_le_bytes());
    file.extend(hash(&payload).to_le_bytes());
    file.extend(payload);
    Ok(file)
}

/// The value of a compiled file.
///
/// # Errors
/// Says which check failed.
pub fn decode<T: DeserializeOwned>(file: &[u8]) -> Result<T, Unreadable> {
    let (magic, rest) = file.split_first_chunk::<4>().ok_or(Unreadable::Magic)?;
    let (format, rest) = rest.split_first_chunk::<4>().ok_or(Unreadable::Magic)?;
    let (expected, payload) = rest.split_first_chunk::<8>().ok_or(Unreadable::Magic)?;
    if *magic != MAGIC {
        return Err(Unreadable::Magic);
    }
    let format = u32::from_le_bytes(*format);
    if format != FORMAT {
        return Err(Unreadable::Format(format));
    }
    if hash(payload) != u64::from_le_bytes(*expected) {
        return Err(Unreadable::Hash);
    }
    postcard::from_bytes(payload).map_err(|_| Unreadable::Payload)
}

/// FNV-1a over 64 bits: it finds accidents, not forgers; whoever can change the file can deploy another one.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let file = encode(&("a", 7_u32)).unwrap();
        assert_eq!(decode::<(String, u32)>(&file), Ok(("a".to_owned(), 7)));
    }

    #[test]
    fn every_kind_of_damage_is_named() {
        let file = encode(&("a", 7_u32)).unwrap();
        let damaged = |at: usize| {
            let mut copy = file.clone();
            copy[at] ^= 1;
            decode::<(String, u32)>(&copy)
        };
        assert_eq!(damaged(0), Err(Unreadable::Magic));
        assert_eq!(damaged(4), Err(Unreadable::Format(0)));
        assert_eq!(damaged(8), Err(Unreadable::Hash));
        assert_eq!(damaged(file.len() - 1), Err(Unreadable::Hash));
        assert_eq!(decode::<(String, u32)>(&file[..10]), Err(Unreadable::Magic));
        assert_eq!(decode::<Vec<String>>(&encode(&9_u8).unwrap()), Err(Unreadable::Payload));
    }
}
