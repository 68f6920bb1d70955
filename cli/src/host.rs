//! What the program needs from the machine, as a trait: the command line runs natively and, as wasm, under Node.
//!
//! Paths are texts with `/`. Nothing here knows what a `gateway.toml` is.

use crate::http::{Answer, Request};

/// The machine that a command runs on.
pub trait Host {
    /// The content of a file.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn read(&self, path: &str) -> Result<Vec<u8>, Trouble>;

    /// The names of what is in a folder, in any order; those that are no UTF-8 are left out.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn list(&self, folder: &str) -> Result<Vec<String>, Trouble>;

    /// Writes a file so that a reader sees the old content or the new one, never a part. Makes the folders that it
    /// stands in.
    ///
    /// # Errors
    /// Why it cannot be written; nothing is left behind then.
    fn write(&self, path: &str, content: &[u8], readers: Readers) -> Result<(), Trouble>;

    /// A path from the root on, without `.` and `..`; nothing needs to be there. `None` when it is no text.
    fn absolute(&self, path: &str) -> Option<String>;

    /// An environment variable, if it is set to a text.
    fn variable(&self, name: &str) -> Option<String>;

    /// Seconds since 1970-01-01T00:00:00Z.
    fn now_s(&self) -> u64;

    /// Fills `target` with bytes that nobody can guess.
    ///
    /// # Errors
    /// The machine has none to give.
    fn random(&self, target: &mut [u8]) -> Result<(), Trouble>;

    /// Sends a request and waits for the whole answer, a redirect included.
    ///
    /// # Errors
    /// Why there is none: nobody listens, nothing comes in time, or this machine has nothing to send it with.
    fn ask(&self, request: &Request) -> Result<Answer, Trouble>;

    /// Whether a person is looking at a stream.
    fn is_terminal(&self, stream: Stream) -> bool;

    /// Writes to a stream. A reader that has gone away (`ferrogate token | head -0`) is nobody's fault: there is
    /// nobody left to tell.
    fn print(&self, stream: Stream, text: &str);
}

/// Where words go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Results.
    Out,
    /// Everything else.
    Error,
}

/// Who may read a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Whoever may by the machine's own rules.
    Usual,
    /// Its owner alone: there are secrets in it.
    Owner,
}

/// Why something with a file or a request failed, in words that are the same on every host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble(String);

impl Trouble {
    /// By the name that POSIX gives it (`ENOENT`), or else by its number there.
    #[must_use]
    pub fn of(name: &str, number: i32) -> Self {
        let words = match name {
            "ENOENT" => "it is not there",
            "EACCES" | "EPERM" => "the permission is missing",
            "EISDIR" => "it is a folder",
            "ENOTDIR" => "a part of its path is no folder",
            "EEXIST" => "something of that name is there already",
            "ENOSPC" => "there is no room left",
            "EROFS" => "nothing can be written there",
            "EINVAL" => "it is no path",
            _ => return Self(format!("the system refuses, with error {number}")),
        };
        Self(words.to_owned())
    }

    /// Of a request, by the name that Node gives it, or in words.
    #[must_use]
    pub fn of_request(name: &str) -> Self {
        let words = match name {
            "ECONNREFUSED" => "nobody listens there",
            "ENOTFOUND" | "EAI_AGAIN" => "there is no such host",
            "ETIMEDOUT" | "UND_ERR_CONNECT_TIMEOUT" => "no answer came in time",
            "ECONNRESET" | "EPIPE" | "UND_ERR_SOCKET" => "the connection was closed before the answer",
            "EHOSTUNREACH" | "ENETUNREACH" => "no way leads there",
            "ETOOBIG" => "the answer is too large",
            other => return Self(other.escape_debug().to_string()),
        };
        Self(words.to_owned())
    }

    /// This machine has nothing to send a request with.
    #[must_use]
    pub fn no_node() -> Self {
        let how = "run this as `npm run --silent ferrogate -- ...`, or say with FERROGATE_NODE where Node is and with \
                   FERROGATE_CHECKOUT where Ferrogate is";
        Self(format!("Node sends it, and nobody says where that is; {how}"))
    }

    /// Whether nobody is there to answer.
    #[must_use]
    pub fn is_silence(&self) -> bool {
        *self == Self::of_request("ECONNREFUSED")
    }

    /// The content is no text.
    #[must_use]
    pub fn no_text() -> Self {
        Self("it is not UTF-8".to_owned())
    }

    /// Whether it is only that nothing is there.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        *self == Self::of("ENOENT", 0)
    }

    /// As a part of a sentence.
    #[must_use]
    pub fn words(&self) -> &str {
        &self.0
    }
}
