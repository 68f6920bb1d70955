//! `ferrogate help [COMMAND]...`: what the program or a command does.

use super::help_of;
use crate::{
    Failure,
    arguments::Given,
    command::{Command, Operand, Takes},
    help,
    host::Host,
    output,
};

pub(super) const COMMAND: Command = Command {
    name: "help",
    about: "say what the program or a command does",
    operands: &[Operand {
        name: "COMMAND",
        about: "which one, with its group; the whole program without it",
        takes: Takes::Command,
        is_required: false,
        is_repeated: true,
    }],
    options: &[],
    notes: "",
    examples: &["ferrogate help check", "ferrogate help admin kill"],
    exits: &[(0, "done"), (2, "there is no such command")],
    run,
};

fn run(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let text = match given.operands() {
        [] => help::program(),
        words => help_of(words)?,
    };
    output::text(host, &text);
    Ok(())
}
