//! Step 3: who is calling.

use std::sync::Arc;

use vestibule_credential::token::TokenError;
use vestibule_model::{Moment, Principal};

use super::Inner;
use crate::cache::{CacheKey, Caller, Entry};
use crate::denial::{Cause, Rejected};
use crate::denials::KnownCaller;
use crate::directory::Unresolved;
use crate::scheme::Presented;

/// Why a credential leads to nobody who may act.
pub(super) struct Nobody {
    pub(super) cause: Cause,
    /// Whose it is all the same.
    pub(super) caller: Option<KnownCaller>,
}

impl From<Rejected> for Nobody {
    fn from(rejected: Rejected) -> Self {
        Self {
            cause: Cause::Rejected(rejected),
            caller: None,
        }
    }
}

impl From<Unresolved> for Nobody {
    fn from(unresolved: Unresolved) -> Self {
        let caller = match unresolved {
            Unresolved::Inactive(_, caller) => Some(caller),
            _ => None,
        };
        Self {
            cause: unresolved.into(),
            caller,
        }
    }
}

impl Inner {
    /// Who is calling, from the store where the cache does not know.
    pub(super) async fn resolve(
        &self,
        presented: Presented<'_>,
        at: Moment,
    ) -> Result<Arc<Entry>, Nobody> {
        let digest = presented.digest();
        let key = CacheKey(digest);
        if let Some(entry) = self.cache.get(&key, presented.rest(), at) {
            return Ok(entry);
        }
        presented.verify()?;
        let reading = self.cache.begin_reading();
        let principal = match presented {
            Presented::ApiKey(_) => self.directory.api_key(&digest).await,
            Presented::SessionCookie(_) => self.directory.session_cookie(&digest).await,
            Presented::AccessToken { text, .. } => {
                let text = std::str::from_utf8(text).map_err(|_| Rejected::Malformed)?;
                let keyring = self.keyring.as_ref().map(|keyring| keyring.load());
                let token = keyring
                    .ok_or(TokenError::UnknownKey)
                    .and_then(|keyring| keyring.verify(text, at.now))
                    .map_err(Rejected::Token)?;
                let principal = self.directory.access_token(&token).await;
                principal.map(|principal| Principal {
                    expires_at: Some(match principal.expires_at {
                        Some(end) => end.min(token.claims.expires_at),
                        None => token.claims.expires_at,
                    }),
                    ..principal
                })
            }
        };
        // Read again: this process may have been stopped while the directory was asked.
        let at = self.clock.moment();
        match principal {
            Ok(principal) if principal.expires_at.is_some_and(|end| end <= at.now) => {
                Err(Rejected::Expired.into())
            }
            Ok(principal) => {
                let caller = Caller {
                    allowances: self.limits.allowances(&principal),
                    rest: presented.rest().map(Box::from),
                    denials: Arc::clone(&self.denials),
                    principal,
                };
                Ok(self.cache.insert(reading, key, caller, at))
            }
            Err(unresolved) => Err(unresolved.into()),
        }
    }
}
