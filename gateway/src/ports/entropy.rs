//! Randomness.

/// Gives random bytes fit for keys and identifiers.
pub trait Entropy {
    /// Fills the whole slice from a cryptographically secure source.
    fn fill(&self, bytes: &mut [u8]);
}
