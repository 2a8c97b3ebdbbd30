//! One-time codes, issued at the callback and exchanged for an access token.

use std::time::Duration;

use serde_json::json;
use vestibule_accounts::{Caller, Error, ProviderSignIn, RequestSource, Result, TokenSignIn};
use vestibule_model::Digest;
use vestibule_store::{OneTimeCode, Write};
use zeroize::Zeroizing;

use crate::Sso;
use crate::secret_text::random_text;

/// The lifetime of a one-time code.
const CODE_LIFE: Duration = Duration::from_secs(60);
/// The one answer for a code that is unknown, used, expired or for another redirect URI, so that a
/// guess learns nothing.
fn unknown_code() -> Error {
    Error::sign_in_failed(
        "sso_code",
        "The code is unknown, was used, has expired, or was given for another redirect_uri.",
    )
}

impl Sso {
    /// Issues a code and commits `write`. The session starts at the exchange.
    pub(super) async fn issue_code(
        &self,
        mut write: Write,
        sign_in: &ProviderSignIn<'_>,
        redirect_uri: &str,
    ) -> Result<Zeroizing<String>> {
        let accounts = self.accounts();
        let code = random_text(accounts.entropy());
        let row = OneTimeCode {
            redirect_uri: redirect_uri.to_owned(),
            user_id: sign_in.user.id,
            origin: sign_in.sso_session.clone(),
            expires_at: accounts.now().after(CODE_LIFE),
        };
        // Stored as a digest: who reads the database cannot exchange it.
        let digest = Digest::of(code.as_bytes());
        write.insert_one_time_code(&digest, &row).await?;
        let details = json!({
            "connection": sign_in.sso_session.connection_id,
            "redirect_uri": redirect_uri,
        });
        let subject = sign_in.user.id.to_string();
        accounts
            .commit(write, sign_in.caller, "sso.code_issued", subject, &details)
            .await?;
        Ok(code)
    }

    /// Exchanges a code for the token of the sign-in. `redirect_uri` must be the one that the
    /// browser was sent to (RFC 6749, 4.1.3). Of two calls with one code, one succeeds.
    pub async fn exchange_code(
        &self,
        code: &str,
        redirect_uri: &str,
        origin: &RequestSource,
    ) -> Result<TokenSignIn> {
        self.count(origin.address)?;
        let accounts = self.accounts();
        let now = accounts.now();
        let digest = Digest::of(code.as_bytes());
        // Found by a read, so that guesses cost no transaction.
        let found = accounts
            .store()
            .user_of_one_time_code(&digest, redirect_uri, now);
        let user = found.await?.ok_or_else(unknown_code)?;
        let mut write = accounts.begin().await?;
        // Locks are taken in the order of `accounts`: user, code, credential. The other way round,
        // an exchange and a sign-out everywhere would deadlock.
        if !write.hold_user(user).await? {
            return Err(unknown_code());
        }
        let code = write
            .take_one_time_code(&digest, redirect_uri, now)
            .await?
            .ok_or_else(unknown_code)?;

        // Everything is checked anew, since a minute may have passed since the callback.
        let sso_session = &code.origin;
        let scope = sso_session.scope();
        let user = write.user(code.user_id).await?;
        let membership = write.membership(scope, code.user_id).await?;
        let organization = write.organization(sso_session.organization_id).await?;
        let connection = write.connection(scope, sso_session.connection_id).await?;
        let linked = write
            .subject_of(sso_session.connection_id, &sso_session.issuer, code.user_id)
            .await?;
        let registered = write.is_redirect_uri(scope, redirect_uri).await?;
        let (Some(user), Some(membership)) = (user, membership) else {
            return Err(unknown_code());
        };
        let stands = user.suspended_at.is_none()
            && membership.deactivated_at.is_none()
            && organization.is_some_and(|it| it.deactivated_at.is_none())
            && connection.is_some_and(|(it, _)| it.is_enabled())
            && linked.is_some()
            && registered;
        if !stands {
            return Err(unknown_code());
        }
        let caller = Caller::arriving(scope, origin.actor(Some(user.id)));
        let sign_in = ProviderSignIn {
            caller: &caller,
            user: &user,
            role: membership.role,
            sso_session,
        };
        accounts.start_token_session(write, sign_in).await
    }
}
