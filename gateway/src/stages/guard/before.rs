//! What is refused before there is a route: hosts that are none, hosts and methods that the gateway is not for, and
//! requests in clear.
//!
//! Everything is read off the URL and the method; the URL is what the platform made of the connection and the field
//! `Host`.

use serde::{Deserialize, Serialize};

use crate::{
    http::{
        edits::{Edits, is_field_value},
        host::{HostPattern, LONGEST_NAME},
        method::Method,
        problem::{Fault, Kind, Problem},
        reply::Made,
        request::{Header, RequestHead},
    },
    routing::select::METHOD_NOT_ALLOWED,
};

/// The keys of `[gateway]` that hold before there is a route: `https`, `hosts`, `methods`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// What becomes of requests in clear.
    pub https: Https,
    /// The hosts that the gateway is for; none for any.
    pub hosts: Vec<HostPattern>,
    /// The methods that the gateway takes; none for any.
    pub methods: Vec<Method>,
}

/// What becomes of requests in clear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Https {
    /// They are served like others.
    #[default]
    Off,
    /// GET and HEAD are sent to the same URL with `https`, others are refused.
    Redirect,
    /// They are refused.
    Refuse,
}

impl Https {
    /// Every choice with its word.
    pub const WORDS: [(&'static str, Self); 3] =
        [("off", Self::Off), ("redirect", Self::Redirect), ("refuse", Self::Refuse)];
}

/// 400: what the URL names is no host.
pub const HOST_MALFORMED: Kind =
    Kind { code: "host_malformed", status: 400, title: "The host is malformed", fault: Fault::Client };

/// 421: the gateway is not for this host.
pub const HOST_REFUSED: Kind =
    Kind { code: "host_refused", status: 421, title: "This gateway is not for this host", fault: Fault::Client };

/// 403: the request came in clear.
pub const HTTPS_REQUIRED: Kind =
    Kind { code: "https_required", status: 403, title: "Requests must be encrypted", fault: Fault::Client };

/// Refuses what is no host with or without a port (RFC 3986 section 3.2): one with a user, an empty one, and characters
/// that names and addresses do not have. What follows would read another host out of it than others do.
///
/// # Errors
/// [`HOST_MALFORMED`].
pub fn check_authority(authority: &str) -> Result<(), Problem> {
    if is_authority(authority) {
        return Ok(());
    }
    let problem = Problem::new(&HOST_MALFORMED, "The URL of the request names no host that there could be.");
    Err(problem.field("host", "the name or the address of a host, without a user, perhaps with a port"))
}

fn is_authority(authority: &str) -> bool {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => (is_ipv6(address), rest.strip_prefix(':').or(rest.is_empty().then_some(""))),
        None => {
            let (name, port) = authority.split_once(':').unwrap_or((authority, ""));
            (is_name(name), Some(port))
        }
    };
    host && port.is_some_and(|port| port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Letters, digits and hyphens between dots, and underscores, which names of services may have. A dot may stand at the
/// end.
fn is_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let name = name.strip_suffix('.').unwrap_or(name);
    let dots = name.starts_with('.') || name.ends_with('.') || name.contains("..");
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(inner) && !dots
}

fn is_ipv6(address: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    address.contains(':') && address.bytes().all(inner)
}

/// Refuses what the gateway is not for, or sends it to where it may come.
///
/// # Errors
/// [`HOST_REFUSED`], [`HTTPS_REQUIRED`] or [`METHOD_NOT_ALLOWED`], in this order: nobody is sent to a host that is none
/// of the gateway's.
pub fn check(config: &Config, head: &RequestHead) -> Result<Option<Made>, Problem> {
    check_host(&config.hosts, head.host())?;
    if let Some(elsewhere) = check_scheme(config.https, head)? {
        return Ok(Some(elsewhere));
    }
    check_method(&config.methods, head)?;
    Ok(None)
}

fn check_host(hosts: &[HostPattern], host: &str) -> Result<(), Problem> {
    if hosts.is_empty() || hosts.iter().any(|known| known.matches(host)) {
        return Ok(());
    }
    Err(Problem::new(&HOST_REFUSED, "The host that the request names is none of this gateway's."))
}

fn check_scheme(https: Https, head: &RequestHead) -> Result<Option<Made>, Problem> {
    let is_clear = || !head.origin().get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
    if https == Https::Off || !is_clear() {
        return Ok(None);
    }
    if https == Https::Redirect && matches!(head.method(), "GET" | "HEAD") {
        // The port of one scheme is not that of the other, and nobody knows the other's but by default.
        let location = ["https://", head.host(), head.path(), head.query()].concat();
        if is_field_value(&location) {
            return Ok(Some(redirect(location)));
        }
    }
    let detail = "The request came in clear, and so did all that is in it: others may have read it. Use https.";
    Err(Problem::new(&HTTPS_REQUIRED, detail))
}

fn redirect(location: String) -> Made {
    let mut head = Edits::default();
    head.set("location", location);
    head.set("cache-control", "no-store");
    Made { status: 308, head, body: "".into() }
}

/// GET stands for HEAD too, as in routes, and a preflight for the method that it announces.
fn check_method(methods: &[Method], head: &RequestHead) -> Result<(), Problem> {
    let takes =
        |method: Method| methods.contains(&method) || (method == Method::Head && methods.contains(&Method::Get));
    let wanted = match head.header(Header::Origin).and(head.header(Header::AccessControlRequestMethod)) {
        Some(announced) if head.method() == Method::Options.name() => announced,
        _ => head.method(),
    };
    if methods.is_empty() || Method::parse(wanted).is_some_and(takes) {
        return Ok(());
    }
    let allowed: Vec<&str> = Method::ALL.into_iter().filter(|method| takes(*method)).map(Method::name).collect();
    let allowed = allowed.join(", ");
    Err(Problem::new(&METHOD_NOT_ALLOWED, format!("This gateway takes: {allowed}.")).header("allow", allowed))
}

/// What is told of it where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(Config { https, hosts, methods }: &Config, teller: &mut crate::config::told::Teller<'_>) {
    use crate::config::told::sorted;

    let word = Https::WORDS.into_iter().find(|(_, known)| known == https).map_or("", |(word, _)| word);
    teller.put("https", word);
    let any = |words: String, none: bool| if none { "any".to_owned() } else { words };
    teller.put("hosts", any(sorted(hosts), hosts.is_empty()));
    teller.put("methods", any(sorted(methods.iter().map(|method| method.name())), methods.is_empty()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::ABSENT;
    use proptest::prelude::*;

    fn head(method: &str, url: &str, preflight: Option<&str>) -> RequestHead {
        let value = |header: Header| match header {
            Header::Origin => preflight.map(|_| "https://app.test"),
            Header::AccessControlRequestMethod => preflight,
            _ => None,
        };
        let fields: Vec<Option<&str>> =
            [Some(method), Some(url)].into_iter().chain(Header::ALL.into_iter().map(value)).collect();
        let lengths: Vec<u32> = fields.iter().map(|field| field.map_or(ABSENT, |text| text.len() as u32)).collect();
        RequestHead::read(fields.into_iter().flatten().collect(), &lengths, 0).unwrap()
    }

    /// `Ok` with the address that the caller is sent to, or the code of the refusal.
    fn checked(config: &Config, method: &str, url: &str) -> Result<Option<String>, &'static str> {
        let made = check(config, &head(method, url, None)).map_err(|problem| problem.kind.code)?;
        Ok(made.map(|made| {
            assert_eq!(made.status, 308);
            made.head.value("location").unwrap().to_owned()
        }))
    }

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        let long = "a".repeat(LONGEST_NAME);
        for authority in [
            "a",
            "Api.Acme.example.",
            "a:8787",
            "a:",
            "127.0.0.1:80",
            "[::1]",
            "[2001:db8::1.2.3.4]:1",
            "my_service",
            &long,
        ] {
            assert!(check_authority(authority).is_ok(), "{authority}");
        }
        let longer = "a".repeat(LONGEST_NAME + 1);
        for authority in [
            "",
            ".",
            ":80",
            "u@b.test",
            "u:p@b.test:80",
            "@b",
            "a b",
            "a,b",
            "a..b",
            ".a",
            "a..",
            "a%2eb",
            "caf\u{e9}",
            "a:b",
            "a:80:80",
            "a:+80",
            "a:123456",
            "[::1",
            "[]",
            "[::1]x",
            "[::1]]",
            "[a]",
            "::1",
            "a\\b",
            "a;b",
            "*",
            &longer,
        ] {
            let refused = check_authority(authority).map_err(|problem| (problem.kind.code, problem.kind.status));
            assert_eq!(refused, Err(("host_malformed", 400)), "{authority}");
        }
    }

    #[test]
    fn only_hosts_that_are_named_are_served() {
        let hosts = ["api.acme.example", "*.pages.test"].map(|text| HostPattern::new(text).unwrap()).to_vec();
        let config = Config { hosts, ..Config::default() };
        for url in ["https://api.acme.example/", "http://API.acme.example.:81/x", "https://a.b.pages.test/"] {
            assert_eq!(checked(&config, "GET", url), Ok(None), "{url}");
        }
        for url in ["https://acme.example/", "https://pages.test/", "http://127.0.0.1/", "https://[::1]/"] {
            assert_eq!(checked(&config, "GET", url), Err("host_refused"), "{url}");
        }
    }

    #[test]
    fn a_request_in_clear_is_sent_on_if_nothing_was_lost_and_else_refused() {
        let redirect = Config { https: Https::Redirect, ..Config::default() };
        let cases = [
            ("GET", "http://h.test:8787/a%20b?c=//d", Ok(Some("https://h.test/a%20b?c=//d"))),
            ("HEAD", "http://[::1]:80?q", Ok(Some("https://[::1]?q"))),
            ("GET", "HTTP://h.test//evil.test", Ok(Some("https://h.test//evil.test"))),
            ("GET", "https://h.test/", Ok(None)),
            ("POST", "HTTPS://h.test/", Ok(None)),
            ("POST", "http://h.test/", Err("https_required")),
            ("OPTIONS", "http://h.test/", Err("https_required")),
            ("GET", "http://h.test/caf\u{e9}", Err("https_required")),
        ];
        for (method, url, expected) in cases {
            assert_eq!(checked(&redirect, method, url), expected.map(|to| to.map(str::to_owned)), "{method} {url}");
        }
        let refuse = Config { https: Https::Refuse, ..Config::default() };
        assert_eq!(checked(&refuse, "GET", "http://h.test/"), Err("https_required"));
        assert_eq!(checked(&refuse, "GET", "https://h.test/"), Ok(None));
        assert_eq!(checked(&Config::default(), "GET", "http://h.test/"), Ok(None));
    }

    #[test]
    fn nobody_is_sent_to_a_host_that_is_none_of_the_gateways() {
        let hosts = vec![HostPattern::new("h.test").unwrap()];
        let config = Config { https: Https::Redirect, hosts, ..Config::default() };
        assert_eq!(checked(&config, "GET", "http://evil.test/"), Err("host_refused"));
    }

    #[test]
    fn a_method_that_is_not_taken_is_refused_with_those_that_are() {
        let config = Config { methods: vec![Method::Post, Method::Get], ..Config::default() };
        for method in ["GET", "HEAD", "POST"] {
            assert_eq!(checked(&config, method, "https://h.test/"), Ok(None), "{method}");
        }
        for method in ["DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW", "get"] {
            let refused = check(&config, &head(method, "https://h.test/", None)).unwrap_err();
            let allow = refused.headers.value("allow");
            assert_eq!((refused.kind.code, allow), ("method_not_allowed", Some("GET, HEAD, POST")), "{method}");
        }
    }

    #[test]
    fn a_preflight_stands_for_the_method_that_it_announces() {
        let config = Config { methods: vec![Method::Post], ..Config::default() };
        let asks = |announced| check(&config, &head("OPTIONS", "https://h.test/", Some(announced)));
        assert!(asks("POST").is_ok());
        assert!(asks("PUT").is_err());
        assert!(check(&config, &head("PUT", "https://h.test/", Some("POST"))).is_err());
    }

    proptest! {
        #[test]
        fn what_is_a_host_is_read_as_one(authority in "[a-z0-9.:@\\[\\]_%-]{0,12}") {
            if check_authority(&authority).is_ok() {
                let head = head("GET", &format!("https://{authority}/"), None);
                prop_assert!(!head.host().is_empty() && authority.starts_with(head.host()));
                prop_assert!(!head.host().contains('@'));
            }
        }
    }
}
