//! Signing out at the provider, and by it.

use serde_json::json;
use vestibule_accounts::{Caller, Error, FoundSession, Result, SignOut};
use vestibule_model::{Actor, Change, ConnectionId, Digest};
use vestibule_sso::oidc::logout::LogoutRequest;
use vestibule_store::SsoSession;

use crate::{Sso, Which};

impl Sso {
    /// Ends the sessions of what is presented, as
    /// [`Accounts::sign_out`](vestibule_accounts::Accounts::sign_out) does, and says where to send the browser
    /// so that it is signed out at the provider, too; `None` where no session has ended that came
    /// by one, or the provider has no such place. `after` is where the provider is to send the
    /// browser then: a redirect URI of the organisation, or nothing ends.
    pub async fn sign_out(
        &self,
        presented: &SignOut<'_>,
        after: Option<&str>,
    ) -> Result<Option<String>> {
        self.accounts()
            .revoking(move || self.sign_out_now(presented, after))
            .await
    }

    async fn sign_out_now(
        &self,
        presented: &SignOut<'_>,
        after: Option<&str>,
    ) -> Result<Option<String>> {
        let accounts = self.accounts();
        let found = accounts.found_sessions(presented).await?;
        if let Some(uri) = after {
            self.check_after(&found, uri).await?;
        }
        let ended = accounts.end_found(presented, &found).await?;
        let mut came_by = None;
        for session in ended {
            came_by = accounts.store().sso_session(session).await?;
            if came_by.is_some() {
                break;
            }
        }
        let Some(came_by) = came_by else {
            return Ok(None);
        };
        // The session is over; what the provider does about it changes nothing.
        match self.logout_url(&came_by, after).await {
            Ok(url) => Ok(url),
            Err(error) => {
                tracing::info!(%error, connection = %came_by.connection_id, "no sign-out there");
                Ok(None)
            }
        }
    }

    /// Where a browser comes to in the end is one of the places where its organisation wants its
    /// people, whoever asks for it.
    async fn check_after(&self, found: &[FoundSession], uri: &str) -> Result<()> {
        let store = self.accounts().store();
        for one in found {
            let Some(came_by) = store.sso_session(one.id()).await? else {
                continue;
            };
            if !store.is_redirect_uri(came_by.scope(), uri).await? {
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
        came_by: &SsoSession,
        after: Option<&str>,
    ) -> Result<Option<String>> {
        let (_, connection, secrets) = self.named(came_by.connection_id).await?;
        if connection.live.issuer != came_by.issuer {
            return Ok(None);
        }
        let provider = self.provider(&connection, &secrets, Which::Live)?;
        let request = LogoutRequest {
            id_token_hint: self.open_id_token(came_by),
            post_logout_redirect_uri: after.map(str::to_owned),
            ..LogoutRequest::default()
        };
        let url = provider.logout_url(&request).await;
        url.map_err(|refusal| Error::internal(refusal.to_string()))
    }

    /// Ends the sessions that a provider says are over (OpenID Connect Back-Channel Logout 1.0);
    /// how many there were. A token that was heeded before is refused.
    pub async fn backchannel_logout(&self, id: ConnectionId, token: &str) -> Result<u64> {
        self.accounts()
            .revoking(move || self.backchannel_logout_now(id, token))
            .await
    }

    async fn backchannel_logout_now(&self, id: ConnectionId, token: &str) -> Result<u64> {
        let accounts = self.accounts();
        let (scope, connection, secrets) = self.named(id).await?;
        let provider = self.provider(&connection, &secrets, Which::Live)?;
        let token = provider.logout_token(token).await.map_err(|refusal| {
            // Not among the attempts: anybody may send one, and could push everything else out.
            tracing::info!(%refusal, connection = %id, "a logout token was refused");
            let message = format!("was refused: {refusal}");
            Error::field("logout_token", "logout_token_refused", message)
        })?;
        let now = accounts.now();
        let digest = Digest::of(token.id.as_bytes());
        let (subject, session) = (token.subject.as_deref(), token.session.as_deref());
        let caller = Caller::arriving(scope, Actor::identity_provider());
        let held = accounts.begin_holding_sso_people(&caller, id, subject, session);
        let mut write = held.await?;
        let new = write.spend_token(id, &digest, token.forget_after).await?;
        if !new {
            return Err(Error::field(
                "logout_token",
                "logout_token_repeated",
                "was heeded before",
            ));
        }
        // First the codes: the session of one that is being exchanged is there afterwards.
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
