//! How a change begins, what it holds meanwhile, and how it is committed.
//!
//! Whoever holds several rows takes them in one order, so that no two changes wait for each other:
//! the organisation, its people by their ids, the codes, the credentials.

use serde_json::Value;
use vestibule_check::Permit;
use vestibule_model::{Actor, AuditId, AuditRecord, ConnectionId, OrganizationId, UserId};
use vestibule_store::Write;

use crate::organization::NO_ORGANIZATION;
use crate::revoking::is_revoking;
use crate::{Accounts, Caller, Result};

impl Accounts {
    pub(crate) async fn begin(&self) -> Result<Write> {
        Ok(if is_revoking() {
            self.0.store.begin_revoking().await?
        } else {
            self.0.store.begin().await?
        })
    }

    /// A transaction in which what is counted in the organisation stays true, and in which the
    /// caller may still do what the permit says.
    pub(crate) async fn begin_locked(&self, caller: &Caller) -> Result<Write> {
        let mut write = self.begin_counting(caller).await?;
        self.still_stands(&mut write, caller).await?;
        Ok(write)
    }

    /// [`begin_locked`](Self::begin_locked) where the sessions of others may be ended because the
    /// organisation demands its provider, or is about to. Its people are held before the caller,
    /// who is one of them: in one order, so that no two transactions wait for each other.
    pub(crate) async fn begin_holding_people(
        &self,
        caller: &Caller,
        about_to_demand: bool,
    ) -> Result<Write> {
        let mut write = self.begin_counting(caller).await?;
        let scope = caller.scope();
        if about_to_demand || write.sso_policy(scope).await?.enforced_since.is_some() {
            write.hold_people(scope).await?;
        }
        self.still_stands(&mut write, caller).await?;
        Ok(write)
    }

    /// [`begin_locked`](Self::begin_locked) where sessions that came by a connection are ended: of
    /// one subject, or of one of the provider's sessions, where they are named, of all otherwise.
    /// Their people are held in the order of
    /// [`begin_holding_people`](Self::begin_holding_people), the caller in the place among them.
    pub(crate) async fn begin_holding_sso_people(
        &self,
        caller: &Caller,
        connection: ConnectionId,
        subject: Option<&str>,
        provider_session: Option<&str>,
    ) -> Result<Write> {
        let mut write = self.begin_counting(caller).await?;
        let (scope, also) = (caller.scope(), caller.permit().map(Permit::user_id));
        write
            .hold_sso_people(scope, connection, subject, provider_session, also)
            .await?;
        self.still_stands(&mut write, caller).await?;
        Ok(write)
    }

    /// [`begin_locked`](Self::begin_locked) where sessions of one user are ended, who is held in
    /// the order of [`begin_holding_people`](Self::begin_holding_people).
    pub(crate) async fn begin_holding_user(&self, caller: &Caller, user: UserId) -> Result<Write> {
        let mut write = self.begin_counting(caller).await?;
        self.hold_in_order(&mut write, caller, user).await?;
        Ok(write)
    }

    /// Begins as [`begin_holding_people`](Self::begin_holding_people) does where the organisation
    /// demands its provider, and as [`begin_holding_user`](Self::begin_holding_user) elsewhere: for
    /// what ends the sessions of a member in any case.
    pub(crate) async fn begin_holding_member(
        &self,
        caller: &Caller,
        user: UserId,
    ) -> Result<Write> {
        let mut write = self.begin_counting(caller).await?;
        let scope = caller.scope();
        if write.sso_policy(scope).await?.enforced_since.is_some() {
            // The member is one of them.
            write.hold_people(scope).await?;
            self.still_stands(&mut write, caller).await?;
        } else {
            self.hold_in_order(&mut write, caller, user).await?;
        }
        Ok(write)
    }

    async fn hold_in_order(&self, write: &mut Write, caller: &Caller, user: UserId) -> Result<()> {
        let caller_first = caller.permit().is_some_and(|it| it.user_id() < user);
        if caller_first {
            self.still_stands(write, caller).await?;
        }
        // Nothing of a suspended user is left to end.
        write.hold_user(user).await?;
        if !caller_first {
            self.still_stands(write, caller).await?;
        }
        Ok(())
    }

    /// A transaction in which what is counted in the organisation stays true.
    pub(crate) async fn begin_counting(&self, caller: &Caller) -> Result<Write> {
        let mut write = self.begin().await?;
        if write.lock_organization(caller.scope()).await? {
            Ok(write)
        } else {
            Err(NO_ORGANIZATION)
        }
    }

    /// Refuses a caller who has lost since what the permit was given for.
    pub(crate) async fn still_stands(&self, write: &mut Write, caller: &Caller) -> Result<()> {
        caller
            .still_stands(write, self.now(), &self.0.lifetimes)
            .await
    }

    /// Commits with the record of what `caller` did in the organisation of the call.
    pub(crate) async fn commit(
        &self,
        write: Write,
        caller: &Caller,
        kind: &'static str,
        subject: String,
        details: &Value,
    ) -> Result<()> {
        let organization = Some(caller.organization_id());
        self.commit_as(write, caller.actor(), organization, kind, subject, details)
            .await
    }

    /// Commits with the record of what `actor` did.
    pub(crate) async fn commit_as(
        &self,
        write: Write,
        actor: &Actor,
        organization_id: Option<OrganizationId>,
        kind: &'static str,
        subject: String,
        details: &Value,
    ) -> Result<()> {
        let record = self.record(actor, organization_id, kind, Some(subject), details);
        Ok(write.commit(record).await?)
    }

    /// The record of what `actor` does now. `details` never holds a secret.
    pub(crate) fn record(
        &self,
        actor: &Actor,
        organization_id: Option<OrganizationId>,
        kind: &'static str,
        subject: Option<String>,
        details: &Value,
    ) -> AuditRecord {
        AuditRecord {
            id: AuditId::mint(self.clock(), self.entropy()),
            at: self.now(),
            organization_id,
            actor: actor.clone(),
            kind,
            subject,
            details: details.to_string(),
        }
    }
}
