//! Where a request really comes from.

use std::net::IpAddr;

use http::HeaderMap;
use vestibule_model::{Invalid, Network};

/// The address that limits and audit records name; in the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// The proxies whose `X-Forwarded-For` is believed. Nobody's, unless the operator names them.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// These proxies and no others. A network that is half the world, wider than `/8` or, of
    /// IPv6, `/16`, is refused.
    pub fn new(networks: Vec<Network>) -> Result<Self, Invalid> {
        let widest = |network: &Network| if network.is_ipv4() { 8 } else { 16 };
        let too_wide = |network: &&Network| network.length() < widest(network);
        match networks.iter().find(too_wide) {
            None => Ok(Self(networks)),
            Some(network) => Err(Invalid::new(
                "network_too_wide",
                format!(
                    "has {network}, which is wider than /{}: name the proxies that you run",
                    widest(network)
                ),
            )),
        }
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

    /// Whether this is the address of one of the proxies. An IPv4 address that came in through an
    /// IPv6 socket is taken for what it is.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
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
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]).unwrap();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        assert_eq!(proxies.client(peer, &headers), ClientAddress(client));
    }

    #[rstest]
    #[case("0.0.0.0/0", false)]
    #[case("::/0", false)]
    #[case("0.0.0.0/1", false)]
    #[case("10.0.0.0/7", false)]
    #[case("2000::/15", false)]
    #[case("10.0.0.0/8", true)]
    #[case("2001::/16", true)]
    fn half_the_world_is_no_proxy(#[case] network: Network, #[case] passes: bool) {
        let proxies = TrustedProxies::new(vec![network]);
        let reason = proxies.err().map(|error| error.reason);
        assert_eq!(reason, (!passes).then_some("network_too_wide"));
    }
}
