//! What the program says: results on standard output, everything else on standard error.

use gateway::config::diagnostics::{
    Diagnostic,
    render::{self, Style},
};

use crate::host::{Host, Stream};

/// A line of the result.
pub(crate) fn line(host: &dyn Host, text: &str) {
    host.print(Stream::Out, &format!("{text}\n"));
}

/// A result that has its line breaks already.
pub(crate) fn text(host: &dyn Host, text: &str) {
    host.print(Stream::Out, text);
}

/// A line about what went wrong.
pub(crate) fn error(host: &dyn Host, text: &str) {
    host.print(Stream::Error, &format!("{text}\n"));
}

/// Findings as text for people.
pub(crate) fn diagnostics(host: &dyn Host, diagnostics: &[Diagnostic]) {
    let text = render::render(diagnostics, style(host, Stream::Error));
    if !text.is_empty() {
        host.print(Stream::Error, &text);
    }
}

/// Colours on a terminal that has them, unless `NO_COLOR` says otherwise (no-color.org).
pub(crate) fn style(host: &dyn Host, stream: Stream) -> Style {
    let refused = host.variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = host.variable("TERM").is_some_and(|value| value == "dumb");
    if host.is_terminal(stream) && !refused && !dumb { Style::Coloured } else { Style::Plain }
}

/// `1 route`, `2 routes`.
pub(crate) fn count(number: usize, word: &str) -> String {
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
}
