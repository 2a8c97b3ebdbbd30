//! The sessions that a sign-in would replace in its browser.
//!
//! A link on any page can start a sign-in, and the provider may answer without asking the person. A
//! signed-in user is therefore asked on our page first, and a session whose user has not agreed is
//! never replaced.

use vestibule_accounts::{Error, ProviderSignIn, Result};
use vestibule_model::{Digest, UserId};
use vestibule_store::Write;

use crate::Sso;

/// The sessions that the new one would replace.
#[derive(Clone, Copy)]
pub(crate) struct Replaced<'a> {
    /// Digests of the session cookies in the browser.
    pub(crate) sessions: &'a [Digest],
    /// The user who agreed on our page to be signed out.
    pub(crate) agreed: Option<UserId>,
}

impl Sso {
    /// Refuses to replace a session whose user has not agreed, except one of the same user through
    /// the same connection.
    pub(super) async fn check_replaced(
        &self,
        write: &mut Write,
        sign_in: &ProviderSignIn<'_>,
        replaced: Replaced<'_>,
    ) -> Result<()> {
        let accounts = self.accounts();
        for cookie in replaced.sessions {
            let session = write.session_by_cookie(cookie).await?;
            let live = session.filter(|it| it.is_live(accounts.now(), accounts.lifetimes()));
            let Some(session) = live else {
                continue;
            };
            // Agreed to on our own page, which no other page can submit.
            if replaced.agreed == Some(session.user_id) {
                continue;
            }
            let sso_session = write.sso_session(session.id).await?;
            let connection = sso_session.map(|it| it.connection_id);
            // Renewing one's own session through the same provider surprises nobody.
            let is_renewed = session.user_id == sign_in.user.id
                && connection == Some(sign_in.sso_session.connection_id);
            if !is_renewed {
                return Err(Error::conflict(
                    "signed_in_already",
                    "Somebody is signed in in this browser, and has not agreed to be signed out; \
                     begin the sign-in again and agree, or sign out first.",
                ));
            }
        }
        Ok(())
    }
}
