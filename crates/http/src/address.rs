//! The address of the client, behind the proxies that the operator trusts.

mod entry;

use std::fmt;
use std::net::IpAddr;

use http::HeaderMap;
use vestibule_model::{Invalid, Network};

/// The address that limits and audit records name; in the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// The header in which trusted proxies write the address of the client. The other one is ignored,
/// because a proxy that appends to one passes on what its client has written into the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`: addresses, separated by commas.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239): elements with a parameter `for`.
    Forwarded,
}

/// The proxies whose forwarding header is trusted. None, unless the operator names them.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies {
    networks: Vec<Network>,
    header: ForwardedHeader,
}

/// An entry that a trusted proxy has added and that names no address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableEntry {
    /// The proxy that has added it.
    pub proxy: IpAddr,
    /// The header it is in.
    pub header: ForwardedHeader,
    /// Its first bytes, as visible ASCII.
    pub entry: String,
}

/// The length of an unreadable entry that is kept, in bytes.
const ENTRY_BYTES: usize = 64;

impl TrustedProxies {
    /// Trusts these proxies and no others, whose header is `X-Forwarded-For`. IPv4-mapped networks
    /// count as those of IPv4.
    ///
    /// # Errors
    /// `network_too_wide` for a network that is half the world: wider than `/8` or, of IPv6,
    /// `/16`.
    pub fn new(networks: Vec<Network>) -> Result<Self, Invalid> {
        let networks: Vec<_> = networks.into_iter().map(Network::to_canonical).collect();
        let widest = |network: &Network| if network.is_ipv4() { 8 } else { 16 };
        let too_wide = |network: &&Network| network.length() < widest(network);
        match networks.iter().find(too_wide) {
            None => Ok(Self {
                networks,
                header: ForwardedHeader::default(),
            }),
            Some(network) => Err(Invalid::new(
                "network_too_wide",
                format!(
                    "has {network}, which is wider than /{}: name the proxies that you run",
                    widest(network)
                ),
            )),
        }
    }

    /// Reads this header instead.
    #[must_use]
    pub fn reading(mut self, header: ForwardedHeader) -> Self {
        self.header = header;
        self
    }

    /// Returns the client's address: the peer's own or, behind trusted proxies, the last entry of
    /// the header that is not one of theirs. Where all entries are, the first one.
    ///
    /// Every entry that is looked at was added by a proxy that is trusted; what stands further
    /// left, a stranger may have written, and it is not looked at.
    ///
    /// # Errors
    /// Where such an entry names no address. To go on with the proxy's own address would count all
    /// its clients as one, and to skip the entry would let a client choose its address.
    pub fn client(
        &self,
        peer: IpAddr,
        headers: &HeaderMap,
    ) -> Result<ClientAddress, UnreadableEntry> {
        let mut nearest = peer.to_canonical();
        if !self.trusts(nearest) {
            return Ok(ClientAddress(nearest));
        }
        // Several header lines are one list (RFC 9110, 5.3).
        for line in headers.get_all(self.header.name()).iter().rev() {
            let mut rest = Some(line.as_bytes());
            while let Some(text) = rest {
                let (before, entry) = self.header.last_entry(text);
                rest = before;
                // Elements without content are to be ignored (RFC 9110, 5.6.1).
                if entry.is_empty() {
                    continue;
                }
                let Some(address) = self.header.address(entry) else {
                    return Err(UnreadableEntry {
                        proxy: nearest,
                        header: self.header,
                        entry: entry
                            .get(..ENTRY_BYTES)
                            .unwrap_or(entry)
                            .escape_ascii()
                            .to_string(),
                    });
                };
                nearest = address.to_canonical();
                if !self.trusts(nearest) {
                    return Ok(ClientAddress(nearest));
                }
            }
        }
        Ok(ClientAddress(nearest))
    }

    /// Returns true if this is the address of one of the proxies. An IPv4 address that came in
    /// through an IPv6 socket counts as IPv4.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks
            .iter()
            .any(|network| network.contains(address))
    }
}

impl ForwardedHeader {
    /// The name, as HTTP/2 and the configuration write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }

    /// Finds the header of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::XForwardedFor, Self::Forwarded]
            .into_iter()
            .find(|header| header.name() == name)
    }

    /// Cuts the last entry from a line.
    fn last_entry(self, line: &[u8]) -> (Option<&[u8]>, &[u8]) {
        let comma = match self {
            Self::XForwardedFor => line.iter().rposition(|byte| *byte == b','),
            Self::Forwarded => entry::last_comma(line),
        };
        let (before, entry) = match comma.and_then(|at| line.split_at_checked(at)) {
            Some((before, entry)) => (Some(before), entry.strip_prefix(b",").unwrap_or(entry)),
            None => (None, line),
        };
        (before, entry.trim_ascii())
    }

    /// Reads the address in an entry.
    fn address(self, entry: &[u8]) -> Option<IpAddr> {
        match self {
            Self::XForwardedFor => entry::unquoted(entry).and_then(entry::node),
            Self::Forwarded => entry::for_parameter(entry).and_then(|it| entry::node(&it)),
        }
    }
}

impl fmt::Display for ForwardedHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::XForwardedFor => "X-Forwarded-For",
            Self::Forwarded => "Forwarded",
        })
    }
}

#[cfg(test)]
mod tests;
