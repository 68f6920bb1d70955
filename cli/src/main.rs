//! The program `ferrogate`, natively: the machine that the commands of the library run on, and the exit code.
//!
//! Not here: what a command does. The same commands run under Node, on the host in `cli/node`.

mod native;

use std::process::ExitCode;

use ferrogate_cli::host::{Host as _, Stream};

fn main() -> ExitCode {
    let mut words = Vec::new();
    for word in std::env::args_os().skip(1) {
        match word.into_string() {
            Ok(word) => words.push(word),
            Err(word) => {
                let message = format!("ferrogate: the argument {} is not UTF-8\n", word.display());
                native::Native.print(Stream::Error, &message);
                return ExitCode::from(2);
            }
        }
    }
    ExitCode::from(ferrogate_cli::run(words, &native::Native))
}
