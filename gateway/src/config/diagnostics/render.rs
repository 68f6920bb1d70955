//! Findings as text for people, in the manner of rustc. Colours only when asked for.

use super::{Code, Diagnostic, Place, Severity};

/// Who will read the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// A file, a log, a test.
    #[default]
    Plain,
    /// A terminal that understands ANSI colours.
    Coloured,
}

const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[1;33m";
const BLUE: &str = "\x1b[1;34m";
const BOLD: &str = "\x1b[1m";

/// All findings, a blank line after each, and a line that counts them. Empty when there are none. The page about a rule
/// is named where the rule is broken first.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], style: Style) -> String {
    if diagnostics.is_empty() {
        return String::new();
    }
    let mut text = String::new();
    let mut paged: Vec<Code> = Vec::new();
    for diagnostic in diagnostics {
        let is_first = !paged.contains(&diagnostic.code);
        if is_first {
            paged.push(diagnostic.code);
        }
        text.push_str(&one(diagnostic, is_first, style));
        text.push('\n');
    }
    text.push_str(&summary(diagnostics));
    text.push('\n');
    text
}

/// `2 errors, 1 warning`.
#[must_use]
pub fn summary(diagnostics: &[Diagnostic]) -> String {
    let count = |severity| diagnostics.iter().filter(|it| it.severity == severity).count();
    let words = |number: usize, word: &str| match number {
        0 => None,
        1 => Some(format!("1 {word}")),
        _ => Some(format!("{number} {word}s")),
    };
    let parts = [words(count(Severity::Error), "error"), words(count(Severity::Warning), "warning")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn one(diagnostic: &Diagnostic, with_page: bool, style: Style) -> String {
    let (word, colour) = match diagnostic.severity {
        Severity::Error => ("error", RED),
        Severity::Warning => ("warning", YELLOW),
    };
    let margin = margin(diagnostic);
    let head = style.paint(colour, &format!("{word}[{}]", diagnostic.code.number()));
    let mut text = format!("{head}{}\n", style.paint(BOLD, &format!(": {}", diagnostic.message)));
    text.push_str(&excerpt(&diagnostic.place, margin, '^', colour, style));
    let said = |found: &&String| !diagnostic.message.contains(found.as_str());
    let lines = [
        ("expected", diagnostic.expected.clone()),
        ("found", diagnostic.found.as_ref().filter(said).cloned()),
        ("nearest", diagnostic.nearest.as_ref().map(|name| format!("`{name}`"))),
        ("help", diagnostic.help.clone()),
        ("only in", only_in(&diagnostic.environments)),
    ];
    let line = |label: &str, line: String| format!("{:margin$} {} {label}: {line}\n", "", style.paint(BLUE, "="));
    text.extend(lines.into_iter().filter_map(|(label, said)| Some(line(label, said?))));
    for related in &diagnostic.related {
        text.push_str(&format!("{}: {}\n", style.paint(BOLD, "note"), related.message));
        text.push_str(&excerpt(&related.place, margin, '-', BLUE, style));
    }
    if with_page {
        text.push_str(&line("page", diagnostic.code.page()));
    }
    text
}

/// `environment staging`, or all that a finding is made in.
fn only_in(environments: &[String]) -> Option<String> {
    match environments {
        [] => None,
        [one] => Some(format!("environment {one}")),
        more => Some(format!("environments {}", more.join(", "))),
    }
}

/// The place and its line, with the part in question underlined.
fn excerpt(place: &Place, margin: usize, mark: char, colour: &str, style: Style) -> String {
    let bar = style.paint(BLUE, "|");
    let arrow = style.paint(BLUE, "-->");
    let number = style.paint(BLUE, &format!("{:>margin$}", place.line));
    let length = usize::try_from(place.length).unwrap_or(1);
    let before = usize::try_from(place.column).unwrap_or(1).saturating_sub(1);
    let marks: String = std::iter::repeat_n(mark, length).collect();
    let marks = style.paint(colour, &marks);
    let line = format!("{number} {bar} {}", place.excerpt);
    let lines = [
        format!("{:margin$}{arrow} {}:{}:{}", "", place.file, place.line, place.column),
        format!("{:margin$} {bar}", ""),
        line.trim_end().to_owned(),
        format!("{:margin$} {bar} {:before$}{marks}", "", ""),
    ];
    lines.join("\n") + "\n"
}

/// The width of the largest line number of a finding.
fn margin(diagnostic: &Diagnostic) -> usize {
    let related = diagnostic.related.iter().map(|related| related.place.line);
    let largest = related.chain([diagnostic.place.line]).max().unwrap_or_default();
    largest.to_string().len()
}

impl Style {
    fn paint(self, colour: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Coloured => format!("{colour}{text}\x1b[0m"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::diagnostics::{Report, Sources};

    fn findings() -> Vec<Diagnostic> {
        let sources = Sources::of("gateway.toml", "a = 1\nuse = \"x\"\n");
        let report = Report::new(&sources);
        let draft = report.draft(Code::UnknownPolicy, &(12..15), "no policy is named `x`");
        draft.expected("`y`").found("`x`").nearest("x", ["y"]).help("do this").related(&(0..1), "it is here").report();
        report.draft(Code::UnusedPolicy, &(0..1), "unused").report();
        report.into_diagnostics()
    }

    #[test]
    fn a_finding_shows_its_line_and_underlines_the_part_in_question() {
        insta::assert_snapshot!(render(&findings(), Style::Plain), @r#"
        warning[FG0903]: unused
         --> gateway.toml:1:1
          |
        1 | a = 1
          | ^
          = page: https://github.com/ferrogate/ferrogate/blob/main/docs/errors/FG0903.md

        error[FG0302]: no policy is named `x`
         --> gateway.toml:2:7
          |
        2 | use = "x"
          |       ^^^
          = expected: `y`
          = nearest: `y`
          = help: do this
        note: it is here
         --> gateway.toml:1:1
          |
        1 | a = 1
          | -
          = page: https://github.com/ferrogate/ferrogate/blob/main/docs/errors/FG0302.md

        1 error, 1 warning
        "#);
    }

    #[test]
    fn a_page_is_named_once() {
        let twice = [findings(), findings()].concat();
        assert_eq!(render(&twice, Style::Plain).matches("= page: ").count(), 2);
    }

    #[test]
    fn a_finding_says_in_which_environments_alone_it_is_made() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(only_in(&[]), None);
        assert_eq!(only_in(&names(&["staging"])).as_deref(), Some("environment staging"));
        assert_eq!(only_in(&names(&["qa", "staging"])).as_deref(), Some("environments qa, staging"));
    }

    #[test]
    fn nothing_to_say_is_no_text() {
        assert_eq!(render(&[], Style::Coloured), "");
    }

    #[test]
    fn colours_change_nothing_else() {
        let coloured = render(&findings(), Style::Coloured);
        assert!(coloured.contains(RED) && coloured.contains(YELLOW));
        let codes = ["\x1b[0m", RED, YELLOW, BLUE, BOLD];
        let plain = codes.iter().fold(coloured, |text, code| text.replace(code, ""));
        assert_eq!(plain, render(&findings(), Style::Plain));
    }

    #[test]
    fn findings_are_serialisable_for_machines() {
        let json = serde_json::to_value(&findings()[1]).unwrap();
        assert_eq!(json["code"], "FG0302");
        assert_eq!(json["severity"], "error");
        assert_eq!(json["place"]["line"], 2);
        assert_eq!(json["related"][0]["place"]["column"], 1);
    }
}
