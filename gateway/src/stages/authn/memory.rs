//! Tokens that have been verified before: looking one up costs a hash and a comparison instead of a signature.
//!
//! Only verified tokens get in, so nobody can fill it with nonsense. It is a table of fixed size in which a newer
//! token takes the place of an older one; what a token says about time is checked at every use, here not at all.

use std::{cell::RefCell, rc::Rc};

use subtle::{Choice, ConstantTimeEq};

/// Places in the table. With tokens of one kilobyte it holds half a megabyte.
const PLACES: usize = 512;

/// Longer tokens are verified every time: they would make the table's size depend on who asks.
const LONGEST: usize = 2048;

/// What was learnt from tokens.
pub(super) struct Memory<T> {
    places: RefCell<Vec<Option<Remembered<T>>>>,
}

struct Remembered<T> {
    hash: u64,
    token: Box<str>,
    what: Rc<T>,
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self { places: RefCell::new((0..PLACES).map(|_| None).collect()) }
    }
}

impl<T> Memory<T> {
    /// What was learnt from this very token.
    pub(super) fn recall(&self, token: &str) -> Option<Rc<T>> {
        let hash = hash(token);
        let places = self.places.borrow();
        let remembered = places.get(place(hash))?.as_ref().filter(|remembered| remembered.hash == hash)?;
        // The hash says which place, the comparison decides, and takes as long whatever differs.
        same(&remembered.token, token).then(|| Rc::clone(&remembered.what))
    }

    /// Forgets everything.
    #[cfg(feature = "explain")]
    pub(super) fn forget(&self) {
        self.places.borrow_mut().fill_with(|| None);
    }

    /// Keeps what was learnt from a verified token.
    pub(super) fn keep(&self, token: &str, what: &Rc<T>) {
        if token.len() > LONGEST {
            return;
        }
        let hash = hash(token);
        if let Some(slot) = self.places.borrow_mut().get_mut(place(hash)) {
            *slot = Some(Remembered { hash, token: token.into(), what: Rc::clone(what) });
        }
    }
}

/// Whether two texts are the same, in a time that depends on their lengths alone. Words of eight bytes, since
/// comparing the bytes one by one would be a quarter of what an ordinary request costs.
fn same(one: &str, other: &str) -> bool {
    let ((words, rest), (others, other_rest)) = (one.as_bytes().as_chunks::<8>(), other.as_bytes().as_chunks::<8>());
    let equal = |equal: Choice, (one, other): (&[u8; 8], &[u8; 8])| {
        equal & u64::from_le_bytes(*one).ct_eq(&u64::from_le_bytes(*other))
    };
    let lengths = Choice::from(u8::from(one.len() == other.len()));
    words.iter().zip(others).fold(lengths & rest.ct_eq(other_rest), equal).into()
}

fn place(hash: u64) -> usize {
    usize::try_from(hash >> 32).unwrap_or_default().checked_rem(PLACES).unwrap_or_default()
}

/// Spreads tokens over the places. Eight bytes at a time; no secret and no protection against forgers, who cannot get
/// a token of theirs in here.
fn hash(token: &str) -> u64 {
    let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    let (words, rest) = token.as_bytes().as_chunks::<8>();
    let hash = words.iter().fold(0, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let hash = rest.iter().fold(hash, |hash, byte| mix(hash, u64::from(*byte)));
    hash ^ (hash >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_token_is_recalled() {
        let memory = Memory::default();
        memory.keep("a.b.c", &Rc::new(1));
        assert_eq!(memory.recall("a.b.c").as_deref(), Some(&1));
        for other in ["a.b.d", "a.b.", "a.b.cc", ""] {
            assert_eq!(memory.recall(other), None, "{other}");
        }
    }

    #[test]
    fn texts_are_the_same_only_in_every_byte() {
        for length in 0..40 {
            let text = "x".repeat(length);
            assert!(same(&text, &text));
            for at in 0..length {
                let other = format!("{}y{}", &text[..at], &text[at + 1..]);
                assert!(!same(&text, &other) && !same(&other, &text) && !same(&text[..at], &text), "{at} of {length}");
            }
        }
    }

    #[test]
    fn a_token_of_the_same_hash_is_not_taken_for_the_other() {
        let memory = Memory::default();
        memory.keep("a.b.c", &Rc::new(1));
        let mut places = memory.places.borrow_mut();
        let remembered = places.iter_mut().flatten().next().unwrap();
        remembered.token = "x.y.z".into();
        drop(places);
        assert_eq!(memory.recall("a.b.c"), None);
    }

    #[test]
    fn the_table_does_not_grow() {
        let memory = Memory::default();
        for number in 0..5_000_u32 {
            memory.keep(&format!("token.{number}.x"), &Rc::new(number));
        }
        assert_eq!(memory.places.borrow().len(), PLACES);
        assert_eq!(memory.recall("token.4999.x").as_deref(), Some(&4_999));
        memory.keep(&"x".repeat(LONGEST + 1), &Rc::new(0));
        assert_eq!(memory.recall(&"x".repeat(LONGEST + 1)), None);
    }
}
