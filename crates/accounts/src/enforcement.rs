//! Enforcement of single sign-on: who may still sign in by password.

use serde_json::json;
use vestibule_model::{Change, OrgScope, OrganizationId, Role, SessionId, UserId};
use vestibule_store::{SsoPolicy, Write};

use crate::reach::sso_elsewhere;
use crate::{Accounts, Caller, Error, Result};

/// The most owners that may be exempt.
const MOST: usize = 10;

fn sso_required() -> Error {
    Error::denied(
        "sso_required",
        "This organisation's people sign in through its identity provider; begin at \
         /v1/auth/sso/initiate.",
    )
}

impl Accounts {
    /// Returns the organisation's policy on how its people sign in. For admins and owners.
    pub async fn sso_policy(&self, caller: &Caller) -> Result<SsoPolicy> {
        caller.needs(Role::Admin)?;
        Ok(self.store().sso_policy(caller.scope()).await?)
    }

    /// Changes the requirement and the exempt owners in one transaction. Ends sessions in the
    /// organisation that started with a password and are no longer allowed; keys stay. For owners.
    pub async fn change_sso_policy(
        &self,
        caller: &Caller,
        enforced: Option<bool>,
        break_glass: Option<&[UserId]>,
    ) -> Result<SsoPolicy> {
        caller.needs(Role::Owner)?;
        let scope = caller.scope();
        let mut write = self.begin_counting(caller).await?;
        let before = write.sso_policy(scope).await?;
        let was = before.enforced_since.is_some();
        let is = enforced.unwrap_or(was);
        // While enforcement continues, only owners who lose their exemption have sessions to end.
        let exempt_no_longer = match break_glass {
            Some(named) if was && is => without(&before.break_glass, named),
            _ => Vec::new(),
        };
        // Anyone may have a password session, so that all of them are locked, which is costly.
        if is && !was {
            self.hold_everyone(&mut write, caller).await?;
        } else {
            let held = self.hold_in_order(&mut write, caller, exempt_no_longer.clone());
            held.await?;
        }
        if break_glass.is_none() && is == was {
            return Ok(before);
        }
        if let Some(owners) = break_glass {
            keep_to_owners(&mut write, scope, owners).await?;
            write.set_break_glass(scope, owners).await?;
        }
        if is && !was && write.count_enabled_connections(scope).await? == 0 {
            return Err(Error::conflict(
                "no_connection",
                "No connection is enabled by which people could sign in; enable one first.",
            ));
        }
        if is != was {
            let since = is.then(|| self.now());
            write.set_sso_enforced(scope, since).await?;
        }
        let mut ended = 0;
        if is {
            if write.count_break_glass(scope).await? == 0 {
                return Err(no_way_in());
            }
            if !was {
                ended = self.end_password_sessions(&mut write, caller).await?;
            }
            for user in exempt_no_longer {
                ended += self
                    .end_password_sessions_of(&mut write, scope, user)
                    .await?;
            }
        }
        let after = write.sso_policy(scope).await?;

        let organization = caller.organization_id();
        let record = |kind, details| {
            let subject = Some(organization.to_string());
            self.record(caller.actor(), Some(organization), kind, subject, &details)
        };
        let list = json!({
            "before": before.break_glass,
            "after": after.break_glass,
            "sessions_ended": ended,
        });
        let demand = json!({ "break_glass": after.break_glass, "sessions_ended": ended });
        let kind = if is { "sso.enforced" } else { "sso.unenforced" };
        match (break_glass.is_some(), is == was) {
            (true, true) => write.commit(record("sso.break_glass_set", list)).await?,
            (false, _) => write.commit(record(kind, demand)).await?,
            (true, false) => {
                write
                    .append_audit(&[record("sso.break_glass_set", list)])
                    .await?;
                write.commit(record(kind, demand)).await?;
            }
        }
        Ok(after)
    }
}

fn without(users: &[UserId], others: &[UserId]) -> Vec<UserId> {
    let left = users.iter().filter(|user| !others.contains(user));
    left.copied().collect()
}

async fn keep_to_owners(write: &mut Write, scope: OrgScope, named: &[UserId]) -> Result<()> {
    if named.len() > MOST {
        let message = format!("must be at most {MOST} owners");
        return Err(Error::field("break_glass", "too_many_owners", message));
    }
    for user in named {
        let membership = write.membership(scope, *user).await?;
        if membership.is_none_or(|it| it.role != Role::Owner) {
            let message = format!("names {user}, who is no owner");
            return Err(Error::field("break_glass", "not_an_owner", message));
        }
    }
    Ok(())
}

fn no_way_in() -> Error {
    Error::conflict(
        "break_glass_needed",
        "Name at least one active owner with a password who may sign in without the provider, for \
         the day when it is away.",
    )
}

impl Accounts {
    /// Returns the organisation in which a sign-in by password starts if its first choice is ruled
    /// out: another organisation, if none was asked for. Refused if every one requires its
    /// provider.
    pub(crate) async fn by_password(
        &self,
        user: UserId,
        wanted: Option<OrganizationId>,
        memberships: &[(OrganizationId, Role)],
    ) -> Result<Option<(OrganizationId, Role)>> {
        let required = self.0.store.sso_required_of(user).await?;
        if required.is_empty() {
            return Ok(None);
        }
        let open = |(id, _): &&(OrganizationId, Role)| {
            !required.contains(id) && wanted.is_none_or(|wanted| wanted == *id)
        };
        let found = memberships.iter().find(open).copied();
        found.map(Some).ok_or_else(sso_required)
    }

    /// Ends the sessions in the organisation that started with a password and are no longer
    /// allowed. Returns their number.
    pub(crate) async fn end_password_sessions(
        &self,
        write: &mut Write,
        caller: &Caller,
    ) -> Result<usize> {
        let ended = write
            .end_password_sessions(caller.scope(), self.now())
            .await?;
        for session in &ended {
            write.change(Change::Session(*session));
        }
        // A session elsewhere may hold tokens for this organisation: the directory refuses them.
        write.change(Change::Organization(caller.organization_id()));
        Ok(ended.len())
    }

    /// Ends one user's sessions in the organisation that started with a password and are no longer
    /// allowed. Returns their number. The transaction holds the user.
    pub(crate) async fn end_password_sessions_of(
        &self,
        write: &mut Write,
        scope: OrgScope,
        user: UserId,
    ) -> Result<usize> {
        let ended = write
            .end_password_sessions_of(scope, user, self.now())
            .await?;
        // Not each session alone: a session elsewhere may hold tokens for this organisation.
        write.change(Change::User(user));
        Ok(ended.len())
    }

    /// Refuses a sign-in by password if the organisation requires its provider.
    pub(crate) async fn keep_password_out(
        &self,
        write: &mut Write,
        user: UserId,
        scope: OrgScope,
    ) -> Result<()> {
        if write.sso_required(scope, user).await? {
            return Err(sso_required());
        }
        Ok(())
    }

    /// Refuses a session outside its reach. A session from an organisation's provider stays in that
    /// organisation, whose owners decide whom the provider vouches for. A session from a password
    /// stays out of an organisation that requires its provider.
    pub(crate) async fn keep_sso(
        &self,
        write: &mut Write,
        session: SessionId,
        user: UserId,
        scope: OrgScope,
    ) -> Result<()> {
        match write.sso_session(session).await? {
            Some(origin) if origin.organization_id == scope.organization_id() => Ok(()),
            Some(_) => Err(sso_elsewhere()),
            None => self.keep_password_out(write, user, scope).await,
        }
    }
}
