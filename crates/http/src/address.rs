//! Where a request really comes from.

use std::net::IpAddr;
use std::str::FromStr;

use http::HeaderMap;
use vestibule_model::Invalid;

/// The address that limits and audit records name; in the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// A network in CIDR notation, or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether an address lies in the network. An IPv4 address that came in through an IPv6
    /// socket is taken for what it is.
    pub fn contains(&self, address: IpAddr) -> bool {
        let shared = |a: u128, b: u128, width: u32| {
            let rest = width - u32::from(self.prefix);
            a.checked_shr(rest).unwrap_or(0) == b.checked_shr(rest).unwrap_or(0)
        };
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                shared(u128::from(a.to_bits()), u128::from(b.to_bits()), 32)
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => shared(a.to_bits(), b.to_bits(), 128),
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let refused = || {
            Invalid::new(
                "invalid_network",
                "must be an address or a network such as 10.0.0.0/8 or 2001:db8::/32",
            )
        };
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| refused())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => width,
            Some(prefix) => prefix.parse().map_err(|_| refused())?,
        };
        let widest = if address.is_ipv4() { 8 } else { 16 };
        if prefix < widest {
            return Err(Invalid::new(
                "network_too_wide",
                format!("is wider than /{widest}: name the proxies that you run"),
            ));
        }
        if prefix > width {
            return Err(refused());
        }
        Ok(Self { address, prefix })
    }
}

/// The proxies whose `X-Forwarded-For` is believed. Nobody's, unless the operator names them.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// These proxies and no others.
    pub fn new(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    /// The client's address: the peer's own, or, behind trusted proxies, the last address in
    /// `X-Forwarded-For` that is not one of theirs. An entry that is no address ends the search at
    /// the proxy that passed it on.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            return ClientAddress(peer);
        }
        let mut nearest = peer;
        for header in headers.get_all("x-forwarded-for").iter().rev() {
            let text = header.to_str().unwrap_or("");
            for entry in text.rsplit(',') {
                match entry.trim().parse::<IpAddr>() {
                    Ok(address) => nearest = address.to_canonical(),
                    Err(_) => return ClientAddress(nearest),
                }
                if !self.trusts(nearest) {
                    return ClientAddress(nearest);
                }
            }
        }
        ClientAddress(nearest)
    }

    /// Whether this is the address of one of the proxies.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::direct("203.0.113.9", &["1.2.3.4"], "203.0.113.9")]
    #[case::behind_one("10.0.0.1", &["1.2.3.4"], "1.2.3.4")]
    #[case::forged_by_the_client("10.0.0.1", &["9.9.9.9, 1.2.3.4"], "1.2.3.4")]
    #[case::behind_two("10.0.0.1", &["1.2.3.4, 10.0.0.2"], "1.2.3.4")]
    #[case::two_headers("10.0.0.1", &["9.9.9.9", "1.2.3.4"], "1.2.3.4")]
    #[case::not_an_address("10.0.0.1", &["1.2.3.4, unknown"], "10.0.0.1")]
    #[case::nothing("10.0.0.1", &[], "10.0.0.1")]
    #[case::mapped("::ffff:10.0.0.1", &["2001:db8::7"], "2001:db8::7")]
    fn the_client_is_who_the_last_trusted_proxy_saw(
        #[case] peer: IpAddr,
        #[case] forwarded: &[&str],
        #[case] client: IpAddr,
    ) {
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        assert_eq!(proxies.client(peer, &headers), ClientAddress(client));
    }

    #[rstest]
    #[case("0.0.0.0/0", "network_too_wide")]
    #[case("::/0", "network_too_wide")]
    #[case("0.0.0.0/1", "network_too_wide")]
    #[case("10.0.0.0/7", "network_too_wide")]
    #[case("2000::/15", "network_too_wide")]
    #[case("10.0.0.0/33", "invalid_network")]
    #[case("10.0.0", "invalid_network")]
    #[case("proxy.example.com", "invalid_network")]
    fn a_network_must_be_one_and_not_half_the_world(#[case] text: &str, #[case] reason: &str) {
        assert_eq!(text.parse::<Network>().unwrap_err().reason, reason);
    }
}
