//! The source of principals.

use std::collections::HashMap;

use futures_util::future::BoxFuture;
use vestibule_credential::token::Verified;
use vestibule_model::{
    ApiKeyId, CredentialRef, Digest, OrganizationId, OsEntropy, PlanName, Plans, Principal,
    ResourcePath, Role, SessionId, SystemClock, UserId,
};

use crate::known_caller::KnownCaller;

/// The only thing that the check asks of anything else: the principal behind a credential.
///
/// An implementation answers from its current data, not from a cache: the check caches.
pub trait Directory: Send + Sync + 'static {
    /// Returns the principal of an API key.
    fn api_key<'a>(&'a self, key: &'a Digest) -> BoxFuture<'a, Result<Principal, Unresolved>>;

    /// Returns the principal of a session cookie.
    fn session_cookie<'a>(
        &'a self,
        cookie: &'a Digest,
    ) -> BoxFuture<'a, Result<Principal, Unresolved>>;

    /// Returns the principal of an access token whose signature and claims were found good.
    ///
    /// An implementation that can remove signing keys checks that the token's is still there, too.
    fn access_token<'a>(
        &'a self,
        token: &'a Verified,
    ) -> BoxFuture<'a, Result<Principal, Unresolved>>;
}

/// The reason for which a credential leads to no principal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// Nobody has this credential.
    #[error("the credential is not known")]
    Unknown,
    /// It has ended by itself.
    #[error("the credential has expired")]
    Expired,
    /// It was deleted, or its session was ended.
    #[error("the credential was revoked")]
    Revoked,
    /// The credential is good, but its user may not act now.
    #[error("{0}")]
    Inactive(Inactive, KnownCaller),
    /// The truth cannot be known now; the cause is for the log.
    #[error("the directory is not available: {0}")]
    Unavailable(String),
}

/// The reason for which a known caller may not act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Inactive {
    /// The user is suspended.
    #[error("the user is suspended")]
    User,
    /// The user is no active member of the organisation.
    #[error("the user is not an active member of the organisation")]
    Membership,
    /// The organisation is deactivated.
    #[error("the organisation is deactivated")]
    Organization,
}

/// A directory held in memory, for examples, tests and measurements.
#[derive(Debug, Default)]
pub struct MemoryDirectory {
    by_digest: HashMap<Digest, Principal>,
    by_session: HashMap<SessionId, Principal>,
}

impl MemoryDirectory {
    /// An empty directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same directory, in which this key or cookie secret is that principal.
    #[must_use]
    pub fn with(mut self, secret: &Digest, principal: Principal) -> Self {
        self.by_digest.insert(*secret, principal);
        self
    }

    /// A directory that knows one API key, of the owner of one organisation without a plan: enough
    /// to see a service work.
    pub fn with_owner_key(secret: &Digest) -> Self {
        Self::new().with(secret, owner())
    }

    /// The same directory, in which every access token of the principal's session is that
    /// principal.
    #[must_use]
    pub fn with_session(mut self, principal: Principal) -> Self {
        if let Some(session) = principal.credential.session() {
            self.by_session.insert(session, principal);
        }
        self
    }

    fn find(&self, digest: &Digest) -> Result<Principal, Unresolved> {
        self.by_digest
            .get(digest)
            .cloned()
            .ok_or(Unresolved::Unknown)
    }
}

/// The owner of an organisation of his own, by an API key.
pub(crate) fn owner() -> Principal {
    let user_id = UserId::mint(&SystemClock, &OsEntropy);
    Principal {
        user_id,
        organization_id: OrganizationId::mint(&SystemClock, &OsEntropy),
        role: Role::Owner,
        home: ResourcePath::home_of(user_id),
        grants: [].into(),
        narrowed_to: None,
        plan: Plans::default().get_or_bare(&PlanName::default()),
        credential: CredentialRef::ApiKey(ApiKeyId::mint(&SystemClock, &OsEntropy)),
        expires_at: None,
    }
}

impl Directory for MemoryDirectory {
    fn api_key<'a>(&'a self, key: &'a Digest) -> BoxFuture<'a, Result<Principal, Unresolved>> {
        Box::pin(async { self.find(key) })
    }

    fn session_cookie<'a>(
        &'a self,
        cookie: &'a Digest,
    ) -> BoxFuture<'a, Result<Principal, Unresolved>> {
        Box::pin(async { self.find(cookie) })
    }

    fn access_token<'a>(
        &'a self,
        token: &'a Verified,
    ) -> BoxFuture<'a, Result<Principal, Unresolved>> {
        Box::pin(async {
            self.by_session
                .get(&token.claims.session)
                .cloned()
                .ok_or(Unresolved::Revoked)
        })
    }
}
