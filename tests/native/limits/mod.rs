//! Rate limits of a fleet of two isolates: what is counted and told of them (`counts`), and what operators see and change
//! (`operators`).

mod costs;
mod counts;
mod fleet;
mod operators;
