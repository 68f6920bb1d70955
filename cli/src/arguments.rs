//! The arguments of the program. What they mean is said in [`HELP`], once.

use std::{ffi::OsString, path::PathBuf};

use gateway::config::{diagnostics::nearest::nearest, values::duration};
use lexopt::{Arg, Parser, ValueExt};

use crate::{Failure, token::Options};

/// What `ferrogate --help` prints.
pub(crate) const HELP: &str = "\
Ferrogate: an API gateway in one Cloudflare Worker.

Usage:
  ferrogate compile FILE --out PATH   compile a gateway.toml to the gateway.bin that the Worker loads
  ferrogate check FILE                report what is wrong with a gateway.toml, write nothing
  ferrogate token --config FILE       print a demo token, signed with the secret of an issuer of FILE

Options of token:
  --issuer NAME        which [issuers.NAME]; may be left out when there is only one
  --sub SUBJECT        whom it is about (default: demo)
  --scope \"A B\"        scopes, separated by blanks
  --ttl DURATION       how long it is valid: 30s, 5m, 1h, 1d (default: 1h)
  --aud AUDIENCE       for whom it is (default: the issuer's audience)
  --claim NAME=VALUE   one more claim, as a text; may be repeated

  The secret is read from the environment variable that the file names, never from an argument.

Other options:
  -h, --help           print this
  -V, --version        print the version

Examples:
  ferrogate check gateway.toml
  ferrogate compile gateway.toml --out build/gateway.bin
  JWT_SECRET=... ferrogate token --config gateway.toml --sub ada --scope \"orders:read orders:write\"
  curl -H \"authorization: Bearer $(JWT_SECRET=... ferrogate token --config gateway.toml)\" localhost:8787/v1/orders

Exit codes:
  0  done        1  something is wrong with the configuration or the environment        2  wrong usage
";

/// What the program is asked to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Print the help.
    Help,
    /// Print the version.
    Version,
    /// Report what is wrong with a file.
    Check { file: PathBuf },
    /// Compile a file.
    Compile { file: PathBuf, out: PathBuf },
    /// Make a token.
    Token(Options),
}

/// Reads the arguments, the name of the program first.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, Failure> {
    let mut parser = Parser::from_iter(arguments);
    match parser.next().map_err(usage)? {
        None => Err(Failure::Usage("a command is missing: compile, check or token".to_owned())),
        Some(Arg::Short('h') | Arg::Long("help")) => Ok(Command::Help),
        Some(Arg::Short('V') | Arg::Long("version")) => Ok(Command::Version),
        Some(Arg::Value(word)) => match word.to_string_lossy().as_ref() {
            "help" => Ok(Command::Help),
            "check" => check(parser),
            "compile" => compile(parser),
            "token" => token(parser),
            other => Err(unknown("command", other, &["compile", "check", "token"])),
        },
        Some(other) => Err(usage(other.unexpected())),
    }
}

fn check(mut parser: Parser) -> Result<Command, Failure> {
    let mut file = None;
    while let Some(argument) = parser.next().map_err(usage)? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help),
            Arg::Value(value) if file.is_none() => file = Some(PathBuf::from(value)),
            other => return Err(unexpected(&other, &["help"])),
        }
    }
    let file = file.ok_or_else(|| missing("check", "FILE"))?;
    Ok(Command::Check { file })
}

fn compile(mut parser: Parser) -> Result<Command, Failure> {
    let (mut file, mut out) = (None, None);
    while let Some(argument) = parser.next().map_err(usage)? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help),
            Arg::Short('o') | Arg::Long("out") => out = Some(PathBuf::from(parser.value().map_err(usage)?)),
            Arg::Value(value) if file.is_none() => file = Some(PathBuf::from(value)),
            other => return Err(unexpected(&other, &["out", "help"])),
        }
    }
    let file = file.ok_or_else(|| missing("compile", "FILE"))?;
    let out = out.ok_or_else(|| missing("compile", "--out PATH"))?;
    Ok(Command::Compile { file, out })
}

fn token(mut parser: Parser) -> Result<Command, Failure> {
    let mut options = Options::default();
    let mut config = None;
    while let Some(argument) = parser.next().map_err(usage)? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help),
            Arg::Long("config") => config = Some(PathBuf::from(parser.value().map_err(usage)?)),
            Arg::Long("issuer") => options.issuer = Some(text(&mut parser)?),
            Arg::Long("sub") => options.subject = text(&mut parser)?,
            Arg::Long("scope") => options.scope = Some(text(&mut parser)?),
            Arg::Long("ttl") => options.ttl_s = ttl(&text(&mut parser)?)?,
            Arg::Long("aud") => options.audience = Some(text(&mut parser)?),
            Arg::Long("claim") => options.claims.push(claim(&text(&mut parser)?)?),
            other => {
                return Err(unexpected(&other, &["config", "issuer", "sub", "scope", "ttl", "aud", "claim", "help"]));
            }
        }
    }
    options.config = config.ok_or_else(|| missing("token", "--config FILE"))?;
    Ok(Command::Token(options))
}

fn text(parser: &mut Parser) -> Result<String, Failure> {
    parser.value().and_then(|value| value.string()).map_err(usage)
}

/// A life of at least a second and at most a year: this is for demos.
fn ttl(text: &str) -> Result<u32, Failure> {
    const YEAR_S: u32 = 31_536_000;
    duration::whole_seconds(text, &(1..=YEAR_S)).map_err(|fault| {
        let expected = fault.expected.map(|expected| format!("; expected {expected}")).unwrap_or_default();
        Failure::Usage(format!("--ttl: {}{expected}", fault.message))
    })
}

fn claim(text: &str) -> Result<(String, String), Failure> {
    let own = [
        ("sub", "--sub"),
        ("aud", "--aud"),
        ("scope", "--scope"),
        ("exp", "--ttl"),
        ("iat", "--ttl"),
        ("iss", "--issuer"),
    ];
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => match own.iter().find(|(claim, _)| *claim == name) {
            Some((_, option)) => Err(Failure::Usage(format!("--claim cannot set `{name}`: use {option}"))),
            None => Ok((name.to_owned(), value.to_owned())),
        },
        _ => Err(Failure::Usage(format!("--claim takes NAME=VALUE, found `{text}`"))),
    }
}

fn usage(error: lexopt::Error) -> Failure {
    Failure::Usage(error.to_string())
}

fn missing(command: &str, what: &str) -> Failure {
    Failure::Usage(format!("`ferrogate {command}` needs {what}"))
}

fn unexpected(argument: &Arg<'_>, known: &[&str]) -> Failure {
    match argument {
        Arg::Long(name) => {
            unknown("option", &format!("--{name}"), &known.iter().map(|name| format!("--{name}")).collect::<Vec<_>>())
        }
        Arg::Short(name) => Failure::Usage(format!("there is no option -{name}")),
        Arg::Value(value) => Failure::Usage(format!("unexpected argument {}", value.to_string_lossy())),
    }
}

fn unknown(kind: &str, found: &str, known: &[impl AsRef<str>]) -> Failure {
    let close = nearest(found, known.iter().map(AsRef::as_ref));
    let hint = close.map(|name| format!("; did you mean {name}?")).unwrap_or_default();
    Failure::Usage(format!("there is no {kind} {found}{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, Failure> {
        parse(std::iter::once("ferrogate").chain(line.split_whitespace()).map(OsString::from))
    }

    fn refused(line: &str) -> String {
        match parsed(line) {
            Err(Failure::Usage(message)) => message,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn commands_take_their_arguments_in_any_order() {
        let compile = Command::Compile { file: "a.toml".into(), out: "b.bin".into() };
        assert_eq!(parsed("compile a.toml --out b.bin"), Ok(compile));
        let compile = Command::Compile { file: "a.toml".into(), out: "b.bin".into() };
        assert_eq!(parsed("compile --out=b.bin a.toml"), Ok(compile));
        assert_eq!(parsed("check a.toml"), Ok(Command::Check { file: "a.toml".into() }));
    }

    #[test]
    fn a_token_has_defaults_and_options() {
        let options = Options { config: "a".into(), ..Options::default() };
        assert_eq!(parsed("token --config a"), Ok(Command::Token(options)));
        let options = Options {
            config: "a".into(),
            issuer: Some("i".into()),
            subject: "s".into(),
            scope: Some("x".into()),
            ttl_s: 300,
            audience: Some("u".into()),
            claims: vec![("n".into(), "v=w".into())],
        };
        let line = "token --config a --issuer i --sub s --scope x --ttl 5m --aud u --claim n=v=w";
        assert_eq!(parsed(line), Ok(Command::Token(options)));
    }

    #[test]
    fn help_is_given_wherever_it_is_asked_for() {
        for line in ["--help", "-h", "help", "compile --help", "check -h", "token --help"] {
            assert_eq!(parsed(line), Ok(Command::Help), "{line}");
        }
    }

    #[test]
    fn wrong_usage_is_explained() {
        let cases = [
            ("", "a command is missing"),
            ("chek", "did you mean check?"),
            ("check", "needs FILE"),
            ("check a b", "unexpected argument b"),
            ("compile a", "needs --out PATH"),
            ("compile a --output b", "there is no option --output"),
            ("token", "needs --config FILE"),
            ("token --config a --tll 1h", "did you mean --ttl?"),
            ("token --config a --ttl 1x", "expected a whole number and a unit"),
            ("token --config a --ttl 0s", "expected 1s to 365d"),
            ("token --config a --claim x", "NAME=VALUE"),
            ("token --config a --claim exp=1", "use --ttl"),
            ("token --config a --secret x", "there is no option --secret"),
            ("--wat", "--wat"),
        ];
        for (line, message) in cases {
            assert!(refused(line).contains(message), "{line}: {}", refused(line));
        }
    }
}
