//! `ferrogate init [DIR]`: a gateway of one's own in an empty folder. Asks nothing, overwrites nothing.

use crate::{
    Failure,
    arguments::{Given, wrong},
    command::{Command, Operand, Opt, Takes},
    files,
    host::{Host, Readers},
    output,
};
use gateway::{blueprint::compile::schema, config::values::names};

pub(super) const COMMAND: Command = Command {
    name: "init",
    about: "write a new gateway into an empty folder",
    operands: &[Operand {
        name: "DIR",
        about: "the folder (default: this one); made if it is not there",
        takes: Takes::Folder,
        is_required: false,
        is_repeated: false,
    }],
    options: &[Opt::value("name", "NAME", Takes::Text, "the name of the gateway (default: the name of the folder)")],
    notes: "\
Writes gateway.toml with a public and a protected route, wrangler.toml, .dev.vars with a random secret, .gitignore,
a README.md that says how to go on, and gateway.schema.json by which editors complete and check gateway.toml.
A folder with only .git in it counts as empty. Paths to the checkout of Ferrogate are those from the new folder to the
one that this command was run from.
",
    examples: &["ferrogate init my-gateway", "ferrogate init . --name acme"],
    exits: &[(0, "done"), (2, "wrong usage, a folder that is not empty, or one that cannot be written")],
    run,
};

/// How many random bytes a secret has.
const SECRET_BYTES: usize = 32;

/// The longest name of a gateway.
const LONGEST: usize = 63;

/// Where the checkout is that the command was started from: `scripts/ferrogate.mjs` says so.
const CHECKOUT: &str = "FERROGATE_CHECKOUT";

/// Where a checkout is as long as nobody says it: beside the new folder.
const USUAL_CHECKOUT: &str = "../ferrogate";

/// What is written: the name, the content with places for `@NAME@`, `@CHECKOUT@` and `@SECRET@`, and who may read it.
const FILES: [(&str, &str, Readers); 5] = [
    ("gateway.toml", include_str!("../../init/gateway.toml"), Readers::Usual),
    ("wrangler.toml", include_str!("../../init/wrangler.toml"), Readers::Usual),
    (".dev.vars", include_str!("../../init/dev.vars.txt"), Readers::Owner),
    (".gitignore", include_str!("../../init/gitignore.txt"), Readers::Usual),
    ("README.md", include_str!("../../init/README.md"), Readers::Usual),
];

/// What editors check and complete gateway.toml by; its first line names this file.
const SCHEMA: &str = "gateway.schema.json";

/// Writes a new gateway.
fn run(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let folder = given.operand().unwrap_or(".");
    let absolute = host.absolute(folder).unwrap_or_default();
    let name = match given.value("name") {
        Some(name) => names::gateway(name).map_err(|fault| {
            let expected = fault.expected.map(|expected| format!("; expected {expected}")).unwrap_or_default();
            wrong(&COMMAND, format!("--name: {}{expected}", fault.message))
        })?,
        None => name_of(absolute.rsplit('/').next().unwrap_or_default()),
    };
    let checkout = checkout(host, &absolute);
    check_empty(host, folder)?;
    let secret = secret(host)?;
    for (file, content, readers) in FILES {
        let content = content.replace("@NAME@", &name).replace("@CHECKOUT@", &checkout).replace("@SECRET@", &secret);
        write(host, folder, file, &content, readers)?;
    }
    write(host, folder, SCHEMA, &schema::text(), Readers::Usual)
}

/// The way from the new folder to the checkout. One that would have to be quoted in a shell or in TOML is not written:
/// the usual one stands there then, beside the word that it may have to be changed.
fn checkout(host: &dyn Host, folder: &str) -> String {
    let known = host.variable(CHECKOUT).and_then(|path| host.absolute(&path));
    let found = known.filter(|_| !folder.is_empty()).map(|checkout| way(folder, &checkout));
    let is_plain = |path: &String| path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
    found.filter(is_plain).unwrap_or_else(|| USUAL_CHECKOUT.to_owned())
}

/// The relative path from one absolute folder to another.
fn way(from: &str, to: &str) -> String {
    let parts = |path: &str| path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (from, to) = (parts(from), parts(to));
    let shared = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    let up = from.iter().skip(shared).map(|_| "..");
    let way: Vec<&str> = up.chain(to.iter().skip(shared).map(String::as_str)).collect();
    if way.is_empty() { ".".to_owned() } else { way.join("/") }
}

fn write(host: &dyn Host, folder: &str, file: &str, content: &str, readers: Readers) -> Result<(), Failure> {
    let path = if folder == "." { file.to_owned() } else { files::within(folder, file) };
    files::write(host, &path, content.as_bytes(), readers)?;
    output::line(host, &format!("wrote {path}"));
    Ok(())
}

fn check_empty(host: &dyn Host, folder: &str) -> Result<(), Failure> {
    let present = match host.list(folder) {
        Err(trouble) if trouble.is_absence() => return Ok(()),
        Err(trouble) => return Err(Failure::Files(format!("cannot use {folder}: {}", trouble.words()))),
        Ok(names) => names,
    };
    // What comes first does not depend on the file system.
    match present.iter().filter(|name| *name != ".git").min() {
        Some(name) => {
            Err(Failure::Files(format!("{folder} is not empty: there is {name}; choose an empty or a new folder")))
        }
        None => Ok(()),
    }
}

/// What the name of a folder makes of the name of a gateway.
fn name_of(folder: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = folder.chars().map(letter).take(LONGEST).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "gateway".to_owned() } else { name.to_owned() }
}

fn secret(host: &dyn Host) -> Result<String, Failure> {
    let mut bytes = [0_u8; SECRET_BYTES];
    let failure =
        |trouble: crate::host::Trouble| Failure::Files(format!("there is no randomness: {}", trouble.words()));
    host.random(&mut bytes).map_err(failure)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_the_checkout_goes_up_as_far_as_needed() {
        for (from, to, expected) in [
            ("/home/a/gw", "/home/a/ferrogate", "../ferrogate"),
            ("/home/a/ferrogate/gw", "/home/a/ferrogate", ".."),
            ("/srv/gw", "/home/a/ferrogate", "../../home/a/ferrogate"),
            ("/home/ab", "/home/a", "../a"),
            ("/a", "/a", "."),
            ("/", "/a", "a"),
        ] {
            assert_eq!(way(from, to), expected, "{from} {to}");
        }
    }

    #[test]
    fn the_name_of_a_folder_becomes_a_name_that_a_gateway_can_have() {
        for (folder, expected) in
            [("My Gateway", "my-gateway"), ("acme", "acme"), ("\u{e9}\u{e9}", "gateway"), ("", "gateway")]
        {
            assert_eq!(name_of(folder), expected);
            assert!(names::gateway(expected).is_ok());
        }
        assert!(names::gateway(&name_of(&"a".repeat(100))).is_ok());
    }
}
