//! A signed-in user's own act: a person of the provider becomes another way in.

use vestibule_accounts::{Error, RequestSource, Result};
use vestibule_check::Permit;
use vestibule_model::ConnectionId;
use vestibule_policy::Refusal;

use super::purpose::Purpose;
use super::redirect::{Browser, Initiated};
use super::return_to::check_path;
use crate::{NO_CONNECTION, Sso, Which};

impl Sso {
    /// Begins the sign-in by which a signed-in user links a person of the provider with the own
    /// account. An API key cannot.
    pub async fn link(
        &self,
        permit: &Permit,
        id: ConnectionId,
        path: &str,
        binding: Option<&str>,
        origin: &RequestSource,
    ) -> Result<Initiated> {
        let Some(session) = permit.credential().session() else {
            return Err(Error::Forbidden(Refusal::CredentialKind {
                presented: permit.credential().kind(),
                accepts: "a session",
            }));
        };
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
        self.begin(&connection, &secrets, Which::Live, purpose, browser)
            .await
    }
}
