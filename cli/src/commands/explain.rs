//! `ferrogate explain METHOD URL`: what becomes of a request and why, or of all requests of a file.
//!
//! The request runs through the code that the Worker runs (`gateway::explain`); nothing is called.

use gateway::{
    explain::{
        Started,
        answer::Answer,
        explain,
        explanation::Explanation,
        recorded::{self, Recorded},
        request::{Request, Unreadable},
        unused,
    },
    http::Millis,
};

use crate::{
    Failure,
    arguments::{Given, wrong},
    colours,
    command::{Command, Operand, Opt, Takes},
    explaining::{self, Setting},
    findings::json,
    host::{Host, Stream},
    output,
};

pub(super) const COMMAND: Command = Command {
    name: "explain",
    about: "say what becomes of a request and why, stage by stage",
    operands: &[
        Operand {
            name: "METHOD",
            about: "GET, POST and so on, in capitals",
            takes: Takes::Text,
            is_required: false,
            is_repeated: false,
        },
        Operand {
            name: "URL",
            about: "an absolute URL, or a path: of the host in the header host, or of gateway.example",
            takes: Takes::Text,
            is_required: false,
            is_repeated: false,
        },
    ],
    options: &[
        Opt::value("config", "FILE", Takes::File, "the gateway.toml (default: gateway.toml)"),
        Opt::value("env", "NAME", Takes::Text, "the gateway as it is in [env.NAME] (default: the file as it stands)"),
        Opt::value("header", "HEADER", Takes::Text, "a header of the request, as Name: value; may be repeated")
            .short('H')
            .repeated(),
        Opt::value("body", "FILE", Takes::File, "the body; only its length counts"),
        Opt::value("claims", "JSON", Takes::Text, "what a token says that the route believes, as an object"),
        Opt::value("answer", "ANSWER", Takes::Text, "what others answer, in order; may be repeated").repeated(),
        Opt::value("requests", "FILE", Takes::File, "explain these requests instead, one JSON object in each line"),
        explaining::NOW,
        explaining::VAR,
        explaining::FORMAT,
    ],
    notes: "\
An ANSWER is status=200 (to 599), unreachable, timeout, too_large, complete, broken, ready, signed,
unsigned, or down= with database, key_value or objects. Without one, the explanation ends where others would be asked.
Claims that are missing (iss, aud, exp) are filled in, so that the route believes the token. Nobody here can sign with
RS256 or ES256: with claims, signatures count as right; of another token say whether it is signed or unsigned.
Secrets that are not set are replaced, and never shown. Arguments stand in the shell's history: give secrets in the
environment or in .dev.vars.
",
    examples: &[
        "ferrogate explain GET /v1/products",
        "ferrogate explain GET /v1/orders --claims '{\"sub\": \"ada\", \"scope\": \"orders:read\"}' --answer status=200",
        "ferrogate explain OPTIONS https://api.example/v1/orders -H 'origin: https://app.shop.example' --env production",
        "ferrogate explain --requests requests.jsonl --config gateway.toml --format json",
    ],
    exits: &[
        (0, "explained, whatever becomes of the request"),
        (1, "something is wrong with the configuration or its variables"),
        (2, "wrong usage, or a file that cannot be used"),
    ],
    run,
};

const DEFAULT_FILE: &str = "gateway.toml";

/// What describes one request and has no meaning beside `--requests`.
const OF_ONE_REQUEST: [&str; 4] = ["header", "body", "claims", "answer"];

fn run(given: &Given, host: &dyn Host) -> Result<(), Failure> {
    let setting = Setting::of(&COMMAND, given, host)?;
    let requests = match given.value("requests") {
        Some(file) => many(given, file, host)?,
        None => vec![one(given, host)?],
    };
    let [started] = setting.start(host, [given.value("config").unwrap_or(DEFAULT_FILE)])?;
    let explained: Vec<Explanation> =
        requests.iter().map(|it| explain(&started, &it.request, setting.now, &it.answers)).collect();
    print(given, host, &explained)?;
    for (recorded, explanation) in requests.iter().zip(&explained) {
        tell_unused(host, &started, recorded, setting.now, explanation);
    }
    Ok(())
}

fn print(given: &Given, host: &dyn Host, explained: &[Explanation]) -> Result<(), Failure> {
    if given.value("format") == Some("json") {
        let lines: String = explained.iter().map(json::line).collect::<Result<_, _>>()?;
        output::text(host, &lines);
    } else {
        let texts: Vec<String> = explained.iter().map(ToString::to_string).collect();
        output::text(host, &colours::paint(&texts.join("\n"), output::style(host, Stream::Out)));
    }
    Ok(())
}

/// An answer that nobody asked for is most often a misunderstanding.
fn tell_unused(host: &dyn Host, started: &Started, of: &Recorded, now: Millis, explanation: &Explanation) {
    let unused = unused(started, &of.request, now, &of.answers, explanation);
    if !unused.is_empty() {
        let words: Vec<String> = unused.iter().map(ToString::to_string).collect();
        let at = if of.line == 0 { String::new() } else { format!("line {}: ", of.line) };
        output::error(host, &format!("ferrogate: {at}nobody asked for these answers: {}", words.join(", ")));
    }
}

/// The requests of a file.
fn many(given: &Given, file: &str, host: &dyn Host) -> Result<Vec<Recorded>, Failure> {
    if let Some(option) = OF_ONE_REQUEST.iter().find(|option| given.has(option)) {
        return Err(wrong(&COMMAND, format!("--{option} is for one request: with --requests, the file says it")));
    }
    if given.operand().is_some() {
        return Err(wrong(&COMMAND, "METHOD and URL are for one request: with --requests, the file says them"));
    }
    explaining::requests(host, file)
}

/// The request that the arguments describe. It stands in no line.
fn one(given: &Given, host: &dyn Host) -> Result<Recorded, Failure> {
    let [method, url] = given.operands() else {
        return Err(wrong(&COMMAND, "`ferrogate explain` needs METHOD and URL, or --requests FILE"));
    };
    let headers = given.values("header").map(header).collect::<Result<Vec<_>, _>>()?;
    let request = Request {
        method: method.clone(),
        url: recorded::absolute(url, &headers),
        headers,
        body_length: given.value("body").map(|file| length(host, file)).transpose()?,
        claims: given.value("claims").map(|text| explaining::claims_object(&COMMAND, text)).transpose()?,
    };
    if request.head(&[], None).err() == Some(Unreadable::Url) {
        return Err(wrong(&COMMAND, format!("URL: {}, or a path that begins with /", Unreadable::Url.message())));
    }
    let answer = |text| Answer::parse(text).map_err(|message| wrong(&COMMAND, format!("--answer: {message}")));
    Ok(Recorded { line: 0, request, answers: given.values("answer").map(answer).collect::<Result<_, _>>()? })
}

/// `Name: value`. It may hold a token, so no message repeats it.
fn header(text: &str) -> Result<(String, String), Failure> {
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    let is_value = |value: &str| !value.chars().any(|letter| letter.is_control() && letter != '\t');
    match text.split_once(':') {
        Some((name, value)) if is_name(name) && is_value(value) => Ok((name.to_owned(), value.trim().to_owned())),
        _ => Err(wrong(&COMMAND, "--header takes `Name: value`, in one line")),
    }
}

fn length(host: &dyn Host, file: &str) -> Result<u64, Failure> {
    let content =
        host.read(file).map_err(|trouble| Failure::Files(format!("cannot read {file}: {}", trouble.words())))?;
    Ok(u64::try_from(content.len()).unwrap_or(u64::MAX))
}
