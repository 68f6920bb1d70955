//! Where a request comes from: read from the one header that the configuration trusts, never guessed from others.

#[cfg(feature = "compiler")]
pub mod keys;

use serde::{Deserialize, Serialize};

use crate::facts::address::Address;

/// `[gateway] address_from`: the header that is trusted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Source {
    /// Its name, in lower case.
    pub header: String,
    /// Which element of a list it is, counted from the right: as many as there are trusted proxies that add to the
    /// list. `None`: the header has one address and nothing else.
    pub trusted: Option<u8>,
}

/// The header that Cloudflare sets on every request and lets no client set.
pub const CONNECTING_IP: &str = "cf-connecting-ip";

impl Default for Source {
    fn default() -> Self {
        Self { header: CONNECTING_IP.to_owned(), trusted: None }
    }
}

/// The address that the value of the header names. What is missing or malformed is unknown: what stands further left in
/// a list may have been written by anybody.
#[must_use]
pub fn read(source: &Source, value: Option<&str>) -> Option<Address> {
    let value = value?;
    let element = match source.trusted {
        None => value,
        Some(place) => value.rsplit(',').nth(usize::from(place).checked_sub(1)?)?,
    };
    element.trim_matches([' ', '\t']).parse().ok().map(Address::from_trusted_header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(trusted: Option<u8>, value: &str) -> Option<String> {
        read(&Source { header: "h".into(), trusted }, Some(value)).map(|address| address.to_string())
    }

    #[test]
    fn an_address_is_read_in_canonical_text() {
        let cases = [
            ("192.0.2.60", Some("192.0.2.60")),
            ("2001:DB8:0:0:0:0:0:1", Some("2001:db8::1")),
            ("::ffff:192.0.2.60", Some("192.0.2.60")),
            (" 192.0.2.60\t", Some("192.0.2.60")),
            ("192.0.2.60, 192.0.2.61", None),
            ("192.0.2.60:443", None),
            ("[2001:db8::1]", None),
            ("192.0.2.060", None),
            ("192.0.2.256", None),
            ("fe80::1%eth0", None),
            ("unknown", None),
            ("", None),
        ];
        for (value, expected) in cases {
            assert_eq!(at(None, value).as_deref(), expected, "{value:?}");
        }
        assert_eq!(read(&Source::default(), None), None);
    }

    #[test]
    fn an_element_of_a_list_is_counted_from_the_right() {
        let list = "10.6.6.6, 198.51.100.7,192.0.2.60";
        for (trusted, expected) in [(1, Some("192.0.2.60")), (2, Some("198.51.100.7")), (3, Some("10.6.6.6"))] {
            assert_eq!(at(Some(trusted), list).as_deref(), expected, "{trusted}");
        }
        assert_eq!(at(Some(4), list), None);
        assert_eq!(at(Some(1), "192.0.2.60, "), None, "an empty element counts and names nobody");
        assert_eq!(at(Some(1), "192.0.2.60, for=x"), None, "nothing further left is taken in its place");
    }
}
