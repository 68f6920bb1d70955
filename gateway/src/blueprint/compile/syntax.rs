//! Errors of TOML itself, one for each broken line.

use toml::de::Error;

use crate::config::diagnostics::{Code, Report, Span};

/// How the parser begins to say that a list or an inline table is not closed; a header `[…` ends with its line.
const UNCLOSED: [&str; 2] = ["unclosed array,", "unclosed inline table"];

const UNCLOSED_HELP: &str = "a list or table that is not closed takes in what follows: look at the lines above too";

/// What the parser says of a key or table that is there twice.
const REPEATED: &str = "duplicate key";

/// How much of the file cannot be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Broken {
    /// It is TOML.
    Nowhere,
    /// Single lines.
    InLines,
    /// A list or table that is never closed has swallowed what stands behind it.
    ToTheEnd,
}

/// Reports what the parser found in a text that begins at `base` among all texts. Of several errors on a line the first
/// is the cause; behind something that is not closed, an error right below another one is a consequence too.
pub(super) fn report(source: &str, base: usize, errors: &[Error], report: &Report<'_>) -> Broken {
    let unclosed = errors.iter().any(|error| UNCLOSED.iter().any(|start| error.message().starts_with(start)));
    let mut before: Option<Span> = None;
    let mut repeated_table: Option<usize> = None;
    for error in in_order(source, errors) {
        let (span, message) = error;
        let between = before.as_ref().map(|before| source.get(before.start..span.start).unwrap_or_default());
        let follows = between.is_some_and(|between| lines_with_text(between) <= usize::from(unclosed));
        before = Some(span.clone());
        let inside = repeated_table.and_then(|start| source.get(start..span.start));
        // The keys of a table that is there twice are there twice too.
        if follows || (message == REPEATED && inside.is_some_and(|inside| !inside.contains("\n["))) {
            continue;
        }
        let line = source.get(..span.start).and_then(|before| before.rsplit('\n').next()).unwrap_or_default();
        repeated_table = (message == REPEATED && line.starts_with('[')).then_some(span.start);
        let span = span.start.saturating_add(base)..span.end.saturating_add(base);
        let draft = report.draft(Code::Syntax, &span, format!("this is not TOML: {message}"));
        match () {
            () if unclosed => draft.help(UNCLOSED_HELP).report(),
            () if message == REPEATED => draft.help("a key or table stands once: put the two together").report(),
            () => draft.report(),
        }
    }
    match errors {
        [] => Broken::Nowhere,
        _ if unclosed => Broken::ToTheEnd,
        _ => Broken::InLines,
    }
}

/// Places and messages in the order of the file. An error without a place is one of the file's end.
fn in_order<'e>(source: &str, errors: &'e [Error]) -> Vec<(Span, &'e str)> {
    let end = source.len();
    let mut errors: Vec<_> = errors.iter().map(|error| (error.span().unwrap_or(end..end), error.message())).collect();
    errors.sort_by_key(|(span, _)| span.start);
    errors
}

/// How many line breaks a text goes over, empty lines not counted.
fn lines_with_text(text: &str) -> usize {
    text.split('\n').skip(1).filter(|line| !line.trim().is_empty()).count().max(usize::from(text.ends_with('\n')))
}
