//! What `docs/command-line.md` shows is what the program prints: each ```` ```console ```` block is run in the
//! repository's own gateway, beside the ```` ```jsonl ```` file. `…` stands for anything.

use std::{path::Path, process::Command};

use super::support::{Folder, shop};

const PAGE: &str = include_str!("../../../docs/command-line.md");

/// The blocks of a language, in their order.
fn blocks(language: &str) -> Vec<&'static str> {
    let after_fences = PAGE.split("```").skip(1).step_by(2);
    let content = after_fences.filter_map(|block| block.split_once('\n'));
    content.filter(|(of, _)| *of == language).map(|(_, content)| content).collect()
}

/// What a command line prints in a shell, errors included.
fn printed(folder: &Folder, line: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_ferrogate")).parent().unwrap();
    let path = format!("{}:/usr/bin:/bin", program.display());
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{{ {line}\n}} 2>&1")]).env_clear().env("PATH", path);
    command.env("JWT_SECRET", "a secret of thirty-two bytes or so").current_dir(&folder.0);
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

/// Whether a text is what is expected, where `…` stands for anything.
fn fits(text: &str, expected: &str) -> bool {
    let mut parts = expected.split('…');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut last = None;
    for part in parts {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        (last, rest) = (Some(part), behind);
    }
    rest.is_empty() || last.is_some_and(|last| rest.ends_with(last))
}

#[test]
fn the_page_shows_what_the_program_prints() {
    let folder = shop("documented");
    folder.write("requests.jsonl", blocks("jsonl")[0]);
    let mut count = 0;
    for block in blocks("console") {
        for command in block.split("$ ").skip(1) {
            let (line, expected) = command.split_once('\n').unwrap();
            let printed = printed(&folder, line);
            assert!(fits(&printed, expected), "$ {line}\n{printed}");
            count += 1;
        }
    }
    assert_eq!(count, 7);
}

#[test]
fn only_what_is_left_out_may_differ() {
    assert!(fits("a\nb\nc\n", "a\n…\nc\n") && fits("a\n", "a\n") && fits("ab\ncb\n", "a…b\n"));
    assert!(!fits("a\nb\n", "a\n") && !fits("a\nb\n", "a\n…\nc\n") && !fits("a\nb\nc\n", "a\n…b\n"));
}
