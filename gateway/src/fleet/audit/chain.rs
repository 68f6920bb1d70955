//! The chain: the hash of a row is made of its place, the hash of the row before and the row itself. Whoever changes,
//! removes, adds or moves a row has to make all hashes behind it anew, and then the last one is not the one that the
//! object keeps.
//!
//! Pure: rows in, links or the first broken one out.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::row::Row;

/// The form of what is hashed.
const FORMAT: u8 = 1;

/// A SHA-256.
pub type Hash = [u8; 32];

/// The last row of a chain, or of a part of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Its place; the first row has 1, and a chain without rows ends at 0.
    pub sequence: u64,
    /// Its hash; zeros before the first.
    pub hash: Hash,
}

/// What makes a row a part of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(Deserialize))]
pub struct Link {
    /// Which row.
    pub id: String,
    /// Its place.
    pub sequence: u64,
    /// In hexadecimal.
    pub previous_hash: String,
    /// In hexadecimal.
    pub hash: String,
}

impl Head {
    /// From a place and a hash in hexadecimal.
    #[must_use]
    pub fn parse(sequence: u64, hash: &str) -> Option<Self> {
        Some(Self { sequence, hash: unhex(hash)? })
    }

    /// The head after one more row.
    #[must_use]
    fn after(self, row: &Row) -> Self {
        let sequence = self.sequence.saturating_add(1);
        let mut hash = Sha256::new();
        hash.update([FORMAT]);
        hash.update(sequence.to_le_bytes());
        hash.update(self.hash);
        row.hash_into(&mut hash);
        Self { sequence, hash: hash.finalize().into() }
    }

    /// The hash in hexadecimal.
    #[must_use]
    pub fn hex(&self) -> String {
        hex(&self.hash)
    }
}

/// Links rows to the end of a chain, in this order.
#[must_use]
pub fn link(mut head: Head, rows: &[Row]) -> Vec<Link> {
    let mut links = Vec::with_capacity(rows.len());
    for row in rows {
        let next = head.after(row);
        let (id, sequence, previous_hash, hash) = (row.id.clone(), next.sequence, head.hex(), next.hex());
        links.push(Link { id, sequence, previous_hash, hash });
        head = next;
    }
    links
}

/// What is wrong at a place of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The next row has another place: rows are missing, or one stands twice.
    Gap,
    /// The row names another one as the one before it.
    Previous,
    /// The row is not what was linked.
    Changed,
    /// The chain is not the one whose end the object knows: it was cut off, or made anew.
    Anchor,
}

impl Why {
    /// In a sentence.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Gap => "a row is missing, or stands twice",
            Self::Previous => "the row was linked behind another one",
            Self::Changed => "the row is not the one that was linked",
            Self::Anchor => "the chain does not lead to the row that the anchor names: it was cut off or made anew",
        }
    }
}

/// The first place that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The place.
    pub sequence: u64,
    /// The row that stands there, if one does.
    pub id: Option<String>,
    /// What is wrong with it.
    pub why: Why,
}

/// What a whole chain comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Where it ends.
    pub head: Head,
    /// How many rows were looked at.
    pub linked: u64,
    /// How many have not been linked yet. Nothing is known of those.
    pub unlinked: u64,
}

/// Looks at a chain row by row, so that nobody needs all of it at once.
#[derive(Clone, Debug)]
pub struct Check {
    verified: Verified,
    anchor: Option<Head>,
}

impl Check {
    /// Begins behind a row that is trusted; [`Head::default`] is the beginning of everything. `anchor`: where the chain
    /// must lead to, or pass.
    #[must_use]
    pub fn new(from: Head, anchor: Option<Head>) -> Self {
        Self { verified: Verified { head: from, ..Verified::default() }, anchor }
    }

    /// Takes the next row: the linked ones in the order of their places, the others wherever they come.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn next(&mut self, row: &Row) -> Result<(), Broken> {
        let Verified { head, linked, unlinked } = &mut self.verified;
        let Some(sequence) = row.sequence else {
            *unlinked = unlinked.saturating_add(1);
            return Ok(());
        };
        let next = head.after(row);
        let broken = |why| Err(Broken { sequence: next.sequence, id: Some(row.id.clone()), why });
        if sequence != next.sequence {
            return broken(Why::Gap);
        }
        if row.previous_hash.as_deref() != Some(&head.hex()) {
            return broken(Why::Previous);
        }
        if row.hash.as_deref() != Some(&next.hex()) {
            return broken(Why::Changed);
        }
        if self.anchor.is_some_and(|anchor| anchor.sequence == sequence && anchor != next) {
            return broken(Why::Anchor);
        }
        (*head, *linked) = (next, linked.saturating_add(1));
        Ok(())
    }

    /// How far it has come, and how many rows it has looked at.
    #[must_use]
    pub fn place(&self) -> (Head, u64) {
        (self.verified.head, self.verified.linked)
    }

    /// Says that there are no more rows.
    ///
    /// # Errors
    /// When the chain ends before its anchor.
    pub fn finish(self) -> Result<Verified, Broken> {
        let ends_at = self.verified.head.sequence;
        match self.anchor {
            Some(anchor) if ends_at < anchor.sequence => {
                Err(Broken { sequence: ends_at.saturating_add(1), id: None, why: Why::Anchor })
            }
            _ => Ok(self.verified),
        }
    }
}

/// Looks at rows in the order of their places.
///
/// # Errors
/// The first broken place.
pub fn verify<'r>(
    from: Head,
    rows: impl IntoIterator<Item = &'r Row>,
    anchor: Option<Head>,
) -> Result<Verified, Broken> {
    let mut check = Check::new(from, anchor);
    rows.into_iter().try_for_each(|row| check.next(row))?;
    check.finish()
}

fn hex(bytes: &Hash) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn unhex(text: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    let pairs = text.as_bytes().chunks(2);
    if pairs.len() != hash.len() || !text.len().is_multiple_of(2) {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(pairs) {
        // Large letters would be another spelling of the same hash.
        let is_digit = |digit: &u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.bytes().all(|digit| is_digit(&digit)))?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests;
