//! Which route a request takes: patterns, and the table that finds one without looking at the others.

pub mod pattern;
pub mod select;
pub mod table;
