//! Denials of known callers, on their way from the check's memory to the audit log.

use serde_json::json;
use vestibule_check::{DenialBatch, DeniedCall, DeniedTimes};
use vestibule_model::{Actor, ActorKind, AuditRecord};

use crate::{Accounts, Result};

/// What a denial is called in the audit log.
const KIND: &str = "access.denied";

/// How many records one transaction writes, so that others need not wait long.
const BATCH: usize = 250;

/// Records that wait for the store at most; further ones are only counted.
const MAX_WAITING: usize = 8_192;

/// Records that are not written yet.
#[derive(Debug, Default)]
pub(crate) struct WaitingDenials {
    records: Vec<AuditRecord>,
    /// Calls that no record tells of.
    overflow: u64,
}

impl WaitingDenials {
    pub(crate) fn extend(&mut self, accounts: &Accounts, batch: DenialBatch) {
        self.overflow = self.overflow.saturating_add(batch.overflow);
        for (call, times) in batch.calls {
            if self.records.len() < MAX_WAITING {
                self.records.push(record(accounts, &call, &times));
            } else {
                self.overflow = self.overflow.saturating_add(times.count);
            }
        }
    }

    /// Writes all of them; what could not be written stays.
    pub(crate) async fn flush(&mut self, accounts: &Accounts) -> Result<()> {
        while !self.records.is_empty() {
            let end = self.records.len().min(BATCH);
            write(accounts, self.records.get(..end).unwrap_or_default()).await?;
            self.records.drain(..end);
        }
        if self.overflow > 0 {
            let details = json!({ "reason": "overflow", "count": self.overflow });
            let record = accounts.record(&Actor::server(), None, KIND, None, &details);
            write(accounts, &[record]).await?;
            self.overflow = 0;
        }
        Ok(())
    }
}

async fn write(accounts: &Accounts, records: &[AuditRecord]) -> Result<()> {
    let mut write = accounts.begin().await?;
    write.append_denials(records).await?;
    Ok(write.commit_unaudited().await?)
}

fn record(accounts: &Accounts, call: &DeniedCall, times: &DeniedTimes) -> AuditRecord {
    let actor = Actor {
        kind: ActorKind::User,
        user_id: Some(call.caller.user_id),
        credential: Some(call.caller.credential),
        address: times.address,
        request_id: None,
    };
    let details = json!({
        "method": call.method,
        "route": call.route,
        "reason": call.reason,
        "count": times.count,
        "first": times.first,
        "last": times.last,
    });
    let route = format!("{} {}", call.method, call.route);
    let mut record = accounts.record(
        &actor,
        Some(call.caller.organization_id),
        KIND,
        Some(route),
        &details,
    );
    record.at = times.last;
    record
}
