//! Linking: a signed-in user adds an identity of the provider as another way to sign in.

use vestibule_accounts::{Error, RequestSource, Result};
use vestibule_check::Permit;
use vestibule_model::ConnectionId;
use vestibule_policy::Refusal;

use super::purpose::Purpose;
use super::redirect::{Browser, StartedSignIn};
use super::return_to::check_path;
use crate::{NO_CONNECTION, SettingsVersion, Sso};

impl Sso {
    /// Starts the sign-in at the provider whose identity is linked to the calling user. `path` is
    /// the page to return to. Refuses API keys, which have no browser.
    pub async fn start_link(
        &self,
        permit: &Permit,
        id: ConnectionId,
        path: &str,
        binding: Option<&str>,
        origin: &RequestSource,
    ) -> Result<StartedSignIn> {
        let Some(session) = permit.credential().session() else {
            return Err(Error::Forbidden(Refusal::CredentialKind {
                presented: permit.credential().kind(),
                accepts: "a session",
            }));
        };
        // The path comes from the query of a link, which anybody can write.
        check_path(path)?;
        let found = self.accounts().store().connection(permit.scope(), id);
        let (connection, secrets) = found.await?.ok_or(NO_CONNECTION)?;
        if !connection.is_enabled() {
            return Err(NO_CONNECTION);
        }
        let purpose = Purpose::Link {
            user: permit.user_id(),
            session,
            path: path.to_owned(),
        };
        let browser = Browser {
            binding,
            login_hint: None,
            origin,
        };
        self.start_at_provider(
            &connection,
            &secrets,
            SettingsVersion::Live,
            purpose,
            browser,
        )
        .await
    }
}
