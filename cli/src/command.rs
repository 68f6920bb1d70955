//! What a command is: one table that the parser, the help and the completions are made from.
//!
//! Which commands there are stands in `commands`; what one does stands in its own file there.

use crate::{Failure, arguments::Given, host::Host};

/// A command: `ferrogate NAME …`. The name of one in a group has two words.
pub(crate) struct Command {
    pub(crate) name: &'static str,
    /// One line, for the list of commands.
    pub(crate) about: &'static str,
    pub(crate) operands: &'static [Operand],
    pub(crate) options: &'static [Opt],
    /// What else there is to know, as whole lines; may be empty.
    pub(crate) notes: &'static str,
    /// Command lines to copy.
    pub(crate) examples: &'static [&'static str],
    /// What each exit code means here.
    pub(crate) exits: &'static [(u8, &'static str)],
    pub(crate) run: fn(&Given, &dyn Host) -> Result<(), Failure>,
}

impl Command {
    /// The first word of its name.
    pub(crate) fn start(&self) -> &'static str {
        self.name.split_once(' ').map_or(self.name, |(group, _)| group)
    }
}

/// An argument without a name.
pub(crate) struct Operand {
    /// `FILE`.
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) takes: Takes,
    pub(crate) is_required: bool,
    pub(crate) is_repeated: bool,
}

/// An option: `--long` or `--long VALUE`.
pub(crate) struct Opt {
    pub(crate) long: &'static str,
    pub(crate) short: Option<char>,
    /// What stands behind it, and what that can be; `None` for a flag.
    pub(crate) value: Option<(&'static str, Takes)>,
    pub(crate) about: &'static str,
    pub(crate) is_required: bool,
    pub(crate) is_repeated: bool,
}

/// What a value can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// A path of a file.
    File,
    /// A path of a folder.
    Folder,
    /// One of these words.
    Words(&'static [&'static str]),
    /// The name of a command.
    Command,
    /// Anything.
    Text,
}

impl Opt {
    /// A flag.
    pub(crate) const fn flag(long: &'static str, about: &'static str) -> Self {
        Self { long, short: None, value: None, about, is_required: false, is_repeated: false }
    }

    /// An option with a value.
    pub(crate) const fn value(long: &'static str, name: &'static str, takes: Takes, about: &'static str) -> Self {
        Self { long, short: None, value: Some((name, takes)), about, is_required: false, is_repeated: false }
    }

    /// It may be called by a letter too.
    pub(crate) const fn short(mut self, letter: char) -> Self {
        self.short = Some(letter);
        self
    }

    /// It may stand several times.
    pub(crate) const fn repeated(mut self) -> Self {
        self.is_repeated = true;
        self
    }

    /// The command cannot do without it.
    pub(crate) const fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    /// `--out PATH`.
    pub(crate) fn shown(&self) -> String {
        self.value.map_or_else(|| format!("--{}", self.long), |(name, _)| format!("--{} {name}", self.long))
    }
}

impl Operand {
    /// `FILE`, `[FILE]`, `FILE...`.
    pub(crate) fn shown(&self) -> String {
        let more = if self.is_repeated { "..." } else { "" };
        if self.is_required { format!("{}{more}", self.name) } else { format!("[{}]{more}", self.name) }
    }
}

/// Every command has it.
pub(crate) const HELP: Opt = Opt::flag("help", "print this").short('h');

/// What exit codes mean where nothing else is said.
pub(crate) const EXITS: &[(u8, &str)] = &[
    (0, "done"),
    (1, "something is wrong with the configuration or the environment"),
    (2, "wrong usage, or a file that cannot be used"),
];
