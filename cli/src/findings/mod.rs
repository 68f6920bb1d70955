//! Findings for machines: lines of JSON, and SARIF. Text for people is the crate `gateway`'s.

pub(crate) mod json;
pub(crate) mod sarif;
