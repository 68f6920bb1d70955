//! Ferrogate on the command line: checks, shows, explains, compares and compiles `gateway.toml`, makes demo tokens and
//! new gateways, and asks those that run as their operator.
//!
//! Everything that is decided here is decided by the crate `gateway`, the same code that runs in the Worker. This crate
//! adds arguments, texts and exit codes. It touches no file, clock, network or terminal itself: those come in through
//! [`host::Host`], natively from `main.rs` and under Node from `cli/node`, so that both say the same.

#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

mod arguments;
mod colours;
mod command;
mod commands;
mod configuration;
mod explaining;
mod files;
mod findings;
mod help;
pub mod host;
pub mod http;
mod operator;
mod output;
mod signing;
mod table;
mod time;
mod values;
mod variables;

use host::Host;

/// Why a command did not do what it was asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The configuration or the environment is wrong, what is compared differs, or a gateway refuses: exit code 1.
    /// Everything is said already when the message is empty.
    Findings(String),
    /// The command was called in the wrong way: exit code 2.
    Usage(String),
    /// A file cannot be used, or a gateway does not answer: exit code 2. Everything is said already when the message is empty.
    Files(String),
}

/// Runs one command line, the words behind the name of the program. Returns the exit code.
pub fn run(words: Vec<String>, host: &dyn Host) -> u8 {
    let Err(failure) = commands::dispatch(words, host) else { return 0 };
    match failure {
        Failure::Findings(message) => fail(host, &message, 1),
        Failure::Files(message) => fail(host, &message, 2),
        Failure::Usage(message) => fail(host, &message, 2),
    }
}

fn fail(host: &dyn Host, message: &str, code: u8) -> u8 {
    if !message.is_empty() {
        output::error(host, &format!("ferrogate: {message}"));
    }
    code
}
