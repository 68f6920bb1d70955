//! A store whose changes can be undone, and that fails when it is told to.

use std::cell::Cell;

use gateway::fleet::store::{Entry, Fault, Memory, Store};

/// The transaction of one question.
pub(super) struct Transaction<'a> {
    store: &'a mut Memory,
    /// What stood there before, in the order of the changes.
    before: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// How many operations still succeed.
    left: Cell<Option<u64>>,
}

impl<'a> Transaction<'a> {
    /// One that fails from the operation of this number on, if any; 0 is the first one.
    pub(super) fn begin(store: &'a mut Memory, fails_at: Option<u64>) -> Self {
        Self { store, before: Vec::new(), left: Cell::new(fails_at) }
    }

    /// As if nothing had been.
    pub(super) fn undo(self) {
        for (key, value) in self.before.into_iter().rev() {
            match value {
                Some(value) => self.store.0.insert(key, value),
                None => self.store.0.remove(&key),
            };
        }
    }

    fn operate(&self) -> Result<(), Fault> {
        match self.left.get() {
            Some(0) => Err(Fault),
            left => {
                self.left.set(left.map(|left| left - 1));
                Ok(())
            }
        }
    }

    fn remember(&mut self, key: &[u8]) {
        let value = self.store.0.get(key).cloned();
        self.before.push((key.to_vec(), value));
    }
}

impl Store for Transaction<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.operate()?;
        self.store.get(key)
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Fault> {
        self.operate()?;
        self.remember(key);
        self.store.put(key, value)
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), Fault> {
        self.operate()?;
        self.remember(key);
        self.store.delete(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], most: usize) -> Result<Vec<Entry>, Fault> {
        self.operate()?;
        self.store.scan(from, to, most)
    }
}
