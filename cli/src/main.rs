//! Ferrogate on the command line: compiles and checks `gateway.toml`, makes demo tokens.
//!
//! Everything that is decided here is decided by the crate `gateway`, the same code that runs in the Worker. This
//! program adds arguments, files, the environment, the clock and exit codes.

#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

mod arguments;
mod check;
mod clock;
mod compile;
mod configuration;
mod files;
mod output;
mod token;

use std::process::ExitCode;

use arguments::Command;

/// Why a command did not do what it was asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The configuration or the environment is wrong: exit code 1. The findings are printed already when the
    /// message is empty.
    Findings(String),
    /// The command was called in the wrong way, or its files cannot be used: exit code 2.
    Usage(String),
}

fn main() -> ExitCode {
    match arguments::parse(std::env::args_os()).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Findings(message)) => fail(&message, 1),
        Err(Failure::Usage(message)) => fail(&format!("{message}\ntry `ferrogate --help`"), 2),
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Help => output::line(arguments::HELP.trim_end()),
        Command::Version => output::line(concat!("ferrogate ", env!("CARGO_PKG_VERSION"))),
        Command::Check { file } => return check::run(&file),
        Command::Compile { file, out } => return compile::run(&file, &out),
        Command::Token(options) => return token::run(&options),
    }
    Ok(())
}

fn fail(message: &str, code: u8) -> ExitCode {
    if !message.is_empty() {
        output::error(&format!("ferrogate: {message}"));
    }
    ExitCode::from(code)
}
