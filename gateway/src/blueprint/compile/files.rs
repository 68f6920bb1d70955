//! The texts of a configuration: the main file and those that it includes, put together into one tree.
//!
//! Where texts come from is not known here: the command line reads them from a disk, a test has them in memory.

use toml::de::DeTable;

use super::syntax::{self, Broken};
use crate::config::{
    diagnostics::{Code, Report, Sources, Span, nearest::nearest},
    tree::{Entry, Table, Value},
    values::{listed, quoted},
};

/// Where the texts of a configuration come from. Paths are those that the main file writes, relative to itself.
pub trait Files {
    /// The text of a file.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    fn read(&self, path: &str) -> Result<String, String>;

    /// The names of the files in a folder.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    fn list(&self, folder: &str) -> Result<Vec<String>, String>;
}

/// For configurations of one text.
pub struct OneFile;

impl Files for OneFile {
    fn read(&self, _: &str) -> Result<String, String> {
        Err("there are no other files here".to_owned())
    }

    fn list(&self, _: &str) -> Result<Vec<String>, String> {
        Err("there are no other files here".to_owned())
    }
}

/// Sections that an included file may have. The rest is said once, in the main file.
const SECTIONS: [&str; 7] = ["upstreams", "issuers", "roles", "plans", "policies", "routes", "env"];

/// What is said at the first place of something that stands in two files.
const HERE_TOO: &str = "it is here too";

/// All texts, and the tree that they make together.
pub(super) struct Loaded {
    pub(super) sources: Sources,
    pub(super) root: Table,
    parsed: Vec<Parsed>,
    included: Vec<String>,
    problems: Vec<Problem>,
}

struct Parsed {
    text: String,
    base: usize,
}

/// A finding that waits until all texts are there.
struct Problem {
    code: Code,
    place: Span,
    message: String,
    expected: Option<String>,
    nearest: Option<String>,
    help: &'static str,
    other: Option<(Span, &'static str)>,
}

impl Problem {
    fn new(code: Code, place: &Span, message: String, help: &'static str) -> Self {
        Self { code, place: place.clone(), message, expected: None, nearest: None, help, other: None }
    }
}

impl Loaded {
    /// Loads the main file and what it includes.
    pub(super) fn new(name: &str, text: &str, files: &dyn Files) -> Self {
        let mut loaded = Self {
            sources: Sources::default(),
            root: Table::default(),
            parsed: Vec::new(),
            included: Vec::new(),
            problems: Vec::new(),
        };
        loaded.root = loaded.parse(name, text);
        let Some(include) = loaded.root.take("include") else { return loaded };
        for (pattern, place) in loaded.patterns(&include) {
            loaded.include(name, &pattern, &place, files);
        }
        loaded
    }

    /// Reports what is wrong with the texts themselves. Says how much of them can be trusted.
    pub(super) fn report(&self, report: &Report<'_>) -> Broken {
        for problem in &self.problems {
            let draft = report.draft(problem.code, &problem.place, &problem.message).help(problem.help);
            let draft = draft.meant(problem.nearest.clone());
            let draft = match &problem.expected {
                Some(expected) => draft.expected(expected),
                None => draft,
            };
            match &problem.other {
                Some((other, message)) => draft.related(other, *message).report(),
                None => draft.report(),
            }
        }
        let broken = |parsed: &Parsed| {
            let (_, errors) = DeTable::parse_recoverable(&parsed.text);
            syntax::report(&parsed.text, parsed.base, &errors, report)
        };
        self.parsed.iter().map(broken).max().unwrap_or(Broken::Nowhere)
    }

    fn parse(&mut self, name: &str, text: &str) -> Table {
        let base = self.sources.add(name, text);
        self.parsed.push(Parsed { text: text.to_owned(), base });
        Table::of(DeTable::parse_recoverable(text).0.get_ref(), base)
    }

    fn problem(&mut self, code: Code, place: &Span, message: String, help: &'static str) {
        self.problems.push(Problem::new(code, place, message, help));
    }

    fn no_list(&mut self, place: &Span, help: &'static str) {
        let problem = Problem::new(Code::WrongType, place, "`include` must be a list of files".to_owned(), help);
        self.problems.push(Problem { expected: Some("a list of texts".to_owned()), ..problem });
    }

    /// The paths that `include` names.
    fn patterns(&mut self, include: &Entry) -> Vec<(String, Span)> {
        let help = "write include = [\"routes/*.toml\"]: paths from the folder of this file";
        let Value::List(nodes) = &include.node.value else {
            self.no_list(&include.node.span, help);
            return Vec::new();
        };
        let mut patterns: Vec<(String, Span)> = Vec::new();
        for node in nodes {
            match &node.value {
                Value::Text(path) if is_below(path) => patterns.push((path.clone(), node.span.clone())),
                Value::Text(path) => {
                    let message = format!("{} is no path of a file to include", quoted(path));
                    self.problem(Code::BadInclude, &node.span, message, help);
                }
                _ => self.no_list(&node.span, help),
            }
        }
        patterns
    }

    /// Includes the files that a path names; `*` in its last part stands for any characters.
    fn include(&mut self, main: &str, pattern: &str, place: &Span, files: &dyn Files) {
        let help = "paths are relative to the folder of the main file; `*` stands for any characters of a file name";
        let cannot = |path: &str, reason: &str| format!("{} cannot be included: {reason}", quoted(path));
        let mut paths = match expand(pattern, files) {
            Ok(paths) => paths,
            Err(reason) => return self.problem(Code::BadInclude, place, cannot(pattern, &reason), help),
        };
        // `*.toml` stands for the files beside the main one.
        paths.retain(|path| beside(main, path) != main || path == pattern);
        if paths.is_empty() {
            return self.problem(Code::BadInclude, place, format!("no file is called {}", quoted(pattern)), help);
        }
        for path in paths {
            let shown = beside(main, &path);
            if shown == main {
                self.problem(Code::BadInclude, place, cannot(&path, "it is this file"), "take it out");
            } else if self.included.contains(&path) {
                let message = format!("{} is included twice", quoted(&path));
                self.problem(Code::Repeated, place, message, "take it out, or write a pattern that leaves it out");
            } else {
                self.include_file(&path, &shown, place, files).unwrap_or_else(|reason| {
                    let problem = Problem::new(Code::BadInclude, place, cannot(&path, &reason), help);
                    self.problems.push(Problem { nearest: neighbour(&path, files), ..problem });
                });
            }
        }
    }

    fn include_file(&mut self, path: &str, shown: &str, place: &Span, files: &dyn Files) -> Result<(), String> {
        let text = files.read(path)?;
        self.included.push(path.to_owned());
        let table = self.parse(shown, &text);
        self.merge(table, place);
        Ok(())
    }

    /// Adds the sections of an included file. What is said twice is an error: files have no order.
    fn merge(&mut self, table: Table, place: &Span) {
        for section in table.0 {
            if !SECTIONS.contains(&section.key.as_str()) {
                self.refuse(&section, place);
                continue;
            }
            let Some(known) = self.root.get_mut(&section.key) else {
                self.root.0.push(section);
                continue;
            };
            let (Value::Table(known), Value::Table(added)) = (&mut known.node.value, section.node.value) else {
                continue; // one of the two is no table, which reading it reports
            };
            for entry in added.0 {
                match known.get(&entry.key) {
                    None => known.0.push(entry),
                    Some(earlier) => {
                        let message = format!("{} stands in two files", quoted(&entry.key));
                        let problem = Problem::new(Code::Repeated, &entry.key_span, message, "keep one of the two");
                        self.problems.push(Problem { other: Some((earlier.key_span.clone(), HERE_TOO)), ..problem });
                    }
                }
            }
        }
    }

    /// Reports a key that an included file cannot have.
    fn refuse(&mut self, section: &Entry, place: &Span) {
        let message = format!("an included file has no {}", quoted(&section.key));
        let of_main = ["gateway", "versions", "well_known", "include"].contains(&section.key.as_str());
        let code = if of_main { Code::NotInInclude } else { Code::UnknownKey };
        let help =
            if of_main { "it belongs to the main file" } else { "included files have these sections and no others" };
        let problem = Problem::new(code, &section.key_span, message, help);
        self.problems.push(Problem {
            expected: Some(listed(SECTIONS)),
            nearest: nearest(&section.key, SECTIONS).map(str::to_owned),
            other: Some((place.clone(), "it is included here")),
            ..problem
        });
    }
}

/// The file that was probably meant by a path that names none.
fn neighbour(path: &str, files: &dyn Files) -> Option<String> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let names = files.list(folder).ok()?;
    let found = nearest(name, names.iter().map(String::as_str))?;
    Some(if folder.is_empty() { found.to_owned() } else { format!("{folder}/{found}") })
}

/// Whether a path stays below the folder of the main file.
fn is_below(path: &str) -> bool {
    !path.is_empty() && !path.contains('\\') && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// The paths that a pattern stands for, in order.
fn expand(pattern: &str, files: &dyn Files) -> Result<Vec<String>, String> {
    let (folder, name) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    let Some((start, end)) = name.split_once('*') else { return Ok(vec![pattern.to_owned()]) };
    let fits =
        |file: &String| file.strip_prefix(start).is_some_and(|rest| rest.len() >= end.len() && rest.ends_with(end));
    let mut found: Vec<String> = files.list(folder)?.into_iter().filter(fits).collect();
    found.sort();
    Ok(found.into_iter().map(|file| if folder.is_empty() { file } else { format!("{folder}/{file}") }).collect())
}

/// An included path as one would write it beside the main file's.
fn beside(main: &str, path: &str) -> String {
    main.rsplit_once('/').map_or_else(|| path.to_owned(), |(folder, _)| format!("{folder}/{path}"))
}
