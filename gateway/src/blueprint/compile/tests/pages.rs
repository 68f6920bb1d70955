//! The pages under `docs/errors`: one for each rule, with what the compiler says about the wrong example. A page that
//! is out of date fails here; `UPDATE_PAGES=1` writes what belongs there, and the index.

use std::fmt::Write as _;

use super::{Folder, bad::WITHOUT_FILE};
use crate::{
    blueprint::compile::{compile, compile_files},
    config::{
        context::Context,
        diagnostics::{
            Code, Diagnostic, Report, Severity, Sources, has_errors,
            render::{Style, render},
        },
        reader::Reader,
        tree::Table,
        values::{Fault, media_type},
    },
};

const PAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/errors");

const WRONG: &str = "## Wrong";
const SAYS: &str = "## What the compiler says";
const RIGHT: &str = "## Right";
const WHY: &str = "## Why";

/// The index says what the examples leave out.
const INTRODUCTION: &str = "\
# What the compiler finds

One page for each rule that a `gateway.toml` can break: the rule, an example, what `ferrogate check` prints about it,
how to mend it, and why the rule is there. Numbers never change their meaning. Errors forbid the compiled file,
warnings do not.

The examples are parts of a file. `[gateway]`, the upstream `shop` and the issuer `acme` stand elsewhere in it where an
example does not show them. What a caller of the gateway gets when a request is refused is another matter:
[problems](../problems.md).

This list and the output on the pages are written by a test: `UPDATE_PAGES=1 cargo test -p gateway --features compiler
pages`.
";

const GROUPS: [(&str, &str); 5] = [
    ("FG01", "The file and its values"),
    ("FG02", "Upstreams and issuers"),
    ("FG03", "Policies"),
    ("FG04", "Routes"),
    ("FG09", "Warnings"),
];

/// The files of the examples below a heading of a page, by the name in their first line.
fn example(page: &str, heading: &str) -> Folder {
    let mut folder = Folder::default();
    for (language, block) in blocks(section(page, heading)) {
        let named =
            block.lines().next().and_then(|line| line.strip_prefix("# ")).filter(|line| line.ends_with(".toml"));
        let name = if language == "sh" { super::VARIABLES } else { named.unwrap_or("gateway.toml") };
        folder.0.insert(name.to_owned(), block);
    }
    folder
}

fn section<'p>(page: &'p str, heading: &str) -> &'p str {
    let (_, behind) = page.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    behind.split("\n## ").next().unwrap_or_default()
}

/// The blocks of code in a text, each with its language.
fn blocks(text: &str) -> Vec<(String, String)> {
    let pieces: Vec<&str> = text.split("```").collect();
    let fenced = pieces.iter().skip(1).step_by(2);
    let block = |piece: &&str| {
        let (language, text) = piece.split_once('\n').unwrap_or((piece, ""));
        (language.to_owned(), text.to_owned())
    };
    fenced.map(block).collect()
}

/// What an example leaves out stands behind it, so that its lines keep their numbers.
fn completed(folder: &Folder) -> Folder {
    let mut folder = folder.clone();
    let all: String = folder.0.values().cloned().collect();
    let main = folder.0.get_mut("gateway.toml").unwrap();
    let mut add = |is_absent: bool, text: &str| {
        if is_absent {
            main.push_str(text);
        }
    };
    add(!all.contains("[gateway]\nname"), "\n[gateway]\nname = \"acme\"\n");
    let shop = "\n[upstreams.shop]\ntargets = [\"https://shop.example\"]\n";
    add(all.contains("= \"shop") && !all.contains("[upstreams.shop]\ntargets"), shop);
    let issuer = "\n[issuers.acme]\nalgorithm = \"HS256\"\nissuer = \"i\"\naudience = \"a\"\nsecret = \"${S}\"\n";
    add(all.contains("auth = \"acme\"") && !all.contains("[issuers.acme]"), issuer);
    folder
}

fn findings(code: Code, folder: &Folder) -> Vec<Diagnostic> {
    if code == Code::TooMany {
        return compile("gateway.toml", &too_many(folder)).diagnostics;
    }
    if let Some(parse) = of_value(code) {
        return read_value(&folder.main(), parse);
    }
    let folder = completed(folder);
    compile_files("gateway.toml", &folder.main(), &folder, &folder.around()).diagnostics
}

/// As many routes as the example says, if it says so.
fn too_many(folder: &Folder) -> String {
    let main = folder.main();
    let rest = "\n[gateway]\nname = \"acme\"\n\n[upstreams.shop]\ntargets = [\"https://shop.example\"]\n";
    if !main.contains("and so on") {
        return main + rest;
    }
    let route = main.split("\n#").next().unwrap_or_default();
    (1..=9363).map(|number| route.replace("/1\"", &format!("/{number}\"")) + "\n").chain([rest.to_owned()]).collect()
}

type Check = fn(&str) -> Result<(), Fault>;

/// How a value is read that no section takes yet.
fn of_value(code: Code) -> Option<Check> {
    match code {
        Code::BadMediaType => Some(|text| media_type::parse(text).map(drop)),
        _ => None,
    }
}

fn read_value(text: &str, parse: Check) -> Vec<Diagnostic> {
    let sources = Sources::of("gateway.toml", text);
    let report = Report::new(&sources);
    let table = Table::of(toml::de::DeTable::parse(text).unwrap().get_ref(), 0);
    let context = Context::of(&table, &report);
    for item in Reader::root(&table, &context).entries() {
        let _ = item.parsed(parse);
    }
    report.into_diagnostics()
}

/// What the compiler says about the rule of a page.
fn output(code: Code, page: &str) -> String {
    let mut found = findings(code, &example(page, WRONG));
    found.retain(|it| it.code == code);
    assert!(!found.is_empty(), "{}: the wrong example breaks another rule", code.number());
    let text = render(&found, Style::Plain);
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// The page with the output that belongs there.
fn with_output(page: &str, output: &str) -> String {
    let (head, behind) = page.split_once(&format!("\n{SAYS}\n")).unwrap();
    let (_, tail) = behind.split_once(&format!("\n{RIGHT}\n")).unwrap();
    format!("{head}\n{SAYS}\n\n```text\n{output}```\n\n{RIGHT}\n{tail}")
}

/// Writes a text where it belongs if that is wanted; else it must stand there already.
fn check(name: &str, wanted: &str) {
    let path = format!("{PAGES}/{name}");
    if std::env::var_os("UPDATE_PAGES").is_some() {
        std::fs::write(path, wanted).unwrap();
        return;
    }
    let present = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(present, wanted, "{name} is out of date: UPDATE_PAGES=1 writes it");
}

fn page(code: Code) -> String {
    let name = format!("{PAGES}/{}.md", code.number());
    std::fs::read_to_string(&name).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_page_shows_what_the_compiler_says() {
    for code in Code::ALL {
        let page = page(*code);
        check(&format!("{}.md", code.number()), &with_output(&page, &output(*code, &page)));
    }
}

#[test]
fn every_right_example_compiles_and_keeps_the_rule() {
    for code in Code::ALL {
        let found = findings(*code, &example(&page(*code), RIGHT));
        let shown = render(&found, Style::Plain);
        assert!(!has_errors(&found) && found.iter().all(|it| it.code != *code), "{}\n{shown}", code.number());
    }
}

#[test]
fn every_page_has_its_title_and_its_parts_in_order() {
    for code in Code::ALL {
        let page = page(*code);
        let title = format!("# {}: {}\n", code.number(), code.title().trim_end_matches('.'));
        assert!(page.starts_with(&title), "{}: {title}", code.number());
        let headings: Vec<&str> = page.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(headings, [WRONG, SAYS, RIGHT, WHY], "{}", code.number());
    }
}

#[test]
fn a_value_that_no_section_takes_yet_says_so_on_its_page() {
    for code in Code::ALL {
        let says_so = page(*code).contains("yet; the rule stands for those that will");
        assert_eq!(says_so, WITHOUT_FILE.contains(code) && *code != Code::TooMany, "{}", code.number());
    }
}

#[test]
fn the_index_lists_every_page_and_there_are_no_others() {
    let mut index = INTRODUCTION.to_owned();
    for (prefix, title) in GROUPS {
        write!(index, "\n## {title}\n\n| code | rule |\n|---|---|\n").unwrap();
        for code in Code::ALL.iter().filter(|code| code.number().starts_with(prefix)) {
            let (number, rule) = (code.number(), code.title().replace('|', "\\|"));
            writeln!(index, "| [{number}]({number}.md) | {rule} |").unwrap();
        }
    }
    check("README.md", &index);
    let mut files: Vec<String> = std::fs::read_dir(PAGES)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    let mut wanted: Vec<String> = Code::ALL.iter().map(|code| format!("{}.md", code.number())).collect();
    wanted.push("README.md".to_owned());
    assert_eq!(files, wanted);
}

#[test]
fn the_last_group_is_that_of_the_warnings() {
    for code in Code::ALL {
        let group = GROUPS.iter().position(|(prefix, _)| code.number().starts_with(prefix));
        assert_eq!(group == Some(GROUPS.len() - 1), code.severity() == Severity::Warning, "{}", code.number());
    }
}
