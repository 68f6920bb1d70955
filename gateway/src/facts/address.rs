//! Where a request comes from.

use std::{fmt, net::IpAddr};

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
}

/// In canonical text (RFC 5952 for IPv6).
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
