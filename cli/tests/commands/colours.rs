//! Colours: on a terminal, and nowhere else. A machine in memory plays the terminal.

use std::cell::RefCell;

use ferrogate_cli::{
    host::{Host, Readers, Stream, Trouble},
    http::{Answer, Request},
};

/// One file, one environment variable, and what was printed.
struct Memory {
    file: &'static str,
    variable: Option<(&'static str, &'static str)>,
    is_terminal: bool,
    printed: RefCell<String>,
}

impl Host for Memory {
    fn read(&self, path: &str) -> Result<Vec<u8>, Trouble> {
        if path == "g.toml" { Ok(self.file.into()) } else { Err(Trouble::of("ENOENT", 2)) }
    }

    fn list(&self, _: &str) -> Result<Vec<String>, Trouble> {
        Ok(Vec::new())
    }

    fn write(&self, _: &str, _: &[u8], _: Readers) -> Result<(), Trouble> {
        Err(Trouble::of("EROFS", 30))
    }

    fn absolute(&self, _: &str) -> Option<String> {
        None
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variable.filter(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
    }

    fn now_s(&self) -> u64 {
        0
    }

    fn random(&self, _: &mut [u8]) -> Result<(), Trouble> {
        Err(Trouble::of("ENOSYS", 38))
    }

    fn ask(&self, _: &Request) -> Result<Answer, Trouble> {
        Err(Trouble::no_node())
    }

    fn is_terminal(&self, _: Stream) -> bool {
        self.is_terminal
    }

    fn print(&self, _: Stream, text: &str) {
        self.printed.borrow_mut().push_str(text);
    }
}

const GOOD: &str = "[gateway]\nname = 'a'\n[routes.'GET /']\nrespond = 'x'\nauth = 'none'\n";

fn has_colours(
    line: &str,
    file: &'static str,
    is_terminal: bool,
    variable: Option<(&'static str, &'static str)>,
) -> bool {
    let host = Memory { file, variable, is_terminal, printed: RefCell::default() };
    ferrogate_cli::run(line.split(' ').map(str::to_owned).collect(), &host);
    assert!(!host.printed.borrow().is_empty());
    host.printed.borrow().contains('\x1b')
}

#[test]
fn there_are_colours_on_a_terminal_that_wants_them() {
    for (line, file) in
        [("check g.toml", "[gateway]"), ("routes g.toml", GOOD), ("explain GET / --config g.toml", GOOD)]
    {
        assert!(has_colours(line, file, true, None), "{line}");
        assert!(has_colours(line, file, true, Some(("NO_COLOR", ""))), "{line}");
        assert!(!has_colours(line, file, false, None), "{line}");
        assert!(!has_colours(line, file, true, Some(("NO_COLOR", "1"))), "{line}");
        assert!(!has_colours(line, file, true, Some(("TERM", "dumb"))), "{line}");
    }
    assert!(!has_colours("check g.toml --format json", "[gateway]", true, None));
    assert!(!has_colours("explain GET / --config g.toml --format json", GOOD, true, None));
}

#[test]
fn a_machine_without_randomness_makes_no_gateway() {
    let host = Memory { file: "", variable: None, is_terminal: false, printed: RefCell::default() };
    assert_eq!(ferrogate_cli::run(vec!["init".to_owned()], &host), 2);
    assert_eq!(*host.printed.borrow(), "ferrogate: there is no randomness: the system refuses, with error 38\n");
}
