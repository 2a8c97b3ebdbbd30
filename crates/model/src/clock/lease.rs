//! Time since boot, and what lasts until a moment of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The time since the machine was booted, in microseconds: nobody can set it, and it goes on while
/// the machine or the process is suspended (`CLOCK_BOOTTIME` of Linux; elsewhere the monotonic
/// clock).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootTime(u64);

impl BootTime {
    /// A time from microseconds since boot.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since boot.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Returns the time `duration` later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(micros))
    }

    /// Returns the duration from `earlier` to this time; zero when `earlier` is not earlier.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// The time until which answers that were remembered may be used, because every change that makes
/// one wrong is heard until then. Whoever uses such an answer compares, so that a process which was
/// stopped, and could not be told to forget, notices by itself.
#[derive(Debug)]
pub struct Lease(AtomicU64);

impl Lease {
    /// A lease without an end, for where nobody else makes changes.
    pub const fn unlimited() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }

    /// A lease that has ended.
    pub const fn ended() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Returns whether the lease holds at this time.
    #[inline]
    pub fn holds(&self, at: BootTime) -> bool {
        at.0 < self.0.load(Ordering::SeqCst)
    }

    /// Lets the lease last until this time.
    pub fn renew(&self, until: BootTime) {
        self.0.store(until.0, Ordering::SeqCst);
    }

    /// Ends the lease at once.
    pub fn end(&self) {
        self.0.store(0, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock as _, SystemClock};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_lease_holds_until_its_end_and_not_at_it() {
        let start = BootTime::from_micros(1);
        let lease = Lease::unlimited();
        assert!(lease.holds(start.after(SECOND * 1_000_000_000)));
        lease.renew(start.after(SECOND));
        assert!(lease.holds(start));
        assert!(!lease.holds(start.after(SECOND)));
        lease.end();
        assert!(!lease.holds(start));
        assert!(!Lease::ended().holds(start));
    }

    #[test]
    fn the_time_since_boot_never_goes_back() {
        let first = SystemClock.boot();
        assert!(SystemClock.boot() >= first);
        assert!(first > BootTime::from_micros(0));
    }
}
