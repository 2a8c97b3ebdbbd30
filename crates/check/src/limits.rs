//! How many requests in what time. Counted in memory with the monotonic clock, so that a clock
//! that jumps neither locks anybody out nor lets anybody through.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use quick_cache::DefaultHashBuilder;
use uuid::Uuid;
use vestibule_model::{Plan, PlanName, Plans, Principal};
use vestibule_policy::RuleTable;
use vestibule_policy::rule::{Limit, LimitPer};

use crate::denial::Limited;

/// Keys that strangers choose are folded into this many shared ones once a limiter holds
/// [`CROWDED`] of them, so that memory stays bounded under a flood of addresses.
const SHARED_KEYS: u128 = 1_024;
const CROWDED: usize = 100_000;

const MINUTE: Duration = Duration::from_secs(60);

/// Stands for an address that nobody noted.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Who is counted: an id, or an address folded into the same 128 bits.
type Key = Uuid;

type Counts = RateLimiter<Key, DashMapStateStore<Key, DefaultHashBuilder>, DefaultClock>;

/// One limit, counted for each key on its own.
#[derive(Debug)]
pub struct Limiter {
    name: &'static str,
    count: NonZeroU32,
    window: Duration,
    counts: Counts,
    clock: DefaultClock,
}

impl Limiter {
    /// `count` requests at once and again as many in every `window`, evenly spread.
    pub fn new(name: &'static str, count: NonZeroU32, window: Duration) -> Self {
        let each = (window / count.get()).max(Duration::from_nanos(1));
        let quota = Quota::with_period(each)
            .unwrap_or(Quota::per_second(count))
            .allow_burst(count);
        Self {
            name,
            count,
            window,
            counts: RateLimiter::dashmap_with_hasher(quota, DefaultHashBuilder::default()),
            clock: DefaultClock::default(),
        }
    }

    /// Counts one request of `key`, unless it is one too many.
    pub fn count(&self, key: Uuid) -> Result<(), Limited> {
        self.counts.check_key(&key).map_err(|not_until| Limited {
            name: self.name,
            count: self.count.get(),
            window: self.window,
            retry_after: not_until.wait_time_from(self.clock.now()),
        })
    }

    /// Counts one request from an address. An IPv6 customer has a whole /64 to choose from, and
    /// is counted as one.
    pub fn count_address(&self, address: IpAddr) -> Result<(), Limited> {
        let bits = match address {
            IpAddr::V4(v4) => u128::from(v4.to_bits()),
            IpAddr::V6(v6) => v6.to_bits() >> 64 << 64,
        };
        self.count_stranger(bits)
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

/// All limits of a rule table and of the plans.
#[derive(Debug)]
pub(crate) struct Limits {
    by_rule: Vec<Limiter>,
    /// Few, so they are searched in turn. `None` is a limit of nothing at all.
    by_plan: Vec<(PlanName, Option<Limiter>)>,
}

impl Limits {
    pub(crate) fn new(table: &RuleTable, plans: &Plans) -> Self {
        let by_rule = table
            .limits()
            .map(|(_, spec)| Limiter::new(spec.name, spec.count, spec.window))
            .collect();
        let by_plan = plans
            .iter()
            .filter_map(|plan| {
                let limit = plan.limit(Plan::REQUESTS_PER_MINUTE)?;
                let limiter = NonZeroU32::new(u32::try_from(limit).unwrap_or(u32::MAX))
                    .map(|count| Limiter::new(Plan::REQUESTS_PER_MINUTE, count, MINUTE));
                Some((plan.name.clone(), limiter))
            })
            .collect();
        Self { by_rule, by_plan }
    }

    /// Counts a request under the plan of its organisation and under each limit of its rule.
    pub(crate) fn count(
        &self,
        limits: &[Limit],
        principal: Option<&Principal>,
        address: Option<IpAddr>,
    ) -> Result<(), Limited> {
        if let Some(principal) = principal
            && let Some((_, limiter)) = self
                .by_plan
                .iter()
                .find(|(name, _)| *name == principal.plan.name)
        {
            match limiter {
                Some(limiter) => limiter.count(principal.organization_id.uuid())?,
                None => {
                    return Err(Limited {
                        name: Plan::REQUESTS_PER_MINUTE,
                        count: 0,
                        window: MINUTE,
                        retry_after: MINUTE,
                    });
                }
            }
        }
        for limit in limits {
            let Some(limiter) = self.by_rule.get(limit.id.0) else {
                continue;
            };
            match (limit.spec.per, principal, address) {
                (LimitPer::User, Some(principal), _) => limiter.count(principal.user_id.uuid())?,
                (LimitPer::Organization, Some(principal), _) => {
                    limiter.count(principal.organization_id.uuid())?;
                }
                (LimitPer::Credential, Some(principal), _) => {
                    limiter.count(principal.credential.uuid())?;
                }
                // Whoever did not note the address has all its callers counted as one.
                (LimitPer::Address, _, address) => {
                    limiter.count_address(address.unwrap_or(NOWHERE))?;
                }
                // The table refuses such limits on routes without a caller.
                (LimitPer::User | LimitPer::Organization | LimitPer::Credential, None, _) => {}
            }
        }
        Ok(())
    }

    pub(crate) fn forget_idle(&self) {
        for limiter in self.by_rule.iter().chain(
            self.by_plan
                .iter()
                .filter_map(|(_, limiter)| limiter.as_ref()),
        ) {
            limiter.forget_idle();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(count: u32) -> Limiter {
        let count = NonZeroU32::new(count).unwrap();
        Limiter::new("test", count, Duration::from_secs(3_600))
    }

    #[test]
    fn the_request_after_the_last_allowed_one_is_told_when_to_come_back() {
        let limiter = limiter(10);
        let key = Uuid::from_u128(1);
        for _ in 0..10 {
            limiter.count(key).unwrap();
        }
        let limited = limiter.count(key).unwrap_err();
        assert!(
            limited.retry_after > Duration::from_secs(300),
            "{limited:?}"
        );
        assert!(
            limited.retry_after <= Duration::from_secs(360),
            "{limited:?}"
        );
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

    #[test]
    fn a_plan_that_allows_no_request_allows_none() {
        let none = Plan {
            limits: [(Plan::REQUESTS_PER_MINUTE.to_owned(), 0)].into(),
            ..Plan::bare(PlanName::default())
        };
        let principal = Principal {
            plan: std::sync::Arc::new(none.clone()),
            ..crate::directory::owner()
        };
        let limits = Limits::new(&RuleTable::builder().build(), &Plans::new([none]));
        let limited = limits.count(&[], Some(&principal), None).unwrap_err();
        assert_eq!((limited.count, limited.retry_after), (0, MINUTE));
    }
}
