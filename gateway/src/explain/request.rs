//! A request that is to be explained, and the head that the Worker would pack of it.

use serde_json::{Map, Value};

use crate::http::{
    method::Method,
    request::{ABSENT, Asked, Header, Malformed, RequestHead},
};

/// The longest URL that the Worker takes, in UTF-16 units: see `src/entry/pack.mjs`.
const LONGEST_URL: usize = 16 * 1024;

/// The most bytes of method, URL and headers together that the Worker takes: see `src/boundary.rs`.
const LARGEST_HEAD: usize = 64 * 1024;

/// A request as somebody would send it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The method, in its exact case.
    pub method: String,
    /// An absolute URL.
    pub url: String,
    /// Names in any case, values. A name may stand several times.
    pub headers: Vec<(String, String)>,
    /// How long the body is, if there is one and its length is announced. `Content-Length` among the headers wins.
    pub body_length: Option<u64>,
    /// The claims of a token that the route believes. It takes the place of what `Authorization` says; a public
    /// route needs none and leaves the request alone. `iss`, `aud` and `exp` are filled in where they are missing.
    pub claims: Option<Map<String, Value>>,
}

/// Why the Worker would not even look at a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The URL is not absolute.
    Url,
    /// The URL is longer than the Worker takes.
    UrlTooLong,
    /// The head is larger than the Worker takes.
    HeadersTooLarge,
}

impl Unreadable {
    /// What is wrong, in a sentence.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::Url => "expected an absolute URL like https://api.example/v1/orders",
            Self::UrlTooLong => "A URL may have 16,384 characters.",
            Self::HeadersTooLarge => "The headers that the gateway reads may have 65,536 bytes together.",
        }
    }

    /// What the client gets, where it is an answer of the Worker at all: status and problem code.
    #[must_use]
    pub fn answer(self) -> Option<(u16, &'static str)> {
        match self {
            Self::Url => None,
            Self::UrlTooLong => Some((414, "url_too_long")),
            Self::HeadersTooLarge => Some((431, "headers_too_large")),
        }
    }
}

impl Request {
    /// A request without headers and body.
    #[must_use]
    pub fn new(method: &str, url: &str) -> Self {
        Self { method: method.to_owned(), url: url.to_owned(), ..Self::default() }
    }

    /// The head as it crosses the boundary: only the headers that decisions read, and of those only what the Worker
    /// asks a request of this method for. `named` are those that the configuration names. `authorization` takes the place
    /// of the one that was sent.
    ///
    /// # Errors
    /// When the Worker would not look at it.
    pub fn head(&self, named: &[String], authorization: Option<&str>) -> Result<RequestHead, Unreadable> {
        if self.url.encode_utf16().count() > LONGEST_URL {
            return Err(Unreadable::UrlTooLong);
        }
        let mut text = [self.method.as_str(), &self.url].concat();
        let mut lengths = vec![length(&self.method), length(&self.url)];
        let known = Header::ALL.into_iter().map(|header| match authorization {
            Some(value) if header == Header::Authorization => Some(value.to_owned()),
            _ => self.header(header),
        });
        for value in named.iter().map(|name| self.sent(name)).chain(known) {
            lengths.push(value.as_deref().map_or(ABSENT, length));
            text.push_str(&value.unwrap_or_default());
        }
        if text.len() > LARGEST_HEAD {
            return Err(Unreadable::HeadersTooLarge);
        }
        RequestHead::read(text, &lengths, named.len()).map_err(|malformed| match malformed {
            Malformed::Url => Unreadable::Url,
            Malformed::Packing => Unreadable::HeadersTooLarge,
        })
    }

    fn header(&self, header: Header) -> Option<String> {
        if !self.is_asked_for(header) {
            return None;
        }
        let length = || self.body_length.filter(|_| header == Header::ContentLength);
        self.sent(header.name()).or_else(|| length().map(|length| length.to_string()))
    }

    /// A header as `Headers.get` of the Fetch standard gives it: values of one name joined by `, `.
    fn sent(&self, name: &str) -> Option<String> {
        let named = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let values: Vec<&str> = named.map(|(_, value)| value.trim_matches([' ', '\t', '\r', '\n'])).collect();
        if values.is_empty() { None } else { Some(values.join(", ")) }
    }

    fn is_asked_for(&self, header: Header) -> bool {
        match header.asked_of() {
            Asked::All => true,
            Asked::WithBody => !matches!(Method::parse(&self.method), Some(Method::Get | Method::Head)),
            Asked::Options => Method::parse(&self.method) == Some(Method::Options),
        }
    }
}

/// A field beyond 32 bits is refused by its size before its length is read.
fn length(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(ABSENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_one_name_are_joined_whatever_their_case() {
        let mut request = Request::new("POST", "https://a.test/");
        let headers = [("Origin", " a "), ("X-Other", "x"), ("origin", "b"), ("content-length", "7")];
        request.headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        request.body_length = Some(9);
        let head = request.head(&["x-other".to_owned()], Some("Bearer t")).unwrap();
        assert_eq!(head.header(Header::Origin), Some("a, b"));
        assert_eq!(head.header(Header::Authorization), Some("Bearer t"));
        assert_eq!(head.header(Header::ContentLength), Some("7"));
        assert_eq!(head.named(0), Some("x"));
    }

    #[test]
    fn a_request_is_asked_only_for_what_its_method_can_have() {
        let of = |method: &str| {
            let mut request = Request { body_length: Some(9), ..Request::new(method, "https://a.test/") };
            request.headers.push(("Access-Control-Request-Method".to_owned(), "PUT".to_owned()));
            let head = request.head(&[], None).unwrap();
            let header = |header| head.header(header).map(str::to_owned);
            (header(Header::ContentLength), header(Header::AccessControlRequestMethod))
        };
        assert_eq!(of("GET"), (None, None));
        assert_eq!(of("POST"), (Some("9".to_owned()), None));
        assert_eq!(of("OPTIONS"), (Some("9".to_owned()), Some("PUT".to_owned())));
    }

    #[test]
    fn what_the_worker_would_not_look_at_is_unreadable() {
        assert_eq!(Request::new("GET", "/a").head(&[], None).err(), Some(Unreadable::Url));
        let long = format!("https://a.test/{}", "a".repeat(LONGEST_URL));
        assert_eq!(Request::new("GET", &long).head(&[], None).err(), Some(Unreadable::UrlTooLong));
        let large = "x".repeat(LARGEST_HEAD);
        assert_eq!(
            Request::new("GET", "https://a.test/").head(&[], Some(&large)).err(),
            Some(Unreadable::HeadersTooLarge)
        );
    }
}
