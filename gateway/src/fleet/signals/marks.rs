//! Marks: many hashes in little memory. A million take less than 2 MiB in an isolate.
//!
//! A table keeps 16 bits of each hash, sorted, in buckets of about 64: two bytes and a sixteenth for each mark. It answers
//! "no" for certain and "perhaps" once in a thousand for what is not marked; who needs to know asks the log. What came
//! after the table is kept whole in a short list.

use crate::http::Millis;

/// Header: how many bits choose the bucket (one byte).
const HEADER: usize = 1;
/// One offset, in entries.
const OFFSET: usize = 4;
/// What is kept of a hash.
const ENTRY: usize = 2;
/// How full a bucket is at most, on average.
const BUCKET: usize = 64;

/// A table as bytes: the header, where each bucket ends, the entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table(Vec<u8>);

impl Table {
    /// A table of hashes in ascending order. Empty for none.
    #[must_use]
    pub fn of(hashes: &[u64]) -> Self {
        if hashes.is_empty() {
            return Self::default();
        }
        let bits = bits_for(hashes.len());
        let buckets = 1_usize.wrapping_shl(bits);
        let size =
            HEADER.saturating_add(buckets.saturating_mul(OFFSET)).saturating_add(hashes.len().saturating_mul(ENTRY));
        let mut bytes = Vec::with_capacity(size);
        bytes.push(u8::try_from(bits).unwrap_or_default());
        let mut ended = 0_usize;
        for bucket in 0..buckets {
            let rest = hashes.get(ended..).unwrap_or_default();
            ended = ended.saturating_add(rest.partition_point(|hash| bucket_of(*hash, bits) <= bucket));
            bytes.extend(u32::try_from(ended).unwrap_or(u32::MAX).to_le_bytes());
        }
        for hash in hashes {
            bytes.extend(remainder(*hash, bits).to_le_bytes());
        }
        Self(bytes)
    }

    /// Takes bytes for a table; `None` if they are none.
    #[must_use]
    pub fn read(bytes: Vec<u8>) -> Option<Self> {
        if bytes.is_empty() {
            return Some(Self::default());
        }
        let bits = u32::from(*bytes.first()?);
        let buckets = 1_usize.checked_shl(bits)?;
        let entries = bytes.len().checked_sub(HEADER.checked_add(buckets.checked_mul(OFFSET)?)?)?;
        let table = Self(bytes);
        let ends = usize::try_from(table.end(buckets.checked_sub(1)?)?).ok()?;
        (bits <= 24 && Some(entries) == ends.checked_mul(ENTRY)).then_some(table)
    }

    /// The bytes, as they travel.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether a hash may be in it; a "no" is certain.
    #[must_use]
    pub fn may_have(&self, hash: u64) -> bool {
        self.find(hash).unwrap_or(false)
    }

    fn find(&self, hash: u64) -> Option<bool> {
        let bits = u32::from(*self.0.first()?);
        let bucket = bucket_of(hash, bits);
        let from = match bucket.checked_sub(1) {
            None => 0,
            Some(before) => self.end(before)?,
        };
        let (from, to) = (usize::try_from(from).ok()?, usize::try_from(self.end(bucket)?).ok()?);
        let at = HEADER.checked_add(1_usize.checked_shl(bits)?.checked_mul(OFFSET)?)?;
        let place = |entry: usize| at.checked_add(entry.checked_mul(ENTRY)?);
        let entries = self.0.get(place(from)?..place(to)?)?;
        let (pairs, _) = entries.as_chunks::<ENTRY>();
        Some(pairs.binary_search_by_key(&remainder(hash, bits), |pair| u16::from_le_bytes(*pair)).is_ok())
    }

    /// Where a bucket ends, in entries.
    fn end(&self, bucket: usize) -> Option<u32> {
        let at = HEADER.checked_add(bucket.checked_mul(OFFSET)?)?;
        let bytes = self.0.get(at..at.checked_add(OFFSET)?)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }
}

fn bits_for(entries: usize) -> u32 {
    entries.div_ceil(BUCKET).checked_next_power_of_two().map_or(0, usize::trailing_zeros).min(24)
}

/// The first bits of a hash.
fn bucket_of(hash: u64, bits: u32) -> usize {
    usize::try_from(hash.checked_shr(64_u32.saturating_sub(bits)).unwrap_or(0)).unwrap_or_default()
}

/// The 16 bits behind those.
fn remainder(hash: u64, bits: u32) -> u16 {
    let shifted = hash.wrapping_shl(bits).wrapping_shr(48);
    u16::try_from(shifted).unwrap_or_default()
}

/// The marks that an isolate or a relay knows: a table and what came after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    table: Table,
    /// Sorted.
    recent: Vec<u64>,
}

impl Marks {
    /// What a whole state says.
    #[must_use]
    pub fn new(table: Table, mut recent: Vec<u64>) -> Self {
        recent.sort_unstable();
        recent.dedup();
        Self { table, recent }
    }

    /// Marks a hash.
    pub fn mark(&mut self, hash: u64) {
        if let Err(at) = self.recent.binary_search(&hash) {
            self.recent.insert(at, hash);
        }
    }

    /// Takes a mark off, if it is young. One that is in the table stays there until the next whole state: two hashes may
    /// look alike in it, and the other one must not be lost.
    pub fn unmark(&mut self, hash: u64) {
        if let Ok(at) = self.recent.binary_search(&hash) {
            self.recent.remove(at);
        }
    }

    /// Whether a hash may be marked; a "no" is certain.
    #[must_use]
    pub fn may_have(&self, hash: u64) -> bool {
        self.recent.binary_search(&hash).is_ok() || self.table.may_have(hash)
    }

    /// Whether nothing is marked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.recent.is_empty() && self.table.0.is_empty()
    }

    /// The table, as it travels.
    #[must_use]
    pub fn table(&self) -> &[u8] {
        self.table.bytes()
    }

    /// What is not in the table.
    #[must_use]
    pub fn recent(&self) -> &[u64] {
        &self.recent
    }

    /// Bytes of memory.
    #[must_use]
    pub fn size(&self) -> usize {
        self.table.0.capacity().saturating_add(self.recent.capacity().saturating_mul(8))
    }
}

/// When a mark ends, as it is stored.
pub(super) fn stored_until(until: Millis) -> [u8; 8] {
    until.to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Spreads numbers as a hash would.
    pub(crate) fn spread(number: u64) -> u64 {
        let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn sorted(numbers: impl Iterator<Item = u64>) -> Vec<u64> {
        let mut hashes: Vec<u64> = numbers.map(spread).collect();
        hashes.sort_unstable();
        hashes.dedup();
        hashes
    }

    #[test]
    fn a_million_marks_take_less_than_two_mebibytes_and_are_all_found() {
        let hashes = sorted(1..1_000_001);
        let mut marks = Marks::new(Table::of(&hashes), Vec::new());
        assert_eq!(hashes.len(), 1_000_000);
        // As many young ones as there can be: one window is known, and another one comes.
        (0..2 * crate::fleet::signals::WINDOW as u64).for_each(|number| marks.mark(number));
        assert!(marks.size() < 2 * 1024 * 1024, "{} bytes", marks.size());
        assert!(hashes.iter().all(|hash| marks.may_have(*hash)));
        let wrong = (2_000_000..2_100_000).filter(|number| marks.may_have(spread(*number))).count();
        assert!(wrong < 300, "{wrong} of 100,000 were taken for marked");
    }

    #[test]
    fn a_young_mark_is_taken_off_and_one_in_the_table_stays() {
        let [old, taken_off, young] = [7, 8, 9].map(spread);
        let mut marks = Marks::new(Table::of(&[old]), vec![young]);
        marks.mark(taken_off);
        assert!(marks.may_have(taken_off));
        marks.unmark(taken_off);
        marks.unmark(old);
        assert_eq!([old, taken_off, young].map(|hash| marks.may_have(hash)), [true, false, true]);
    }

    proptest! {
        #[test]
        fn what_is_marked_is_always_found(numbers in proptest::collection::btree_set(any::<u64>(), 0..400)) {
            let hashes: Vec<u64> = numbers.iter().copied().collect();
            let table = Table::of(&hashes);
            prop_assert!(hashes.iter().all(|hash| table.may_have(*hash)));
            prop_assert_eq!(Table::read(table.bytes().to_vec()), Some(table));
        }

        #[test]
        fn no_bytes_make_a_table_that_breaks(bytes in proptest::collection::vec(any::<u8>(), 0..200), hash in any::<u64>()) {
            if let Some(table) = Table::read(bytes) {
                let _ = table.may_have(hash);
            }
        }
    }
}
