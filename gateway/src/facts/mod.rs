//! What stages have established about a request and others may read. A fact is made only by
//! the stage that establishes it; `tests/native/layers.rs` reads the code to see to it.

pub mod address;
pub mod authorized;
pub mod principal;
