//! Networks of IP addresses (RFC 4632, RFC 4291 section 2.3), and whether an address lies in one.
//!
//! An IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) is the IPv4 address that it stands for: otherwise a client
//! could choose by its spelling which rules apply to it. `::/0` therefore holds every IPv6 address and no IPv4 one.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use serde::{Deserialize, Serialize};

/// How many bits of an IPv4-mapped IPv6 address stand before the IPv4 address.
const MAPPED_BITS: u8 = 96;

/// A network: the addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "(u128, u8)", into = "(u128, u8)")]
pub struct Cidr(Network);

/// Addresses as numbers, so that nothing is taken apart per request. The bits behind the length are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Network {
    V4 { bits: u32, length: u8 },
    V6 { bits: u128, length: u8 },
}

/// As it is stored: IPv4 is in the spelling of IPv6.
impl From<(u128, u8)> for Cidr {
    fn from((bits, length): (u128, u8)) -> Self {
        let address = IpAddr::from(Ipv6Addr::from_bits(bits));
        Self::around(address, length).unwrap_or_else(|| Self::of_one(address))
    }
}

impl From<Cidr> for (u128, u8) {
    fn from(network: Cidr) -> Self {
        match network.0 {
            Network::V4 { bits, length } => {
                (Ipv4Addr::from_bits(bits).to_ipv6_mapped().to_bits(), length.saturating_add(MAPPED_BITS))
            }
            Network::V6 { bits, length } => (bits, length),
        }
    }
}

impl Cidr {
    /// The network of this length that an address lies in; `None` when the length is more than the 32 bits of an
    /// IPv4 address or the 128 of an IPv6 address. An IPv4-mapped network becomes the IPv4 network.
    #[must_use]
    pub fn around(address: IpAddr, length: u8) -> Option<Self> {
        match (address.to_canonical(), address) {
            (IpAddr::V4(canonical), IpAddr::V6(mapped)) => match length.checked_sub(MAPPED_BITS) {
                Some(length) => v4(canonical, length),
                None => v6(mapped, length),
            },
            (IpAddr::V4(address), _) => v4(address, length),
            (IpAddr::V6(address), _) => v6(address, length),
        }
    }

    /// The network of one address.
    #[must_use]
    pub fn of_one(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => Network::V4 { bits: address.to_bits(), length: 32 },
            IpAddr::V6(address) => Network::V6 { bits: address.to_bits(), length: 128 },
        })
    }

    /// The first address.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        match self.0 {
            Network::V4 { bits, .. } => Ipv4Addr::from_bits(bits).into(),
            Network::V6 { bits, .. } => Ipv6Addr::from_bits(bits).into(),
        }
    }

    /// How many bits its addresses have in common.
    #[must_use]
    pub fn length(&self) -> u8 {
        match self.0 {
            Network::V4 { length, .. } | Network::V6 { length, .. } => length,
        }
    }

    /// Whether it is that of one address.
    #[must_use]
    pub fn is_one(&self) -> bool {
        matches!(self.0, Network::V4 { length: 32, .. } | Network::V6 { length: 128, .. })
    }

    /// Whether an address lies in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.0, address.to_canonical()) {
            (Network::V4 { bits, length }, IpAddr::V4(address)) => address.to_bits() & v4_mask(length) == bits,
            (Network::V6 { bits, length }, IpAddr::V6(address)) => address.to_bits() & v6_mask(length) == bits,
            _ => false,
        }
    }
}

fn v4(address: Ipv4Addr, length: u8) -> Option<Cidr> {
    (length <= 32).then(|| Cidr(Network::V4 { bits: address.to_bits() & v4_mask(length), length }))
}

fn v6(address: Ipv6Addr, length: u8) -> Option<Cidr> {
    (length <= 128).then(|| Cidr(Network::V6 { bits: address.to_bits() & v6_mask(length), length }))
}

/// A number that begins with `length` ones. Shifting all bits out is no shift to the processor, hence the zero.
fn v4_mask(length: u8) -> u32 {
    u32::MAX.checked_shl(32_u32.saturating_sub(length.into())).unwrap_or(0)
}

/// The same for IPv6.
fn v6_mask(length: u8) -> u128 {
    u128::MAX.checked_shl(128_u32.saturating_sub(length.into())).unwrap_or(0)
}

/// Prints the first address in its canonical spelling (RFC 5952) and always the length: `10.0.0.0/8`.
impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address(), self.length())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn network(address: &str, length: u8) -> Cidr {
        Cidr::around(ip(address), length).unwrap()
    }

    #[test]
    fn a_network_holds_the_addresses_that_begin_like_it() {
        let cases = [
            ("10.0.0.0", 8, "10.255.255.255", true),
            ("10.0.0.0", 8, "11.0.0.0", false),
            ("10.0.0.0", 8, "9.255.255.255", false),
            ("0.0.0.0", 0, "255.1.2.3", true),
            ("192.0.2.7", 32, "192.0.2.7", true),
            ("192.0.2.7", 32, "192.0.2.6", false),
            ("192.0.2.128", 25, "192.0.2.127", false),
            ("2001:db8::", 32, "2001:db8:ffff::1", true),
            ("2001:db8::", 32, "2001:db9::", false),
            ("::1", 128, "::1", true),
            ("::", 0, "2001:db8::", true),
        ];
        for (first, length, address, inside) in cases {
            assert_eq!(network(first, length).contains(ip(address)), inside, "{first}/{length} {address}");
        }
    }

    #[test]
    fn an_ipv4_mapped_address_is_the_ipv4_address() {
        assert!(network("10.0.0.0", 8).contains(ip("::ffff:10.1.2.3")));
        assert!(!network("10.0.0.0", 8).contains(ip("::ffff:11.1.2.3")));
        assert!(!network("::", 0).contains(ip("::ffff:10.1.2.3")));
        assert!(!network("0.0.0.0", 0).contains(ip("::1")));
        assert_eq!(network("::ffff:10.1.2.3", 104), network("10.0.0.0", 8));
        assert_eq!(Cidr::of_one(ip("::ffff:10.1.2.3")), network("10.1.2.3", 32));
        // Shorter than what all mapped addresses have in common: an IPv6 network.
        assert_eq!(network("::ffff:10.1.2.3", 64), network("::", 64));
    }

    #[test]
    fn a_network_is_no_longer_than_its_addresses() {
        assert_eq!(Cidr::around(ip("10.0.0.0"), 33), None);
        assert_eq!(Cidr::around(ip("::"), 129), None);
        assert_eq!(Cidr::around(ip("::ffff:10.0.0.0"), 129), None);
    }

    #[test]
    fn it_prints_its_first_address_and_its_length() {
        assert_eq!(network("10.9.8.7", 8).to_string(), "10.0.0.0/8");
        assert_eq!(network("2001:0DB8:0:0::9", 32).to_string(), "2001:db8::/32");
        assert_eq!(Cidr::of_one(ip("::1")).to_string(), "::1/128");
    }

    proptest! {
        #[test]
        fn a_network_is_read_as_it_is_stored(bits: u128, four: u32, length in 0_u8..=128) {
            let six = Cidr::around(Ipv6Addr::from_bits(bits).into(), length).unwrap();
            let four = Cidr::around(Ipv4Addr::from_bits(four).into(), length % 33).unwrap();
            for network in [six, four] {
                prop_assert_eq!(Cidr::from(<(u128, u8)>::from(network)), network);
            }
        }

        #[test]
        fn an_address_lies_in_every_network_around_it(bits: u128, four: u32, length in 0_u8..=128) {
            let six = IpAddr::from(Ipv6Addr::from_bits(bits));
            prop_assert!(Cidr::around(six, length).unwrap().contains(six) || six.to_canonical() != six);
            let four = IpAddr::from(Ipv4Addr::from_bits(four));
            prop_assert!(Cidr::around(four, length % 33).unwrap().contains(four));
        }

        #[test]
        fn two_addresses_lie_in_one_network_when_their_first_bits_agree(left: u32, flip in 0_u32..32, length in 0_u8..=32) {
            let right = left ^ (1 << (31 - flip));
            let network = Cidr::around(Ipv4Addr::from_bits(left).into(), length).unwrap();
            prop_assert_eq!(network.contains(Ipv4Addr::from_bits(right).into()), flip >= u32::from(length));
        }
    }
}
