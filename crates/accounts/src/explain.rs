//! Who a credential is, for the operator who asks why a request is refused.

use vestibule_check::{Directory as _, Unresolved};
use vestibule_credential::{FrameError, SecretKind, TokenError, frame, token};
use vestibule_model::{Digest, Principal};

use crate::Accounts;

/// Whom a credential stands for.
pub type Resolved = std::result::Result<Principal, CannotResolve>;

/// Why a text leads to no principal.
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

impl Accounts {
    /// Whom the text of a key, a token or a cookie stands for at this moment, straight from the
    /// store.
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
