//! A sign-in in a browser in which somebody may be signed in already.
//!
//! A link on any page can begin a sign-in, and the provider that it leads to may answer without
//! asking. So whoever is signed in is asked on a page of ours before they go, and what nobody has
//! agreed to takes the place of no session here.

use vestibule_credential::{SecretKind, frame};
use vestibule_model::{CredentialRef, Digest, User, UserId};
use vestibule_store::Write;

use super::Sso;
use super::finish::Newcomer;
use crate::{Accounts, CookieSignIn, Error, Result};

/// The sessions that a new one would take the place of.
#[derive(Clone, Copy)]
pub(super) struct Replaced<'a> {
    /// The session cookies that the browser has.
    pub(super) sessions: &'a [Digest],
    /// Who has agreed to it.
    pub(super) agreed: Option<UserId>,
}

impl Accounts {
    /// Who is signed in in a browser with these session cookies; of several the first.
    pub async fn user_of_browser(&self, sessions: &[Digest]) -> Result<Option<User>> {
        for cookie in sessions {
            let session = self.0.store.session_by_cookie(cookie).await?;
            if let Some(session) = session.filter(|it| it.is_live(self.now(), &self.0.lifetimes)) {
                return Ok(self.0.store.user(session.user_id).await?);
            }
        }
        Ok(None)
    }
}

impl Sso {
    /// Begins a session with a cookie, in place of those that the browser has.
    pub(super) async fn begin_cookie(
        &self,
        mut write: Write,
        newcomer: Newcomer<'_>,
        replaced: Replaced<'_>,
    ) -> Result<CookieSignIn> {
        self.keep_others(&mut write, &newcomer, replaced).await?;
        let session = self.session_of(&newcomer);
        let accounts = self.accounts();
        let cookie = frame::mint(&accounts.0.prefix, SecretKind::Session, accounts.entropy());
        let credential = CredentialRef::SessionCookie(session.id);
        let digest = cookie.digest();
        let mut actor = newcomer.caller.actor().clone();
        actor.credential = Some(credential);
        accounts
            .end_replaced(&mut write, &actor, replaced.sessions)
            .await?;
        let signed_in = self
            .begin_session(write, newcomer, session, credential, Some(&digest))
            .await?;
        Ok(CookieSignIn { signed_in, cookie })
    }

    /// Refuses to end a session whose user has not agreed to it, but for one of the same person that
    /// came by the same connection.
    async fn keep_others(
        &self,
        write: &mut Write,
        newcomer: &Newcomer<'_>,
        replaced: Replaced<'_>,
    ) -> Result<()> {
        let accounts = self.accounts();
        for cookie in replaced.sessions {
            let session = write.session_by_cookie(cookie).await?;
            let live = session.filter(|it| it.is_live(accounts.now(), &accounts.0.lifetimes));
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
