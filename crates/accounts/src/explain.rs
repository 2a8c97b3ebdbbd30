//! Who a credential is, for the operator who asks why a request is refused.

use vestibule_check::{Directory as _, Unresolved};
use vestibule_credential::{FrameError, SecretKind, TokenError, frame, token};
use vestibule_model::{CredentialRef, Digest, Name, Principal, Timestamp, User};
use vestibule_store::CallerRow;

use crate::{Accounts, Operator, Result};

/// The principal that a credential stands for, or the reason why there is none.
pub type Resolved = std::result::Result<Principal, CannotResolve>;

/// The reason why a text leads to no principal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotResolve {
    /// It is neither a secret nor a token of this installation.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// It is an access token that does not verify.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// It has the right shape and stands for nobody who may act.
    #[error(transparent)]
    Unresolved(#[from] Unresolved),
}

/// The record of a credential that was presented in full, valid or not.
#[derive(Debug, Clone)]
pub struct OnRecord {
    /// The credential.
    pub credential: CredentialRef,
    /// The name that its owner gave it, if it is a key.
    pub name: Option<Name>,
    /// The time of its expiry, past or to come; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// Since when it is deleted, or its session over, where that is so.
    pub ended_at: Option<Timestamp>,
    /// Its user.
    pub user: User,
    /// For which organisation, and what the user is there.
    pub caller: CallerRow,
}

impl Accounts {
    /// Returns the record of a credential, valid or not; `None` if it is not one of this
    /// installation, or a token that this installation did not sign.
    pub async fn on_record(&self, _: &Operator, credential: &str) -> Result<Option<OnRecord>> {
        let store = &self.0.store;
        let lifetimes = &self.0.lifetimes;
        let found = if token::looks_like_token(credential) {
            let Ok(token) = self.keyring().verify_signature(credential, self.now()) else {
                return Ok(None);
            };
            let claims = &token.claims;
            let found = store
                .caller_by_session(claims.session, claims.organization)
                .await?;
            found.map(|(session, caller)| {
                let end = session.deadline(lifetimes).min(claims.expires_at);
                let which = CredentialRef::AccessToken(session.id);
                (which, None, Some(end), session.ended_at, caller)
            })
        } else {
            match frame::read(&self.0.prefix, credential) {
                Err(_) => None,
                Ok((SecretKind::LiveKey | SecretKind::TestKey, digest)) => {
                    let found = store.caller_by_key(&digest).await?;
                    found.map(|(key, caller)| {
                        let which = CredentialRef::ApiKey(key.id);
                        (
                            which,
                            Some(key.name),
                            key.expires_at,
                            key.revoked_at,
                            caller,
                        )
                    })
                }
                Ok((SecretKind::Session, digest)) => {
                    let found = store.caller_by_cookie(&digest).await?;
                    found.map(|(session, caller)| {
                        let end = session.deadline(lifetimes);
                        let which = CredentialRef::SessionCookie(session.id);
                        (which, None, Some(end), session.ended_at, caller)
                    })
                }
            }
        };
        let Some((credential, name, expires_at, ended_at, caller)) = found else {
            return Ok(None);
        };
        let user = store.user(caller.user_id).await?;
        Ok(user.map(|user| OnRecord {
            credential,
            name,
            expires_at,
            ended_at,
            user,
            caller,
        }))
    }

    /// Resolves the text of a key, a token or a cookie to its principal at this moment, straight
    /// from the store.
    pub async fn resolve(&self, credential: &str) -> Resolved {
        let directory = self.directory();
        if token::looks_like_token(credential) {
            let token = self.keyring().verify(credential, self.now())?;
            return Ok(directory.access_token(&token).await?);
        }
        let (kind, digest): (SecretKind, Digest) = frame::read(&self.0.prefix, credential)?;
        Ok(match kind {
            SecretKind::LiveKey | SecretKind::TestKey => directory.api_key(&digest).await?,
            SecretKind::Session => directory.session_cookie(&digest).await?,
        })
    }
}
