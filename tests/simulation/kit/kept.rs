//! Bytes that are held to the files of `tests/fixtures/formats`: two versions of the gateway run at once during a deploy, and
//! the one before has to be understood. `UPDATE_FORMAT=1` writes the files anew; those of a format that has been released stay
//! as they are, and a change raises the format.

use std::{fs, path::PathBuf};

use proptest::prelude::*;

/// What a file is called, and what it holds now.
pub(crate) type Named = (&'static str, Vec<u8>);

/// The files of one protocol, whose names begin with this.
pub(crate) struct Kept(pub(crate) &'static str);

impl Kept {
    fn file(&self, name: &str) -> PathBuf {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/formats");
        PathBuf::from(folder).join(format!("{}-{name}.bin", self.0))
    }

    /// What a file holds.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.file(name)).unwrap()
    }

    /// Holds bytes to their files.
    pub(crate) fn check(&self, all: Vec<Named>) {
        for (name, bytes) in all {
            let file = self.file(name);
            // Not those that are right: other tests read them at the same time.
            if std::env::var_os("UPDATE_FORMAT").is_some() && fs::read(&file).ok().as_ref() != Some(&bytes) {
                fs::write(file, &bytes).unwrap();
            }
            assert!(
                self.read(name) == bytes,
                "{name}: the bytes have changed: raise the format, then UPDATE_FORMAT=1 writes new files"
            );
        }
    }
}

/// Bytes of every kind: any, and those of files with something wrong with them.
pub(crate) fn damaged(all: fn() -> Vec<Named>) -> impl Strategy<Value = Vec<u8>> {
    let damage = (0..all().len(), any::<prop::sample::Index>(), any::<u8>(), any::<bool>());
    let damaged = damage.prop_map(move |(which, at, byte, cuts)| {
        let mut bytes = all().swap_remove(which).1;
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if cuts {
            bytes.truncate(at + 1);
        }
        bytes
    });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..80), damaged]
}
