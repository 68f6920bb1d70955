//! Wrong usage, help, and what all commands have in common.

use std::fs;

use super::support::{Folder, err, ferrogate, out, text};

#[test]
fn wrong_usage_ends_with_two_and_help_with_zero() {
    for arguments in [&[][..], &["wat"], &["check"], &["compile", "x"], &["check", "/does/not/exist.toml"]] {
        let output = ferrogate(arguments, &[]);
        assert_eq!((out(&output).as_str(), output.status.code()), ("", Some(2)), "{arguments:?}");
        assert!(err(&output).starts_with("ferrogate: "), "{arguments:?}");
    }
    let output = ferrogate(&["--help"], &[]);
    assert_eq!((err(&output).as_str(), output.status.code()), ("", Some(0)));
    assert!(out(&output).contains("Examples:") && out(&output).contains("Exit codes:"));
    assert!(out(&ferrogate(&["--version"], &[])).starts_with("ferrogate 0."));
}

#[test]
fn a_file_that_is_not_text_is_refused() {
    let folder = Folder::new("not_text");
    let path = folder.0.join("gateway.toml");
    fs::write(&path, [0xff, 0xfe]).unwrap();
    let output = ferrogate(&["check", text(&path)], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("is not UTF-8"));
}

#[test]
fn the_nearest_command_and_option_are_named() {
    let folder = Folder::new("usage_nearest");
    for (line, hint) in [
        ("chekc", "did you mean check?"),
        ("help tokn", "did you mean token?"),
        ("--halp", "did you mean --help?"),
        ("routes --resolve", "did you mean --resolved?"),
        ("explian", "did you mean explain?"),
        ("whatif", "did you mean what-if?"),
        ("admn", "did you mean admin?"),
        ("admin swiches", "did you mean switches?"),
        ("help admin kil", "did you mean kill?"),
        ("check x --format sarfi", "did you mean sarif?"),
    ] {
        let ran = folder.run(line);
        assert_eq!((ran.out.as_str(), ran.code), ("", Some(2)), "{line}");
        assert!(ran.err.contains(hint) && ran.err.contains("--help`\n"), "{line}: {}", ran.err);
    }
}

#[test]
fn every_command_has_help_with_examples_and_exit_codes() {
    let folder = Folder::new("usage_help");
    let program = folder.run("help").out;
    let names = ["init", "check", "routes", "explain", "diff", "what-if", "compile", "token", "completions", "help"];
    for name in names.into_iter().chain([
        "admin kill",
        "admin drain",
        "admin maintenance",
        "admin switches",
        "admin signals",
        "admin limits",
        "admin block",
        "admin unblock",
        "admin blocked",
        "admin suspicious",
        "admin audit",
        "audit verify",
    ]) {
        let ran = folder.run(&format!("{name} --help"));
        assert_eq!((ran.err.as_str(), ran.code), ("", Some(0)), "{name}");
        assert_eq!(ran.out, folder.run(&format!("help {name}")).out);
        for part in ["Usage:\n  ferrogate ", "Examples:\n", "Exit codes:\n  0  ", "-h, --help"] {
            assert!(ran.out.contains(part), "{name}: {part}");
        }
        assert!(ran.out.lines().all(|line| line.chars().count() <= 120), "{name}");
        let (list, name) = match name.split_once(' ') {
            Some((group, name)) => (folder.run(&format!("help {group}")).out, name),
            None => (program.clone(), name),
        };
        assert!(list.contains(&format!("\n  {name} ")), "{name} is listed");
    }
    assert!(program.contains("\n  admin ") && folder.run("admin --help").out == folder.run("help admin").out);
}
