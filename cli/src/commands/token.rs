//! `ferrogate token`: a token to try the gateway with, signed like the issuer of the file would sign it.
//!
//! For demos and tests. The secret comes from the environment: an argument would stand in the shell's history and
//! in the list of processes.

use gateway::{
    blueprint::Blueprint,
    config::{text::Values, values::duration},
    stages::authn::Issuer,
};
use serde_json::{Map, Value};

use crate::{
    Failure,
    arguments::{Given, wrong},
    command::{Command, EXITS, Opt, Takes},
    configuration,
    explaining::claims_object,
    host::Host,
    output, signing,
    values::Sources,
};

pub(super) const COMMAND: Command = Command {
    name: "token",
    about: "print a demo token, signed with the secret of an issuer of a gateway.toml",
    operands: &[],
    options: &[
        Opt::value("config", "FILE", Takes::File, "the gateway.toml with the issuer").required(),
        Opt::value("env", "NAME", Takes::Text, "the issuer as it is in [env.NAME] (default: the file as it stands)"),
        Opt::value("issuer", "NAME", Takes::Text, "which [issuers.NAME]; may be left out when there is only one"),
        Opt::value("sub", "SUBJECT", Takes::Text, "whom it is about (default: demo)"),
        Opt::value("scope", "SCOPES", Takes::Text, "scopes, separated by blanks"),
        Opt::value("ttl", "DURATION", Takes::Text, "how long it is valid: 30s, 5m, 1h, 1d (default: 1h)"),
        Opt::value("aud", "AUDIENCE", Takes::Text, "for whom it is (default: the issuer's audience)"),
        Opt::value("claim", "NAME=VALUE", Takes::Text, "one more claim, as a text; may be repeated").repeated(),
        Opt::value("claims", "JSON", Takes::Text, "more claims, as an object: numbers, lists and all"),
    ],
    notes: "The secret is read from the environment variable that the file names, from .dev.vars or wrangler.toml beside\n\
            the file, never from an argument. --claims may set anything, iss and exp too; a claim is said only once.\n",
    examples: &[
        "ferrogate token --config gateway.toml --sub ada --scope \"orders:read orders:write\"",
        "ferrogate token --config gateway.toml --claims '{\"roles\": [\"admin\", \"staff\"], \"level\": 3}'",
        "curl -H \"authorization: Bearer $(JWT_SECRET=... ferrogate token --config gateway.toml)\" localhost:8787/v1/orders",
    ],
    exits: EXITS,
    run,
};

/// What the token is to say.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    /// Which issuer; the only one when absent.
    issuer: Option<String>,
    /// How long it is valid, in seconds.
    ttl_s: u32,
    /// What is said of the claims, each once.
    claims: Map<String, Value>,
}

impl Default for Options {
    fn default() -> Self {
        Self { issuer: None, ttl_s: 3_600, claims: Map::new() }
    }
}

impl Options {
    fn of(given: &Given) -> Result<Self, Failure> {
        let defaults = Self::default();
        Ok(Self {
            issuer: given.value("issuer").map(str::to_owned),
            ttl_s: given.value("ttl").map_or(Ok(defaults.ttl_s), ttl)?,
            claims: given_claims(given)?,
        })
    }
}

/// What all options say of the claims. Which of two would count is nobody's guess, so none is said twice.
fn given_claims(given: &Given) -> Result<Map<String, Value>, Failure> {
    let mut claims = given.value("claims").map_or(Ok(Map::new()), |text| claims_object(&COMMAND, text))?;
    let own = [("sub", "sub"), ("scope", "scope"), ("aud", "aud")];
    let own = own.iter().filter_map(|(claim, option)| Some(((*claim).to_owned(), given.value(option)?.to_owned())));
    let more = given.values("claim").map(claim).collect::<Result<Vec<_>, _>>()?;
    if claims.contains_key("exp") && given.has("ttl") {
        return Err(wrong(&COMMAND, "the claim `exp` is given twice: by --claims and by --ttl"));
    }
    for (name, value) in own.chain(more) {
        if claims.contains_key(&name) {
            let help = "for a list or a number, use --claims '{\"roles\": [\"a\", \"b\"]}'";
            return Err(wrong(&COMMAND, format!("the claim `{name}` is given twice; {help}")));
        }
        claims.insert(name, value.into());
    }
    Ok(claims)
}

/// A life of at least a second and at most a year: this is for demos.
fn ttl(text: &str) -> Result<u32, Failure> {
    const YEAR_S: u32 = 31_536_000;
    duration::whole_seconds(text, &(1..=YEAR_S)).map_err(|fault| {
        let expected = fault.expected.map(|expected| format!("; expected {expected}")).unwrap_or_default();
        wrong(&COMMAND, format!("--ttl: {}{expected}", fault.message))
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
            Some((_, option)) => Err(wrong(&COMMAND, format!("--claim cannot set `{name}`: use {option}"))),
            None => Ok((name.to_owned(), value.to_owned())),
        },
        _ => Err(wrong(&COMMAND, format!("--claim takes NAME=VALUE, found `{text}`"))),
    }
}

/// Prints a token.
fn run(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let options = Options::of(given)?;
    let file = given.value("config").unwrap_or_default();
    let blueprint = configuration::environment(host, file, given.value("env"))?.blueprint;
    let issuer = choose(&blueprint, options.issuer.as_deref())?;
    let sources = Sources::of(host, file, given.value("env"), &[])?;
    let values = signing::values(&blueprint, issuer, |name| sources.value(name))?;
    let token = signing::sign(issuer, &values, claims(issuer, &values, &options, host.now_s()))?;
    output::line(host, &token);
    Ok(())
}

fn choose<'b>(blueprint: &'b Blueprint, name: Option<&str>) -> Result<&'b Issuer, Failure> {
    let names = || blueprint.issuers.iter().map(|issuer| issuer.name.as_str()).collect::<Vec<_>>().join(", ");
    match (name, blueprint.issuers.as_slice()) {
        (_, []) => Err(Failure::Findings("the file has no issuer".to_owned())),
        (None, [only]) => Ok(only),
        (None, _) => {
            Err(Failure::Usage(format!("the file has several issuers, choose one with --issuer: {}", names())))
        }
        (Some(name), issuers) => issuers
            .iter()
            .find(|issuer| issuer.name == name)
            .ok_or_else(|| Failure::Usage(format!("the file has no issuer `{name}`, it has: {}", names()))),
    }
}

fn claims(issuer: &Issuer, values: &Values, options: &Options, now_s: u64) -> Map<String, Value> {
    let mut claims = signing::claims(issuer, values, "demo", now_s, options.ttl_s);
    claims.extend(options.claims.clone());
    claims
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::example::{FILE, blueprint};
    use gateway::blueprint::compile::compile;

    fn options(line: &str) -> Result<Options, Failure> {
        let words: Vec<String> = format!("--config a {line}").split_whitespace().map(str::to_owned).collect();
        Options::of(&crate::arguments::parse(&COMMAND, &words)?)
    }

    fn said(claims: Value) -> Map<String, Value> {
        claims.as_object().unwrap().clone()
    }

    #[test]
    fn a_token_has_defaults_and_options() {
        assert_eq!(options(""), Ok(Options::default()));
        let all = Options {
            issuer: Some("i".into()),
            ttl_s: 300,
            claims: said(serde_json::json!({ "sub": "s", "scope": "x", "aud": "u", "n": "v=w", "level": 3 })),
        };
        let line = r#"--issuer i --sub s --scope x --ttl 5m --aud u --claim n=v=w --claims {"level":3}"#;
        assert_eq!(options(line), Ok(all));
    }

    #[test]
    fn wrong_values_are_explained() {
        let cases = [
            ("--ttl 1x", "expected a whole number and a unit"),
            ("--ttl 0s", "expected 1s to 365d"),
            ("--claim x", "NAME=VALUE"),
            ("--claim =x", "NAME=VALUE"),
            ("--claim exp=1", "use --ttl"),
            ("--claim role=a --claim role=b", "the claim `role` is given twice; for a list"),
            (r#"--claims {"role":["a"]} --claim role=b"#, "the claim `role` is given twice"),
            (r#"--claims {"sub":"a"} --sub b"#, "the claim `sub` is given twice"),
            (r#"--claims {"exp":1} --ttl 1h"#, "the claim `exp` is given twice"),
            ("--claims [1]", "--claims takes a JSON object"),
            (r#"--claims {"a":"secret"#, "cannot be read from line 1, column"),
        ];
        for (line, message) in cases {
            let Err(Failure::Usage(found)) = options(line) else { panic!("{line}") };
            assert!(found.contains(message), "{line}: {found}");
        }
    }

    #[test]
    fn with_several_issuers_one_must_be_chosen() {
        let blueprint = blueprint();
        assert!(matches!(choose(&blueprint, None), Err(Failure::Usage(_))));
        assert!(matches!(choose(&blueprint, Some("three")), Err(Failure::Usage(_))));
        assert_eq!(choose(&blueprint, Some("two")).unwrap().name, "two");
    }

    #[test]
    fn the_claims_are_those_that_were_asked_for() {
        let blueprint = blueprint();
        let values = signing::values(&blueprint, &blueprint.issuers[1], |_| Some("x".repeat(32))).unwrap();
        let claims_given = said(serde_json::json!({ "scope": "a b", "roles": ["admin"], "level": 3 }));
        let options = Options { claims: claims_given, ..Options::default() };
        let claims = claims(&blueprint.issuers[1], &values, &options, 1_000);
        let expected = serde_json::json!({
            "iss": "two", "aud": "api", "sub": "demo", "iat": 1_000, "exp": 4_600, "scope": "a b", "roles": ["admin"],
            "level": 3,
        });
        assert_eq!(Value::Object(claims), expected);
    }

    #[test]
    fn the_gateway_believes_the_token_until_it_expires() {
        use gateway::explain::{Started, explain, explanation::Ended, request::Request};
        let file = format!("{FILE}[routes.\"GET /\"]\nupstream = \"u\"\nauth = \"one\"\nscopes = [\"b\"]\n");
        let blueprint = compile("f", &file).into_blueprint().unwrap();
        let issuer = &blueprint.issuers[0];
        let values = signing::values(&blueprint, issuer, |name| (name == "ONE").then(|| "x".repeat(32))).unwrap();
        let options = Options { claims: said(serde_json::json!({ "scope": "a b" })), ..Options::default() };
        let token = signing::sign(issuer, &values, claims(issuer, &values, &options, 1_000)).unwrap();
        let value =
            |name: &str| (name != "HOST").then(|| if name == "ELSEWHERE" { "http://u".into() } else { "x".repeat(32) });
        let environment: Vec<Option<String>> = blueprint.variables.0.iter().map(|it| value(&it.name)).collect();
        let started = Started::new(blueprint.clone(), &environment).unwrap();
        let mut request = Request::new("GET", "https://a.example/");
        request.headers.push(("authorization".into(), format!("Bearer {token}")));
        let ended = |now_s: u64| explain(&started, &request, now_s * 1_000, &[]).ended;
        assert_eq!(ended(1_000), Ended::WouldBeSent);
        assert_eq!(ended(1_000 + 3_600 + 31), Ended::Answered);
    }
}
