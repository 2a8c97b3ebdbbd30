//! Networks in CIDR notation.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::Invalid;

/// A network in CIDR notation (RFC 4632, 3.1), such as `10.20.0.0/16` or `fd00::/8`, or a single
/// address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    length: u8,
}

impl Network {
    /// The network of the first `length` bits of `address`, for tables in code: at most 32 for
    /// IPv4, 128 for IPv6, and no bit is set after them.
    pub const fn new(address: IpAddr, length: u8) -> Self {
        Self { address, length }
    }

    /// Returns whether the address is in this network. IPv4 and IPv6 never contain each other.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let shift = 32 - u32::from(self.length.min(32));
                (own.to_bits() ^ other.to_bits())
                    .checked_shr(shift)
                    .unwrap_or(0)
                    == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let shift = 128 - u32::from(self.length.min(128));
                (own.to_bits() ^ other.to_bits())
                    .checked_shr(shift)
                    .unwrap_or(0)
                    == 0
            }
            _ => false,
        }
    }

    /// Returns the IPv4 network that a network of IPv4-mapped addresses stands for, such as
    /// `10.0.0.0/8` for `::ffff:10.0.0.0/104`, and any other network as it is.
    ///
    /// Parsing does not do this by itself: who is allowed to call a translated address is not
    /// thereby allowed to call the address behind it (`outbound`).
    #[must_use]
    pub fn to_canonical(self) -> Self {
        match (self.address.to_canonical(), self.length.checked_sub(96)) {
            (address @ IpAddr::V4(_), Some(length)) if !self.is_ipv4() => Self { address, length },
            _ => self,
        }
    }

    /// Returns the length of the prefix in bits.
    pub const fn length(&self) -> u8 {
        self.length
    }

    /// Returns whether it is an IPv4 network.
    pub const fn is_ipv4(&self) -> bool {
        self.address.is_ipv4()
    }

    /// Returns whether it is a single address.
    pub const fn is_host(&self) -> bool {
        self.length == width(self.address)
    }
}

/// Returns the length of an address in bits.
const fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl FromStr for Network {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        read(text).ok_or_else(|| {
            Invalid::new(
                "invalid_network",
                "must be an address or a network such as 10.20.0.0/16, with no bits set after its \
                 prefix",
            )
        })
    }
}

fn read(text: &str) -> Option<Network> {
    let (address, digits) = match text.split_once('/') {
        Some((address, digits)) => (address, Some(digits)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let length = match digits {
        None => width(address),
        // `u8::from_str` would accept a sign, as in `10.0.0.0/+8`.
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok()?,
        Some(_) => return None,
    };
    let after = u32::from(length);
    let stray = match address {
        _ if length > width(address) => return None,
        // A shift by the whole width is an overflow in Rust; nothing can stray behind a single address.
        IpAddr::V4(v4) => v4.to_bits().checked_shl(after).unwrap_or(0) != 0,
        IpAddr::V6(v6) => v6.to_bits().checked_shl(after).unwrap_or(0) != 0,
    };
    (!stray).then_some(Network { address, length })
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("10.20.0.0/16", "10.20.255.255", true)]
    #[case("10.20.0.0/16", "10.21.0.0", false)]
    #[case("10.20.0.1", "10.20.0.1", true)]
    #[case("10.20.0.1", "10.20.0.2", false)]
    #[case("0.0.0.0/0", "203.0.113.9", true)]
    #[case("0.0.0.0/0", "::1", false)]
    #[case("fd00::/8", "fdff::1", true)]
    #[case("fd00::/8", "fe00::1", false)]
    #[case("::/0", "2001:db8::1", true)]
    #[case("::ffff:10.0.0.0/104", "10.0.0.1", false)]
    fn a_network_holds_the_addresses_that_share_its_prefix(
        #[case] network: Network,
        #[case] address: IpAddr,
        #[case] holds: bool,
    ) {
        assert_eq!(network.contains(address), holds);
    }

    #[rstest]
    #[case("::ffff:10.0.0.0/104", "10.0.0.0/8")]
    #[case("::ffff:a00:1", "10.0.0.1/32")]
    #[case("::ffff:0:0/96", "0.0.0.0/0")]
    #[case("::ffff:0:0/95", "")]
    #[case("::/0", "::/0")]
    #[case("::10.0.0.1", "::a00:1/128")]
    #[case("10.0.0.0/8", "10.0.0.0/8")]
    #[case("128.0.0.0/1", "128.0.0.0/1")]
    fn a_network_of_mapped_addresses_stands_for_one_of_ipv4(
        #[case] text: &str,
        #[case] canonical: &str,
    ) {
        let network = text.parse::<Network>().map(Network::to_canonical);
        let spelled = network.map(|network| network.to_string());
        assert_eq!(spelled.unwrap_or_default(), canonical);
    }

    #[rstest]
    #[case("")]
    #[case("10.0.0")]
    #[case("10.0.0.0/33")]
    #[case("10.0.0.1/8")]
    #[case("10.0.0.0/")]
    #[case("10.0.0.0/+8")]
    #[case("fd00::/129")]
    #[case("fd00::1/64")]
    #[case("example.com/8")]
    #[case("1.0.0.0/0")]
    fn what_is_no_network_is_refused(#[case] text: &str) {
        assert_eq!(
            text.parse::<Network>().unwrap_err().reason,
            "invalid_network"
        );
    }

    #[rstest]
    #[case("10.20.0.0/16", false)]
    #[case("10.20.0.1/32", true)]
    #[case("::1/128", true)]
    #[case("fd00::/8", false)]
    fn a_network_is_written_as_it_is_read(#[case] text: &str, #[case] is_host: bool) {
        let network: Network = text.parse().unwrap();
        assert_eq!(
            (network.to_string().as_str(), network.is_host()),
            (text, is_host)
        );
    }
}
