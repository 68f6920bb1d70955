//! The machine under the native program. The only place of it that touches files, clock, randomness and terminal.

use std::{
    ffi::OsString,
    fs,
    io::{self, ErrorKind, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use ferrogate_cli::{
    host::{Host, Readers, Stream, Trouble},
    http::{Answer, Request},
};

/// This machine.
pub(crate) struct Native;

impl Host for Native {
    fn read(&self, path: &str) -> Result<Vec<u8>, Trouble> {
        fs::read(path).map_err(|error| trouble(&error))
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, Trouble> {
        let entries = fs::read_dir(folder).map_err(|error| trouble(&error))?;
        let name = |entry: fs::DirEntry| entry.file_name().into_string().ok();
        Ok(entries.filter_map(Result::ok).filter_map(name).collect())
    }

    fn write(&self, path: &str, content: &[u8], readers: Readers) -> Result<(), Trouble> {
        write(Path::new(path), content, readers).map_err(|error| trouble(&error))
    }

    fn absolute(&self, path: &str) -> Option<String> {
        let mut plain = PathBuf::new();
        for part in std::path::absolute(path).ok()?.components() {
            // `absolute` keeps `..`; at the root it leads nowhere.
            if part.as_os_str() == ".." {
                plain.pop();
            } else {
                plain.push(part);
            }
        }
        plain.into_os_string().into_string().ok()
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    #[expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "this is the room of the clock")]
    fn now_s(&self) -> u64 {
        // 0 on a machine that believes to be older than 1970.
        let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
        now.map(|since| since.as_secs()).unwrap_or_default()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the room of randomness")]
    fn random(&self, target: &mut [u8]) -> Result<(), Trouble> {
        getrandom::fill(target).map_err(|error| Trouble::of("", error.raw_os_error().unwrap_or_default()))
    }

    fn ask(&self, request: &Request) -> Result<Answer, Trouble> {
        let said = |name| self.variable(name).filter(|path| !path.is_empty()).ok_or_else(Trouble::no_node);
        let (node, checkout) = (said("FERROGATE_NODE")?, said("FERROGATE_CHECKOUT")?);
        let program = Path::new(&checkout).join("scripts/lib/ask.mjs");
        let written = run(Path::new(&node), &program, &request.question()?);
        Answer::read(&written.map_err(|_| Trouble::no_node())?)
    }

    fn is_terminal(&self, stream: Stream) -> bool {
        match stream {
            Stream::Out => io::stdout().is_terminal(),
            Stream::Error => io::stderr().is_terminal(),
        }
    }

    fn print(&self, stream: Stream, text: &str) {
        // Nobody is left to tell when this fails.
        let _ = match stream {
            Stream::Out => io::stdout().lock().write_all(text.as_bytes()),
            Stream::Error => io::stderr().lock().write_all(text.as_bytes()),
        };
        let _ = io::stdout().flush();
    }
}

/// What a program for Node says to a question.
fn run(node: &Path, program: &Path, question: &str) -> io::Result<Vec<u8>> {
    let mut child = Command::new(node).arg(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // One that does not read says nothing either, and that is what is told.
        let _ = input.write_all(question.as_bytes());
    }
    Ok(child.wait_with_output()?.stdout)
}

fn trouble(error: &io::Error) -> Trouble {
    let name = match error.kind() {
        ErrorKind::NotFound => "ENOENT",
        ErrorKind::PermissionDenied => "EACCES",
        ErrorKind::IsADirectory => "EISDIR",
        ErrorKind::NotADirectory => "ENOTDIR",
        ErrorKind::AlreadyExists => "EEXIST",
        ErrorKind::StorageFull => "ENOSPC",
        ErrorKind::ReadOnlyFilesystem => "EROFS",
        ErrorKind::InvalidInput => "EINVAL",
        _ => "",
    };
    Trouble::of(name, error.raw_os_error().unwrap_or_default())
}

fn write(path: &Path, content: &[u8], readers: Readers) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let unfinished = beside(path);
    let written = write_new(&unfinished, content, readers).and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        // It may never have come into being.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

fn write_new(path: &Path, content: &[u8], readers: Readers) -> io::Result<()> {
    let mut options = fs::File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    if readers == Readers::Owner {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    options.open(path)?.write_all(content)
}

/// A name in the same folder, so that renaming does not cross file systems; one per process.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.unfinished", std::process::id()));
    path.with_file_name(name)
}
