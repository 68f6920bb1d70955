//! `ferrogate completions`.

use std::process::Command;

use super::support::Folder;

#[test]
fn every_shell_knows_every_command_and_option() {
    let folder = Folder::new("completions_all");
    for shell in ["bash", "zsh", "fish"] {
        let ran = folder.run(&format!("completions {shell}"));
        assert_eq!((ran.err.as_str(), ran.code), ("", Some(0)), "{shell}");
        for word in [
            "init",
            "check",
            "routes",
            "explain",
            "diff",
            "what-if",
            "requests",
            "compile",
            "token",
            "deny-warnings",
            "resolved",
            "text json sarif",
            "admin",
            "maintenance",
            "retry-after",
        ] {
            assert!(ran.out.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(folder.run("completions").code, Some(2));
    assert_eq!(folder.run("completions tcsh").code, Some(2));
}

/// What bash offers for a command line whose last word is being typed; `None` without a bash.
fn offered(folder: &Folder, words: &[&str]) -> Option<Vec<String>> {
    folder.write("completions.bash", &folder.run("completions bash").out);
    let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let script = format!(
        "source ./completions.bash; COMP_WORDS=({}); COMP_CWORD={}; _ferrogate; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.join(" "),
        words.len() - 1
    );
    let output = Command::new("bash").args(["-c", &script]).current_dir(&folder.0).output().ok()?;
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    let mut offered: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    offered.sort();
    Some(offered)
}

#[test]
fn bash_completes_commands_options_words_and_files() {
    let folder = Folder::new("completions_bash");
    folder.write("a gateway.toml", "");
    let cases: [(&[&str], &[&str]); 12] = [
        (&["ferrogate", "c"], &["check", "compile", "completions"]),
        (&["ferrogate", "check", "--f"], &["--format"]),
        (&["ferrogate", "check", "--format", ""], &["json", "sarif", "text"]),
        (&["ferrogate", "check", "a"], &["a gateway.toml"]),
        (&["ferrogate", "token", "--ttl", ""], &[""]),
        (&["ferrogate", "help", "ro"], &["routes"]),
        (&["ferrogate", "completions", "f"], &["fish"]),
        (&["ferrogate", "ad"], &["admin"]),
        (&["ferrogate", "admin", "s"], &["signals", "suspicious", "switches"]),
        (&["ferrogate", "admin", "limits", "re"], &["reset"]),
        (&["ferrogate", "admin", "kill", "--re"], &["--reason", "--retry-after"]),
        (&["ferrogate", "admin", "drain", "--format", "j"], &["json"]),
    ];
    for (words, expected) in cases {
        let Some(offered) = offered(&folder, words) else { return };
        assert_eq!(offered, expected, "{words:?}");
    }
}
