//! `ferrogate compile FILE --out PATH`: `gateway.toml` becomes `gateway.bin`.

use gateway::blueprint::compile;

use crate::{
    Failure,
    arguments::Given,
    command::{Command, EXITS, Operand, Opt, Takes},
    configuration, files,
    host::{Host, Readers},
    output,
};

pub(super) const COMMAND: Command = Command {
    name: "compile",
    about: "compile a gateway.toml to the gateway.bin that the Worker loads",
    operands: &[Operand {
        name: "FILE",
        about: "the gateway.toml",
        takes: Takes::File,
        is_required: true,
        is_repeated: false,
    }],
    options: &[Opt::value(
        "out",
        "PATH",
        Takes::File,
        "where to write; its folders are made, the same content is left alone",
    )
    .short('o')
    .required()],
    notes: "\
Nothing is written when there are errors. The compiled file has the names of variables, never their values.
",
    examples: &["ferrogate compile gateway.toml --out build/gateway.bin"],
    exits: EXITS,
    run,
};

/// Compiles a file. Nothing is written when it has errors.
fn run(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let (file, out) = (given.operand().unwrap_or_default(), given.value("out").unwrap_or_default());
    let environments = configuration::load(host, file)?;
    let content = compile::to_binary(&environments).map_err(Failure::Findings)?;
    files::write(host, out, &content, Readers::Usual)?;
    let size = output::count(content.len(), "byte");
    output::line(host, &format!("{}, {size}", configuration::summary(&environments)));
    Ok(())
}
