//! What is noted of each try, for the organisation's administrators.

use vestibule_accounts::{Caller, Error, RequestSource, Result};
use vestibule_model::{AttemptId, ConnectionId, Role, SsoAttempt, SsoConnection, UserId};
use vestibule_sso::{Identity, Refusal};

use crate::{NO_CONNECTION, Sso};

/// The longest report that is kept, in bytes.
const LONGEST_REPORT: usize = 16 * 1_024;

impl Sso {
    /// The last 50 tries of a connection, the newest first, each with the clause that failed. For
    /// admins and owners.
    pub async fn attempts(&self, caller: &Caller, id: ConnectionId) -> Result<Vec<SsoAttempt>> {
        caller.needs(Role::Admin)?;
        let store = self.accounts().store();
        let found = store.connection(caller.scope(), id).await?;
        found.ok_or(NO_CONNECTION)?;
        Ok(store.attempts(caller.scope(), id).await?)
    }

    /// A try that succeeded, as far as is known yet.
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

    /// Notes that the provider, or what came from it, was refused.
    pub(crate) async fn note_refusal(
        &self,
        connection: &SsoConnection,
        purpose: &str,
        refusal: &Refusal,
        origin: &RequestSource,
    ) {
        let mut attempt = self.attempt(connection, purpose, origin);
        attempt.clause = Some(refusal.reason().to_owned());
        attempt.detail = refusal.to_string();
        self.note(attempt).await;
    }

    /// Notes that somebody whom the provider vouched for was refused by us.
    pub(crate) async fn note_error(
        &self,
        connection: &SsoConnection,
        purpose: &str,
        identity: &Identity,
        error: &Error,
        origin: &RequestSource,
    ) {
        let mut attempt = told(self.attempt(connection, purpose, origin), identity, None);
        attempt.clause = Some(error.reason().to_owned());
        attempt.detail = error.to_string();
        self.note(attempt).await;
    }

    /// Nothing fails because it could not be noted.
    pub(crate) async fn note(&self, attempt: SsoAttempt) {
        let noted = async {
            let mut write = self.accounts().begin_for_stranger().await?;
            write.insert_attempt(&attempt).await?;
            write.commit_unaudited().await?;
            Ok::<_, Error>(())
        };
        if let Err(error) = noted.await {
            tracing::warn!(%error, connection = %attempt.connection_id, "a try was not noted");
        }
    }
}

/// The try, with whom the provider named.
pub(crate) fn told(
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

/// A report that is short enough to be kept.
pub(crate) fn short_enough(report: String) -> Option<String> {
    (report.len() <= LONGEST_REPORT).then_some(report)
}
