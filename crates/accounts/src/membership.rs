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

use serde_json::{Value, json};
use vestibule_model::{Change, GrantHolder, Membership, Role, User, UserId};
use vestibule_store::{Page, Write};

use crate::grant::describe;
use crate::{Accounts, Caller, Error, Result};

/// A member, as lists show one.
pub type Member = (User, Membership);

const NO_MEMBER: Error = Error::NotFound { what: "member" };

impl Accounts {
    /// The members, active or not. For admins and owners.
    pub async fn members(&self, caller: &Caller, page: Page) -> Result<(Vec<Member>, u64)> {
        caller.needs(Role::Admin)?;
        Ok(self.0.store.members(caller.scope(), page).await?)
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
        let mut write = self.begin_locked(caller).await?;
        write.insert_membership(&membership).await?;
        self.keep_seats(&mut write, caller).await?;
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
        owners.keep(&mut write, caller).await?;
        if owners.enforced {
            self.end_password_sessions(&mut write, caller).await?;
        }
        let details = json!({ "before": { "role": before.role }, "after": { "role": role } });
        self.commit_member(write, caller, user, "member.role_changed", &details)
            .await?;
        Ok(Membership { role, ..before })
    }

    /// Lets a membership stand still: nothing of it passes, and its groups are left for good. For
    /// admins and owners.
    pub async fn deactivate_member(&self, caller: &Caller, user: UserId) -> Result<Membership> {
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
        owners.keep(&mut write, caller).await?;
        let details = json!({
            "role": before.role,
            "before": { "active": true, "groups": groups },
            "after": { "active": false, "groups": [] },
        });
        self.commit_member(write, caller, user, "member.deactivated", &details)
            .await?;
        Ok(Membership {
            deactivated_at: since,
            ..before
        })
    }

    /// Lets a deactivated member in again, where there is a seat. For admins and owners.
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
        let details = json!({
            "role": before.role,
            "before": { "active": false },
            "after": { "active": true },
        });
        self.commit_member(write, caller, user, "member.activated", &details)
            .await?;
        Ok(Membership {
            deactivated_at: None,
            ..before
        })
    }

    /// Removes a member, with the member's grants, groups and keys in the organisation. For admins
    /// and owners.
    pub async fn remove_member(&self, caller: &Caller, user: UserId) -> Result<()> {
        caller.needs(Role::Admin)?;
        let Touched {
            mut write,
            before,
            owners,
        } = self.begin_member(caller, user).await?;
        let scope = caller.scope();
        let groups = write.groups_of(scope, user).await?;
        let grants = write.grants_of(scope, GrantHolder::User(user)).await?;
        write
            .remove_membership(caller.scope(), user, self.now())
            .await?;
        owners.keep(&mut write, caller).await?;
        if owners.enforced {
            // Whoever is added again later comes by the provider.
            self.end_password_sessions(&mut write, caller).await?;
        }
        let grants: Vec<_> = grants.iter().map(describe).collect();
        let details = json!({
            "before": { "role": before.role, "groups": groups, "grants": grants },
        });
        self.commit_member(write, caller, user, "member.removed", &details)
            .await
    }

    /// A locked transaction, and the member that it is about, whom the caller may touch.
    async fn begin_member(&self, caller: &Caller, user: UserId) -> Result<Touched> {
        let mut write = self.begin_holding_people(caller, false).await?;
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

    pub(crate) async fn keep_seats(&self, write: &mut Write, caller: &Caller) -> Result<()> {
        let organization = write.organization(caller.organization_id()).await?;
        let plan = organization.map(|organization| self.0.plans.get_or_bare(&organization.plan));
        let Some(seats) = plan.as_ref().and_then(|plan| plan.seats) else {
            return Ok(());
        };
        let members = write.count_members(caller.scope()).await?;
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

/// What an organisation has of owners before one of its members is touched.
struct Owners {
    /// Whether the member is one.
    touched: bool,
    /// Whether people have to sign in by the provider.
    enforced: bool,
    /// How many can sign in without the provider where everybody else has to sign in by it; 0
    /// elsewhere, and where none is touched.
    break_glass: u64,
}

impl Owners {
    async fn before(write: &mut Write, caller: &Caller, role: Role) -> Result<Self> {
        let touched = role == Role::Owner;
        let scope = caller.scope();
        let enforced = write.sso_policy(scope).await?.enforced_since.is_some();
        let mut break_glass = 0;
        if touched && enforced {
            break_glass = write.count_break_glass(scope).await?;
        }
        Ok(Self {
            touched,
            enforced,
            break_glass,
        })
    }

    /// Refuses a change that has left none.
    async fn keep(&self, write: &mut Write, caller: &Caller) -> Result<()> {
        let scope = caller.scope();
        if self.touched && write.count_owners(scope).await? == 0 {
            return Err(Error::conflict(
                "last_owner",
                "An organisation keeps at least one active owner; make somebody else an owner \
                 first.",
            ));
        }
        if self.break_glass > 0 && write.count_break_glass(scope).await? == 0 {
            return Err(Error::conflict(
                "last_break_glass_owner",
                "This is the last owner who can sign in without the identity provider while the \
                 others have to sign in by it; name another break-glass owner or stop enforcing \
                 single sign-on first.",
            ));
        }
        Ok(())
    }
}
