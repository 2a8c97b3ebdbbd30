//! Denials of known callers, on their way from the check's memory to the audit log.

use std::collections::HashMap;

use serde_json::json;
use vestibule_check::{DenialBatch, DeniedCall, DeniedTimes};
use vestibule_model::{Actor, ActorKind, AuditRecord, OrganizationId};

use crate::{Accounts, Result};

/// The audit kind of a denial.
const KIND: &str = "access.denied";

/// The number of records that one transaction writes, so that others need not wait long.
const BATCH: usize = 250;

/// Records that wait for the store at most; further ones are only counted.
const MAX_WAITING: usize = 8_192;

/// Those of one organisation at most, so that they leave room for others while the store is away.
const MAX_OF_ONE: usize = MAX_WAITING / 8;

/// Records that are not written yet.
#[derive(Debug, Default)]
pub(crate) struct WaitingDenials {
    records: Vec<AuditRecord>,
    /// The calls that no record tells of, in an organisation or in those that were not told apart.
    overflow: HashMap<Option<OrganizationId>, u64>,
}

impl WaitingDenials {
    pub(crate) fn extend(&mut self, accounts: &Accounts, batch: DenialBatch) {
        for (organization, count) in batch.overflow {
            self.count(organization, count);
        }
        let mut waiting = HashMap::<_, usize>::new();
        for record in &self.records {
            *waiting.entry(record.organization_id).or_default() += 1;
        }
        for (call, times) in batch.calls {
            let organization = Some(call.caller.organization_id);
            let of_one = waiting.entry(organization).or_default();
            // At first all that the check has kept: it has seen to everybody's share.
            let has_room = *of_one < MAX_OF_ONE || self.records.len() < MAX_WAITING / 2;
            if has_room && self.records.len() < MAX_WAITING {
                *of_one += 1;
                self.records.push(record(accounts, &call, &times));
            } else {
                self.count(organization, times.count);
            }
        }
    }

    fn count(&mut self, organization: Option<OrganizationId>, calls: u64) {
        let known = self.overflow.contains_key(&organization);
        let place = if known || self.overflow.len() < MAX_WAITING {
            organization
        } else {
            None
        };
        let count = self.overflow.entry(place).or_default();
        *count = count.saturating_add(calls);
    }

    /// Writes all of them; what could not be written stays.
    pub(crate) async fn flush(&mut self, accounts: &Accounts) -> Result<()> {
        while !self.records.is_empty() {
            let end = self.records.len().min(BATCH);
            write(accounts, self.records.get(..end).unwrap_or_default()).await?;
            self.records.drain(..end);
        }
        while !self.overflow.is_empty() {
            let some: Vec<_> = self.overflow.iter().take(BATCH).collect();
            let records: Vec<_> = some
                .iter()
                .map(|(organization, count)| {
                    let details = json!({ "reason": "overflow", "count": count });
                    accounts.record(&Actor::server(), **organization, KIND, None, &details)
                })
                .collect();
            let written: Vec<_> = some.into_iter().map(|(of, _)| *of).collect();
            write(accounts, &records).await?;
            for organization in written {
                self.overflow.remove(&organization);
            }
        }
        Ok(())
    }
}

async fn write(accounts: &Accounts, records: &[AuditRecord]) -> Result<()> {
    let mut write = accounts.store().begin_unaudited().await?;
    write.append_denials(records).await?;
    Ok(write.commit().await?)
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
