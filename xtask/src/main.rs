//! The build tool: `xtask bindgen [--target bundler|node] INPUT.wasm OUT_DIR NAME` turns what rustc made into a module:
//! `OUT_DIR/NAME.js` and `OUT_DIR/NAME_bg.wasm`. For `bundler`, which is meant when nothing is said, a hand-written
//! entry of a Worker imports it; for `node` it loads its wasm itself.
//!
//! It is not a build system: `scripts/build.mjs` and `scripts/build-cli.mjs` decide what to build and when. It exists because the
//! wasm-bindgen command line would have to be compiled (twelve CPU minutes) or downloaded, while the
//! library behind it compiles in under one.

use std::{env, error::Error, fs, path::Path, process::ExitCode};

use wasm_bindgen_cli_support::{Bindgen, Output};

/// What wasm-bindgen writes for `--target module`: a source phase import, which no bundler for Workers
/// reads yet. The plain import of a `.wasm` file means the same there: a compiled module.
const SOURCE_IMPORT: &str = "import source wasmModule from";
const PLAIN_IMPORT: &str = "import wasmModule from";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["bindgen", "--target", "node", input, out_dir, name] => node(input, out_dir, name),
        ["bindgen", "--target", "bundler", input, out_dir, name] | ["bindgen", input, out_dir, name] => {
            bundler(input, out_dir, name)
        }
        _ => Err("usage: xtask bindgen [--target bundler|node] INPUT.wasm OUT_DIR NAME".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&*error),
    }
}

#[expect(clippy::print_stderr, reason = "a command line tool reports on standard error")]
fn fail(error: &dyn Error) -> ExitCode {
    eprintln!("xtask: {error}");
    ExitCode::FAILURE
}

/// For Node: an ECMAScript module that reads its wasm from the file beside it.
fn node(input: &str, out_dir: &str, name: &str) -> Result<(), Box<dyn Error>> {
    let mut bindgen = Bindgen::new();
    let mut module =
        bindgen.input_path(input).out_name(name).nodejs_module(true)?.typescript(false).generate_output()?;
    shorten_names(&mut module);
    module.emit(out_dir)?;
    Ok(())
}

/// For a bundler of Workers.
fn bundler(input: &str, out_dir: &str, name: &str) -> Result<(), Box<dyn Error>> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(input).out_name(name).module(true)?.typescript(false);
    // `__wbg_reset_state` replaces the instance after a trap: the entry's way back.
    bindgen.reset_state_function(true);
    // The entry reads and writes wasm memory itself.
    bindgen.export_wasm(true);
    let mut module = bindgen.generate_output()?;
    shorten_names(&mut module);
    module.emit(out_dir)?;
    let script = Path::new(out_dir).join(format!("{name}.js"));
    let source = fs::read_to_string(&script)?;
    if !source.contains(SOURCE_IMPORT) {
        return Err(format!("{}: no `{SOURCE_IMPORT}` to rewrite; has wasm-bindgen changed?", script.display()).into());
    }
    fs::write(&script, source.replacen(SOURCE_IMPORT, PLAIN_IMPORT, 1))?;
    Ok(())
}

/// Leaves the names of our own functions, without hashes: what who reads a stack trace looks for. All names would be a tenth of
/// what is sent.
fn shorten_names(module: &mut Output) {
    for function in module.wasm_mut().funcs.iter_mut() {
        function.name = function.name.as_deref().filter(|name| is_ours(name)).map(without_hashes);
    }
}

/// Written by us, whatever it is written for; not what other crates make for our types.
fn is_ours(name: &str) -> bool {
    let others = ["core::", "<core::", "alloc::", "<alloc::", "serde", "<serde", "postcard::"];
    let names_us = ["gateway::", "ferrogate::"].iter().any(|ours| name.contains(ours));
    names_us && !others.iter().any(|other| name.starts_with(other))
}

/// `a::b::h0123456789abcdef` is `a::b`, and `core[0123456789abcdef]::c` is `core::c`.
fn without_hashes(name: &str) -> String {
    let is_hash = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let path = match name.rsplit_once("::h") {
        Some((path, hash)) if hash.len() == 16 && is_hash(hash) => path,
        _ => name,
    };
    let mut parts = path.split('[');
    let mut short = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(']') {
            Some((hash, rest)) if hash.len() > 8 && is_hash(hash) => short.push_str(rest),
            _ => {
                short.push('[');
                short.push_str(part);
            }
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::{is_ours, without_hashes};

    #[test]
    fn names_of_our_crates_stay() {
        assert!(is_ours("<gateway::http::Edits as core::fmt::Debug>::fmt") && is_ours("ferrogate::boundary::step"));
        assert!(!is_ours("core::ptr::drop_in_place<gateway::http::Edits>"));
        assert!(!is_ours("core::fmt::write") && !is_ours("dlmalloc::malloc"));
    }

    #[test]
    fn names_lose_their_hashes_and_nothing_else() {
        for (name, short) in [
            ("gateway::run::serve::h0123456789abcdef", "gateway::run::serve"),
            ("gateway::run::h01", "gateway::run::h01"),
            (
                "<core[c5930c85a12de822]::str::Chars as core[c5930c85a12de822]::fmt::Debug>::fmt",
                "<core::str::Chars as core::fmt::Debug>::fmt",
            ),
            ("<[T] as alloc::slice::Concat<U>>::concat::h0123456789abcdef", "<[T] as alloc::slice::Concat<U>>::concat"),
            ("<&mut [u8; 16]>::x", "<&mut [u8; 16]>::x"),
            ("begin multivalue shim", "begin multivalue shim"),
            ("", ""),
        ] {
            assert_eq!(without_hashes(name), short);
        }
    }
}
