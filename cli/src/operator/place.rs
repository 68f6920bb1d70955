//! Where a gateway is, and what is known of it: its URL, and the `gateway.toml` that it is said to run.

use std::net::Ipv4Addr;

use gateway::{blueprint::Blueprint, config::diagnostics::render};

use super::{CONFIG, ENV, URL};
use crate::{
    Failure,
    arguments::{Given, did_you_mean, wrong},
    command::Command,
    configuration, files,
    host::Host,
    output,
};
use gateway::blueprint::compile::Around;

/// What `npm start` says.
const USUAL: &str = "http://127.0.0.1:8787";
/// Names a gateway that is asked often.
const VARIABLE: &str = "FERROGATE_URL";
/// The file that is looked for where nobody names one.
const DEFAULT_FILE: &str = "gateway.toml";

/// Scheme, host and port.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) text: String,
}

impl Origin {
    /// By the option, the environment, or where `npm start` is.
    pub(super) fn of(command: &Command, given: &Given, host: &dyn Host) -> Result<Self, Failure> {
        let set = host.variable(VARIABLE).filter(|value| !value.is_empty());
        let (named, text) = match (given.value(URL.long), set) {
            (Some(text), _) => ("--url", text.to_owned()),
            (None, Some(text)) => (VARIABLE, text),
            (None, None) => ("", USUAL.to_owned()),
        };
        let expected =
            "https://HOST[:PORT], or http:// of this machine, without a path: that stands in [admin] of --config";
        let found = text.escape_debug();
        let origin = read(&text).ok_or_else(|| wrong(command, format!("{named} takes {expected}; found {found}")))?;
        if origin.is_private() {
            Ok(origin)
        } else {
            Err(wrong(command, format!("{named}: a token would go to {found} in clear; expected {expected}")))
        }
    }

    /// Whether nobody on the way can read what is sent.
    fn is_private(&self) -> bool {
        let Some(rest) = self.text.strip_prefix("http://") else { return true };
        if rest.starts_with("[::1]") {
            return true;
        }
        let host = rest.split(':').next().unwrap_or_default().to_ascii_lowercase();
        host == "localhost"
            || host.ends_with(".localhost")
            || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
    }
}

fn read(text: &str) -> Option<Origin> {
    let text = text.strip_suffix('/').unwrap_or(text);
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let (host, port) = match rest.split_once(']') {
        Some((address, port)) => (address.strip_prefix('[')?, port),
        None => rest.split_at(rest.find(':').unwrap_or(rest.len())),
    };
    let is_address = rest.starts_with('[');
    let fits = |byte: u8| match is_address {
        true => byte.is_ascii_hexdigit() || b":.".contains(&byte),
        false => byte.is_ascii_alphanumeric() || b"-._".contains(&byte),
    };
    let has_port = port.is_empty() || port.strip_prefix(':')?.parse::<u16>().is_ok_and(|port| port > 0);
    let is_good =
        ["http", "https"].contains(&scheme.as_str()) && !host.is_empty() && host.bytes().all(fits) && has_port;
    is_good.then(|| Origin { text: format!("{scheme}://{rest}") })
}

/// A `gateway.toml` that compiles, in one environment.
pub(super) struct Known {
    pub(super) file: String,
    pub(super) environment: Option<String>,
    pub(super) blueprint: Blueprint,
}

/// The configuration that somebody names, or the one where they stand. Whoever has to stop a gateway is not kept from it
/// by a file that they did not name and that is half edited.
pub(super) fn known(given: &Given, host: &dyn Host) -> Result<Option<Known>, Failure> {
    let (named, environment) = (given.value(CONFIG.long), given.value(ENV.long));
    let file = named.unwrap_or(DEFAULT_FILE);
    let is_asked_for = named.is_some() || environment.is_some();
    if !is_asked_for && files::read_optional(host, file).ok().flatten().is_none() {
        return Ok(None);
    }
    let compiled = configuration::compile(host, file, &Around::default())?;
    if compiled.environments.is_empty() {
        if !is_asked_for {
            let summary = render::summary(&compiled.diagnostics);
            output::error(host, &format!("ferrogate: going on without {file}, which has {summary}"));
            return Ok(None);
        }
        output::diagnostics(host, &compiled.diagnostics);
        return Err(Failure::Findings(configuration::does_not_compile(file, &compiled)));
    }
    let blueprint = configuration::choose(file, compiled.environments, environment)?.blueprint;
    if blueprint.admin.is_none() && named.is_some() {
        let message = format!("{file} has no [admin], so its gateway has no paths for operators");
        return Err(Failure::Findings(message));
    }
    Ok(Some(Known { file: file.to_owned(), environment: environment.map(str::to_owned), blueprint }))
}

/// The nearest of the names that a configuration has, where it lacks one.
pub(crate) fn near<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.contains(&name) { String::new() } else { did_you_mean(name, names) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_named_by_scheme_host_and_port() {
        let cases = [
            ("http://127.0.0.1:8787", "http://127.0.0.1:8787"),
            ("HTTPS://api.acme.example/", "https://api.acme.example"),
            ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ];
        for (text, origin) in cases {
            assert_eq!(read(text).map(|origin| origin.text).as_deref(), Some(origin), "{text}");
        }
        let wrong = [
            "",
            "api.acme.example",
            "ftp://a",
            "https://",
            "https://a/b",
            "https://a?b",
            "https://a#b",
            "https://u@a",
            "https://a:b@c",
            "https://a:",
            "https://a:0",
            "https://a:65536",
            "https://a b",
            "https://\u{e4}",
            "https://[::1",
            "https://[a]b",
            "https://x]",
        ];
        for text in wrong {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn in_clear_a_token_goes_to_this_machine_only() {
        let is_private = |text: &str| read(text).unwrap().is_private();
        for text in
            ["http://localhost", "http://LOCALHOST:1", "http://a.localhost:1", "http://127.1.2.3", "http://[::1]:1"]
        {
            assert!(is_private(text), "{text}");
        }
        assert!(is_private("https://api.acme.example"));
        for text in ["http://api.acme.example", "http://127.0.0.1.example", "http://localhost.example", "http://[::2]"]
        {
            assert!(!is_private(text), "{text}");
        }
    }
}
