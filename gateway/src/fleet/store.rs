//! What an object keeps: values by ordered keys. In the Worker a table of SQLite, natively a tree.
//!
//! All calls are synchronous, and those of one question are one transaction: all of them hold, or none.

use std::{collections::BTreeMap, fmt};

/// Storage did not do what it was asked. Whatever was changed since the question came is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault;

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("storage failed")
    }
}

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// Values by keys that are ordered byte by byte.
pub trait Store {
    /// The value of a key.
    ///
    /// # Errors
    /// [`Fault`].
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault>;

    /// Gives a key its value.
    ///
    /// # Errors
    /// [`Fault`].
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Fault>;

    /// Takes a key out, if it is there.
    ///
    /// # Errors
    /// [`Fault`].
    fn delete(&mut self, key: &[u8]) -> Result<(), Fault>;

    /// At most so many entries, in order, whose keys are at least `from` and less than `to`.
    ///
    /// # Errors
    /// [`Fault`].
    fn scan(&self, from: &[u8], to: &[u8], most: usize) -> Result<Vec<Entry>, Fault>;
}

/// A store in memory, for tests and simulations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory(pub BTreeMap<Vec<u8>, Vec<u8>>);

impl Store for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.0.get(key).cloned())
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Fault> {
        self.0.insert(key.to_vec(), value.to_vec());
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), Fault> {
        self.0.remove(key);
        Ok(())
    }

    fn scan(&self, from: &[u8], to: &[u8], most: usize) -> Result<Vec<Entry>, Fault> {
        if from >= to {
            return Ok(Vec::new());
        }
        let found = self.0.range(from.to_vec()..to.to_vec()).take(most);
        Ok(found.map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}
