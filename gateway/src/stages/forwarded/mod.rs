//! What an upstream is told of the request that the gateway got: who asked, for which host, by which scheme. In
//! `X-Forwarded-For`, `-Proto` and `-Host`, or in `Forwarded` (RFC 7239). Not here: where the address is known from
//! (`address`), and the gateway's own name on the way (`via`).

#[cfg(feature = "compiler")]
pub mod keys;

use std::{fmt::Write as _, net::IpAddr};

use serde::{Deserialize, Serialize};

use crate::{
    facts::address::Address,
    http::{
        edits::{Edits, is_field_value},
        structured::{is_token, write_quoted},
    },
};

/// The key of this stage: `forwarded`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Config {
    /// What the client sent goes on, and nothing is added.
    Off,
    /// `X-Forwarded-For`, `-Proto`, `-Host`, in place of what the client sent.
    #[default]
    XForwarded,
    /// These fields.
    Fields(Fields),
}

/// Which fields, and what becomes of those that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fields {
    /// `X-Forwarded-For`, `-Proto`, `-Host`.
    pub x_forwarded: bool,
    /// `Forwarded`.
    pub rfc7239: bool,
    /// Whether what came is kept and added to, since a trusted proxy stands in front.
    pub append: bool,
}

impl Config {
    /// The fields, if there are any.
    #[must_use]
    pub fn fields(self) -> Option<Fields> {
        match self {
            Self::Off => None,
            Self::XForwarded => Some(Fields { x_forwarded: true, rfc7239: false, append: false }),
            Self::Fields(fields) => Some(fields),
        }
    }

    /// The request headers that are read for it, besides the one that tells the address.
    #[must_use]
    pub fn reads(self) -> &'static [&'static str] {
        match self.fields() {
            Some(Fields { x_forwarded: true, append: true, .. }) => &[FOR, PROTO, HOST],
            _ => &[],
        }
    }
}

const FORWARDED: &str = "forwarded";
const FOR: &str = "x-forwarded-for";
const PROTO: &str = "x-forwarded-proto";
const HOST: &str = "x-forwarded-host";

/// What others write beside them. Applications believe these too, and nobody here knows what they should say.
const BESIDE: [&str; 3] = ["x-forwarded-port", "x-forwarded-prefix", "x-real-ip"];

/// The request as the gateway got it.
#[derive(Clone, Copy, Debug)]
pub struct Received<'r> {
    /// Where it came from, if that is known.
    pub address: Option<Address>,
    /// Whether it came by `https`.
    pub is_secure: bool,
    /// The host that it was for, with its port if it names one.
    pub host: &'r str,
}

/// Tells the upstream. `sent` gives what came in a header of [`Config::reads`].
pub fn apply<'r>(config: Config, head: &mut Edits, received: &Received<'r>, sent: impl Fn(&str) -> Option<&'r str>) {
    let Some(fields) = config.fields() else { return };
    if fields.append {
        return append(fields, head, received, sent);
    }
    // Once, instead of growing with each of them.
    head.remove.reserve(8);
    head.set.reserve(8);
    for name in BESIDE {
        head.remove(name);
    }
    let address = received.address.filter(|_| fields.x_forwarded).map(|address| address.to_string());
    put(head, FOR, address);
    put(head, PROTO, fields.x_forwarded.then_some(received.proto()));
    put(head, HOST, received.host().filter(|_| fields.x_forwarded).map(str::to_owned));
    put(head, FORWARDED, fields.rfc7239.then(|| received.element()));
}

/// A field that has no value here has none at all: the client's must not stand in its place.
fn put(head: &mut Edits, name: &'static str, value: Option<impl Into<crate::http::edits::Field>>) {
    match value {
        Some(value) => head.set(name, value),
        None => head.remove(name),
    }
}

/// Keeps what came. A proxy in front may have named the client already, as Cloudflare's edge does in
/// `X-Forwarded-For`: then it is not named again.
fn append<'r>(fields: Fields, head: &mut Edits, received: &Received<'r>, sent: impl Fn(&str) -> Option<&'r str>) {
    if fields.x_forwarded {
        let last = sent(FOR).and_then(|list| list.rsplit(',').next()).and_then(|last| last.trim().parse().ok());
        let is_new = |address: &Address| last.map(|last: IpAddr| last.to_canonical()) != Some(address.ip());
        if let Some(address) = received.address.filter(is_new) {
            head.append(FOR, address.to_string());
        }
        if sent(PROTO).is_none() {
            head.set(PROTO, received.proto());
        }
        if let Some(host) = received.host().filter(|_| sent(HOST).is_none()) {
            head.set(HOST, host.to_owned());
        }
    }
    if fields.rfc7239 {
        head.append(FORWARDED, received.element());
    }
}

impl Received<'_> {
    fn proto(&self) -> &'static str {
        if self.is_secure { "https" } else { "http" }
    }

    fn host(&self) -> Option<&str> {
        Some(self.host).filter(|host| is_field_value(host))
    }

    /// One element of `Forwarded` (RFC 7239 section 4). What is no token stands in quotes, as IPv6 addresses do, which
    /// have brackets too (section 6.1).
    fn element(&self) -> String {
        let address = self.address.map(|address| match address.ip() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        });
        let mut element = String::with_capacity(64);
        pair(&mut element, "for", address.as_deref().unwrap_or("unknown"));
        pair(&mut element, ";proto", self.proto());
        if let Some(host) = self.host() {
            pair(&mut element, ";host", host);
        }
        element
    }
}

fn pair(element: &mut String, name: &str, value: &str) {
    // Writing into a text cannot fail.
    let _ = write!(element, "{name}=");
    if is_token(value) { element.push_str(value) } else { write_quoted(element, value) }
}

/// What is told of this stage where configurations are compared.
#[cfg(feature = "explain")]
pub fn told(config: &Config, teller: &mut crate::config::told::Teller<'_>) {
    let style = match config.fields() {
        None => "off",
        Some(Fields { rfc7239: false, .. }) => "x-forwarded",
        Some(Fields { x_forwarded: false, .. }) => "rfc7239",
        Some(_) => "both",
    };
    let appended = config.fields().is_some_and(|fields| fields.append);
    teller.put("forwarded", if appended { format!("{style}, appended") } else { style.to_owned() });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(address: &str) -> Received<'static> {
        Received { address: address.parse().ok().map(Address::from_trusted_header), is_secure: true, host: "api.test" }
    }

    fn edits(fields: Fields, received: &Received<'static>, sent: &[(&str, &'static str)]) -> Edits {
        let mut head = Edits::default();
        apply(Config::Fields(fields), &mut head, received, |name| {
            sent.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
        });
        head
    }

    const X: Fields = Fields { x_forwarded: true, rfc7239: false, append: false };
    const RFC: Fields = Fields { x_forwarded: false, rfc7239: true, append: false };
    const BOTH: Fields = Fields { x_forwarded: true, rfc7239: true, append: false };

    #[test]
    fn what_the_client_says_of_itself_is_replaced_or_taken_out() {
        let known = [FOR, PROTO, HOST, FORWARDED];
        for fields in [X, RFC, BOTH] {
            for address in ["192.0.2.60", "nobody"] {
                let head = edits(fields, &received(address), &[]);
                assert!(head.append.is_empty());
                for name in known.into_iter().chain(BESIDE) {
                    let replaced = head.set.iter().any(|(known, _)| known == name);
                    let removed = head.remove.iter().any(|known| known == name);
                    assert!(replaced != removed, "{name} {fields:?} {address}");
                }
            }
        }
    }

    #[test]
    fn the_x_forwarded_fields_name_client_scheme_and_host() {
        let head = edits(X, &received("2001:db8::1"), &[]);
        assert_eq!(
            [head.value(FOR), head.value(PROTO), head.value(HOST)],
            [Some("2001:db8::1"), Some("https"), Some("api.test")]
        );
        assert_eq!(edits(X, &received(""), &[]).value(FOR), None);
    }

    #[test]
    fn an_element_of_forwarded_is_quoted_where_it_must_be() {
        let element = |address: &str, host: &'static str| {
            edits(RFC, &Received { host, ..received(address) }, &[]).value(FORWARDED).map(str::to_owned).unwrap()
        };
        assert_eq!(element("192.0.2.60", "api.test"), "for=192.0.2.60;proto=https;host=api.test");
        assert_eq!(element("2001:db8::1", "api.test:8443"), "for=\"[2001:db8::1]\";proto=https;host=\"api.test:8443\"");
        assert_eq!(element("?", "a\"b\\c"), "for=unknown;proto=https;host=\"a\\\"b\\\\c\"");
        assert_eq!(element("?", "sch\u{f6}n.test"), "for=unknown;proto=https");
    }

    #[test]
    fn with_append_what_came_is_kept_and_the_client_is_named_once() {
        let append = Fields { append: true, ..BOTH };
        let head = edits(append, &received("192.0.2.60"), &[]);
        assert_eq!((head.value(FOR), head.remove.len()), (Some("192.0.2.60"), 0));
        assert_eq!(head.set.len(), 2, "scheme and host");
        let sent = [(FOR, "10.0.0.1, 192.0.2.60"), (PROTO, "http"), (HOST, "front.test")];
        let head = edits(append, &received("192.0.2.60"), &sent);
        assert_eq!((head.value(FOR), head.set.len()), (None, 0));
        assert_eq!(head.append.len(), 1, "Forwarded alone");
        let head = edits(append, &received("192.0.2.60"), &[(FOR, "192.0.2.60, 10.0.0.1")]);
        assert_eq!(head.value(FOR), Some("192.0.2.60"));
        assert_eq!(edits(append, &received(""), &sent).value(FOR), None);
    }

    #[test]
    fn off_leaves_everything_as_it_came() {
        let mut head = Edits::default();
        apply(Config::Off, &mut head, &received("192.0.2.60"), |_| None);
        assert_eq!(head, Edits::default());
    }
}
