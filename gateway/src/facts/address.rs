//! Where a request comes from.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

use crate::http::cidr::Cidr;

/// The address of a client, as the header says that the configuration trusts. Made by `address` alone. An IPv4-mapped
/// IPv6 address is the IPv4 address that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address(IpAddr);

impl Address {
    /// From the trusted header.
    pub(crate) fn from_trusted_header(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }

    /// The address.
    #[must_use]
    pub fn ip(self) -> IpAddr {
        self.0
    }

    /// What stands for one client: an IPv4 address, or the network of an IPv6 address with a prefix of so many bits, up to
    /// 128.
    #[must_use]
    pub fn network(self, ipv6_prefix: u8) -> String {
        network(self.0, ipv6_prefix)
    }

    /// The same as a network of addresses.
    #[must_use]
    pub fn client(self, ipv6_prefix: u8) -> Cidr {
        let length = if self.0.is_ipv4() { 32 } else { ipv6_prefix };
        Cidr::around(self.0, length).unwrap_or_else(|| Cidr::of_one(self.0))
    }
}

/// The same of an address that somebody names.
#[must_use]
pub fn network(address: IpAddr, ipv6_prefix: u8) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let mut text = String::with_capacity(15);
            for octet in address.octets() {
                text.push_str(if text.is_empty() { "" } else { "." });
                text.push_str(itoa::Buffer::new().format(octet));
            }
            text
        }
        IpAddr::V6(address) => {
            let rest = u128::MAX.checked_shr(ipv6_prefix.into()).unwrap_or_default();
            format!("{}/{ipv6_prefix}", Ipv6Addr::from_bits(address.to_bits() & !rest))
        }
    }
}

/// In canonical text (RFC 5952 for IPv6).
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_has_a_whole_network_of_the_new_kind() {
        let network = |address: &str, prefix| Address::from_trusted_header(address.parse().unwrap()).network(prefix);
        assert_eq!(network("203.0.113.7", 64), "203.0.113.7");
        assert_eq!(network("::ffff:203.0.113.7", 64), "203.0.113.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6", 64), "2001:db8:1:2::/64");
        assert_eq!(network("2001:db8:1:2:3:4:5:6", 48), "2001:db8:1::/48");
        assert_eq!(network("2001:db8:1:2:3:4:5:6", 128), "2001:db8:1:2:3:4:5:6/128");
    }
}
