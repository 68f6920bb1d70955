//! Networks: `10.0.0.0/8`, `2001:db8::/32`, or one address, which is the network of itself (RFC 4632 section 3.1, RFC
//! 4291 section 2.3).
//!
//! A network is written with its first address: `10.1.2.3/8` may mean either of two things, so it is refused.

use std::net::{IpAddr, Ipv4Addr};

use super::{Fault, quoted};
use crate::{config::diagnostics::Code, http::cidr::Cidr};

/// What to write, for a reference page.
pub const GRAMMAR: &str = "The first address of an IPv4 or IPv6 network, a slash and how many bits count, for example \
                           \"10.0.0.0/8\" or \"2001:db8::/32\", or one address, for example \"192.0.2.7\".";

/// A network.
///
/// # Errors
/// [`Code::BadCidr`] when it is none, [`Code::OutOfRange`] for more bits than an address has.
pub fn parse(text: &str) -> Result<Cidr, Fault> {
    let (first, length) = text.split_once('/').map_or((text, None), |(first, length)| (first, Some(length)));
    let address = first.parse::<IpAddr>().map_err(|_| bad_address(text, first))?;
    let Some(length) = length else { return exact(text, address, Cidr::of_one(address)) };
    let start = first.len().saturating_add(1);
    let bits = length_of(length).ok_or_else(|| bad_length(text, address, length, start))?;
    let too_long = || too_long(address, length).part(start, length.len());
    exact(text, address, Cidr::around(address, bits).ok_or_else(too_long)?)
}

/// Refuses an address that is not the one that the network begins with.
fn exact(text: &str, address: IpAddr, network: Cidr) -> Result<Cidr, Fault> {
    if network.address() == address {
        return Ok(network);
    }
    if address.is_ipv6() && network.address().is_ipv4() {
        let fault = Fault::new(Code::BadCidr, format!("{} is IPv4 in the spelling of IPv6", quoted(text)));
        let help = "both spellings of an address are held against the IPv4 network";
        return Err(fault.expected(quoted(&network.to_string())).help(help));
    }
    let one = Cidr::of_one(address);
    let fault = Fault::new(Code::BadCidr, format!("{} has bits behind those that count", quoted(text)));
    Err(fault.expected(format!("`{network}` for the network or `{one}` for the one address")))
}

/// A length in bits, in one spelling. One that is longer than any address is as good as 255.
fn length_of(text: &str) -> Option<u8> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = text.len() > 1 && text.starts_with('0');
    (is_number && !leading_zero).then(|| text.parse().unwrap_or(u8::MAX))
}

fn too_long(address: IpAddr, length: &str) -> Fault {
    let (family, most) = if address.is_ipv4() { ("IPv4", 32) } else { ("IPv6", 128) };
    let message = format!("an {family} address does not have {} bits", quoted(length));
    Fault::new(Code::OutOfRange, message).expected(format!("0 to {most}"))
}

/// Says what should stand behind the slash, which is underlined where nothing does.
fn bad_length(text: &str, address: IpAddr, length: &str, start: usize) -> Fault {
    let fault = match length.is_empty() {
        true => bad(text).part(start.saturating_sub(1), 1),
        false => bad(text).part(start, length.len()),
    };
    match length.parse::<Ipv4Addr>().map(Ipv4Addr::to_bits) {
        Ok(mask) if address.is_ipv4() && mask.leading_ones().saturating_add(mask.trailing_zeros()) == 32 => {
            fault.help(format!("write how many bits the mask has: \"{address}/{}\"", mask.leading_ones()))
        }
        _ => fault.help("behind the slash stands how many bits count, a number without leading zeros"),
    }
}

fn bad_address(text: &str, first: &str) -> Fault {
    let fault = bad(text).part(0, first.len());
    if first.is_empty() {
        return bad(text);
    }
    match first {
        "*" | "any" | "all" => fault.help("all addresses are \"0.0.0.0/0\" and \"::/0\""),
        _ if first.contains(['[', ']']) => fault.help("write the address without brackets"),
        _ if first.contains('%') => fault.help("leave the zone behind `%` out; it means something to one machine only"),
        _ if first.contains('-') => fault.help("write a range as the networks that it is made of"),
        _ if first.contains('*') => fault.help("write how many bits count instead of a star: \"10.0.0.0/8\""),
        _ => fault,
    }
}

fn bad(text: &str) -> Fault {
    let fault = Fault::new(Code::BadCidr, format!("{} is not a network of addresses", quoted(text)));
    fault.expected("an address, a slash and how many bits count, for example \"10.0.0.0/8\" or \"2001:db8::/32\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_single_addresses_are_read() {
        let cases = [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("192.0.2.7", "192.0.2.7/32"),
            ("192.0.2.7/32", "192.0.2.7/32"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("2001:0DB8:0::/32", "2001:db8::/32"),
            ("::1", "::1/128"),
            ("::/0", "::/0"),
            ("64:ff9b::192.0.2.0/120", "64:ff9b::c000:200/120"),
        ];
        for (text, printed) in cases {
            assert_eq!(parse(text).map(|network| network.to_string()), Ok(printed.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_network_is_underlined() {
        let cases = [
            ("", None),
            ("/8", None),
            ("localhost", Some(0..9)),
            ("10.0.0/8", Some(0..6)),
            ("10.0.0.256", Some(0..10)),
            ("010.0.0.0/8", Some(0..9)),
            ("10.0.0.0:80", Some(0..11)),
            (" 10.0.0.0", Some(0..9)),
            ("*", Some(0..1)),
            ("10.*", Some(0..4)),
            ("10.0.0.0-10.0.0.9", Some(0..17)),
            ("[::1]/128", Some(0..5)),
            ("fe80::1%eth0/64", Some(0..12)),
            ("10.0.0.0/", Some(8..9)),
            ("10.0.0.0/x", Some(9..10)),
            ("10.0.0.0/+8", Some(9..11)),
            ("10.0.0.0/08", Some(9..11)),
            ("10.0.0.0/8/8", Some(9..12)),
            ("10.0.0.0/8 ", Some(9..11)),
            ("10.0.0.0/255.0.0.0", Some(9..18)),
            ("10.0.0.1/8", None),
            ("2001:db8::1/32", None),
            ("::ffff:10.0.0.0/104", None),
            ("::ffff:10.0.0.1", None),
        ];
        for (text, part) in cases {
            let fault = parse(text).unwrap_err();
            assert_eq!((fault.code, fault.part), (Code::BadCidr, part), "{text:?}");
        }
    }

    #[test]
    fn a_network_has_no_more_bits_than_its_addresses() {
        let cases = [
            ("10.0.0.0/33", 9..11, "0 to 32"),
            ("::/129", 3..6, "0 to 128"),
            ("10.0.0.0/256", 9..12, "0 to 32"),
            ("10.0.0.0/99999", 9..14, "0 to 32"),
        ];
        for (text, part, expected) in cases {
            let fault = parse(text).unwrap_err();
            assert_eq!((fault.code, fault.part), (Code::OutOfRange, Some(part)), "{text}");
            assert_eq!(fault.expected.as_deref(), Some(expected));
        }
    }

    #[test]
    fn the_right_network_is_named() {
        let expected = |text: &str| parse(text).unwrap_err().expected.unwrap();
        assert_eq!(expected("10.1.2.3/8"), "`10.0.0.0/8` for the network or `10.1.2.3/32` for the one address");
        assert_eq!(
            expected("2001:db8::1/32"),
            "`2001:db8::/32` for the network or `2001:db8::1/128` for the one address"
        );
        assert_eq!(expected("::ffff:10.1.2.3/104"), "`10.0.0.0/8`");
        assert_eq!(expected("::ffff:10.1.2.3"), "`10.1.2.3/32`");
    }

    #[test]
    fn other_notations_are_translated() {
        let help = |text: &str| parse(text).unwrap_err().help.unwrap();
        assert_eq!(help("10.0.0.0/255.0.0.0"), "write how many bits the mask has: \"10.0.0.0/8\"");
        assert_eq!(help("0.0.0.0/0.0.0.0"), "write how many bits the mask has: \"0.0.0.0/0\"");
        assert!(help("10.0.0.0/255.0.255.0").starts_with("behind the slash"));
        assert_eq!(help("*"), "all addresses are \"0.0.0.0/0\" and \"::/0\"");
        assert_eq!(help("[::1]"), "write the address without brackets");
    }
}
