//! Where sections put their findings.

use std::cell::RefCell;

use super::{Code, Diagnostic, Related, Span, nearest, source::Sources};

/// The findings about a configuration.
#[derive(Debug)]
pub struct Report<'s> {
    sources: &'s Sources,
    found: RefCell<Vec<Diagnostic>>,
}

impl<'s> Report<'s> {
    /// No findings yet about these texts.
    #[must_use]
    pub fn new(sources: &'s Sources) -> Self {
        Self { sources, found: RefCell::default() }
    }

    /// The texts that findings are about.
    #[must_use]
    pub fn sources(&self) -> &'s Sources {
        self.sources
    }

    /// Begins a finding about a place. Nothing is recorded before [`Draft::report`].
    pub fn draft(&self, code: Code, span: &Span, message: impl Into<String>) -> Draft<'_> {
        let diagnostic = Diagnostic {
            code,
            severity: code.severity(),
            message: message.into(),
            place: self.sources.place(span),
            expected: None,
            found: None,
            nearest: None,
            help: None,
            related: Vec::new(),
            environments: Vec::new(),
        };
        Draft { sources: self.sources, found: &self.found, diagnostic }
    }

    /// Whether a finding forbids the compiled file.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        super::has_errors(&self.found.borrow())
    }

    /// Takes back what a syntax error may be the cause of: findings that something is missing, and findings on
    /// the broken lines themselves. They come back, if they are true, once the syntax is right.
    pub fn forget_consequences_of_syntax(&self) {
        let mut found = self.found.borrow_mut();
        let is_syntax = |diagnostic: &Diagnostic| diagnostic.code == Code::Syntax;
        let line = |it: &Diagnostic| (it.place.file.clone(), it.place.line);
        let broken: Vec<(String, u32)> = found.iter().filter(|it| is_syntax(it)).map(line).collect();
        found.retain(|it| is_syntax(it) || !(it.code.may_follow_from_syntax() || broken.contains(&line(it))));
    }

    /// Takes back everything but syntax errors, because nobody knows what the rest of the file says.
    pub fn forget_all_but_syntax(&self) {
        self.found.borrow_mut().retain(|diagnostic| diagnostic.code == Code::Syntax);
    }

    /// All findings in the order of the file.
    #[must_use]
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        let mut found = self.found.into_inner();
        super::in_order(&mut found);
        found
    }
}

/// A finding in the making.
#[derive(Debug)]
#[must_use = "a draft counts once it is reported"]
pub struct Draft<'r> {
    sources: &'r Sources,
    found: &'r RefCell<Vec<Diagnostic>>,
    diagnostic: Diagnostic,
}

impl Draft<'_> {
    /// Says what would have been right.
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.diagnostic.expected = Some(expected.into());
        self
    }

    /// Says what stands there instead.
    pub fn found(mut self, found: impl Into<String>) -> Self {
        self.diagnostic.found = Some(found.into());
        self
    }

    /// Says which of the valid names is closest to the one that was found, if one is close.
    pub fn nearest<'c>(mut self, name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Self {
        self.diagnostic.nearest = nearest::nearest(name, candidates).map(str::to_owned);
        self
    }

    /// Says which name was meant, where somebody else has found it.
    pub fn meant(mut self, name: Option<String>) -> Self {
        self.diagnostic.nearest = name;
        self
    }

    /// Says what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.diagnostic.help = Some(help.into());
        self
    }

    /// Points to another place that belongs to it.
    pub fn related(mut self, span: &Span, message: impl Into<String>) -> Self {
        self.diagnostic.related.push(Related { message: message.into(), place: self.sources.place(span) });
        self
    }

    /// Records the finding.
    pub fn report(self) {
        self.found.borrow_mut().push(self.diagnostic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_come_in_the_order_of_the_file() {
        let sources = Sources::of("f", "a\nb\nc");
        let report = Report::new(&sources);
        report.draft(Code::UnknownKey, &(4..5), "third").report();
        report.draft(Code::UnknownKey, &(0..1), "first").report();
        report.draft(Code::UnusedPolicy, &(2..3), "second").report();
        let messages: Vec<String> = report.into_diagnostics().into_iter().map(|it| it.message).collect();
        assert_eq!(messages, ["first", "second", "third"]);
    }

    #[test]
    fn a_draft_that_is_not_reported_leaves_no_trace() {
        let sources = Sources::of("f", "a");
        let report = Report::new(&sources);
        let _ = report.draft(Code::UnknownKey, &(0..1), "never");
        assert!(report.into_diagnostics().is_empty());
    }

    #[test]
    fn warnings_are_no_errors() {
        let sources = Sources::of("f", "a");
        let report = Report::new(&sources);
        report.draft(Code::UnusedPolicy, &(0..1), "unused").report();
        assert!(!report.has_errors());
        report.draft(Code::UnknownKey, &(0..1), "unknown").report();
        assert!(report.has_errors());
    }

    #[test]
    fn after_a_syntax_error_nothing_is_said_to_be_missing() {
        let sources = Sources::of("f", "a\nb\nc");
        let report = Report::new(&sources);
        for (code, span) in
            [(Code::Syntax, 0..1), (Code::WrongType, 0..1), (Code::MissingKey, 2..3), (Code::WrongType, 4..5)]
        {
            report.draft(code, &span, "").report();
        }
        report.forget_consequences_of_syntax();
        let left: Vec<(Code, u32)> = report.into_diagnostics().iter().map(|it| (it.code, it.place.line)).collect();
        assert_eq!(left, [(Code::Syntax, 1), (Code::WrongType, 3)]);
    }
}
