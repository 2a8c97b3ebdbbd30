//! The mapping of an identity to membership, role and groups.

use serde_json::json;
use vestibule_accounts::Result;
use vestibule_model::{AuditRecord, Change, Membership, Role, User};
use vestibule_store::Write;

use super::request::{AdmissionRequest, not_a_member};
use crate::Sso;

impl Sso {
    pub(crate) async fn join(
        &self,
        write: &mut Write,
        request: &AdmissionRequest<'_>,
        user: &User,
        records: &mut Vec<AuditRecord>,
    ) -> Result<Role> {
        if !request.settings.just_in_time {
            return Err(not_a_member());
        }
        let role = request.settings.role_of(&request.identity.groups);
        write
            .insert_membership(&Membership {
                organization_id: request.caller.organization_id(),
                user_id: user.id,
                role,
                created_at: self.accounts().now(),
                deactivated_at: None,
            })
            .await?;
        // After the insert, which the count includes.
        self.accounts().keep_seats(write, request.caller).await?;
        // Sessions from a former membership must not revive with the new one; `admit` holds the
        // user, as this call requires.
        let scope = request.caller.scope();
        self.accounts()
            .end_sessions_in(write, scope, user.id)
            .await?;
        write.change(Change::User(user.id));
        let details = json!({ "after": { "role": role }, "by": "sso" });
        records.push(self.record(request, "member.added", user.id, &details));
        Ok(role)
    }

    /// Sets the mapped role. Owners are skipped: only owners make or demote an owner.
    pub(crate) async fn map_role(
        &self,
        write: &mut Write,
        request: &AdmissionRequest<'_>,
        user: &User,
        before: Role,
        records: &mut Vec<AuditRecord>,
    ) -> Result<Role> {
        let settings = request.settings;
        // Without a mapping, roles are managed here and the provider has no say.
        if settings.role_by_group.is_empty() || before == Role::Owner {
            return Ok(before);
        }
        let role = settings.role_of(&request.identity.groups);
        if role != before {
            let scope = request.caller.scope();
            write.set_role(scope, user.id, role).await?;
            write.change(Change::User(user.id));
            let details = json!({
                "before": { "role": before },
                "after": { "role": role },
                "by": "sso",
            });
            records.push(self.record(request, "member.role_changed", user.id, &details));
        }
        Ok(role)
    }

    /// Adds the user to the mapped groups and removes the user from those that the provider no
    /// longer names. Groups that no mapping names are left alone.
    pub(crate) async fn map_groups(
        &self,
        write: &mut Write,
        request: &AdmissionRequest<'_>,
        user: &User,
        records: &mut Vec<AuditRecord>,
    ) -> Result<()> {
        let mapped = request.settings.mapped_groups();
        if mapped.is_empty() {
            return Ok(());
        }
        let (scope, now) = (request.caller.scope(), self.accounts().now());
        let wanted = request.settings.groups_of(&request.identity.groups);
        let present = write.groups_of(scope, user.id).await?;
        for id in mapped {
            let kind = match (wanted.contains(&id), present.contains(&id)) {
                (true, false) if write.add_group_member(scope, id, user.id, now).await? => {
                    "group.member_added"
                }
                (false, true) if write.remove_group_member(scope, id, user.id).await? => {
                    "group.member_removed"
                }
                // Already as mapped, or the group was deleted since the mapping was saved.
                _ => continue,
            };
            write.change(Change::User(user.id));
            let details = json!({ "user": user.id, "by": "sso" });
            records.push(self.record(request, kind, id, &details));
        }
        Ok(())
    }
}
