//! One limit for keys that strangers choose, such as addresses: in a map with a bound.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::state::keyed::DashMapStateStore;
use quick_cache::DefaultHashBuilder;
use uuid::Uuid;

use super::pace::{Counts, Limited, Pace};
use super::ticks::Ticks;

/// Keys that strangers choose are folded into this many shared ones once a limiter holds
/// [`CROWDED`] of them, so that memory stays bounded under a flood of addresses.
const SHARED_KEYS: u128 = 1_024;
const CROWDED: usize = 100_000;

/// The key that is counted: an id, or an address folded into the same 128 bits.
type Key = Uuid;

/// One limit, counted for each key on its own.
#[derive(Debug)]
pub struct Limiter {
    pace: Pace,
    counts: Counts<Key, DashMapStateStore<Key, DefaultHashBuilder>>,
}

impl Limiter {
    /// `count` requests at once and again as many in every `window`, evenly spread.
    pub fn new(name: &'static str, count: NonZeroU32, window: Duration) -> Self {
        let pace = Pace {
            name: name.into(),
            count,
            window,
        };
        Self {
            counts: Counts::new(pace.quota(), DashMapStateStore::default(), Ticks),
            pace,
        }
    }

    /// Counts one request of `key`, unless it is one too many.
    pub fn count(&self, key: Uuid) -> Result<(), Limited> {
        self.counts
            .check_key(&key)
            .map_err(|until| self.pace.limited(&until))
    }

    /// Counts one request from an address. An IPv6 customer has a whole /64 to choose from, and
    /// is counted as one.
    pub fn count_address(&self, address: IpAddr) -> Result<(), Limited> {
        self.count_stranger(network_of(address))
    }

    /// Counts one request under a key that a stranger chose, such as the hash of a name.
    pub fn count_stranger(&self, bits: u128) -> Result<(), Limited> {
        if self.counts.len() < CROWDED {
            self.count(Uuid::from_u128(bits))
        } else {
            // The upper half is folded in, because the lower of an IPv6 network is empty.
            self.count(Uuid::from_u128((bits ^ bits >> 64) % SHARED_KEYS))
        }
    }

    /// Forgets those who have their full allowance again.
    pub fn forget_idle(&self) {
        self.counts.retain_recent();
        self.counts.shrink_to_fit();
    }
}

/// The IPv4 address, or the network of an IPv6 address that one customer has.
pub(crate) fn network_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits() >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(count: u32) -> Limiter {
        let count = NonZeroU32::new(count).unwrap();
        Limiter::new("test", count, Duration::from_hours(1))
    }

    #[test]
    fn the_request_after_the_last_allowed_one_is_told_when_to_come_back() {
        let limiter = limiter(10);
        let key = Uuid::from_u128(1);
        for _ in 0..10 {
            limiter.count(key).unwrap();
        }
        let limited = limiter.count(key).unwrap_err();
        assert!(limited.retry_after > Duration::from_mins(5), "{limited:?}");
        assert!(limited.retry_after <= Duration::from_mins(6), "{limited:?}");
        limiter.count(Uuid::from_u128(2)).unwrap();
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_are_counted_as_one() {
        let limiter = limiter(1);
        limiter
            .count_address("2001:db8::1".parse().unwrap())
            .unwrap();
        assert!(
            limiter
                .count_address("2001:db8::2".parse().unwrap())
                .is_err()
        );
        limiter
            .count_address("2001:db8:0:1::1".parse().unwrap())
            .unwrap();
    }

    #[test]
    fn a_flood_of_addresses_does_not_grow_the_map_without_bound() {
        let limiter = limiter(1);
        for bits in 0..(CROWDED as u128 + 50_000) {
            let _ = limiter.count_stranger(bits << 64);
        }
        let crowd = limiter.counts.len();
        assert!(crowd <= CROWDED + usize::try_from(SHARED_KEYS).unwrap());
        assert!(
            crowd > CROWDED + 512,
            "the crowd is spread over the shared keys"
        );
    }
}
