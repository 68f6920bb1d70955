//! What the tests of the program share: folders of their own, and the program run in them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

pub(crate) fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/config").join(path)
}

/// A folder of its own for each test, gone when the test ends.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(test: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// The program in this folder: its words separated by blanks, no environment.
    pub(crate) fn run(&self, line: &str) -> Ran {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        self.run_words(&arguments, &[])
    }

    /// The program in this folder with these words, and with only these environment variables.
    pub(crate) fn run_words(&self, words: &[&str], environment: &[(&str, &str)]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ferrogate"));
        command.args(words).env_clear().envs(environment.iter().copied()).current_dir(&self.0);
        Ran::of(&command.output().unwrap())
    }
}

/// The gateway of the repository, with the variables that it is deployed with.
pub(crate) fn shop(test: &str) -> Folder {
    let folder = Folder::new(test);
    for name in ["gateway.toml", "wrangler.toml"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
        folder.write(name, &fs::read_to_string(path).unwrap());
    }
    folder
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// How the program has ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: Option<i32>,
}

impl Ran {
    fn of(output: &Output) -> Self {
        Self { out: out(output), err: err(output), code: output.status.code() }
    }
}

/// The program with only these environment variables.
pub(crate) fn ferrogate(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ferrogate"));
    command.args(arguments).env_clear().envs(environment.iter().copied()).output().unwrap()
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
