//! Addresses: the URL of an upstream and the origin of a page.
//!
//! What a variable brings is not known here. The form is checked with a sample in its place; a text that begins
//! with a variable is checked only for characters that could never be right.

use super::{
    Fault, quoted,
    variables::{Part, Written},
};
use crate::{
    config::diagnostics::Code,
    http::{origin::OriginPattern, path},
};

/// What to write for the origin of a page or for many, for a reference page.
pub const ORIGIN_GRAMMAR: &str = "A scheme and a host as browsers send them, with the port unless it is the scheme's \
                                  own, for example \"https://app.acme.example\"; \"https://*.acme.example\" stands for \
                                  all hosts below, but not for \"https://acme.example\" itself.";

/// Checks the address of an upstream: `http` or `https`, a host, perhaps a port and a path; no user, query or
/// fragment.
///
/// # Errors
/// [`Code::BadUrl`].
pub fn check_upstream(written: &Written) -> Result<(), Fault> {
    check_url_characters(written)?;
    let Some(sample) = written.sample() else { return Ok(()) };
    let shown = quoted(&written.to_string());
    let Some((_, rest)) = scheme(&sample) else {
        return Err(bad_url(format!("{shown} is not an http or https URL")));
    };
    let (authority, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len())).unwrap_or((rest, ""));
    check_authority(authority).map_err(|reason| bad_url(format!("{shown} names no host: {reason}")))?;
    match path::check(path) {
        Err(error) if !path.is_empty() => {
            Err(bad_url(format!("the path of {shown} has more than one meaning")).expected(error.expected()))
        }
        _ => Ok(()),
    }
}

/// Refuses characters that an upstream's URL cannot hold wherever its variables stand.
fn check_url_characters(written: &Written) -> Result<(), Fault> {
    let refused = |c: &char| matches!(c, '?' | '#' | '\\' | '@' | ' ') || c.is_control();
    let Some(c) = written.literals().flat_map(str::chars).find(refused) else { return Ok(()) };
    let help = match c {
        '?' => "a query comes from the request; leave it out",
        '#' => "a fragment is never sent; leave it out",
        '@' => "credentials do not belong in a URL; write `credentials` beside `targets`",
        _ => "a URL holds no blanks, backslashes and control characters",
    };
    let text = written.to_string();
    let start = text.find(c).unwrap_or_default();
    // What stands before an `@` may be a password: nothing of it is repeated.
    let length = if matches!(c, '?' | '#') { text.len().saturating_sub(start) } else { c.len_utf8() };
    let fault = bad_url(format!("the URL of an upstream holds {}", quoted(&c.to_string())));
    Err(fault.part(start, length).help(help))
}

fn bad_url(message: String) -> Fault {
    Fault::new(Code::BadUrl, message).expected("an http or https URL, for example \"https://api.example\"")
}

/// Checks an origin as browsers send it: scheme, host, and the port unless it is the scheme's own; in lower case.
///
/// # Errors
/// [`Code::AnyOrigin`] for `*`, [`Code::BadOrigin`] for everything else.
pub fn check_origin(written: &Written) -> Result<(), Fault> {
    check_exact(&written.literals().collect::<String>())?;
    let Some(sample) = written.sample() else { return Ok(()) };
    check_origin_form(&sample, &quoted(&written.to_string()))
}

/// Checks an origin, or all origins below a host: `https://*.acme.example`. The star is the first label, and at
/// least two labels stand behind it. What a variable brings is checked by [`OriginPattern::new`].
///
/// # Errors
/// [`Code::AnyOrigin`] for a star that stands for more or in another place, [`Code::BadOrigin`] for everything else.
pub fn check_origin_pattern(written: &Written) -> Result<(), Fault> {
    let text = written.to_string();
    let literals: String = written.literals().collect();
    if !literals.contains('*') {
        return check_origin(written);
    }
    let behind = behind_star(&text)?;
    check_spelling(&literals)?;
    let Some(sample) = written.sample() else { return Ok(()) };
    check_origin_form(&sample.replacen("*.", "", 1), &quoted(&text))?;
    let is_known = |part: &Part| !matches!(part, Part::Variable { default: None, .. });
    if !written.0.iter().all(is_known) || OriginPattern::new(&sample).is_some() {
        return Ok(());
    }
    if behind.contains(['.', '[']) {
        return Err(bad_origin(format!("{} has no host that others can be below", quoted(&text))));
    }
    let star = "*.".len().saturating_add(behind.len());
    Err(any_origin().part(text.len().saturating_sub(star), star))
}

/// What stands behind a star in its right place, the only one. A star elsewhere is underlined.
fn behind_star(text: &str) -> Result<&str, Fault> {
    if text == "*" {
        let fault = Fault::new(Code::AnyOrigin, "`*` would let every page read the answers");
        let help = "name the origins that you serve; with credentials browsers refuse `*` anyway";
        return Err(fault.expected("an origin, or a pattern like \"https://*.acme.example\"").help(help).part(0, 1));
    }
    let behind = scheme(text).and_then(|(_, authority)| authority.strip_prefix("*."));
    let Some(behind) = behind.filter(|behind| !behind.is_empty()) else {
        return Err(any_origin().part(text.find('*').unwrap_or_default(), 1));
    };
    let start = text.len().saturating_sub(behind.len());
    match behind.find('*') {
        Some(at) => Err(any_origin().part(start.saturating_add(at), 1)),
        None => Ok(behind),
    }
}

/// An origin without variables, or all origins below a host.
///
/// # Errors
/// What [`check_origin_pattern`] says.
pub fn parse_origin(text: &str) -> Result<OriginPattern, Fault> {
    check_origin_pattern(&Written(vec![Part::Literal(text.to_owned())]))?;
    OriginPattern::new(text).ok_or_else(|| bad_origin(format!("{} is not an http or https origin", quoted(text))))
}

fn any_origin() -> Fault {
    let fault = Fault::new(Code::AnyOrigin, "a star stands for hosts below one of at least two labels");
    let help = "a wider pattern opens the API to pages that you do not know of; list the origins that you serve";
    fault.expected("an origin, or a pattern like \"https://*.acme.example\"").help(help)
}

/// Checks scheme, host and port, and that nothing stands behind them.
fn check_origin_form(sample: &str, shown: &str) -> Result<(), Fault> {
    let Some((scheme, authority)) = scheme(sample) else {
        return Err(bad_origin(format!("{shown} is not an http or https origin")));
    };
    if authority.contains(['/', '?', '#', '@', '\\']) {
        let fault = bad_origin(format!("{shown} is more than an origin"));
        return Err(fault.help("end it behind the host or the port, without a slash"));
    }
    if authority.ends_with(if scheme == "https" { ":443" } else { ":80" }) {
        let fault = bad_origin(format!("{shown} names the port that is meant anyway"));
        return Err(fault.help("browsers leave it out; so must you"));
    }
    check_authority(authority).map_err(|reason| bad_origin(format!("{shown} names no host: {reason}")))
}

/// Refuses what would let in more than one origin, or none.
fn check_exact(literals: &str) -> Result<(), Fault> {
    if literals.contains('*') {
        let fault = Fault::new(Code::AnyOrigin, "origins are exact, `*` stands for none");
        let help = "a pattern opens the API to pages that you do not know of; list the origins that you serve";
        return Err(fault.expected("each origin by its name").help(help));
    }
    check_spelling(literals)
}

/// Refuses what browsers send for no page, or for no page alone.
fn check_spelling(literals: &str) -> Result<(), Fault> {
    if literals == "null" {
        let fault = bad_origin("`null` is the origin of pages that hide theirs".to_owned());
        return Err(fault.help("sandboxed frames and local files all send it, so it would open the API to everybody"));
    }
    if literals.chars().any(|c| c.is_ascii_uppercase()) {
        let fault = bad_origin("an origin is in lower case".to_owned());
        return Err(fault.help("browsers send scheme and host in lower case"));
    }
    Ok(())
}

fn bad_origin(message: String) -> Fault {
    Fault::new(Code::BadOrigin, message).expected("an origin, for example \"https://app.example\"")
}

/// Splits `http://` or `https://` off.
fn scheme(url: &str) -> Option<(&'static str, &str)> {
    ["https", "http"].into_iter().find_map(|scheme| Some((scheme, url.strip_prefix(scheme)?.strip_prefix("://")?)))
}

/// Checks a host with or without a port. Host names in other scripts must be written in their ASCII form.
fn check_authority(authority: &str) -> Result<(), &'static str> {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => {
            address.parse::<std::net::Ipv6Addr>().map_err(|_| "an address in brackets is an IPv6 address")?;
            ("v6", rest.strip_prefix(':').or(if rest.is_empty() { None } else { Some(rest) }))
        }
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() {
        return Err("the host is empty");
    }
    if !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) {
        return Err("a host holds letters, digits, hyphens and dots");
    }
    if host.split('.').any(str::is_empty) {
        return Err("a part of the host is empty");
    }
    let is_port =
        |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port != 0);
    if port.is_some_and(|port| !is_port(port)) { Err("a port is a number from 1 to 65535") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::values::variables::parse;

    fn upstream(text: &str) -> Result<(), Code> {
        check_upstream(&parse(text).unwrap()).map_err(|fault| fault.code)
    }

    fn origin(text: &str) -> Result<(), Code> {
        check_origin(&parse(text).unwrap()).map_err(|fault| fault.code)
    }

    #[test]
    fn upstreams_are_http_urls_with_or_without_variables() {
        for text in [
            "https://api.example",
            "http://127.0.0.1:4000",
            "http://[::1]:80/v1",
            "https://a.example/v1/",
            "${URL}",
            "${URL}/v1",
            "https://${HOST}/v1",
            "http://${HOST:-localhost}:${PORT}",
            "${URL:-http://localhost:1}",
            "http://a_b",
        ] {
            assert_eq!(upstream(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_is_no_upstream_is_refused() {
        for text in [
            "",
            "api.example",
            "ftp://a",
            "HTTPS://a",
            "https://",
            "https:///a",
            "https://a:0",
            "https://a:65536",
            "https://a:x",
            "https://a:",
            "https://[::g]",
            "https://[::1]x",
            "https://u:p@a",
            "https://a?b",
            "https://a#b",
            "https://a/../b",
            "https://a//b",
            "https://caf\u{e9}",
            "https://a..b",
            "https://a b",
            "${URL}?a=b",
            "${URL}/a#b",
            "${URL:-localhost}",
            "https://a\\b",
        ] {
            assert_eq!(upstream(text), Err(Code::BadUrl), "{text}");
        }
    }

    /// The code and the text that is underlined.
    fn pattern(text: &str) -> Result<(), (Code, Option<&str>)> {
        let fault = |fault: Fault| (fault.code, fault.part.map(|part| &text[part]));
        check_origin_pattern(&parse(text).unwrap()).map_err(fault)
    }

    #[test]
    fn a_star_may_stand_for_hosts_below_one() {
        for text in [
            "https://app.example",
            "https://*.acme.example",
            "http://*.acme.test:8080",
            "https://*.a.b.c.example",
            "https://*.${DOMAIN}",
            "https://*.${DOMAIN:-acme.example}",
            "https://*.${TENANT}.example:${PORT}",
            "${APP}",
        ] {
            assert_eq!(pattern(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn a_star_that_stands_for_more_is_underlined() {
        let cases = [
            ("*", "*"),
            ("https://*", "*"),
            ("https://*.", "*"),
            ("https://*:8080", "*"),
            ("https://*.example", "*.example"),
            ("https://*.example:8080", "*.example:8080"),
            ("https://*.${DOMAIN:-example}", "*.${DOMAIN:-example}"),
            ("https://*.*.acme.example", "*"),
            ("https://a.*.acme.example", "*"),
            ("https://a*.acme.example", "*"),
            ("https://*acme.example", "*"),
            ("https://app.example:*", "*"),
            ("*://app.acme.example", "*"),
            ("${A}*", "*"),
            ("${SCHEME}://*.acme.example", "*"),
            ("https://${A:-*}.acme.example", "*"),
            ("file://*.acme.example", "*"),
        ];
        for (text, part) in cases {
            assert_eq!(pattern(text), Err((Code::AnyOrigin, Some(part))), "{text}");
        }
        assert_eq!(check_origin_pattern(&parse("https://*.*.a.b").unwrap()).unwrap_err().part, Some(10..11));
    }

    #[test]
    fn what_is_no_origin_is_no_pattern_either() {
        for text in [
            "",
            "null",
            "app.example",
            "https://app.example/",
            "https://*.acme.example/",
            "https://*.Acme.example",
            "https://*.Acme.${DOMAIN}",
            "https://*.acme.example:443",
            "http://*.acme.example:80",
            "https://*.acme.example:x",
            "https://*.acme..example",
            "https://*.acme.example.",
            "https://*.168.1.1",
            "https://*.a_b.example",
            "https://*.[::1]",
            "https://*.u@acme.example",
        ] {
            assert_eq!(pattern(text).map_err(|(code, _)| code), Err(Code::BadOrigin), "{text}");
        }
    }

    #[test]
    fn what_is_parsed_is_what_matches() {
        assert!(parse_origin("https://*.acme.example").unwrap().matches("https://app.acme.example"));
        assert!(parse_origin("https://app.example").unwrap().matches("https://app.example"));
        for text in ["", "${APP}", "https://${A}.example", "https://*.${A}.example"] {
            assert_eq!(parse_origin(text).map_err(|fault| fault.code), Err(Code::BadOrigin), "{text}");
        }
    }

    #[test]
    fn origins_are_exact() {
        for text in [
            "https://app.example",
            "http://localhost:8080",
            "https://[::1]:1",
            "${APP}",
            "https://${T}.example",
            "https://a:80",
            "https://a:4443",
        ] {
            assert_eq!(origin(text), Ok(()), "{text}");
        }
        for text in [
            "",
            "app.example",
            "https://app.example/",
            "https://App.example",
            "https://a/b",
            "https://u@a",
            "https://a:443",
            "http://a:80",
            "null",
            "${A:-https://B}",
            "https://a?b",
            "file://",
            "https://a.",
        ] {
            assert_eq!(origin(text), Err(Code::BadOrigin), "{text}");
        }
        for text in ["*", "https://*.example", "${A}*"] {
            assert_eq!(origin(text), Err(Code::AnyOrigin), "{text}");
        }
    }
}
