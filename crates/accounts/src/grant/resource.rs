//! Grants follow the folder or document that they are on, and end with it.
//!
//! A service reports what becomes of its resources, with evidence from the caller's permit
//! ([`Allowed`]) that the caller may do that. What the permit cannot tell is decided here, in the
//! transaction that changes the grants: a resource that comes to a path ends the grants that stand
//! there, and nobody ends the grants of others in this way who could not revoke them.
//!
//! The service keeps its resources in another database, so a move and a deletion are noted here
//! before its half is stored, and followed afterwards. Meanwhile the grants stand where the resource
//! was: their holders wait, and nobody has a right that nobody gave. Following takes no evidence,
//! since it also happens after a crash, without a caller: it takes the id of a change, and a change is
//! noted only with evidence.

use serde_json::{Value, json};
use vestibule_check::{Allowed, Permit};
use vestibule_model::{AuditRecord, Capability, Change, ResourceChangeId, ResourcePath, Role};
use vestibule_store::{GrantsBelow, HoldingKey, PlacedGrant, ResourceChange, Write};

use super::describe;
use crate::membership::needed_to_touch;
use crate::{Accounts, Caller, Error, Result};

/// The number of grants that one audit record describes; beyond it stands their count alone.
const MOST_DESCRIBED: u32 = 50;

impl Accounts {
    /// Clears the way for a resource that is about to be created at the path of `place`: deletes the
    /// grants there and below, which are not for it. Returns how many those were.
    ///
    /// # Errors
    /// [`Error::Forbidden`] where the caller may not write there, and [`Error::Conflict`] where the
    /// caller could not revoke one of the grants; none is deleted then.
    pub async fn clear_grants(&self, place: Allowed<'_>) -> Result<u64> {
        let place = place.to(Capability::ReadWrite)?;
        let (caller, path) = (&Caller::from(place.permit()), place.path());
        let mut write = self.begin_locked(caller).await?;
        self.keep_grants_of_others(&mut write, caller, path).await?;
        let removed = write
            .delete_grants_below(caller.scope(), path, MOST_DESCRIBED)
            .await?;
        if removed.count == 0 {
            return Ok(0);
        }
        let record = self.removal(caller, path, &removed);
        // Grants of users, groups and keys alike: anybody in the organisation may be affected.
        write.change(Change::Organization(caller.organization_id()));
        write.commit(record).await?;
        Ok(removed.count)
    }

    /// Notes that the resource at `from` is about to be moved to `to`, and deletes the grants on
    /// `to` and below, as [`clear_grants`](Self::clear_grants) does and with the same errors: before
    /// the resource is there, so that they never hold for it. The grants on `from`, which the caller
    /// must be allowed to write, too, stay until [`follow_resource`](Self::follow_resource) is given
    /// the id that this returns.
    pub async fn resource_moving(
        &self,
        from: Allowed<'_>,
        to: &ResourcePath,
    ) -> Result<ResourceChangeId> {
        let from = from.to(Capability::ReadWrite)?;
        // Asked of the same permit: evidence for the new path could be somebody else's.
        from.permit().may(to, Capability::ReadWrite)?;
        let (caller, from) = (&Caller::from(from.permit()), from.path());
        let mut write = self.begin_locked(caller).await?;
        self.keep_grants_of_others(&mut write, caller, to).await?;
        let removed = write
            .delete_grants_below(caller.scope(), to, MOST_DESCRIBED)
            .await?;
        let record = (removed.count > 0).then(|| self.removal(caller, to, &removed));
        self.note_change(write, caller, (from, Some(to)), record)
            .await
    }

    /// Notes that `resource` is about to be deleted. The grants on it and below stay until
    /// [`follow_resource`](Self::follow_resource) is given the id that this returns.
    ///
    /// # Errors
    /// [`Error::Forbidden`] where the caller may not delete it.
    pub async fn resource_leaving(&self, resource: Allowed<'_>) -> Result<ResourceChangeId> {
        let resource = resource.to(Capability::ReadWriteDelete)?;
        let (caller, path) = (&Caller::from(resource.permit()), resource.path());
        let write = self.begin_locked(caller).await?;
        self.note_change(write, caller, (path, None), None).await
    }

    async fn note_change(
        &self,
        mut write: Write,
        caller: &Caller,
        (from, to): (&ResourcePath, Option<&ResourcePath>),
        record: Option<AuditRecord>,
    ) -> Result<ResourceChangeId> {
        let id = ResourceChangeId::mint(self.clock(), self.entropy());
        let change = ResourceChange {
            id,
            organization_id: caller.organization_id(),
            from: from.clone(),
            to: to.cloned(),
            actor: caller.actor().clone(),
            created_at: self.now(),
        };
        if let Some(record) = record {
            write.insert_resource_change(&change).await?;
            write.change(Change::Organization(caller.organization_id()));
            write.commit(record).await?;
        } else {
            // No right has changed yet: the record comes with the grants.
            write.commit_noting(&change).await?;
        }
        Ok(id)
    }

    /// Lets the grants follow a change of their resource that its service has stored: moves them
    /// with it, or deletes them. Returns how many those were. The first call with an id does so,
    /// whatever has become of its caller, and all others do nothing.
    pub async fn follow_resource(&self, id: ResourceChangeId) -> Result<u64> {
        let Some(scope) = self.0.store.scope_of_resource_change(id).await? else {
            return Ok(0);
        };
        let mut write = self.0.store.begin_unaudited().await?;
        // The organisation first, as everywhere; the row then tells whether somebody else was faster.
        write.lock_organization(scope).await?;
        let Some(change) = write.take_resource_change(scope, id).await? else {
            return Ok(0);
        };
        if !write.has_movable_grants(scope, &change).await? {
            // No right changes, so there is nothing to record.
            write.commit().await?;
            return Ok(0);
        }
        let mut write = write.into_audited();
        // Nobody with powers: the change was noted with evidence from the caller's permit, and the
        // resource has moved since, so the grants follow even where the caller has lost the right.
        let caller = Caller::arriving(scope, change.actor);
        let from = &change.from;
        let (followed, record) = if let Some(to) = &change.to {
            let moved = write
                .rebase_grants(scope, from, to, self.now(), MOST_DESCRIBED)
                .await?;
            (moved.count, self.relocation(&caller, (from, to), &moved))
        } else {
            let removed = write
                .delete_grants_below(scope, from, MOST_DESCRIBED)
                .await?;
            (removed.count, self.removal(&caller, from, &removed))
        };
        write.change(Change::Organization(scope.organization_id()));
        write.commit(record).await?;
        Ok(followed)
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

    fn removal(&self, caller: &Caller, path: &ResourcePath, removed: &GrantsBelow) -> AuditRecord {
        let details = json!({
            "before": path,
            "count": removed.count,
            "grants": described(removed),
        });
        self.record_on(caller, "grant.removed", path, &details)
    }

    fn relocation(
        &self,
        caller: &Caller,
        (from, to): (&ResourcePath, &ResourcePath),
        moved: &GrantsBelow,
    ) -> AuditRecord {
        let details = json!({
            "before": from,
            "after": to,
            "count": moved.count,
            "grants": described(moved),
        });
        self.record_on(caller, "grant.moved", to, &details)
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

fn described(grants: &GrantsBelow) -> Vec<Value> {
    grants.first.iter().map(describe).collect()
}
