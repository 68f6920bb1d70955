//! A list whose elements are decoded when they are first asked for.
//!
//! An isolate that starts must read a configuration of thousands of routes before its first answer, and needs one of
//! them for it. So a list crosses into the compiled file as bytes with the places where its elements end; reading it
//! copies two runs of bytes, whatever the elements are. Not here: what the elements mean.

use std::{cell::OnceCell, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error, Visitor},
};

/// A list of values that are kept as bytes until they are needed. It never changes once it is made.
pub struct Packed<T> {
    bytes: Vec<u8>,
    /// Where each element ends, as 32 bits each, little-endian.
    ends: Vec<u8>,
    ready: Vec<OnceCell<T>>,
}

/// An element cannot be written, or the list is larger than 4 GiB; no list of this project is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unpackable;

impl<T> Default for Packed<T> {
    fn default() -> Self {
        Self { bytes: Vec::new(), ends: Vec::new(), ready: Vec::new() }
    }
}

impl<T: Serialize> Packed<T> {
    /// Packs a list.
    ///
    /// # Errors
    /// [`Unpackable`].
    pub fn new(values: &[T]) -> Result<Self, Unpackable> {
        let mut packed = Self::default();
        for value in values {
            packed.bytes.extend(postcard::to_allocvec(value).map_err(|_| Unpackable)?);
            let end = u32::try_from(packed.bytes.len()).map_err(|_| Unpackable)?;
            packed.ends.extend(end.to_le_bytes());
        }
        Ok(Self { ready: cells(values.len()), ..packed })
    }
}

impl<T> Packed<T> {
    /// How many elements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ready.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    fn end(&self, index: usize) -> Option<usize> {
        let (ends, _) = self.ends.as_chunks::<4>();
        usize::try_from(u32::from_le_bytes(*ends.get(index)?)).ok()
    }

    fn element(&self, index: usize) -> Option<&[u8]> {
        let start = index.checked_sub(1).map_or(Some(0), |before| self.end(before))?;
        self.bytes.get(start..self.end(index)?)
    }
}

impl<T: DeserializeOwned> Packed<T> {
    /// An element, decoded when it is first asked for. `None` beyond the end, or when its bytes are none of a `T`, which
    /// the hash of the file rules out.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&T> {
        let cell = self.ready.get(index)?;
        if cell.get().is_none() {
            // Somebody else may have set it meanwhile, to the same.
            let _ = cell.set(postcard::from_bytes(self.element(index)?).ok()?);
        }
        cell.get()
    }

    /// All elements in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

fn cells<T>(count: usize) -> Vec<OnceCell<T>> {
    std::iter::repeat_with(OnceCell::new).take(count).collect()
}

impl<T> Clone for Packed<T> {
    fn clone(&self) -> Self {
        Self { bytes: self.bytes.clone(), ends: self.ends.clone(), ready: cells(self.len()) }
    }
}

impl<T> PartialEq for Packed<T> {
    fn eq(&self, other: &Self) -> bool {
        (&self.bytes, &self.ends) == (&other.bytes, &other.ends)
    }
}

impl<T> Eq for Packed<T> {}

impl<T: fmt::Debug + DeserializeOwned> fmt::Debug for Packed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T> Serialize for Packed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (Bytes(&self.bytes), Bytes(&self.ends)).serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Packed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (ByteBuf(bytes), ByteBuf(ends)) = Deserialize::deserialize(deserializer)?;
        let (whole, rest) = ends.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(D::Error::custom("the ends of a packed list are no numbers"));
        }
        let ready = cells(whole.len());
        Ok(Self { bytes, ends, ready })
    }
}

/// A run of bytes, which is copied as one; a `Vec<u8>` would be read byte by byte.
struct Bytes<'b>(&'b [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

struct ByteBuf(Vec<u8>);

impl<'de> Deserialize<'de> for ByteBuf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(BytesVisitor)
    }
}

struct BytesVisitor;

impl Visitor<'_> for BytesVisitor {
    type Value = ByteBuf;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<ByteBuf, E> {
        Ok(ByteBuf(bytes.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<(u32, String)> {
        vec![(7, "a".into()), (0, String::new()), (300, "bcd".into())]
    }

    #[test]
    fn elements_are_what_was_packed() {
        let packed = Packed::new(&sample()).unwrap();
        assert_eq!(packed.iter().cloned().collect::<Vec<_>>(), sample());
        assert_eq!((packed.len(), packed.get(1), packed.get(3)), (3, Some(&(0, String::new())), None));
        assert!(Packed::<u8>::default().is_empty());
    }

    #[test]
    fn what_is_written_is_read() {
        let packed = Packed::new(&sample()).unwrap();
        let read: Packed<(u32, String)> = postcard::from_bytes(&postcard::to_allocvec(&packed).unwrap()).unwrap();
        assert_eq!(read, packed);
        assert_eq!(read.get(2), Some(&(300, "bcd".into())));
    }

    #[test]
    fn damaged_bytes_are_no_elements_and_no_panic() {
        let mut packed = Packed::new(&sample()).unwrap();
        packed.ends[4] = 0;
        packed.ends[8] = 0xff;
        assert_eq!((packed.get(0), packed.get(1), packed.get(2)), (Some(&(7, "a".into())), None, None));
        let odd = postcard::to_allocvec(&(Bytes(b"x"), Bytes(b"123"))).unwrap();
        assert!(postcard::from_bytes::<Packed<u8>>(&odd).is_err());
    }
}
