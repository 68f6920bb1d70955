//! Colours for explanations and differences, by the first word of each line. The text is the same without them.

use gateway::config::diagnostics::render::Style;

const RED: &str = "\x1b[1;31m";
const GREEN: &str = "\x1b[1;32m";
const YELLOW: &str = "\x1b[1;33m";
const BLUE: &str = "\x1b[1;34m";
const BOLD: &str = "\x1b[1m";
const END: &str = "\x1b[0m";

/// A text of several lines as it is to be seen.
pub(crate) fn paint(text: &str, style: Style) -> String {
    match style {
        Style::Plain => text.to_owned(),
        Style::Coloured => text.split_inclusive('\n').map(line).collect(),
    }
}

fn line(line: &str) -> String {
    let word = line.split([' ', '\n']).next().unwrap_or_default();
    match colour(word).zip(line.strip_prefix(word)) {
        Some((colour, rest)) => format!("{colour}{word}{END}{rest}"),
        None => line.to_owned(),
    }
}

/// Lines that belong to the one above begin with blanks and have no colour.
fn colour(word: &str) -> Option<&'static str> {
    Some(match word {
        "passed" | "+" => GREEN,
        "refused" | "-" => RED,
        "~" => YELLOW,
        "decided" | "delivers" | "ends" | "sends" | "waits" => BLUE,
        "answers" | "logs" => BOLD,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_word_is_painted_and_only_a_known_one() {
        let text = "GET passed\n\nrefused  authn  no passed\n     passed = 1\n- route";
        assert_eq!(paint(text, Style::Plain), text);
        let painted = format!("GET passed\n\n{RED}refused{END}  authn  no passed\n     passed = 1\n{RED}-{END} route");
        assert_eq!(paint(text, Style::Coloured), painted);
    }
}
