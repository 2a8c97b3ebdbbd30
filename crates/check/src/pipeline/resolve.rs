//! Step 3: the caller behind a credential.

use std::sync::Arc;

use vestibule_credential::token::{TokenError, Verified};
use vestibule_model::{Digest, Moment, Principal};

use crate::cache::{CacheKey, Caller, Entry, Reading};
use crate::core::Shared;
use crate::denial::{Cause, Rejected};
use crate::directory::Unresolved;
use crate::flights::Answer;
use crate::known_caller::KnownCaller;
use crate::scheme::Presented;

/// A credential that leads to nobody who may act.
pub(super) struct Nobody {
    pub(super) cause: Cause,
    /// The caller, if known all the same.
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

/// A question to the directory.
enum Question {
    ApiKey(Digest),
    SessionCookie(Digest),
    AccessToken(Verified),
}

impl Shared {
    /// Returns the caller behind a credential: from the cache, else from the directory.
    pub(super) async fn resolve(
        self: &Arc<Self>,
        presented: Presented<'_>,
        at: Moment,
    ) -> Result<Arc<Entry>, Nobody> {
        let key = CacheKey(presented.digest());
        if let Some(entry) = self.cache.get(&key, presented.rest(), at) {
            return Ok(entry);
        }
        // Verified by every request, also by one that joins a flight: its answer is for good ones.
        let question = self.question(presented, at)?;
        let reading = self.cache.begin_reading();
        let ask = || self.answer(question, key, presented.rest(), reading);
        let answer = if self.cache.hears(at.boot) {
            let flight = self
                .flights
                .join_or_begin(key, presented.rest(), reading, ask);
            // The flight that would have been joined may have ended just before this one began.
            match self.cache.get(&key, presented.rest(), at) {
                Some(entry) => Ok(entry),
                None => flight.await,
            }
        } else {
            // A change that is not heard of may have been answered since another request asked.
            ask().await
        };
        let entry = answer?;
        // Read again: this process may have been stopped while the directory was asked.
        let now = self.clock.moment().now;
        match entry.principal().expires_at {
            Some(end) if end <= now => Err(Rejected::Expired.into()),
            _ => Ok(entry),
        }
    }

    /// Returns the question to the directory about a credential that may be good.
    fn question(&self, presented: Presented<'_>, at: Moment) -> Result<Question, Rejected> {
        presented.verify()?;
        match presented {
            Presented::ApiKey(_) => Ok(Question::ApiKey(presented.digest())),
            Presented::SessionCookie(_) => Ok(Question::SessionCookie(presented.digest())),
            Presented::AccessToken { text, .. } => {
                let text = std::str::from_utf8(text).map_err(|_| Rejected::Malformed)?;
                let keyring = self.keyring.as_ref().map(|keyring| keyring.load());
                let token = keyring
                    .ok_or(TokenError::UnknownKey)
                    .and_then(|keyring| keyring.verify(text, at.now))
                    .map_err(Rejected::Token)?;
                Ok(Question::AccessToken(token))
            }
        }
    }

    /// Asks the directory, and keeps the caller it returns.
    fn answer(
        self: &Arc<Self>,
        question: Question,
        key: CacheKey,
        rest: Option<&[u8]>,
        reading: Reading,
    ) -> impl Future<Output = Answer> + Send + use<> {
        let (core, rest) = (Arc::clone(self), rest.map(Box::from));
        async move {
            let principal = core.asked(&question).await;
            // Here, once for all who wait for it.
            if let Err(Unresolved::Unavailable(cause)) = &principal {
                tracing::error!(%cause, "the directory did not answer");
            }
            let principal = principal?;
            let caller = Caller {
                allowances: core.limits.allowances(&principal),
                rest,
                denials: Arc::clone(&core.denials),
                principal,
            };
            // Read again: this process may have been stopped while the directory was asked.
            let at = core.clock.moment();
            Ok(core.cache.insert(reading, key, caller, at))
        }
    }

    /// Asks the directory. A token's caller lasts no longer than the token.
    async fn asked(&self, question: &Question) -> Result<Principal, Unresolved> {
        match question {
            Question::ApiKey(digest) => self.directory.api_key(digest).await,
            Question::SessionCookie(digest) => self.directory.session_cookie(digest).await,
            Question::AccessToken(token) => {
                let principal = self.directory.access_token(token).await?;
                let end = token.claims.expires_at;
                Ok(Principal {
                    expires_at: Some(principal.expires_at.map_or(end, |its| its.min(end))),
                    ..principal
                })
            }
        }
    }
}
