//! A sign-in in a browser in which somebody may be signed in already.
//!
//! A link on any page can begin a sign-in, and the provider that it leads to may answer without
//! asking. So whoever is signed in is asked on a page of ours before they go, and what nobody has
//! agreed to takes the place of no session here.

use vestibule_accounts::{Error, ProviderSignIn, Result};
use vestibule_model::{Digest, UserId};
use vestibule_store::Write;

use crate::Sso;

/// The sessions that a new one would take the place of.
#[derive(Clone, Copy)]
pub(crate) struct Replaced<'a> {
    /// The session cookies that the browser has.
    pub(crate) sessions: &'a [Digest],
    /// Who has agreed to it.
    pub(crate) agreed: Option<UserId>,
}

impl Sso {
    /// Refuses to end a session whose user has not agreed to it, but for one of the same person that
    /// came by the same connection.
    pub(super) async fn keep_others(
        &self,
        write: &mut Write,
        newcomer: &ProviderSignIn<'_>,
        replaced: Replaced<'_>,
    ) -> Result<()> {
        let accounts = self.accounts();
        for cookie in replaced.sessions {
            let session = write.session_by_cookie(cookie).await?;
            let live = session.filter(|it| it.is_live(accounts.now(), accounts.lifetimes()));
            let Some(session) = live else {
                continue;
            };
            if replaced.agreed == Some(session.user_id) {
                continue;
            }
            let came_by = write.sso_session(session.id).await?;
            let connection = came_by.map(|it| it.connection_id);
            let is_renewed = session.user_id == newcomer.user.id
                && connection == Some(newcomer.came_by.connection_id);
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
