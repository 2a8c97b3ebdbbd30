//! Who a credential is, for the check, straight from the store.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use vestibule_check::{Directory, Inactive, KnownCaller, Unresolved};
use vestibule_credential::{Claims, Verified};
use vestibule_model::session::Lifetimes;
use vestibule_model::{
    Clock, CredentialRef, Digest, Plans, Principal, ResourcePath, Session, Timestamp,
};
use vestibule_store::{CallerRow, Store, StoreError};

/// The check's [`Directory`] over the store. Each answer is one query, but for a token of another
/// organisation than its session's.
///
/// Of several obstacles the caller is told the one nearest to the credential: that it was revoked
/// or its session ended, that it expired, that the user is suspended, the organisation
/// deactivated, the membership gone.
#[derive(Clone)]
pub struct StoreDirectory {
    store: Store,
    clock: Arc<dyn Clock>,
    plans: Arc<Plans>,
    lifetimes: Lifetimes,
}

impl StoreDirectory {
    /// A directory over `store`.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        plans: Arc<Plans>,
        lifetimes: Lifetimes,
    ) -> Self {
        Self {
            store,
            clock,
            plans,
            lifetimes,
        }
    }

    async fn by_key(&self, digest: &Digest) -> Result<Principal, Unresolved> {
        let found = self.store.caller_by_key(digest).await;
        let (key, row) = found
            .map_err(|error| unavailable(&error))?
            .ok_or(Unresolved::Unknown)?;
        if key.revoked_at.is_some() {
            return Err(Unresolved::Revoked);
        }
        if key.expires_at.is_some_and(|end| end <= self.clock.now()) {
            return Err(Unresolved::Expired);
        }
        self.principal(row, CredentialRef::ApiKey(key.id), key.expires_at)
    }

    async fn by_cookie(&self, digest: &Digest) -> Result<Principal, Unresolved> {
        let found = self.store.caller_by_cookie(digest).await;
        let (session, row) = found
            .map_err(|error| unavailable(&error))?
            .ok_or(Unresolved::Unknown)?;
        let end = self.end_of(&session)?;
        self.principal(row, CredentialRef::SessionCookie(session.id), Some(end))
    }

    async fn by_token(&self, token: &Verified) -> Result<Principal, Unresolved> {
        let claims = &token.claims;
        let found = self
            .store
            .caller_by_token(claims.session, claims.organization, token.key)
            .await;
        // We signed the token: a session that is no longer there was ended long ago, and a key was
        // taken away of which this process has yet to hear.
        let (session, row) = found
            .map_err(|error| unavailable(&error))?
            .ok_or(Unresolved::Revoked)?;
        if session.user_id != claims.subject {
            return Err(Unresolved::Revoked);
        }
        if session.organization_id != claims.organization {
            self.keep_elsewhere(claims).await?;
        }
        let end = self.end_of(&session)?.min(claims.expires_at);
        if end <= self.clock.now() {
            return Err(Unresolved::Expired);
        }
        self.principal(row, CredentialRef::AccessToken(session.id), Some(end))
    }

    /// Refuses a token for another organisation than its session's, where a session in that
    /// organisation would have ended: because the membership has ended since the token was issued,
    /// also if there is a new one, or because the organisation demands its provider's sign-in and
    /// the session began with a password.
    async fn keep_elsewhere(&self, claims: &Claims) -> Result<(), Unresolved> {
        let (user, organization) = (claims.subject, claims.organization);
        // `issued_at` is in whole seconds, in which a membership can end and begin anew.
        let issued_at = claims.id.minted_at().max(claims.issued_at);
        let ended = self
            .store
            .has_membership_ended_since(user, organization, issued_at);
        if ended.await.map_err(|error| unavailable(&error))? {
            return Err(Unresolved::Revoked);
        }
        let came_by = self.store.organization_of_sso_session(claims.session).await;
        if came_by.map_err(|error| unavailable(&error))?.is_some() {
            return Ok(());
        }
        let required = self.store.is_sso_required(user, organization).await;
        if required.map_err(|error| unavailable(&error))? {
            return Err(Unresolved::Revoked);
        }
        Ok(())
    }

    fn end_of(&self, session: &Session) -> Result<Timestamp, Unresolved> {
        if session.ended_at.is_some() {
            return Err(Unresolved::Revoked);
        }
        let deadline = session.deadline(&self.lifetimes);
        if deadline <= self.clock.now() {
            return Err(Unresolved::Expired);
        }
        Ok(deadline)
    }

    pub(crate) fn principal(
        &self,
        row: CallerRow,
        credential: CredentialRef,
        expires_at: Option<Timestamp>,
    ) -> Result<Principal, Unresolved> {
        let inactive = |why| {
            let caller = KnownCaller {
                user_id: row.user_id,
                organization_id: row.organization_id,
                credential,
            };
            Err(Unresolved::Inactive(why, caller))
        };
        if row.user_suspended_at.is_some() {
            return inactive(Inactive::User);
        }
        if row.organization_deactivated_at.is_some() {
            return inactive(Inactive::Organization);
        }
        let Some((role, None)) = row.membership else {
            return inactive(Inactive::Membership);
        };
        Ok(Principal {
            user_id: row.user_id,
            organization_id: row.organization_id,
            role,
            home: ResourcePath::home_of(row.user_id),
            grants: row.grants.into(),
            narrowed_to: row.narrowed_to.map(Into::into),
            plan: self.plans.get_or_bare(&row.plan),
            credential,
            expires_at,
        })
    }
}

fn unavailable(error: &StoreError) -> Unresolved {
    Unresolved::Unavailable(error.to_string())
}

impl Directory for StoreDirectory {
    fn api_key<'a>(&'a self, key: &'a Digest) -> BoxFuture<'a, Result<Principal, Unresolved>> {
        Box::pin(self.by_key(key))
    }

    fn session_cookie<'a>(
        &'a self,
        cookie: &'a Digest,
    ) -> BoxFuture<'a, Result<Principal, Unresolved>> {
        Box::pin(self.by_cookie(cookie))
    }

    fn access_token<'a>(
        &'a self,
        token: &'a Verified,
    ) -> BoxFuture<'a, Result<Principal, Unresolved>> {
        Box::pin(self.by_token(token))
    }
}

impl std::fmt::Debug for StoreDirectory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreDirectory")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}
