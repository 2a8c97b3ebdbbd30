//! Trust in a server's clock to say what is long gone: that is deleted, and no right clock brings it
//! back.
//!
//! A clock that is ahead makes live keys look as if they had expired long ago. Nobody can tell that
//! from a server that was off for long; only time can, or the operator. So a clock that is more than
//! a day ahead of the last audit record when the server starts is not gone by until the server has
//! run for a day. A server that is started again meanwhile, with the same clock, has written records
//! by it: the last record from before the doubt is remembered, and still counts.

use std::time::Duration;

use serde_json::json;
use vestibule_model::{Actor, AuditId, AuditRecord, BootTime, Clock, Entropy, Timestamp};
use vestibule_store::Store;

use crate::{Operator, Result};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The difference from the database's clock up to which both agree.
const AGREEMENT: Duration = Duration::from_secs(60);

/// Decides whether what is long gone by the server's clock may be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockTrust(Trust);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// The operator has said that the clock is right.
    Confirmed,
    /// The clock agrees with what was written by an earlier run.
    Plausible,
    /// The clock is believed from this moment on.
    Later {
        from: BootTime,
        /// The last moment that is known to have been; none in a new database.
        last_known: Option<Timestamp>,
    },
}

impl ClockTrust {
    /// Judges the clock of a server that starts, before that server writes anything. Doubt is
    /// remembered for the next start.
    pub async fn at_start(store: &Store, clock: &dyn Clock) -> Result<Self> {
        let now = clock.now();
        let doubted = store.clock_doubt().await?;
        let last_known = match doubted {
            Some(last_known) => Some(last_known),
            None => store.last_audit_record().await?.map(|(_, at)| at),
        };
        let is_plausible = last_known.is_some_and(|last| now <= last.after(DAY));
        if is_plausible == doubted.is_some() {
            let mut write = store.begin_unaudited().await?;
            match last_known {
                Some(last) if !is_plausible => write.doubt_clock(last).await?,
                _ => write.trust_clock().await?,
            }
            write.commit().await?;
        }
        Ok(Self(if is_plausible {
            Trust::Plausible
        } else {
            Trust::Later {
                from: clock.boot().after(DAY),
                last_known,
            }
        }))
    }

    /// Takes the word of the operator that the clock is right.
    pub const fn confirmed() -> Self {
        Self(Trust::Confirmed)
    }

    /// The last moment that is known to have been, where the clock is too far ahead of it.
    pub const fn doubted_since(&self) -> Option<Timestamp> {
        match self.0 {
            Trust::Later { last_known, .. } => last_known,
            Trust::Confirmed | Trust::Plausible => None,
        }
    }

    /// Writes down that the operator takes a clock for right that is far ahead, and forgets all
    /// doubt.
    pub async fn confirm(
        self,
        _: &Operator,
        store: &Store,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> Result<Self> {
        let mut write = store.begin_unaudited().await?;
        write.trust_clock().await?;
        match self.doubted_since() {
            None => write.commit().await?,
            Some(last) => {
                let details = json!({
                    "last_record_at": last,
                    "ahead_seconds": clock.now().since(last).as_secs(),
                });
                write
                    .into_audited()
                    .commit(AuditRecord {
                        id: AuditId::mint(clock, entropy),
                        at: clock.now(),
                        organization_id: None,
                        actor: Actor::operator(),
                        kind: "clock.accepted",
                        subject: None,
                        details: details.to_string(),
                    })
                    .await?;
            }
        }
        Ok(Self::confirmed())
    }

    /// Returns whether the clock may be gone by now; where it may not, the log says why.
    pub(crate) async fn holds(&mut self, store: &Store, clock: &dyn Clock) -> Result<bool> {
        let moment = clock.moment();
        match self.0 {
            Trust::Confirmed => return Ok(true),
            Trust::Plausible => {}
            Trust::Later { from, .. } if from <= moment.boot => {
                let mut write = store.begin_unaudited().await?;
                write.trust_clock().await?;
                write.commit().await?;
                self.0 = Trust::Plausible;
            }
            Trust::Later { from, last_known } => {
                let hours = from.since(moment.boot).as_secs().div_ceil(3_600);
                // In a new database there is nothing to delete, and nothing to tell.
                if let Some(last) = last_known {
                    tracing::warn!(
                        now = %moment.now,
                        last_record = %last,
                        "nothing is tidied up for another {hours} h: this server was started more \
                         than a day after the last audit record, and keys would be deleted for \
                         good if its clock is ahead; set the clock right and start again, or, if \
                         it is right, start once with --accept-clock"
                    );
                }
                return Ok(false);
            }
        }
        let Some(other) = store.own_time().await? else {
            return Ok(true);
        };
        let apart = moment.now.since(other).max(other.since(moment.now));
        if apart <= AGREEMENT {
            return Ok(true);
        }
        tracing::warn!(
            now = %moment.now,
            database = %other,
            "nothing is tidied up: the clocks of this server and of the database are {} s apart; \
             set both right, and start this server again if its own was wrong",
            apart.as_secs()
        );
        Ok(false)
    }
}
