//! The command line as wasm for Node: for whoever has Node and no Rust. The machine is an object of
//! `scripts/lib/cli-host.mjs`, in Node's own functions.
//!
//! Not here: what a command does. That is the library `ferrogate_cli`, the same as in the native program.

#![cfg(target_arch = "wasm32")]
#![allow(clippy::disallowed_types, reason = "this is one of the rooms of JavaScript types: see clippy.toml")]

use ferrogate_cli::{
    host::{Host, Readers, Stream, Trouble},
    http::{Answer, Request},
};
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// What Node can do. Nothing of it throws: what fails returns nothing and leaves its reason behind.
    pub type Machine;

    #[wasm_bindgen(method)]
    fn read(this: &Machine, path: &str) -> Option<Vec<u8>>;

    #[wasm_bindgen(method)]
    fn list(this: &Machine, folder: &str) -> Option<Vec<String>>;

    #[wasm_bindgen(method)]
    fn write(this: &Machine, path: &str, content: &[u8], for_owner: bool) -> bool;

    /// The POSIX name of what failed last, and its number there.
    #[wasm_bindgen(method, js_name = failureName)]
    fn failure_name(this: &Machine) -> String;

    #[wasm_bindgen(method, js_name = failureNumber)]
    fn failure_number(this: &Machine) -> i32;

    #[wasm_bindgen(method)]
    fn absolute(this: &Machine, path: &str) -> Option<String>;

    #[wasm_bindgen(method)]
    fn variable(this: &Machine, name: &str) -> Option<String>;

    #[wasm_bindgen(method)]
    fn now(this: &Machine) -> f64;

    #[wasm_bindgen(method)]
    fn random(this: &Machine, length: u32) -> Vec<u8>;

    #[wasm_bindgen(method)]
    fn ask(this: &Machine, question: &str) -> Option<Vec<u8>>;

    #[wasm_bindgen(method, js_name = isTerminal)]
    fn is_terminal(this: &Machine, stream: u8) -> bool;

    #[wasm_bindgen(method)]
    fn print(this: &Machine, stream: u8, text: &str);
}

/// Runs one command line, the words behind the name of the program. Returns the exit code.
#[wasm_bindgen]
#[must_use]
pub fn run(words: Vec<String>, machine: Machine) -> u8 {
    ferrogate_cli::run(words, &Node(machine))
}

struct Node(Machine);

impl Node {
    fn trouble(&self) -> Trouble {
        Trouble::of(&self.0.failure_name(), self.0.failure_number())
    }
}

impl Host for Node {
    fn read(&self, path: &str) -> Result<Vec<u8>, Trouble> {
        self.0.read(path).ok_or_else(|| self.trouble())
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, Trouble> {
        self.0.list(folder).ok_or_else(|| self.trouble())
    }

    fn write(&self, path: &str, content: &[u8], readers: Readers) -> Result<(), Trouble> {
        if self.0.write(path, content, readers == Readers::Owner) { Ok(()) } else { Err(self.trouble()) }
    }

    fn absolute(&self, path: &str) -> Option<String> {
        self.0.absolute(path)
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.0.variable(name)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "seconds of this century fit both; what does not saturates"
    )]
    fn now_s(&self) -> u64 {
        self.0.now() as u64
    }

    fn random(&self, target: &mut [u8]) -> Result<(), Trouble> {
        let bytes = self.0.random(u32::try_from(target.len()).unwrap_or(u32::MAX));
        if bytes.len() != target.len() {
            return Err(self.trouble());
        }
        target.copy_from_slice(&bytes);
        Ok(())
    }

    fn ask(&self, request: &Request) -> Result<Answer, Trouble> {
        Answer::read(&self.0.ask(&request.question()?).ok_or_else(Trouble::no_node)?)
    }

    fn is_terminal(&self, stream: Stream) -> bool {
        self.0.is_terminal(number(stream))
    }

    fn print(&self, stream: Stream, text: &str) {
        self.0.print(number(stream), text);
    }
}

/// The number of a stream as a file that is open.
fn number(stream: Stream) -> u8 {
    match stream {
        Stream::Out => 1,
        Stream::Error => 2,
    }
}
