//! `ferrogate audit verify`: whether the chain of an audit log holds, of an export or of a gateway that runs.

use gateway::{
    fleet::audit::{
        chain::{Broken, Head},
        export::{self, Checked},
    },
    stages::admin::Place,
};

use serde::Deserialize;

use crate::{
    Failure,
    arguments::{self, Given},
    command::{Command, Operand, Opt, Takes},
    files,
    host::Host,
    operator::{Asked, CONFIG, ENV, Operator, URL, escaped, plain},
    output,
};

pub(super) const COMMAND: Command = Command {
    name: "audit verify",
    about: "check that nobody has changed an audit log: an export, or that of a gateway",
    operands: &[Operand {
        name: "FILE",
        about: "the export: rows in JSON, one in each line or all in a list, in any order; a gateway is asked without it",
        takes: Takes::File,
        is_required: false,
        is_repeated: false,
    }],
    options: &[
        Opt::value(
            "anchor",
            "SEQUENCE:HASH",
            Takes::Text,
            "of a FILE: a row that the chain must lead to, written down earlier or elsewhere",
        ),
        URL,
        CONFIG,
        ENV,
    ],
    notes: "\
Every row is hashed with its place and the hash of the row before. Without an anchor, rows that are missing at the end
of a file are not missed, and neither is a chain that was made anew as a whole: the last line that is printed is an
anchor for the next time. A gateway keeps its own. Rows that are not linked yet are counted, nothing is known of them.

A gateway is asked as `ferrogate admin` asks it, with the token in FERROGATE_TOKEN: `ferrogate help admin audit`.
",
    examples: &[
        "ferrogate audit verify audit.jsonl",
        "ferrogate audit verify audit.jsonl --anchor 1204:5f0c0e0a8d0d4a4b1f6f0b1c2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f50",
        "ferrogate audit verify --url https://api.acme.example",
    ],
    exits: &[
        (0, "the chain holds"),
        (1, "it does not; the first broken row is named. Or the file is no export, or the gateway refuses"),
        (2, "wrong usage, a file that cannot be read, or no answer"),
    ],
    run,
};

fn run(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let Some(file) = given.operand() else { return ask(given, host) };
    if let Some(option) = [URL, CONFIG, ENV].iter().find(|option| given.has(option.long)) {
        let message = format!("--{} is for a gateway, and FILE for an export: expected one of them", option.long);
        return Err(arguments::wrong(&COMMAND, message));
    }
    let anchor = given.value("anchor").map(anchor).transpose()?;
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

/// What a gateway says of a part of its chain.
#[derive(Deserialize)]
struct Part {
    broken: Option<BrokenAt>,
    checked: u64,
    sequence: u64,
    hash: String,
    complete: bool,
    unlinked: u64,
}

#[derive(Deserialize)]
struct BrokenAt {
    sequence: u64,
    id: Option<String>,
    why: String,
}

/// Lets a gateway look at its whole chain, a part at a time.
fn ask(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    if given.has("anchor") {
        return Err(arguments::wrong(&COMMAND, "--anchor is for a FILE: a gateway keeps its own"));
    }
    let operator = Operator::of(&COMMAND, given, host, Place::Chain.role(false))?;
    let (mut rows, mut query) = (0_u64, String::new());
    let (mut reached, url) = (0, operator.url());
    loop {
        let answer = operator.ask(Asked::get(&format!("/audit/verify{query}")))?;
        let part: Part = serde_json::from_str(&answer.body).map_err(|_| operator.strange(&answer))?;
        if let Some(BrokenAt { sequence, id, why }) = &part.broken {
            let id = id.as_ref().map(|id| format!(" ({})", plain(id))).unwrap_or_default();
            return Err(Failure::Findings(format!("{url}: the chain is broken at {sequence}{id}: {}", plain(why))));
        }
        rows = rows.saturating_add(part.checked);
        if part.complete {
            tell_part(host, url, rows, &part);
            return Ok(());
        }
        if part.sequence <= reached {
            return Err(operator.strange(&answer));
        }
        reached = part.sequence;
        query = format!("?after={reached}&hash={}", escaped(&part.hash));
    }
}

fn tell_part(host: &dyn Host, url: &str, rows: u64, part: &Part) {
    let count = output::count(usize::try_from(rows).unwrap_or(usize::MAX), "row");
    output::line(host, &format!("{url}: the chain holds: {count}"));
    if part.unlinked > 0 {
        output::line(host, &format!("not linked yet: {}", part.unlinked));
    }
    if rows > 0 {
        output::line(host, &format!("anchor {}:{}", part.sequence, plain(&part.hash)));
    }
}
