//! What the program says: results on standard output, everything else on standard error.
//!
//! A reader that has gone away (`ferrogate token | head -0`) is no reason to panic, so nothing here uses `println`.

use std::io::{self, IsTerminal, Write};

use gateway::config::diagnostics::{
    Diagnostic,
    render::{self, Style},
};

/// A line of the result.
pub(crate) fn line(text: &str) {
    // Nobody is left to tell when this fails.
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// A line about what went wrong.
pub(crate) fn error(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Findings, in colour on a terminal unless `NO_COLOR` says otherwise (no-color.org).
pub(crate) fn diagnostics(diagnostics: &[Diagnostic]) {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let style = if io::stderr().is_terminal() && !refused { Style::Coloured } else { Style::Plain };
    let _ = write!(io::stderr().lock(), "{}", render::render(diagnostics, style));
}

/// `1 route`, `2 routes`.
pub(crate) fn count(number: usize, word: &str) -> String {
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
}
