//! Sign-out at the provider, started by us or by the provider.

use serde_json::json;
use vestibule_accounts::{Caller, Error, FoundSession, Result, SignOut};
use vestibule_model::{Actor, Change, ConnectionId, Digest};
use vestibule_sso::oidc::logout::LogoutRequest;
use vestibule_store::SsoSession;

use crate::{SettingsVersion, Sso};

impl Sso {
    /// Ends the sessions of the presented credentials, as
    /// [`Accounts::sign_out`](vestibule_accounts::Accounts::sign_out) does. Returns the URL that
    /// signs the browser out at the provider, too (OpenID Connect RP-Initiated Logout 1.0, 2), or
    /// `None` if no ended session came from a provider or the provider offers no such URL.
    ///
    /// `after` is the redirect URI of the organisation that the provider sends the browser to
    /// afterwards. If it is not registered, nothing ends.
    pub async fn sign_out(
        &self,
        presented: &SignOut<'_>,
        after: Option<&str>,
    ) -> Result<Option<String>> {
        self.accounts()
            .revoking(move || self.sign_out_once(presented, after))
            .await
    }

    async fn sign_out_once(
        &self,
        presented: &SignOut<'_>,
        after: Option<&str>,
    ) -> Result<Option<String>> {
        let accounts = self.accounts();
        let found = accounts.found_sessions(presented).await?;
        // Before anything ends: a refused request has to change nothing.
        if let Some(uri) = after {
            self.check_logout_return(&found, uri).await?;
        }
        let ended = accounts.end_found(presented, &found).await?;
        let mut sso_session = None;
        for session in ended {
            sso_session = accounts.store().sso_session(session).await?;
            if sso_session.is_some() {
                break;
            }
        }
        let Some(sso_session) = sso_session else {
            return Ok(None);
        };
        // The session has ended; a provider that does not answer must not make that look failed.
        match self.logout_url(&sso_session, after).await {
            Ok(url) => Ok(url),
            Err(error) => {
                tracing::info!(%error, connection = %sso_session.connection_id, "no sign-out there");
                Ok(None)
            }
        }
    }

    /// Refuses a return URI that the organisation of a session has not registered, also for
    /// anonymous requests: otherwise sign-out would be an open redirect.
    async fn check_logout_return(&self, found: &[FoundSession], uri: &str) -> Result<()> {
        let store = self.accounts().store();
        for one in found {
            let Some(sso_session) = store.sso_session(one.id()).await? else {
                continue;
            };
            if !store.is_redirect_uri(sso_session.scope(), uri).await? {
                return Err(Error::field(
                    "post_logout_redirect_uri",
                    "redirect_uri_not_registered",
                    "must be one that the organisation has registered, character for character",
                ));
            }
        }
        Ok(())
    }

    async fn logout_url(
        &self,
        sso_session: &SsoSession,
        after: Option<&str>,
    ) -> Result<Option<String>> {
        let (_, connection, secrets) = self.find_connection(sso_session.connection_id).await?;
        // After a swap to another issuer, an ID token of the former one would leak to it.
        if connection.live.issuer != sso_session.issuer {
            return Ok(None);
        }
        let provider = self.provider(&connection, &secrets, SettingsVersion::Live)?;
        let request = LogoutRequest {
            id_token_hint: self.open_id_token(sso_session),
            post_logout_redirect_uri: after.map(str::to_owned),
            ..LogoutRequest::default()
        };
        let url = provider.logout_url(&request).await;
        url.map_err(|refusal| Error::internal(refusal.to_string()))
    }

    /// Ends the sessions that a logout token names (OpenID Connect Back-Channel Logout 1.0, 2.7)
    /// and returns their number. Refuses a token that was processed before.
    pub async fn backchannel_logout(&self, id: ConnectionId, token: &str) -> Result<u64> {
        self.accounts()
            .revoking(move || self.backchannel_logout_once(id, token))
            .await
    }

    async fn backchannel_logout_once(&self, id: ConnectionId, token: &str) -> Result<u64> {
        let accounts = self.accounts();
        let (scope, connection, secrets) = self.find_connection(id).await?;
        let provider = self.provider(&connection, &secrets, SettingsVersion::Live)?;
        let token = provider.logout_token(token).await.map_err(|refusal| {
            // Not recorded as an attempt: anyone can send a token, and only the last 50 are kept.
            tracing::info!(%refusal, connection = %id, "a logout token was refused");
            let message = format!("was refused: {refusal}");
            Error::field("logout_token", "logout_token_refused", message)
        })?;
        let now = accounts.now();
        // A `jti` is unbounded text of the provider; the digest has one length in the index.
        let digest = Digest::of(token.id.as_bytes());
        let (subject, session) = (token.subject.as_deref(), token.session.as_deref());
        let caller = Caller::arriving(scope, Actor::identity_provider());
        let held = accounts.begin_holding_sso_people(&caller, id, subject, session);
        let mut write = held.await?;
        // OpenID Connect Back-Channel Logout 1.0, 2.6 (8): a repeated `jti` is refused.
        let new = write.spend_token(id, &digest, token.forget_after).await?;
        if !new {
            return Err(Error::field(
                "logout_token",
                "logout_token_repeated",
                "was heeded before",
            ));
        }
        // Codes before sessions: one that is being exchanged right now has its session afterwards,
        // and that session is then found and ended.
        write
            .delete_one_time_codes(scope, id, subject, session)
            .await?;
        let ended = write
            .end_sso_sessions(scope, id, subject, session, now)
            .await?;
        for session in &ended {
            write.change(Change::Session(*session));
        }
        let details = json!({
            "issuer": token.issuer,
            "subject": token.subject,
            "sessions_ended": ended.len(),
        });
        let kind = "sso.logout_received";
        accounts
            .commit(write, &caller, kind, id.to_string(), &details)
            .await?;
        Ok(u64::try_from(ended.len()).unwrap_or(u64::MAX))
    }
}
