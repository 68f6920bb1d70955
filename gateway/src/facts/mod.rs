//! What stages have established about a request and others may read. A fact cannot be made elsewhere than in
//! the stage that establishes it: constructors take what proves them.

pub mod authorized;
pub mod principal;
