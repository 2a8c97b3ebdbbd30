//! The judgement of the clock that a server starts with, and the log lines about it later.

mod trust;

use std::time::Duration;

use serde_json::json;
use vestibule_model::clock::ClockNews;
use vestibule_model::{Actor, AuditId, AuditRecord, Clock, Entropy, Timestamp};
use vestibule_store::Store;

use crate::{Operator, Result};

/// The time by which the clock of a starting server may be behind the last audit record: other
/// servers, and the command line on other machines, have clocks of their own.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(10 * 60);

/// A clock that is older than what was done already, by more than [`CLOCK_TOLERANCE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockBehind {
    /// The time of the clock.
    pub now: Timestamp,
    /// The time of the audit record that was committed last.
    pub last: Timestamp,
}

/// Compares the clock of a process that starts with the audit record that was committed last. It is
/// the last commit that counts and not the latest time: a clock that was years ahead for an hour,
/// and is right again, is refused once and not for years.
pub async fn clock_behind(store: &Store, clock: &dyn Clock) -> Result<Option<ClockBehind>> {
    let now = clock.now();
    let last = store.last_audit_record().await?.map(|(_, at)| at);
    Ok(last
        .filter(|last| now.after(CLOCK_TOLERANCE) < *last)
        .map(|last| ClockBehind { now, last }))
}

impl ClockBehind {
    /// Writes down that the operator takes this clock for right, and forgets all doubt about an
    /// earlier one. The record is the last one from
    /// then on, so that the next start needs no word of the operator.
    pub async fn accept(
        self,
        _: &Operator,
        store: &Store,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> Result<()> {
        let details = json!({
            "last_record_at": self.last,
            "behind_seconds": self.last.since(self.now).as_secs(),
        });
        let record = AuditRecord {
            id: AuditId::mint(clock, entropy),
            at: self.now,
            organization_id: None,
            actor: Actor::operator(),
            kind: "clock.accepted",
            subject: None,
            details: details.to_string(),
        };
        let mut write = store.begin_unaudited().await?;
        write.trust_clock().await?;
        Ok(write.into_audited().commit(record).await?)
    }
}

pub use trust::ClockTrust;

/// Tells the operator what became of the wall clock.
pub(crate) fn tell(news: ClockNews) {
    match news {
        ClockNews::Jumped(ahead) => tracing::warn!(
            wall_clock_ahead_seconds = ahead / MICROS,
            "the wall clock has jumped and is not followed: what expires does so by the time since \
             the server started; if the wall clock is right, start the server again"
        ),
        ClockNews::Agrees(ahead) => tracing::info!(
            wall_clock_ahead_seconds = ahead / MICROS,
            "the wall clock agrees with the server's again and is followed"
        ),
    }
}

const MICROS: i64 = 1_000_000;
