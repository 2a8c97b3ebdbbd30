//! The pace of a limit, and the refusal of a request that goes beyond it.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::{NotUntil, Quota, RateLimiter};

use super::ticks::Ticks;

/// The refusal of a request that goes beyond a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limited {
    /// The limit's name.
    pub name: Cow<'static, str>,
    /// The number of requests it allows at once.
    pub count: u32,
    /// The time in which it allows as many again.
    pub window: Duration,
    /// The time after which the next request passes.
    pub retry_after: Duration,
}

/// `count` requests at once and again as many in every `window`, evenly spread.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    pub(super) name: Cow<'static, str>,
    pub(super) count: NonZeroU32,
    pub(super) window: Duration,
}

impl Pace {
    pub(super) fn quota(&self) -> Quota {
        let each = (self.window / self.count.get()).max(Duration::from_nanos(1));
        Quota::with_period(each)
            .unwrap_or(Quota::per_second(self.count))
            .allow_burst(self.count)
    }

    #[cold]
    pub(super) fn limited(&self, until: &NotUntil<Nanos>) -> Limited {
        Limited {
            name: self.name.clone(),
            count: self.count.get(),
            window: self.window,
            retry_after: until.wait_time_from(Ticks.now()),
        }
    }
}

/// The counts of everybody under one limit, told apart by `K` and kept in `S`.
pub(super) type Counts<K, S> = RateLimiter<K, S, Ticks, NoOpMiddleware<Nanos>>;

/// Returns the time from one instant to a later one, zero if it is not later.
pub(super) fn between(start: Nanos, now: Nanos) -> Nanos {
    now.duration_since(start)
}
