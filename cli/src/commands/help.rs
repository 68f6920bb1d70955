//! `ferrogate help [COMMAND]`: what the program or a command does.

use super::find;
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
        about: "which one; the whole program without it",
        takes: Takes::Command,
        is_required: false,
        is_repeated: false,
    }],
    options: &[],
    notes: "",
    examples: &["ferrogate help check"],
    exits: &[(0, "done"), (2, "there is no such command")],
    run,
};

fn run(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let text = match given.operand() {
        Some(name) => help::command(find(name)?),
        None => help::program(),
    };
    output::text(host, &text);
    Ok(())
}
