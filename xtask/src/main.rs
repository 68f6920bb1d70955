//! The build tool: `xtask bindgen [--target bundler|node] INPUT.wasm OUT_DIR NAME` turns what rustc made into a module:
//! `OUT_DIR/NAME.js` and `OUT_DIR/NAME_bg.wasm`. For `bundler`, which is meant when nothing is said, a hand-written
//! entry of a Worker imports it; for `node` it loads its wasm itself.
//!
//! It is not a build system: `scripts/build.mjs` and `scripts/build-cli.mjs` decide what to build and when. It exists because the
//! wasm-bindgen command line would have to be compiled (twelve CPU minutes) or downloaded, while the
//! library behind it compiles in under one.

use std::{env, error::Error, fs, path::Path, process::ExitCode};

use wasm_bindgen_cli_support::Bindgen;

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
    Bindgen::new().input_path(input).out_name(name).nodejs_module(true)?.typescript(false).generate(out_dir)?;
    Ok(())
}

/// For a bundler of Workers.
fn bundler(input: &str, out_dir: &str, name: &str) -> Result<(), Box<dyn Error>> {
    Bindgen::new()
        .input_path(input)
        .out_name(name)
        .module(true)?
        .typescript(false)
        // `__wbg_reset_state` replaces the instance after a trap: the entry's way back.
        .reset_state_function(true)
        // The entry reads and writes wasm memory itself.
        .export_wasm(true)
        .generate(out_dir)?;
    let script = Path::new(out_dir).join(format!("{name}.js"));
    let source = fs::read_to_string(&script)?;
    if !source.contains(SOURCE_IMPORT) {
        return Err(format!("{}: no `{SOURCE_IMPORT}` to rewrite; has wasm-bindgen changed?", script.display()).into());
    }
    fs::write(&script, source.replacen(SOURCE_IMPORT, PLAIN_IMPORT, 1))?;
    Ok(())
}
