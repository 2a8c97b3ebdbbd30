//! No address holds all connections.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use vestibule_http::TrustedProxies;

type Open = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// The number of connections of each address, out of those that it may have.
#[derive(Debug)]
pub(super) struct Crowd {
    most: usize,
    exempt: Arc<TrustedProxies>,
    open: Open,
}

/// The place of one connection; free again once dropped.
#[derive(Debug)]
pub(super) struct Place(Option<(Open, IpAddr)>);

impl Crowd {
    /// At most `most` from one address; any number from proxies, which bring everybody's.
    pub(super) fn new(most: usize, exempt: Arc<TrustedProxies>) -> Self {
        Self {
            most,
            exempt,
            open: Open::default(),
        }
    }

    /// A place for a connection, unless the address has all of its own taken.
    pub(super) fn enter(&self, address: IpAddr) -> Option<Place> {
        if self.exempt.trusts(address) {
            return Some(Place(None));
        }
        let household = household(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(household).or_insert(0);
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Place(Some((Arc::clone(&self.open), household))))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((open, household)) = &self.0 else {
            return;
        };
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(household) {
            *count -= 1;
            if *count == 0 {
                open.remove(household);
            }
        }
    }
}

/// Returns the address that stands for a subscriber: one of IPv4, or the 64 bits of IPv6 that one
/// subscriber has all of.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let crowd = Crowd::new(2, Arc::default());
        let one = crowd.enter(address("192.0.2.1"));
        let two = crowd.enter(address("::ffff:192.0.2.1"));
        assert!(one.is_some() && two.is_some());
        assert!(crowd.enter(address("192.0.2.1")).is_none());
        assert!(crowd.enter(address("192.0.2.2")).is_some());
        drop(one);
        let again = crowd.enter(address("192.0.2.1"));
        assert!(again.is_some());
        drop((two, again));
        assert!(crowd.open.lock().unwrap().is_empty(), "nothing is kept");
    }

    #[test]
    fn all_addresses_of_a_subscriber_are_one() {
        let crowd = Crowd::new(1, Arc::default());
        let one = crowd.enter(address("2001:db8:0:1::1"));
        assert!(one.is_some());
        assert!(crowd.enter(address("2001:db8:0:1:ffff::2")).is_none());
        assert!(crowd.enter(address("2001:db8:0:2::1")).is_some());
    }

    #[test]
    fn a_trusted_proxy_brings_as_many_as_it_likes() {
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]).unwrap();
        let crowd = Crowd::new(1, Arc::new(proxies));
        let places: Vec<_> = (0..5).map(|_| crowd.enter(address("10.0.0.1"))).collect();
        assert!(places.iter().all(Option::is_some));
    }
}
