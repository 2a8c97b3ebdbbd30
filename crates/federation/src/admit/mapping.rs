//! What a person becomes: member, role and groups, by the mapping alone.

use serde_json::json;
use vestibule_accounts::Result;
use vestibule_model::{AuditRecord, Change, Membership, Role, User};
use vestibule_store::Write;

use super::arrival::{Arrival, not_a_member};
use crate::Sso;

impl Sso {
    pub(crate) async fn join(
        &self,
        write: &mut Write,
        arrival: &Arrival<'_>,
        user: &User,
        records: &mut Vec<AuditRecord>,
    ) -> Result<Role> {
        if !arrival.settings.just_in_time {
            return Err(not_a_member());
        }
        let role = arrival.settings.role_of(&arrival.identity.groups);
        write
            .insert_membership(&Membership {
                organization_id: arrival.caller.organization_id(),
                user_id: user.id,
                role,
                created_at: self.accounts().now(),
                deactivated_at: None,
            })
            .await?;
        self.accounts().keep_seats(write, arrival.caller).await?;
        // As where an administrator adds the member: `admit` holds the user.
        let scope = arrival.caller.scope();
        self.accounts()
            .end_sessions_in(write, scope, user.id)
            .await?;
        write.change(Change::User(user.id));
        let details = json!({ "after": { "role": role }, "by": "sso" });
        records.push(self.record(arrival, "member.added", user.id, &details));
        Ok(role)
    }

    /// Owners are made and unmade by owners alone.
    pub(crate) async fn map_role(
        &self,
        write: &mut Write,
        arrival: &Arrival<'_>,
        user: &User,
        before: Role,
        records: &mut Vec<AuditRecord>,
    ) -> Result<Role> {
        let settings = arrival.settings;
        if settings.role_by_group.is_empty() || before == Role::Owner {
            return Ok(before);
        }
        let role = settings.role_of(&arrival.identity.groups);
        if role != before {
            let scope = arrival.caller.scope();
            write.set_role(scope, user.id, role).await?;
            write.change(Change::User(user.id));
            let details = json!({
                "before": { "role": before },
                "after": { "role": role },
                "by": "sso",
            });
            records.push(self.record(arrival, "member.role_changed", user.id, &details));
        }
        Ok(role)
    }

    /// The groups that the mapping names are what the provider says; others are left alone.
    pub(crate) async fn map_groups(
        &self,
        write: &mut Write,
        arrival: &Arrival<'_>,
        user: &User,
        records: &mut Vec<AuditRecord>,
    ) -> Result<()> {
        let mapped = arrival.settings.mapped_groups();
        if mapped.is_empty() {
            return Ok(());
        }
        let (scope, now) = (arrival.caller.scope(), self.accounts().now());
        let wanted = arrival.settings.groups_of(&arrival.identity.groups);
        let present = write.groups_of(scope, user.id).await?;
        for id in mapped {
            let kind = match (wanted.contains(&id), present.contains(&id)) {
                (true, false) if write.add_group_member(scope, id, user.id, now).await? => {
                    "group.member_added"
                }
                (false, true) if write.remove_group_member(scope, id, user.id).await? => {
                    "group.member_removed"
                }
                // As it should be, or a group that is no longer there.
                _ => continue,
            };
            write.change(Change::User(user.id));
            let details = json!({ "user": user.id, "by": "sso" });
            records.push(self.record(arrival, kind, id, &details));
        }
        Ok(())
    }
}
