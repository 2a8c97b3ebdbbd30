//! Which addresses may be connected to.
//!
//! A server inside a network can be talked into calling its neighbours, its own loopback or the
//! metadata service of its cloud (server-side request forgery). Only global unicast addresses
//! pass; everything that the IANA special-purpose registries (RFC 6890) set apart is refused until
//! the operator allows its network.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use vestibule_model::Network;

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Network {
    Network::new(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), length)
}

const fn v6(first: u16, second: u16, third: u16, length: u8) -> Network {
    let address = Ipv6Addr::new(first, second, third, 0, 0, 0, 0, 0);
    Network::new(IpAddr::V6(address), length)
}

/// The reasons why an address is not part of the public internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressKind {
    /// "This host" (RFC 1122, 3.2.1.3): `0.0.0.0/8`, `::`.
    Unspecified,
    /// This machine: `127.0.0.0/8`, `::1`.
    Loopback,
    /// A private network (RFC 1918).
    Private,
    /// Shared between a carrier and its customers (RFC 6598): `100.64.0.0/10`.
    CarrierShared,
    /// This link alone: `169.254.0.0/16`, `fe80::/10`.
    LinkLocal,
    /// A unique local IPv6 network (RFC 4193): `fc00::/7`.
    UniqueLocal,
    /// A group of machines: `224.0.0.0/4`, `ff00::/8`.
    Multicast,
    /// Set aside for documents (RFC 5737, RFC 3849, RFC 9637).
    Documentation,
    /// Set aside for measurements (RFC 2544): `198.18.0.0/15`.
    Benchmarking,
    /// An IPv4 address in IPv6 clothes: mapped, compatible, translated, 6to4, Teredo.
    Translated,
    /// The metadata services of cloud providers, which hand out credentials of the machine.
    Metadata,
    /// Reserved, not allotted, or not unicast.
    Reserved,
}

impl AddressKind {
    /// Stable, `snake_case` name for programs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::CarrierShared => "carrier_shared",
            Self::LinkLocal => "link_local",
            Self::UniqueLocal => "unique_local",
            Self::Multicast => "multicast",
            Self::Documentation => "documentation",
            Self::Benchmarking => "benchmarking",
            Self::Translated => "translated",
            Self::Metadata => "metadata",
            Self::Reserved => "reserved",
        }
    }

    /// Returns the reason why this address is not part of the public internet, or `None` if it is.
    pub fn of(address: IpAddr) -> Option<Self> {
        let special = METADATA.iter().find(|network| network.contains(address));
        if special.is_some() {
            return Some(Self::Metadata);
        }
        let table = SPECIAL
            .iter()
            .find(|(network, _)| network.contains(address));
        match (table, address) {
            (Some((_, kind)), _) => Some(*kind),
            // Only 2000::/3 is handed out; what IANA adds one day is refused until then.
            (None, IpAddr::V6(_)) if !GLOBAL_V6.contains(address) => Some(Self::Reserved),
            (None, _) => None,
        }
    }
}

impl fmt::Display for AddressKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason().replace('_', "-"))
    }
}

const GLOBAL_V6: Network = v6(0x2000, 0, 0, 3);

/// The well-known prefix of NAT64 (RFC 6052), whose last four bytes are an IPv4 address.
const NAT64: Network = v6(0x64, 0xff9b, 0, 96);

/// Metadata services that do not already stand apart, or that must stay apart when the network
/// around them is allowed.
const METADATA: &[Network] = &[
    v4(169, 254, 169, 254, 32), // nearly every cloud
    v4(169, 254, 170, 2, 32),   // credentials of AWS containers
    v4(100, 100, 100, 200, 32), // Alibaba
    v4(168, 63, 129, 16, 32),   // Azure, a public address
    v4(192, 0, 0, 192, 32),     // Oracle
    AWS_V6,
];

const AWS_V6: Network = Network::new(
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    128,
);

const SPECIAL: &[(Network, AddressKind)] = &[
    (v4(0, 0, 0, 0, 8), AddressKind::Unspecified),
    (v4(10, 0, 0, 0, 8), AddressKind::Private),
    (v4(100, 64, 0, 0, 10), AddressKind::CarrierShared),
    (v4(127, 0, 0, 0, 8), AddressKind::Loopback),
    (v4(169, 254, 0, 0, 16), AddressKind::LinkLocal),
    (v4(172, 16, 0, 0, 12), AddressKind::Private),
    (v4(192, 0, 0, 0, 24), AddressKind::Reserved),
    (v4(192, 0, 2, 0, 24), AddressKind::Documentation),
    (v4(192, 88, 99, 0, 24), AddressKind::Translated), // 6to4 relays
    (v4(192, 168, 0, 0, 16), AddressKind::Private),
    (v4(198, 18, 0, 0, 15), AddressKind::Benchmarking),
    (v4(198, 51, 100, 0, 24), AddressKind::Documentation),
    (v4(203, 0, 113, 0, 24), AddressKind::Documentation),
    (v4(224, 0, 0, 0, 4), AddressKind::Multicast),
    (v4(240, 0, 0, 0, 4), AddressKind::Reserved), // and 255.255.255.255
    (v6(0, 0, 0, 128), AddressKind::Unspecified),
    (LOOPBACK_V6, AddressKind::Loopback),
    (v6(0, 0, 0, 80), AddressKind::Translated), // mapped and compatible
    (v6(0x64, 0xff9b, 0, 32), AddressKind::Translated), // NAT64, also RFC 8215
    (v6(0x2001, 0xdb8, 0, 32), AddressKind::Documentation),
    (v6(0x2001, 0, 0, 32), AddressKind::Translated), // Teredo
    (v6(0x2001, 0x2, 0, 48), AddressKind::Benchmarking),
    (v6(0x2001, 0, 0, 23), AddressKind::Reserved), // protocols of the IETF
    (v6(0x2002, 0, 0, 16), AddressKind::Translated), // 6to4
    (v6(0x3fff, 0, 0, 20), AddressKind::Documentation),
    (v6(0xfc00, 0, 0, 7), AddressKind::UniqueLocal),
    (v6(0xfe80, 0, 0, 10), AddressKind::LinkLocal),
    (v6(0xfec0, 0, 0, 10), AddressKind::Private), // site-local, deprecated
    (v6(0xff00, 0, 0, 8), AddressKind::Multicast),
];

const LOOPBACK_V6: Network = Network::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 128);

/// The judge of addresses: the public internet, and what the operator allows beyond it.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    allowed: Vec<Network>,
}

impl Guard {
    /// A guard that lets these networks pass as well.
    ///
    /// A metadata address passes only if it is itself in the list, as one address: who allows
    /// `169.254.0.0/16` does not mean the keys of the machine.
    pub fn allowing(allowed: Vec<Network>) -> Self {
        Self { allowed }
    }

    /// Checks that this address may be connected to, or returns the reason against it.
    pub fn check(&self, address: IpAddr) -> Result<(), AddressKind> {
        let Some(kind) = AddressKind::of(address) else {
            return Ok(());
        };
        let mut matching = self
            .allowed
            .iter()
            .filter(|network| network.contains(address));
        let allowed = match kind {
            AddressKind::Metadata => matching.any(Network::is_host),
            _ => matching.next().is_some(),
        };
        if !allowed {
            return Err(kind);
        }
        // A network translates to addresses that have to be allowed themselves.
        match address {
            IpAddr::V6(v6) if NAT64.contains(address) => {
                let [.., a, b, c, d] = v6.octets();
                self.check(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
            }
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(v4) => self.check(IpAddr::V4(v4)),
                None => Ok(()),
            },
            IpAddr::V4(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
