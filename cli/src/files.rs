//! Files as the commands want them: texts, and files that are only written when they change.

use crate::{
    Failure,
    host::{Host, Readers, Trouble},
};

/// The text of a file.
pub(crate) fn read(host: &dyn Host, path: &str) -> Result<String, Failure> {
    text(host, path).map_err(|trouble| {
        let message = format!("cannot read {path}: {}", trouble.words());
        // A file that is there and says nothing readable is a finding about it; any other trouble is about the call.
        if trouble == Trouble::no_text() { Failure::Findings(message) } else { Failure::Files(message) }
    })
}

/// The text of a file, if it is there.
pub(crate) fn read_optional(host: &dyn Host, path: &str) -> Result<Option<String>, Failure> {
    match text(host, path) {
        Err(trouble) if trouble.is_absence() => Ok(None),
        Err(trouble) => Err(Failure::Files(format!("cannot read {path}: {}", trouble.words()))),
        Ok(text) => Ok(Some(text)),
    }
}

/// The text of a file, or why there is none.
pub(crate) fn text(host: &dyn Host, path: &str) -> Result<String, Trouble> {
    String::from_utf8(host.read(path)?).map_err(|_| Trouble::no_text())
}

/// Writes a file, unless it has this content already: whoever watches it is not woken for nothing.
pub(crate) fn write(host: &dyn Host, path: &str, content: &[u8], readers: Readers) -> Result<(), Failure> {
    if host.read(path).is_ok_and(|present| present == content) {
        return Ok(());
    }
    let failure = |trouble: Trouble| Failure::Files(format!("cannot write {path}: {}", trouble.words()));
    host.write(path, content, readers).map_err(failure)
}

/// A path in the folder that another file stands in.
pub(crate) fn beside(file: &str, name: &str) -> String {
    file.rsplit_once('/').map_or_else(|| name.to_owned(), |(folder, _)| format!("{folder}/{name}"))
}

/// A path in a folder.
pub(crate) fn within(folder: &str, name: &str) -> String {
    match folder.trim_end_matches('/') {
        "" if folder.is_empty() => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_put_together_as_one_would_write_them() {
        assert_eq!(beside("gateway.toml", ".dev.vars"), ".dev.vars");
        assert_eq!(beside("a/b/gateway.toml", ".dev.vars"), "a/b/.dev.vars");
        assert_eq!(beside("/gateway.toml", ".dev.vars"), "/.dev.vars");
        assert_eq!((within("", "x"), within("a/", "x"), within("/", "x")), ("x".into(), "a/x".into(), "/x".into()));
    }
}
