//! Who belongs to an organisation, as what.
//!
//! An organisation keeps at least one active owner, while it enforces single sign-on one who can
//! sign in without the provider, and no more active members than its plan has seats. All are counted
//! after the change, in its own transaction and under the organisation's lock: what would break them
//! is undone. Only an owner makes owners, or unmakes them.
//!
//! One is exempt: the operator, who suspends whom it has to, also the last owner of an organisation
//! or the last who can sign in without the provider
//! ([`suspend_user`](Accounts::suspend_user)), because a stolen account must not stay. The
//! organisations that are left without an active owner are named in the answer and in the record.
//!
//! The end of a membership also ends what would let its user act as before under a new one: the
//! sessions in the organisation, with their tokens and codes, and an owner's exemption from single
//! sign-on. A demotion ends the exemption, too.

use serde_json::{Value, json};
use vestibule_model::{Change, GrantHolder, Membership, OrgScope, Role, User, UserId};
use vestibule_store::{Listed, Page, Write};

use crate::grant::describe;
use crate::{Accounts, Caller, Error, Result};

mod owners;

use owners::Owners;

/// A member, as lists show one.
pub type Member = (User, Membership);

const NO_MEMBER: Error = Error::NotFound { what: "member" };

impl Accounts {
    /// A part of the members, active or not. For admins and owners.
    pub async fn members(&self, caller: &Caller, page: Page) -> Result<Listed<Member>> {
        caller.needs(Role::Admin)?;
        Ok(self.0.store.members(caller.scope(), page).await?)
    }

    /// Those of some users who are members, active or not, in no order. For admins and owners.
    pub async fn members_among(&self, caller: &Caller, users: &[UserId]) -> Result<Vec<Member>> {
        caller.needs(Role::Admin)?;
        Ok(self.0.store.members_among(caller.scope(), users).await?)
    }

    /// All active owners, the longest first. For admins and owners.
    pub async fn owners(&self, caller: &Caller) -> Result<Vec<Member>> {
        caller.needs(Role::Admin)?;
        Ok(self.0.store.owners(caller.scope()).await?)
    }

    /// A member, active or not. For admins and owners.
    pub async fn member(&self, caller: &Caller, user: UserId) -> Result<Member> {
        caller.needs(Role::Admin)?;
        let membership = self.0.store.membership(caller.scope(), user).await?;
        let membership = membership.ok_or(NO_MEMBER)?;
        let user = self.0.store.user(user).await?.ok_or(NO_MEMBER)?;
        Ok((user, membership))
    }

    /// Makes a user a member. For admins and owners.
    pub async fn add_member(
        &self,
        caller: &Caller,
        user: UserId,
        role: Role,
    ) -> Result<Membership> {
        caller.needs(needed_to_touch(role))?;
        if self.0.store.user(user).await?.is_none() {
            return Err(Error::NotFound { what: "user" });
        }
        let membership = Membership {
            organization_id: caller.organization_id(),
            user_id: user,
            role,
            created_at: self.now(),
            deactivated_at: None,
        };
        let mut write = self.begin_holding_user(caller, user).await?;
        write.insert_membership(&membership).await?;
        self.keep_seats(&mut write, caller).await?;
        // An earlier version may have removed this member and left the sessions.
        self.end_sessions_in(&mut write, caller.scope(), user)
            .await?;
        let details = json!({ "after": { "role": role } });
        self.commit_member(write, caller, user, "member.added", &details)
            .await?;
        Ok(membership)
    }

    /// Gives a member another role. For admins and owners.
    pub async fn set_role(&self, caller: &Caller, user: UserId, role: Role) -> Result<Membership> {
        caller.needs(needed_to_touch(role))?;
        let Touched {
            mut write,
            before,
            owners,
        } = self.begin_member(caller, user).await?;
        if before.role == role {
            return Ok(before);
        }
        write.set_role(caller.scope(), user, role).await?;
        // Else a promotion would bring the exemption back, which nobody has decided.
        let exempt = write.end_break_glass(caller.scope(), user).await?;
        owners.keep(&mut write, caller).await?;
        if owners.enforced {
            // Those of an owner who was exempt; nobody else has more to lose than before.
            let scope = caller.scope();
            self.end_password_sessions_of(&mut write, scope, user)
                .await?;
        }
        let mut details = json!({ "before": { "role": before.role }, "after": { "role": role } });
        note_exemption(&mut details, exempt);
        self.commit_member(write, caller, user, "member.role_changed", &details)
            .await?;
        Ok(Membership { role, ..before })
    }

    /// Deactivates a membership: nothing of it passes. Its groups are left and its sessions ended
    /// for good, and so is an owner's exemption from single sign-on. For admins and owners.
    pub async fn deactivate_member(&self, caller: &Caller, user: UserId) -> Result<Membership> {
        self.revoking(move || self.deactivate_member_now(caller, user))
            .await
    }

    async fn deactivate_member_now(&self, caller: &Caller, user: UserId) -> Result<Membership> {
        caller.needs(Role::Admin)?;
        let Touched {
            mut write,
            before,
            owners,
        } = self.begin_member(caller, user).await?;
        if before.deactivated_at.is_some() {
            return Ok(before);
        }
        let since = Some(self.now());
        let groups = write.groups_of(caller.scope(), user).await?;
        write
            .set_membership_deactivated(caller.scope(), user, since)
            .await?;
        let exempt = write.end_break_glass(caller.scope(), user).await?;
        owners.keep(&mut write, caller).await?;
        let ended = self
            .end_sessions_in(&mut write, caller.scope(), user)
            .await?;
        let mut details = json!({
            "role": before.role,
            "before": { "active": true, "groups": groups },
            "after": { "active": false, "groups": [] },
            "sessions_ended": ended,
        });
        note_exemption(&mut details, exempt);
        self.commit_member(write, caller, user, "member.deactivated", &details)
            .await?;
        Ok(Membership {
            deactivated_at: since,
            ..before
        })
    }

    /// Lets a deactivated member in again, who has to sign in anew, where there is a seat. For admins
    /// and owners.
    pub async fn activate_member(&self, caller: &Caller, user: UserId) -> Result<Membership> {
        caller.needs(Role::Admin)?;
        let Touched {
            mut write, before, ..
        } = self.begin_member(caller, user).await?;
        if before.deactivated_at.is_none() {
            return Ok(before);
        }
        write
            .set_membership_deactivated(caller.scope(), user, None)
            .await?;
        self.keep_seats(&mut write, caller).await?;
        // An earlier version may have deactivated this member and left the sessions, or an owner's
        // exemption from enforced single sign-on.
        self.end_sessions_in(&mut write, caller.scope(), user)
            .await?;
        let exempt = write.end_break_glass(caller.scope(), user).await?;
        let mut details = json!({
            "role": before.role,
            "before": { "active": false },
            "after": { "active": true },
        });
        note_exemption(&mut details, exempt);
        self.commit_member(write, caller, user, "member.activated", &details)
            .await?;
        Ok(Membership {
            deactivated_at: None,
            ..before
        })
    }

    /// Removes a member, with the member's grants, groups, keys and sessions in the organisation. For
    /// admins and owners.
    pub async fn remove_member(&self, caller: &Caller, user: UserId) -> Result<()> {
        self.revoking(move || self.remove_member_now(caller, user))
            .await
    }

    async fn remove_member_now(&self, caller: &Caller, user: UserId) -> Result<()> {
        caller.needs(Role::Admin)?;
        let Touched {
            mut write,
            before,
            owners,
        } = self.begin_member(caller, user).await?;
        let scope = caller.scope();
        let groups = write.groups_of(scope, user).await?;
        let grants = write.grants_of(scope, GrantHolder::User(user)).await?;
        let exempt = write.end_break_glass(scope, user).await?;
        write.remove_membership(scope, user, self.now()).await?;
        owners.keep(&mut write, caller).await?;
        let ended = self.end_sessions_in(&mut write, scope, user).await?;
        let grants: Vec<_> = grants.iter().map(describe).collect();
        let mut details = json!({
            "before": { "role": before.role, "groups": groups, "grants": grants },
            "sessions_ended": ended,
        });
        note_exemption(&mut details, exempt);
        self.commit_member(write, caller, user, "member.removed", &details)
            .await
    }

    /// A locked transaction, and the member that it is about, whom the caller may touch.
    async fn begin_member(&self, caller: &Caller, user: UserId) -> Result<Touched> {
        let mut write = self.begin_holding_user(caller, user).await?;
        let before = write.membership(caller.scope(), user).await?;
        let before = before.ok_or(NO_MEMBER)?;
        caller.needs(needed_to_touch(before.role))?;
        let owners = Owners::before(&mut write, caller, before.role).await?;
        Ok(Touched {
            write,
            before,
            owners,
        })
    }

    /// Ends the sessions of a user in an organisation, and deletes the codes that would start one.
    /// Returns how many sessions those were. The user is held, and the caller of this notes
    /// [`Change::User`], of which each of the sessions is one.
    ///
    /// Tokens for the organisation that belong to a session in another one are refused by the
    /// directory.
    pub async fn end_sessions_in(
        &self,
        write: &mut Write,
        scope: OrgScope,
        user: UserId,
    ) -> Result<usize> {
        // First the codes: the session of one that is being exchanged is there afterwards.
        write
            .delete_one_time_codes_of(user, Some(scope.organization_id()), None)
            .await?;
        let ended = write.end_sessions_in(scope, user, self.now()).await?;
        Ok(ended.len())
    }

    /// Refuses a member for whom the organisation's plan has no seat: counted after the membership
    /// was written, in a transaction that has locked the organisation.
    pub async fn keep_seats(&self, write: &mut Write, caller: &Caller) -> Result<()> {
        let organization = write.organization(caller.organization_id()).await?;
        let plan = organization.map(|organization| self.0.plans.get_or_bare(&organization.plan));
        let Some(seats) = plan.as_ref().and_then(|plan| plan.seats) else {
            return Ok(());
        };
        // A smaller plan may have left more members than it has seats.
        let most = seats.saturating_add(1_000);
        let members = write.count_members(caller.scope(), most).await?;
        if members <= u64::from(seats) {
            return Ok(());
        }
        // Without the one who was to come in.
        let taken = members - 1;
        Err(Error::conflict(
            "no_seat",
            format!(
                "The plan has {seats} seats and {taken} are taken; deactivate a member or change \
                 the plan."
            ),
        ))
    }

    async fn commit_member(
        &self,
        mut write: Write,
        caller: &Caller,
        user: UserId,
        kind: &'static str,
        details: &Value,
    ) -> Result<()> {
        write.change(Change::User(user));
        self.commit(write, caller, kind, user.to_string(), details)
            .await
    }
}

/// Says in a record that an owner's exemption from single sign-on has ended, where it has.
fn note_exemption(details: &mut Value, ended: bool) {
    if ended {
        details["break_glass_ended"] = true.into();
    }
}

/// The role it takes to give or take a role.
pub(crate) fn needed_to_touch(role: Role) -> Role {
    role.max(Role::Admin)
}

/// A member in a locked transaction.
struct Touched {
    write: Write,
    before: Membership,
    owners: Owners,
}
