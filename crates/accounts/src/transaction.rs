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
    /// Begins a transaction. Within [`revoking`](Self::revoking) it may use the space that a full
    /// disk keeps for such operations.
    pub async fn begin(&self) -> Result<Write> {
        Ok(if is_revoking() {
            self.0.store.begin_revoking().await?
        } else {
            self.0.store.begin().await?
        })
    }

    /// A transaction in which what is counted in the organisation stays true, and in which the
    /// caller may still do what the permit says.
    pub async fn begin_locked(&self, caller: &Caller) -> Result<Write> {
        let mut write = self.begin_counting(caller).await?;
        self.still_stands(&mut write, caller).await?;
        Ok(write)
    }

    /// [`begin_locked`](Self::begin_locked) where sessions that came by a connection are ended: of
    /// one subject, or of one of the provider's sessions, where they are named, of all otherwise.
    /// Their people are held in the order of `hold_everyone`, the caller in
    /// the place among them.
    pub async fn begin_holding_sso_people(
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
    /// the order of `hold_everyone`.
    pub async fn begin_holding_user(&self, caller: &Caller, user: UserId) -> Result<Write> {
        let mut write = self.begin_counting(caller).await?;
        self.hold_in_order(&mut write, caller, vec![user]).await?;
        Ok(write)
    }

    /// Holds everyone who has a membership or a session in the organisation, of which there may be
    /// very many: only for a change after which any of those sessions may have to end. They are
    /// held by their ids, before the caller, who is one of them, so that no two transactions wait
    /// for each other.
    pub(crate) async fn hold_everyone(&self, write: &mut Write, caller: &Caller) -> Result<()> {
        write.hold_people(caller.scope()).await?;
        self.still_stands(write, caller).await
    }

    /// Holds these users and the caller, in the order of
    /// `hold_everyone`.
    pub(crate) async fn hold_in_order(
        &self,
        write: &mut Write,
        caller: &Caller,
        mut users: Vec<UserId>,
    ) -> Result<()> {
        users.sort_unstable();
        let own = caller.permit().map(Permit::user_id);
        let before = users.partition_point(|user| own.is_some_and(|own| *user < own));
        let after = users.split_off(before);
        // Nothing of a suspended user is left to end.
        for user in users {
            write.hold_user(user).await?;
        }
        self.still_stands(write, caller).await?;
        for user in after {
            write.hold_user(user).await?;
        }
        Ok(())
    }

    /// A transaction in which what is counted in the organisation stays true.
    pub(crate) async fn begin_counting(&self, caller: &Caller) -> Result<Write> {
        // Who takes rights away stands in nobody's line.
        let turn = if is_revoking() {
            None
        } else {
            Some(self.0.turns.take(caller.organization_id()).await?)
        };
        let mut write = self.begin().await?;
        write.keep(turn);
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
    pub async fn commit(
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
    pub fn record(
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
