//! Which route a request takes: patterns, and the table that finds one without looking at the others.
//!
//! `pattern` and `types` say what a path may look like, `build` collects routes when the file is compiled,
//! `flatten` writes them down as a [`table::Table`] and `search` walks it. `unreachable` and `meant` are
//! for diagnostics, `listing` for comparing two tables.
//!
//! # Which route wins
//!
//! The closest host that has a route for the path and the method: a host named in full, then the wildcard with
//! the longest suffix, then routes of every host. Within a host the most specific path from the left: a literal
//! before `int`, `uuid`, `slug`, any segment and the rest. The order in the file has no meaning.
//!
//! # What it costs
//!
//! A path is cut into segments once, as far as routes go and at most [`pattern::MOST_SEGMENTS`] of them. Then a
//! search enters nodes of a tree. In each it compares a few labels or finds one by hash, however many there are,
//! and looks at a segment's type at most once altogether. A request that fits one route and nothing else enters at
//! most one node for each segment of the route.
//!
//! Where a segment fits several children, all of them may have to be entered before the request is refused. No node
//! of a tree is entered twice, so that is never exponential in the path, and the compiler refuses routes with which
//! one path could enter more than [`build::MOST_WAYS`] nodes of one host. A request is searched for once per host
//! pattern that fits it, and at most once more to say what there is instead. What clients send can make it no more.

pub mod build;
mod flatten;
pub(crate) mod hosts;
#[cfg(feature = "explain")]
pub mod listing;
#[cfg(feature = "compiler")]
mod meant;
pub mod pattern;
mod pieces;
mod search;
pub mod select;
pub mod served;
pub mod table;
#[cfg(test)]
mod tests;
pub mod types;
pub mod unreachable;
mod versions;
pub mod wish;
