//! What every section of `gateway.toml` is made of: values with variables, templates, the compiled file.
//!
//! Not here: the sections themselves. A stage's section stands beside the stage, and `blueprint` puts the
//! sections together.

pub mod binary;
pub mod condition;
#[cfg(feature = "compiler")]
pub mod context;
#[cfg(feature = "compiler")]
pub mod diagnostics;
pub mod duration;
#[cfg(feature = "compiler")]
pub mod keys;
#[cfg(feature = "compiler")]
pub mod kinds;
#[cfg(feature = "compiler")]
pub mod layers;
#[cfg(feature = "compiler")]
pub mod model;
pub mod nearest;
pub mod operator;
pub mod packed;
pub mod percent;
pub mod rate;
#[cfg(feature = "compiler")]
pub mod reader;
#[cfg(feature = "compiler")]
pub mod roles;
pub mod size;
pub mod switch;
pub mod template;
pub mod text;
#[cfg(feature = "explain")]
pub mod told;
#[cfg(feature = "compiler")]
pub mod tree;
#[cfg(feature = "compiler")]
pub mod values;
pub mod weak;
