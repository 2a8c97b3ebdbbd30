//! The clock of the limits.

use std::time::Duration;

use governor::clock::Clock;
use governor::nanos::Nanos;
use rustix::time::{ClockId, clock_gettime};

/// The monotonic clock as of its last tick, at most 10 ms ago: by so little may an allowance come
/// late, and every request asks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ticks;

impl Ticks {
    #[cfg(target_os = "linux")]
    const CLOCK: ClockId = ClockId::MonotonicCoarse;
    #[cfg(not(target_os = "linux"))]
    const CLOCK: ClockId = ClockId::Monotonic;
}

impl Clock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let now = clock_gettime(Self::CLOCK);
        Duration::try_from(now).unwrap_or_default().into()
    }
}
