//! The clock that a server may start with.

use std::time::Duration;

use vestibule_accounts::{CLOCK_TOLERANCE, ClockBehind, clock_behind};
use vestibule_model::{Clock, OsEntropy};
use vestibule_store::Store;

use crate::failure::Failure;
use crate::operator::OPERATOR;

/// The answer to a clock that is older than the last audit record: with such a clock, keys and
/// sessions that have expired would pass again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldClock {
    /// Refuse to start.
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
    /// Compares the clock with the audit record that was committed last.
    pub(super) async fn judge(self, store: &Store, clock: &dyn Clock) -> Result<(), Failure> {
        let behind = clock_behind(store, clock).await?;
        match (behind, self) {
            (None, Self::Refuse) => Ok(()),
            (None, Self::Accept) => {
                tracing::info!("--accept-clock was not needed: the clock is not behind");
                Ok(())
            }
            (Some(behind), Self::Refuse) => Err(refusal(behind)),
            (Some(behind), Self::Accept) => {
                tracing::warn!(now = %behind.now, last_record = %behind.last, "clock accepted");
                behind.accept(&OPERATOR, store, clock, &OsEntropy).await?;
                Ok(())
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
