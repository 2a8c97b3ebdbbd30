//! Grants follow the folder or document that they are on, and end with it.
//!
//! A service reports what becomes of its resources, and has asked the caller's permit whether the
//! caller may do that. What the permit cannot tell is decided here, in the transaction that changes
//! the grants: a resource that comes to a path ends the grants that stand there, and nobody ends
//! the grants of others in this way who could not revoke them.

use serde_json::{Value, json};
use vestibule_check::Permit;
use vestibule_model::{AuditRecord, Change, Grant, ResourcePath, Role};
use vestibule_store::{HoldingKey, PlacedGrant, Write};

use super::describe;
use crate::membership::needed_to_touch;
use crate::{Accounts, Caller, Error, Result};

/// The number of grants that one audit record describes; beyond it stands their count alone.
const MOST_DESCRIBED: usize = 50;

impl Accounts {
    /// Clears the way for a resource that is about to be created at `path`: deletes the grants
    /// there and below, which are not for it. Returns how many those were.
    ///
    /// Fails with [`Error::Conflict`] where the caller could not revoke one of them; none is
    /// deleted then.
    pub async fn clear_grants(&self, caller: &Caller, path: &ResourcePath) -> Result<usize> {
        let mut write = self.begin_locked(caller).await?;
        self.keep_grants_of_others(&mut write, caller, path).await?;
        let removed = write.delete_grants_below(caller.scope(), path).await?;
        let record = self.removal(caller, path, &removed);
        self.commit_records(write, caller, [record].into_iter().flatten())
            .await?;
        Ok(removed.len())
    }

    /// Moves the grants on `from` and below with their resource to `to`, and deletes those that
    /// stand on `to` and below, as [`clear_grants`](Self::clear_grants) does and with the same
    /// error. Returns how many moved.
    pub async fn rebase_grants(
        &self,
        caller: &Caller,
        from: &ResourcePath,
        to: &ResourcePath,
    ) -> Result<usize> {
        let mut write = self.begin_locked(caller).await?;
        self.keep_grants_of_others(&mut write, caller, to).await?;
        let scope = caller.scope();
        let removed = write.delete_grants_below(scope, to).await?;
        let moved = write.rebase_grants(scope, from, to, self.now()).await?;
        let removal = self.removal(caller, to, &removed);
        let records = [removal, self.relocation(caller, (from, to), &moved)];
        self.commit_records(write, caller, records.into_iter().flatten())
            .await?;
        Ok(moved.len())
    }

    /// Takes [`rebase_grants`](Self::rebase_grants) back because the service could not store the
    /// move. Returns how many grants went back; those that were deleted do not.
    pub async fn return_grants(
        &self,
        caller: &Caller,
        from: &ResourcePath,
        to: &ResourcePath,
    ) -> Result<usize> {
        // Not `begin_locked`: the grants go back whatever has become of the caller meanwhile.
        let mut write = self.begin_counting(caller).await?;
        let moved = write
            .rebase_grants(caller.scope(), to, from, self.now())
            .await?;
        let record = self.relocation(caller, (to, from), &moved);
        self.commit_records(write, caller, [record].into_iter().flatten())
            .await?;
        Ok(moved.len())
    }

    /// Deletes the grants on `path` and below, whoever holds them, because the resource there is
    /// being deleted. Returns how many those were.
    pub async fn remove_grants_below(&self, caller: &Caller, path: &ResourcePath) -> Result<usize> {
        let mut write = self.begin_locked(caller).await?;
        let removed = write.delete_grants_below(caller.scope(), path).await?;
        let record = self.removal(caller, path, &removed);
        self.commit_records(write, caller, [record].into_iter().flatten())
            .await?;
        Ok(removed.len())
    }

    /// Refuses where a grant on `path` or below is not the caller's to revoke. Every grant is made
    /// under the lock of the organisation, which `write` holds: none can come before the commit.
    async fn keep_grants_of_others(
        &self,
        write: &mut Write,
        caller: &Caller,
        path: &ResourcePath,
    ) -> Result<()> {
        let now = self.now();
        let placed = write.grants_below(caller.scope(), path).await?;
        // Keys of others allow nothing in somebody's home, whatever their grants say, and must not
        // keep its owner from using a name there.
        let in_own_home = caller.permit().is_some_and(|permit| {
            permit.principal().narrowed_to.is_none() && permit.home().covers(path)
        });
        let may_end = |placed: &PlacedGrant| match &placed.key {
            None => caller.needs(Role::Admin).is_ok(),
            Some(key) => in_own_home || key.has_ended(now) || may_revoke(caller, key),
        };
        if placed.iter().all(may_end) {
            return Ok(());
        }
        Err(Error::conflict(
            "path_has_grants",
            format!("There are permissions on {path} or below it that you could not revoke."),
        ))
    }

    fn removal(
        &self,
        caller: &Caller,
        path: &ResourcePath,
        removed: &[Grant],
    ) -> Option<AuditRecord> {
        let details = json!({
            "before": path,
            "count": removed.len(),
            "grants": described(removed),
        });
        (!removed.is_empty()).then(|| self.record_on(caller, "grant.removed", path, &details))
    }

    fn relocation(
        &self,
        caller: &Caller,
        (from, to): (&ResourcePath, &ResourcePath),
        moved: &[Grant],
    ) -> Option<AuditRecord> {
        let details = json!({
            "before": from,
            "after": to,
            "count": moved.len(),
            "grants": described(moved),
        });
        (!moved.is_empty()).then(|| self.record_on(caller, "grant.moved", to, &details))
    }

    fn record_on(
        &self,
        caller: &Caller,
        kind: &'static str,
        path: &ResourcePath,
        details: &Value,
    ) -> AuditRecord {
        let organization = Some(caller.organization_id());
        let subject = Some(path.to_string());
        self.record(caller.actor(), organization, kind, subject, details)
    }

    /// Commits with these records; where there are none, nothing was changed.
    async fn commit_records(
        &self,
        mut write: Write,
        caller: &Caller,
        records: impl Iterator<Item = AuditRecord>,
    ) -> Result<()> {
        let mut records: Vec<_> = records.collect();
        let Some(last) = records.pop() else {
            return Ok(());
        };
        // Grants of users, groups and keys alike: anybody in the organisation may be affected.
        write.change(Change::Organization(caller.organization_id()));
        write.append_audit(&records).await?;
        Ok(write.commit(last).await?)
    }
}

/// Returns whether the caller may revoke a key: one of their own, or as
/// [`Accounts::delete_api_key_of`] has it.
fn may_revoke(caller: &Caller, key: &HoldingKey) -> bool {
    // A narrowed key acts for its owner on paths alone, and revokes nothing.
    let is_owner = caller.needs(Role::User).is_ok()
        && caller.permit().map(Permit::user_id) == Some(key.owner_id);
    let role = needed_to_touch(key.owner_role.unwrap_or(Role::User));
    is_owner || caller.needs(role).is_ok()
}

fn described(grants: &[Grant]) -> Vec<Value> {
    grants.iter().take(MOST_DESCRIBED).map(describe).collect()
}
