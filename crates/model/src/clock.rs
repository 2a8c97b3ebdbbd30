//! Time as a parameter.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub use self::lease::{BootTime, Lease};
pub use self::process::ProcessClock;
use crate::Invalid;

mod lease;
mod process;

/// A moment, in microseconds since 1970-01-01T00:00:00Z.
///
/// On the wire it is RFC 3339 in UTC; in the store it is the integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The first moment of the year 0001 and the last of 9999, which RFC 3339 can spell.
    const RANGE: std::ops::RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_300_799_999_999;

    /// A moment from microseconds since 1970; values outside the years 1 to 9999 are clamped.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(*Self::RANGE.start(), *Self::RANGE.end()))
    }

    /// A moment from whole seconds since 1970, as a JWT's `exp` has it.
    pub fn from_seconds(seconds: i64) -> Self {
        Self::from_micros(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since 1970.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The moment `duration` later; the end of the year 9999 at most.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// The moment `duration` earlier; the start of the year 1 at least.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_sub(micros))
    }

    /// Returns the duration since `earlier`, or zero if `earlier` is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The calendar form, in UTC.
    pub fn to_utc(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// Reads RFC 3339, with any offset.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| {
            Invalid::new(
                "invalid_time",
                "must be a time as in RFC 3339, such as 2027-01-31T12:00:00Z",
            )
        })?;
        let micros = i64::try_from(moment.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX);
        Ok(Self::from_micros(micros))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_utc().format(&Rfc3339) {
            Ok(text) => f.write_str(&text),
            Err(_) => write!(f, "{}", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A source of the current time. Tests pass one they can move.
pub trait Clock: Send + Sync + 'static {
    /// Returns the current time.
    fn now(&self) -> Timestamp;

    /// Returns the time since the machine was booted.
    fn boot(&self) -> BootTime;

    /// Returns both, from one reading where the clock has one.
    fn moment(&self) -> Moment {
        Moment {
            now: self.now(),
            boot: self.boot(),
        }
    }

    /// Compares this clock with another that it may follow, and moves towards it. Called about once
    /// a second by the duties of a server. Returns the news for the operator, if any.
    fn steer(&self) -> Option<ClockNews> {
        None
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn boot(&self) -> BootTime {
        (**self).boot()
    }

    fn moment(&self) -> Moment {
        (**self).moment()
    }

    fn steer(&self) -> Option<ClockNews> {
        (**self).steer()
    }
}

/// News for the operator: the wall clock is ahead of (positive) or behind (negative) the process
/// clock by so many microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockNews {
    /// The wall clock has jumped and is not followed.
    Jumped(i64),
    /// The wall clock is within a minute again, and is followed.
    Agrees(i64),
}

/// The time of day and the time since boot, read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The time of day: what expiry is judged by.
    pub now: Timestamp,
    /// The time since boot: what a lease is judged by.
    pub boot: BootTime,
}

/// The machine's clock: the wall clock, which anybody with the right to set it can move. Expiry is
/// judged by a [`ProcessClock`].
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl SystemClock {
    #[cfg(target_os = "linux")]
    const BOOT: ClockId = ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    const BOOT: ClockId = ClockId::Monotonic;
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's clock"
    )]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let micros = since.map_or(0, |since| {
            i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
        });
        Timestamp::from_micros(micros)
    }

    fn boot(&self) -> BootTime {
        let time = clock_gettime(Self::BOOT);
        let micros = time.tv_sec.saturating_mul(1_000_000);
        let micros = micros.saturating_add(time.tv_nsec / 1_000);
        BootTime::from_micros(u64::try_from(micros).unwrap_or(0))
    }
}

/// A clock that stands still until told to move.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicI64,
    boot: AtomicU64,
}

impl ManualClock {
    /// A clock that shows `start`, on a machine that was booted an hour before.
    pub fn new(start: Timestamp) -> Self {
        Self {
            now: AtomicI64::new(start.as_micros()),
            boot: AtomicU64::new(3_600_000_000),
        }
    }

    /// Sets the time of day, forwards or backwards. The time since boot stays.
    pub fn set(&self, moment: Timestamp) {
        self.now.store(moment.as_micros(), Ordering::SeqCst);
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().after(by));
        self.boot
            .store(self.boot().after(by).as_micros(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.now.load(Ordering::SeqCst))
    }

    fn boot(&self) -> BootTime {
        BootTime::from_micros(self.boot.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_with_any_offset_and_written_in_utc() {
        let noon = Timestamp::parse("2025-01-15T12:00:00+02:00").unwrap();
        assert_eq!(noon.to_string(), "2025-01-15T10:00:00Z");
        assert_eq!(Timestamp::parse(&noon.to_string()).unwrap(), noon);
    }

    #[test]
    fn arithmetic_stops_at_the_ends_of_the_calendar() {
        let end = Timestamp::from_micros(i64::MAX);
        assert_eq!(end.after(Duration::from_secs(1)), end);
        assert_eq!(end.to_string(), "9999-12-31T23:59:59.999999Z");
        let start = Timestamp::from_micros(i64::MIN);
        assert_eq!(start.before(Duration::MAX), start);
        assert_eq!(start.since(end), Duration::ZERO);
    }
}
