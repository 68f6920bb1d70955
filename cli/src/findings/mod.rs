//! Findings for machines: lines of JSON, and SARIF. Text for people is the crate `gateway`'s.

pub(crate) mod json;
pub(crate) mod sarif;

use gateway::config::diagnostics::Code;

/// Where the pages of the findings stand.
const PAGES: &str = "https://github.com/ferrogate/ferrogate/blob/main/docs/errors";

/// The page of a finding.
pub(crate) fn link(code: Code) -> String {
    format!("{PAGES}/{}.md", code.number())
}
