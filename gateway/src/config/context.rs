//! What reading a value may need besides the value: where findings go, which sections have names, and the variables
//! that texts name.

use std::cell::{Cell, RefCell};

use super::{
    diagnostics::{Code, Report, Span, nearest::nearest},
    reader::Item,
    roles::Roles,
    text::{Piece, Text, Variable, Variables},
    tree::{Table, Value},
    values::{
        listed, quoted,
        variables::{Part, Written},
    },
};
use crate::http::request::MOST_NAMED;

/// Everything around the values of one configuration.
#[derive(Debug)]
pub struct Context<'r> {
    /// Where findings go.
    pub report: &'r Report<'r>,
    /// `[upstreams.NAME]`.
    pub upstreams: Names,
    /// `[issuers.NAME]`.
    pub issuers: Names,
    /// `[policies.NAME]`.
    pub policies: Names,
    /// `[roles]`.
    pub roles: Roles,
    variables: RefCell<Variables>,
    headers: RefCell<Vec<String>>,
    first_uses: RefCell<Vec<Span>>,
    misspelt: RefCell<Vec<(String, String)>>,
}

/// The names of the sections of a kind, in the order of the file. What an index means is known before any section
/// is read, so sections may name each other in any order.
#[derive(Debug)]
pub struct Names {
    /// The table that they stand in: `upstreams`.
    pub table: &'static str,
    /// The word for one of them: `upstream`.
    pub kind: &'static str,
    unknown: Code,
    unused: Code,
    /// Whether the table is not there, but one whose name is nearly the same: then nothing is known about names.
    is_misspelt: bool,
    names: Vec<Name>,
}

#[derive(Debug)]
struct Name {
    name: String,
    key: Span,
    used: Cell<bool>,
}

impl<'r> Context<'r> {
    /// Of a whole configuration.
    #[must_use]
    pub fn of(root: &Table, report: &'r Report<'r>) -> Self {
        let names = |table, kind, unknown, unused| Names::of(root, table, kind, unknown, unused);
        Self {
            report,
            upstreams: names("upstreams", "upstream", Code::UnknownUpstream, Code::UnusedUpstream),
            issuers: names("issuers", "issuer", Code::UnknownIssuer, Code::UnusedIssuer),
            policies: names("policies", "policy", Code::UnknownPolicy, Code::UnusedPolicy),
            roles: Roles::of(root),
            variables: RefCell::default(),
            headers: RefCell::default(),
            first_uses: RefCell::default(),
            misspelt: RefCell::default(),
        }
    }

    /// Remembers that a table has an unknown key that was probably meant to be this one.
    pub fn remember_misspelt(&self, table: &str, key: &str) {
        self.misspelt.borrow_mut().push((table.to_owned(), key.to_owned()));
    }

    /// Whether a table has an unknown key that was probably meant to be this one: that this one is missing is no
    /// news then.
    #[must_use]
    pub fn is_misspelt(&self, table: &str, key: &str) -> bool {
        self.misspelt.borrow().iter().any(|(known, meant)| known == table && meant == key)
    }

    /// The text for the compiled file, its variables added to all others.
    pub fn intern(&self, item: &Item<'_>, written: &Written) -> Option<Text> {
        let mut variables = self.variables.borrow_mut();
        let text = written.intern(&mut variables);
        self.first_uses.borrow_mut().resize(variables.0.len(), item.span().clone());
        if text.is_none() {
            item.draft(Code::TooMany, "this is more than 65,535 variables").report();
        }
        text
    }

    /// Has a request header packed with every request, since a text names it. In lower case.
    pub fn intern_header(&self, item: &Item<'_>, name: &str) -> Option<()> {
        let mut headers = self.headers.borrow_mut();
        if headers.iter().any(|known| known == name) {
            return Some(());
        }
        if headers.len() >= MOST_NAMED {
            item.draft(Code::TooMany, format!("this is more than {MOST_NAMED} request headers")).report();
            return None;
        }
        headers.push(name.to_owned());
        Some(())
    }

    /// The place of a request header among those that texts name.
    #[must_use]
    pub fn header_place(&self, name: &str) -> Option<u16> {
        let place = self.headers.borrow().iter().position(|known| known == name)?;
        u16::try_from(place).ok()
    }

    /// The variable of a secret that no key names; its value is for whoever runs beside the gateway.
    pub fn intern_secret(&self, item: &Item<'_>, name: &str) -> Option<()> {
        let written = Written(vec![Part::Variable { name: name.to_owned(), default: None }]);
        self.intern(item, &written).map(|text| self.mark_secret(&text))
    }

    /// Remembers that the variables of a text are secrets.
    pub fn mark_secret(&self, text: &Text) {
        self.mark(text, |variable| variable.is_secret = true);
    }

    /// Remembers that the variable of a text switches something on or off.
    pub fn mark_switch(&self, text: &Text) {
        self.mark(text, |variable| variable.is_switch = true);
    }

    fn mark(&self, text: &Text, mark: impl Fn(&mut Variable)) {
        let mut variables = self.variables.borrow_mut();
        for piece in &text.0 {
            if let Piece::Variable(index) = piece
                && let Some(variable) = variables.0.get_mut(usize::from(*index))
            {
                mark(variable);
            }
        }
    }

    /// Warns of variables that are not among `known`.
    pub fn warn_missing_variables(&self, known: &[String]) {
        let variables = self.variables.borrow();
        for (variable, place) in variables.0.iter().zip(self.first_uses.borrow().iter()) {
            if variable.default.is_some() || known.contains(&variable.name) {
                continue;
            }
            let message = format!("nothing here gives the variable {} a value", quoted(&variable.name));
            let text = format!("${{{}}}", variable.name);
            let own = self.report.sources().slice(place).find(&text).map(|at| place.start.saturating_add(at));
            let own = own.map_or_else(|| place.clone(), |start| start..start.saturating_add(text.len()));
            let draft = self.report.draft(Code::MissingVariable, &own, message);
            let draft = draft.nearest(&variable.name, known.iter().map(String::as_str));
            let name = &variable.name;
            draft
                .help(format!(
                    "set it under `[vars]` of wrangler.toml or in .dev.vars; a secret that is only deployed \
                 (`npx wrangler secret put {name}`) cannot be seen from here: name it in .dev.vars.example"
                ))
                .report();
        }
    }

    /// Warns of sections that nobody names. While there are errors nobody knows: a name may be misspelt.
    pub fn warn_unused(&self) {
        for names in [&self.issuers, &self.upstreams, &self.policies] {
            for name in names.names.iter().filter(|name| !name.used.get() && !self.report.has_errors()) {
                let message = format!("the {} {} is not used", names.kind, quoted(&name.name));
                self.report.draft(names.unused, &name.key, message).help("use it or take it out").report();
            }
        }
    }

    /// All variables and request headers that were named.
    #[must_use]
    pub fn into_variables_and_headers(self) -> (Variables, Vec<String>) {
        (self.variables.into_inner(), self.headers.into_inner())
    }
}

impl Names {
    fn of(root: &Table, table: &'static str, kind: &'static str, unknown: Code, unused: Code) -> Self {
        let sections = match root.get(table).map(|entry| &entry.node.value) {
            Some(Value::Table(sections)) => sections.0.as_slice(),
            _ => &[],
        };
        let name = |entry: &super::tree::Entry| Name {
            name: entry.key.clone(),
            key: entry.key_span.clone(),
            used: Cell::new(false),
        };
        let is_near = |entry: &super::tree::Entry| nearest(&entry.key, [table]).is_some();
        let is_misspelt = root.get(table).is_none() && root.0.iter().any(is_near);
        Self { table, kind, unknown, unused, is_misspelt, names: sections.iter().map(name).collect() }
    }

    /// The index of the section that an item names; reports a name that none has.
    pub fn find(&self, item: &Item<'_>) -> Option<u16> {
        let name = item.text()?;
        let index = self.names.iter().position(|known| known.name == name);
        match index.and_then(|index| self.names.get(index)) {
            Some(known) => known.used.set(true),
            None => self.report_unknown(item, name),
        }
        index.and_then(|index| u16::try_from(index).ok())
    }

    fn report_unknown(&self, item: &Item<'_>, name: &str) {
        if self.is_misspelt {
            return;
        }
        let draft = item.draft(self.unknown, format!("no {} is named {}", self.kind, quoted(name)));
        let names = || self.names.iter().map(|known| known.name.as_str());
        draft.expected(self.expected()).found(quoted(name)).nearest(name, names()).report();
    }

    /// The names, for a message; not all of them when there are many.
    fn expected(&self) -> String {
        const SHOWN: usize = 8;
        let names = || self.names.iter().map(|known| known.name.as_str());
        match self.names.len().checked_sub(SHOWN) {
            _ if self.names.is_empty() => format!("the name of a section [{}.NAME], and there is none", self.table),
            None | Some(0) => listed(names()),
            Some(more) => {
                let shown: Vec<String> = names().take(SHOWN).map(quoted).collect();
                format!("{} or one of {more} others", shown.join(", "))
            }
        }
    }

    /// The name at an index.
    #[must_use]
    pub fn name(&self, index: u16) -> Option<&str> {
        self.names.get(usize::from(index)).map(|known| known.name.as_str())
    }
}
