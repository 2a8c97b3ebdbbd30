//! The attempts to sign in, kept for the organisation's administrators.

use vestibule_accounts::{Caller, Error, RequestSource, Result};
use vestibule_model::{AttemptId, ConnectionId, Role, SsoAttempt, SsoConnection, UserId};
use vestibule_sso::{Identity, SsoRefusal};

use crate::{NO_CONNECTION, Sso};

/// The longest report that is kept, in bytes.
const LONGEST_REPORT: usize = 16 * 1_024;

impl Sso {
    /// Returns the last 50 attempts at a connection, the newest first, each with the clause that
    /// failed. For admins and owners.
    pub async fn attempts(&self, caller: &Caller, id: ConnectionId) -> Result<Vec<SsoAttempt>> {
        caller.needs(Role::Admin)?;
        let store = self.accounts().store();
        let found = store.connection(caller.scope(), id).await?;
        found.ok_or(NO_CONNECTION)?;
        Ok(store.attempts(caller.scope(), id).await?)
    }

    /// Builds an attempt that has succeeded so far.
    pub(crate) fn attempt(
        &self,
        connection: &SsoConnection,
        purpose: &str,
        origin: &RequestSource,
    ) -> SsoAttempt {
        let accounts = self.accounts();
        SsoAttempt {
            id: AttemptId::mint(accounts.clock(), accounts.entropy()),
            connection_id: connection.id,
            organization_id: connection.organization_id,
            at: accounts.now(),
            purpose: purpose.to_owned(),
            clause: None,
            detail: "the sign-in succeeded".to_owned(),
            issuer: None,
            subject: None,
            email: None,
            user_id: None,
            address: origin.address,
            report: None,
        }
    }

    /// Records that the provider or its answer was refused.
    pub(crate) async fn note_refusal(
        &self,
        connection: &SsoConnection,
        purpose: &str,
        refusal: &SsoRefusal,
        origin: &RequestSource,
    ) {
        let mut attempt = self.attempt(connection, purpose, origin);
        attempt.clause = Some(refusal.reason().to_owned());
        attempt.detail = refusal.to_string();
        self.note(attempt).await;
    }

    /// Records that an identity was refused after the provider vouched for it.
    pub(crate) async fn note_error(
        &self,
        connection: &SsoConnection,
        purpose: &str,
        identity: &Identity,
        error: &Error,
        origin: &RequestSource,
    ) {
        let mut attempt = with_identity(self.attempt(connection, purpose, origin), identity, None);
        attempt.clause = Some(error.reason().to_owned());
        attempt.detail = error.to_string();
        self.note(attempt).await;
    }

    /// Stores an attempt. A failure is logged and not returned: the record is no reason to refuse a
    /// sign-in.
    pub(crate) async fn note(&self, attempt: SsoAttempt) {
        let noted = async {
            // Whoever comes back from a provider is a stranger until admitted: one writes at a time.
            let mut write = self.accounts().begin_for_stranger().await?;
            write.insert_attempt(&attempt).await?;
            write.commit().await?;
            Ok::<_, Error>(())
        };
        if let Err(error) = noted.await {
            tracing::warn!(%error, connection = %attempt.connection_id, "a try was not noted");
        }
    }
}

/// Adds the identity and the user to an attempt.
pub(crate) fn with_identity(
    mut attempt: SsoAttempt,
    identity: &Identity,
    user: Option<UserId>,
) -> SsoAttempt {
    attempt.issuer = Some(identity.issuer.clone());
    attempt.subject = Some(identity.subject.clone());
    attempt.email = identity.email.as_ref().map(|email| email.address.clone());
    attempt.user_id = user;
    attempt
}

/// Returns the report if it is short enough to be kept.
pub(crate) fn limited_report(report: String) -> Option<String> {
    (report.len() <= LONGEST_REPORT).then_some(report)
}
