//! `ferrogate audit verify FILE`: whether the chain of an exported audit log holds.

use gateway::fleet::audit::{
    chain::{Broken, Head},
    export::{self, Checked},
};

use crate::{
    Failure,
    arguments::{self, Given},
    command::{Command, Operand, Opt, Takes},
    files,
    host::Host,
    output,
};

pub(super) const COMMAND: Command = Command {
    name: "audit",
    about: "check that nobody has changed an exported audit log",
    operands: &[
        Operand {
            name: "ACTION",
            about: "verify: check the chain of an export",
            takes: Takes::Words(&["verify"]),
            is_required: true,
            is_repeated: false,
        },
        Operand {
            name: "FILE",
            about: "the export: rows in JSON, one in each line or all in a list, in any order",
            takes: Takes::File,
            is_required: true,
            is_repeated: false,
        },
    ],
    options: &[Opt::value(
        "anchor",
        "SEQUENCE:HASH",
        Takes::Text,
        "a row that the chain must lead to, written down earlier or elsewhere",
    )],
    notes: "\
Every row is hashed with its place and the hash of the row before. Without an anchor, rows that are missing at the end
are not missed, and neither is a chain that was made anew as a whole: the last line that is printed is an anchor for
the next time. Rows that are not linked yet are counted, and nothing is known of them.
",
    examples: &[
        "ferrogate audit verify audit.jsonl",
        "ferrogate audit verify audit.jsonl --anchor 1204:5f0c0e0a8d0d4a4b1f6f0b1c2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f50",
    ],
    exits: &[
        (0, "the chain holds"),
        (1, "it does not; the first broken row is named. Or the file is no export"),
        (2, "wrong usage, or a file that cannot be read"),
    ],
    run,
};

fn run(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let anchor = given.value("anchor").map(anchor).transpose()?;
    let file = given.operands().get(1).map(String::as_str).unwrap_or_default();
    let rows = export::parse(&files::read(host, file)?);
    let rows = rows.map_err(|wrong| Failure::Findings(format!("{file}:{}: {}", wrong.place, wrong.message)))?;
    let checked = export::check(rows, anchor).map_err(|broken| Failure::Findings(told(file, &broken)))?;
    tell(host, file, &checked);
    Ok(())
}

fn anchor(text: &str) -> Result<Head, Failure> {
    let parsed = text.split_once(':').and_then(|(sequence, hash)| Head::parse(sequence.parse().ok()?, hash));
    parsed.ok_or_else(|| {
        let message = format!("--anchor takes a number, a colon and 64 hexadecimal digits; found {text}");
        arguments::wrong(&COMMAND, message)
    })
}

fn told(file: &str, broken: &Broken) -> String {
    let id = broken.id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
    format!("{file}: the chain is broken at {}{id}: {}", broken.sequence, broken.why.text())
}

fn tell(host: &dyn Host, file: &str, checked: &Checked) {
    let Checked { first, verified } = checked;
    let rows = usize::try_from(verified.linked).unwrap_or(usize::MAX);
    let range = if verified.linked == 0 { String::new() } else { format!(", {first} to {}", verified.head.sequence) };
    output::line(host, &format!("{file}: the chain holds: {}{range}", output::count(rows, "row")));
    if *first > 1 {
        output::line(host, &format!("before {first} nothing was looked at"));
    }
    if verified.unlinked > 0 {
        output::line(host, &format!("not linked yet: {}", verified.unlinked));
    }
    if verified.linked > 0 {
        output::line(host, &format!("anchor {}:{}", verified.head.sequence, verified.head.hex()));
    }
}
