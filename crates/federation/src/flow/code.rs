//! One-time codes, exchanged for the token of a finished sign-in.

use std::time::Duration;

use serde_json::json;
use vestibule_accounts::{Caller, Error, ProviderSignIn, RequestSource, Result, TokenSignIn};
use vestibule_model::Digest;
use vestibule_store::{OneTimeCode, Write};
use zeroize::Zeroizing;

use crate::Sso;
use crate::secret_text::random_text;

/// How long a one-time code is good.
const CODE_LIFE: Duration = Duration::from_secs(60);
/// Unknown, used, expired, or for another redirect: nobody is told which.
fn no_such_code() -> Error {
    Error::sign_in_failed(
        "sso_code",
        "The code is unknown, was used, has expired, or was given for another redirect_uri.",
    )
}

impl Sso {
    /// Issues a code for the session of a sign-in, which starts at the exchange.
    pub(super) async fn issue_code(
        &self,
        mut write: Write,
        newcomer: &ProviderSignIn<'_>,
        redirect_uri: &str,
    ) -> Result<Zeroizing<String>> {
        let accounts = self.accounts();
        let code = random_text(accounts.entropy());
        let row = OneTimeCode {
            redirect_uri: redirect_uri.to_owned(),
            user_id: newcomer.user.id,
            origin: newcomer.came_by.clone(),
            expires_at: accounts.now().after(CODE_LIFE),
        };
        let digest = Digest::of(code.as_bytes());
        write.insert_one_time_code(&digest, &row).await?;
        let details = json!({
            "connection": newcomer.came_by.connection_id,
            "redirect_uri": redirect_uri,
        });
        let subject = newcomer.user.id.to_string();
        accounts
            .commit(write, newcomer.caller, "sso.code_issued", subject, &details)
            .await?;
        Ok(code)
    }

    /// Exchanges a code for the token of the sign-in. `redirect_uri` is the one that the browser
    /// was sent to. Of two calls with one code one succeeds.
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
        let found = accounts
            .store()
            .user_of_one_time_code(&digest, redirect_uri, now);
        let user = found.await?.ok_or_else(no_such_code)?;
        let mut write = accounts.begin().await?;
        // The user before the code, as everywhere.
        if !write.hold_user(user).await? {
            return Err(no_such_code());
        }
        let code = write
            .take_one_time_code(&digest, redirect_uri, now)
            .await?
            .ok_or_else(no_such_code)?;

        // A minute is long enough for everything to have changed.
        let came_by = &code.origin;
        let scope = came_by.scope();
        let user = write.user(code.user_id).await?;
        let membership = write.membership(scope, code.user_id).await?;
        let organization = write.organization(came_by.organization_id).await?;
        let connection = write.connection(scope, came_by.connection_id).await?;
        let linked = write
            .subject_of(came_by.connection_id, &came_by.issuer, code.user_id)
            .await?;
        let registered = write.is_redirect_uri(scope, redirect_uri).await?;
        let (Some(user), Some(membership)) = (user, membership) else {
            return Err(no_such_code());
        };
        let stands = user.suspended_at.is_none()
            && membership.deactivated_at.is_none()
            && organization.is_some_and(|it| it.deactivated_at.is_none())
            && connection.is_some_and(|(it, _)| it.is_enabled())
            && linked.is_some()
            && registered;
        if !stands {
            return Err(no_such_code());
        }
        let caller = Caller::arriving(scope, origin.actor(Some(user.id)));
        let newcomer = ProviderSignIn {
            caller: &caller,
            user: &user,
            role: membership.role,
            came_by,
        };
        accounts.start_token_session(write, newcomer).await
    }
}
