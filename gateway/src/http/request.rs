//! The head of a request as it crossed the boundary: one text and where its fields lie.
//!
//! Only the fields that some decision reads are here; the body never is. Some are known here by name, others are named by
//! the configuration.

use serde::{Deserialize, Serialize};

use super::path::{self, PathError};

/// The request headers that decisions read, in the order in which they are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(usize)]
pub enum Header {
    /// `X-Request-ID`
    RequestId,
    /// `Origin`
    Origin,
    /// `Authorization`
    Authorization,
    /// `Accept`
    Accept,
    /// `X-API-Version`
    ApiVersion,
    /// `traceparent`
    TraceParent,
    /// `tracestate`
    TraceState,
    /// `X-Trace-ID`
    TraceId,
    /// `baggage`
    Baggage,
    /// `User-Agent`
    UserAgent,
    /// `Content-Length`
    ContentLength,
    /// `Access-Control-Request-Method`
    AccessControlRequestMethod,
    /// `Access-Control-Request-Headers`
    AccessControlRequestHeaders,
}

impl Header {
    /// Every header, in packing order.
    pub const ALL: [Self; 13] = [
        Self::RequestId,
        Self::Origin,
        Self::Authorization,
        Self::Accept,
        Self::ApiVersion,
        Self::TraceParent,
        Self::TraceState,
        Self::TraceId,
        Self::Baggage,
        Self::UserAgent,
        Self::ContentLength,
        Self::AccessControlRequestMethod,
        Self::AccessControlRequestHeaders,
    ];

    /// The name in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RequestId => "x-request-id",
            Self::Origin => "origin",
            Self::Authorization => "authorization",
            Self::Accept => "accept",
            Self::ApiVersion => "x-api-version",
            Self::TraceParent => "traceparent",
            Self::TraceState => "tracestate",
            Self::TraceId => "x-trace-id",
            Self::Baggage => "baggage",
            Self::UserAgent => "user-agent",
            Self::ContentLength => "content-length",
            Self::AccessControlRequestMethod => "access-control-request-method",
            Self::AccessControlRequestHeaders => "access-control-request-headers",
        }
    }

    /// Which requests have to be asked for it. In packing order this never becomes wider.
    #[must_use]
    pub fn asked_of(self) -> Asked {
        match self {
            Self::AccessControlRequestMethod | Self::AccessControlRequestHeaders => Asked::Options,
            Self::ContentLength => Asked::WithBody,
            _ => Asked::All,
        }
    }

    /// Whether no request is refused for what it says, be it text or not: nothing is decided by it.
    #[must_use]
    pub fn is_forgiven(self) -> bool {
        self.is_about_traces() || self == Self::UserAgent
    }

    /// Whether it is about traces. Few gateways read those. What is malformed is dropped.
    #[must_use]
    pub fn is_about_traces(self) -> bool {
        matches!(self, Self::TraceParent | Self::TraceState | Self::TraceId | Self::Baggage)
    }
}

/// Which requests are asked for a header: every question has its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// All of them.
    All,
    /// Those whose method has a body, which are all but GET and HEAD.
    WithBody,
    /// Those that may be preflights.
    Options,
}

/// The most headers that a configuration may name besides those of [`Header`]: every request is asked for each.
pub const MOST_NAMED: usize = 32;

/// The length that stands for a field that is not there.
pub const ABSENT: u32 = u32::MAX;

/// Why a packed head cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The lengths do not fit the text: a defect of the packer.
    Packing,
    /// The URL has no authority.
    Url,
}

#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: usize,
    end: usize,
}

/// A request head.
#[derive(Debug)]
pub struct RequestHead {
    text: String,
    method: Span,
    url: Span,
    authority: Span,
    path: Span,
    query: Span,
    named: Vec<Option<Span>>,
    headers: [Option<Span>; Header::ALL.len()],
}

impl RequestHead {
    /// Reads a head from its fields, one after another in `text`, and their lengths in bytes: method, URL, so many headers
    /// `named` by the configuration and those of [`Header::ALL`] in its order, [`ABSENT`] for one that is not there.
    ///
    /// # Errors
    /// When lengths and text do not fit together, or the URL is not absolute.
    pub fn read(text: String, lengths: &[u32], named: usize) -> Result<Self, Malformed> {
        let mut fields = Fields { text: &text, lengths: lengths.iter(), at: 0 };
        let (method, url) = fields.next()?.zip(fields.next()?).ok_or(Malformed::Packing)?;
        let named = (0..named).map(|_| fields.next()).collect::<Result<_, _>>()?;
        let mut headers = [None; Header::ALL.len()];
        for header in &mut headers {
            *header = fields.next()?;
        }
        let (authority, path, query) = split_url(&text, url).ok_or(Malformed::Url)?;
        Ok(Self { text, method, url, authority, path, query, named, headers })
    }

    /// The method as it was sent.
    #[must_use]
    pub fn method(&self) -> &str {
        self.slice(self.method)
    }

    /// The URL as it was sent, without what follows a `#`.
    #[must_use]
    pub fn url(&self) -> &str {
        self.slice(Span { end: self.query.end, ..self.url })
    }

    /// What stands before the path: scheme and authority.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.slice(Span { end: self.authority.end, ..self.url })
    }

    /// The authority of the URL, as it was sent: the host, perhaps with a user and a port.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.slice(self.authority)
    }

    /// Whether the URL is one of `https`.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.url().starts_with("https:")
    }

    /// The host that the URL names with its port, if there is one, as it was sent.
    #[must_use]
    pub fn host_and_port(&self) -> &str {
        let authority = self.slice(self.authority);
        authority.rsplit_once('@').map_or(authority, |(_, address)| address)
    }

    /// The host that the URL names, as it was sent: without user and port, an IPv6 address in its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        host(self.slice(self.authority))
    }

    /// The path as it was sent, without query and fragment.
    #[must_use]
    pub fn path(&self) -> &str {
        self.slice(self.path)
    }

    /// The query with its `?`, or nothing.
    #[must_use]
    pub fn query(&self) -> &str {
        self.slice(self.query)
    }

    /// A header's value; several of one name are joined by `, ` (RFC 9110 section 5.2).
    #[must_use]
    pub fn header(&self, header: Header) -> Option<&str> {
        let span = self.headers.get(header as usize).copied().flatten()?;
        Some(self.slice(span))
    }

    /// Whether a browser asks whether it may send another request (Fetch standard, section 3.2.2).
    #[must_use]
    pub fn is_preflight(&self) -> bool {
        let has = |header| self.header(header).is_some();
        self.method() == "OPTIONS" && has(Header::Origin) && has(Header::AccessControlRequestMethod)
    }

    /// The value of a header that the configuration names, by its place there.
    #[must_use]
    pub fn named(&self, index: usize) -> Option<&str> {
        self.named.get(index).copied().flatten().map(|span| self.slice(span))
    }

    /// Whether some field held bytes that were not UTF-8: the runtime has replaced them by U+FFFD, so nobody
    /// knows any more what was sent. Some fields are not worth a refusal.
    #[must_use]
    pub fn has_lost_bytes(&self) -> bool {
        let count = |text: &str| text.matches('\u{fffd}').count();
        let forgiven = || Header::ALL.into_iter().filter(|header| header.is_forgiven());
        let in_those = || forgiven().filter_map(|header| self.header(header)).map(count).sum();
        !self.text.is_ascii() && count(&self.text) > in_those()
    }

    /// Checks that the path has one meaning only.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn check_path(&self) -> Result<(), PathError> {
        path::check(self.path())
    }

    fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }
}

/// The fields of a packed head, one after another.
struct Fields<'a> {
    text: &'a str,
    lengths: std::slice::Iter<'a, u32>,
    at: usize,
}

impl Fields<'_> {
    /// Where the next field lies; none for one that is not there or was not packed.
    fn next(&mut self) -> Result<Option<Span>, Malformed> {
        let Some(length) = self.lengths.next().filter(|length| **length != ABSENT) else { return Ok(None) };
        let start = self.at;
        self.at = start.saturating_add(usize::try_from(*length).map_err(|_| Malformed::Packing)?);
        self.text.get(start..self.at).ok_or(Malformed::Packing)?;
        Ok(Some(Span { start, end: self.at }))
    }
}

/// Authority, path and query of an absolute URL. What follows a `#` is no part of a request and is left out.
fn split_url(text: &str, url: Span) -> Option<(Span, Span, Span)> {
    let whole = text.get(url.start..url.end)?;
    let authority = whole.as_bytes().windows(3).position(|three| three == b"://")?.saturating_add(3);
    let ends = |byte: &u8| matches!(byte, b'/' | b'?' | b'#');
    let rest = whole.as_bytes().get(authority..)?;
    // The runtime puts the target `*` of OPTIONS (RFC 9112 section 3.2.4) right behind the host: no path begins so.
    let all = rest.strip_suffix(b"*").unwrap_or(rest).len();
    let start = rest.iter().position(ends).unwrap_or(all).saturating_add(authority);
    let end = whole.find('#').unwrap_or(whole.len());
    let query = whole.get(start..end)?.find('?').map_or(end, |at| at.saturating_add(start));
    let part =
        |start: usize, end: usize| Span { start: start.saturating_add(url.start), end: end.saturating_add(url.start) };
    Some((part(authority, start), part(start, query), part(query, end)))
}

/// The host of an authority (RFC 3986 section 3.2). The last `@` ends the user, as in the URL Standard; the colons
/// of an IPv6 address stand in brackets and begin no port.
fn host(authority: &str) -> &str {
    let address = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
    let brackets = address.rfind(']').unwrap_or_default();
    let port = address.get(brackets..).and_then(|rest| rest.find(':'));
    port.and_then(|at| address.get(..at.saturating_add(brackets))).unwrap_or(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn head(method: &str, url: &str, headers: &[Option<&str>]) -> Result<RequestHead, Malformed> {
        let fields: Vec<Option<&str>> = [Some(method), Some(url)].into_iter().chain(headers.iter().copied()).collect();
        let lengths: Vec<u32> = fields.iter().map(|field| field.map_or(ABSENT, |text| text.len() as u32)).collect();
        RequestHead::read(fields.into_iter().flatten().collect(), &lengths, 0)
    }

    #[test]
    fn a_url_is_split_into_path_and_query() {
        let cases = [
            ("https://a.test/x/y?b=1", "/x/y", "?b=1"),
            ("https://a.test/", "/", ""),
            ("http://a.test/?", "/", "?"),
            ("http://a.test?q", "", "?q"),
            ("http://a.test*", "*", ""),
            ("http://a.test", "", ""),
            ("http://a.test/a#f?g", "/a", ""),
            ("http://a.test/a?b#c", "/a", "?b"),
        ];
        for (url, path, query) in cases {
            let head = head("GET", url, &[]).unwrap();
            assert_eq!((head.path(), head.query()), (path, query), "{url}");
            assert_eq!([head.origin(), path, query].concat(), head.url());
        }
        assert_eq!(head("GET", "nonsense", &[]).err(), Some(Malformed::Url));
    }

    #[test]
    fn the_host_has_no_user_and_no_port() {
        let cases = [
            ("https://api.acme.example/x", "api.acme.example"),
            ("http://API.acme.example:8787/x:y@z", "API.acme.example"),
            ("http://a.test?q=http://b.test:1/", "a.test"),
            ("http://a.test#@b.test/", "a.test"),
            ("http://user:secret@a.test:80/", "a.test"),
            ("http://b.test@a.test/", "a.test"),
            ("http://a@b@a.test/", "a.test"),
            ("http://127.0.0.1:1/", "127.0.0.1"),
            ("http://[2001:db8::1]/", "[2001:db8::1]"),
            ("http://u:p@[::1]:8080/", "[::1]"),
            ("http://[::1]@a.test:1/", "a.test"),
            ("http://[::1/", "["),
            ("http://:1/", ""),
            ("http:///", ""),
        ];
        for (url, host) in cases {
            assert_eq!(head("GET", url, &[]).unwrap().host(), host, "{url}");
        }
    }

    #[test]
    fn absent_and_empty_headers_differ() {
        let head = head("GET", "http://a/", &[None, Some("")]).unwrap();
        assert_eq!(head.header(Header::RequestId), None);
        assert_eq!(head.header(Header::Origin), Some(""));
        assert_eq!(head.header(Header::Authorization), None);
    }

    #[test]
    fn headers_that_the_configuration_names_stand_before_the_others() {
        let lengths = [3, 9, ABSENT, 2, ABSENT, 1];
        let head = RequestHead::read("GEThttp://a/xxo".to_owned(), &lengths, 2).unwrap();
        assert_eq!((head.named(0), head.named(1), head.named(2)), (None, Some("xx"), None));
        assert_eq!((head.header(Header::RequestId), head.header(Header::Origin)), (None, Some("o")));
    }

    #[test]
    fn a_replacement_character_is_noticed() {
        assert!(head("GET", "http://a/", &[Some("a\u{fffd}b")]).unwrap().has_lost_bytes());
        assert!(!head("GET", "http://a/", &[Some("\u{e9}")]).unwrap().has_lost_bytes());
    }

    #[test]
    fn a_replacement_character_in_a_field_about_traces_is_forgiven() {
        let with = |id: &str, state: &str| {
            let sent = |header: Header| match header {
                Header::RequestId => Some(id),
                Header::TraceState => Some(state),
                _ => None,
            };
            head("GET", "http://a/", &Header::ALL.map(sent)).unwrap().has_lost_bytes()
        };
        assert!(!with("a", "a=\u{fffd}\u{fffd}"));
        assert!(with("\u{fffd}", "a=\u{fffd}\u{fffd}"));
    }

    proptest! {
        #[test]
        fn any_lengths_are_read_or_refused_without_a_panic(text in ".{0,40}", lengths in proptest::collection::vec(0_u32..50, 0..12)) {
            let _ = RequestHead::read(text, &lengths, 2);
        }
    }
}
