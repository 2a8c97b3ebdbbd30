//! The clock that a server may start with.

use std::time::Duration;

use vestibule_accounts::{CLOCK_TOLERANCE, ClockBehind, ClockTrust, clock_behind};
use vestibule_model::{Clock, OsEntropy};
use vestibule_store::Store;

use crate::failure::Failure;
use crate::operator::OPERATOR;

/// The answer to a clock that is older than the last audit record: with such a clock, keys and
/// sessions that have expired would pass again; and to one that is more than a day later, by which
/// live keys would be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldClock {
    /// Refuse to start with one that is older, and delete nothing for a day by one that is later.
    Refuse,
    /// Take it for right, and write that down.
    Accept,
}

impl From<bool> for OldClock {
    /// From the flag `--accept-clock`.
    fn from(accept: bool) -> Self {
        if accept { Self::Accept } else { Self::Refuse }
    }
}

impl OldClock {
    /// Compares the clock with the audit record that was committed last. Returns how far the clock
    /// is to be believed.
    pub(super) async fn judge(
        self,
        store: &Store,
        clock: &dyn Clock,
    ) -> Result<ClockTrust, Failure> {
        let behind = clock_behind(store, clock).await?;
        if let (Some(behind), Self::Refuse) = (behind, self) {
            return Err(refusal(behind));
        }
        let trust = ClockTrust::at_start(store, clock).await?;
        let now = clock.now();
        match (behind, trust.doubted_since(), self) {
            (_, None, Self::Refuse) => Ok(trust),
            (_, Some(last), Self::Refuse) => {
                tracing::warn!(
                    %now,
                    last_record = %last,
                    "the clock is more than a day ahead of the last audit record: nothing that \
                     looks long gone is deleted for a day; if the clock is right, --accept-clock \
                     at the next start ends the wait"
                );
                Ok(trust)
            }
            (None, None, Self::Accept) => {
                tracing::info!(
                    "--accept-clock was not needed: the clock agrees with the last record"
                );
                Ok(ClockTrust::confirmed())
            }
            (Some(behind), _, Self::Accept) => {
                tracing::warn!(now = %behind.now, last_record = %behind.last, "clock accepted");
                behind.accept(&OPERATOR, store, clock, &OsEntropy).await?;
                Ok(ClockTrust::confirmed())
            }
            (None, Some(last), Self::Accept) => {
                tracing::warn!(%now, last_record = %last, "clock accepted");
                Ok(trust.confirm(&OPERATOR, store, clock, &OsEntropy).await?)
            }
        }
    }
}

fn refusal(ClockBehind { now, last }: ClockBehind) -> Failure {
    let minutes = last.since(now).as_secs() / 60;
    Failure::usage(format!(
        "The clock of this machine says {now}, and the last audit record was written at {last}, \
         {minutes} minutes later; {} are allowed.",
        minutes_of(CLOCK_TOLERANCE)
    ))
    .reason("clock_behind")
    .hint(
        "With a clock that is behind, expired keys and sessions would pass again: set it right. If \
         it is right and that record was wrong, start once with --accept-clock.",
    )
}

const fn minutes_of(duration: Duration) -> u64 {
    duration.as_secs() / 60
}
