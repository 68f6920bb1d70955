//! Findings as JSON, one object in one line for each. The names of the members are a promise; new ones may come.

use gateway::config::diagnostics::{Code, Diagnostic, Related, Severity};
use serde::Serialize;

use crate::Failure;

#[derive(Serialize)]
struct Finding<'d> {
    code: Code,
    severity: Severity,
    message: &'d str,
    file: &'d str,
    line: u32,
    column: u32,
    length: u32,
    expected: Option<&'d str>,
    found: Option<&'d str>,
    nearest: Option<&'d str>,
    help: Option<&'d str>,
    related: Vec<Elsewhere<'d>>,
    environments: &'d [String],
    link: String,
}

#[derive(Serialize)]
struct Elsewhere<'d> {
    message: &'d str,
    file: &'d str,
    line: u32,
    column: u32,
    length: u32,
}

/// The lines of these findings.
pub(crate) fn lines(diagnostics: &[Diagnostic]) -> Result<String, Failure> {
    diagnostics.iter().map(|it| line(&finding(it))).collect()
}

/// A value in a line of its own.
pub(crate) fn line(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string(value);
    text.map(|text| text + "\n").map_err(|error| Failure::Findings(format!("this cannot be told in JSON: {error}")))
}

fn finding(it: &Diagnostic) -> Finding<'_> {
    Finding {
        code: it.code,
        severity: it.severity,
        message: &it.message,
        file: &it.place.file,
        line: it.place.line,
        column: it.place.column,
        length: it.place.length,
        expected: it.expected.as_deref(),
        found: it.found.as_deref(),
        nearest: it.nearest.as_deref(),
        help: it.help.as_deref(),
        related: it.related.iter().map(elsewhere).collect(),
        environments: &it.environments,
        link: it.code.page(),
    }
}

fn elsewhere(it: &Related) -> Elsewhere<'_> {
    Elsewhere {
        message: &it.message,
        file: &it.place.file,
        line: it.place.line,
        column: it.place.column,
        length: it.place.length,
    }
}
