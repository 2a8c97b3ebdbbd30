//! Access tokens, and the one that succeeds another.

use std::time::Duration;

use serde_json::json;
use vestibule_check::Permit;
use vestibule_credential::{Claims, Keyring, TokenId};
use vestibule_model::{CredentialRef, OrganizationId, Session, Timestamp};
use vestibule_policy::Refusal;
use vestibule_store::Successor;
use zeroize::Zeroizing;

use crate::organization::NO_ORGANIZATION;
use crate::{Accounts, Error, Me, Result};

/// Refreshes of one token within this time get one successor.
const REFRESH_WINDOW: Duration = Duration::from_secs(30);

/// An access token in clear, on its way to its holder. Wiped when dropped, never printed.
pub struct AccessToken {
    text: Zeroizing<String>,
    /// The time of issue, in whole seconds.
    pub issued_at: Timestamp,
    /// From when on it is refused, in whole seconds.
    pub expires_at: Timestamp,
}

impl AccessToken {
    /// The token itself: for the one answer that hands it over.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Returns its lifetime from the time of issue, as `expires_in` has it.
    pub fn expires_in(&self) -> Duration {
        self.expires_at.since(self.issued_at)
    }
}

impl std::fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessToken")
            .field("issued_at", &self.issued_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// A successor, and whose it is.
#[derive(Debug)]
pub struct Refreshed {
    /// The caller, in the organisation of the new token.
    pub me: Me,
    /// The new token.
    pub token: AccessToken,
}

impl Accounts {
    /// Gives the holder of an access token another one of the same session with a fresh end, for
    /// the same organisation or for another that the user is an active member of. The presented
    /// token keeps its own end. Callers that refresh one token at the same time get one successor.
    ///
    /// `presented` is the token that the permit was given for.
    pub async fn refresh(
        &self,
        permit: &Permit,
        presented: &str,
        organization: Option<OrganizationId>,
    ) -> Result<Refreshed> {
        let session = access_token_session(permit)?;
        // The successor is signed by the keyring that takes the presented token: of a key that is
        // deleted meanwhile no token becomes one of the next key.
        let keyring = self.keyring();
        let claims = keyring
            .verify(presented, self.now())
            .ok()
            .map(|token| token.claims)
            .filter(|claims| claims.session == session && claims.subject == permit.user_id())
            .ok_or(Error::CredentialEnded)?;
        let organization = organization.unwrap_or(claims.organization);
        self.keep_reach(permit, organization).await?;
        let found = self
            .0
            .store
            .caller_by_session(session, organization)
            .await?;
        let (session, row) = found.ok_or(NO_ORGANIZATION)?;
        if !session.is_live(self.now(), &self.0.lifetimes) || row.user_suspended_at.is_some() {
            return Err(Error::CredentialEnded);
        }
        let Some((role, None)) = row.membership else {
            return Err(NO_ORGANIZATION);
        };
        if row.organization_deactivated_at.is_some() {
            return Err(NO_ORGANIZATION);
        }

        let candidate = self.candidate(&session)?;
        let window = self.refresh_window(&session, organization).await?;
        let mut write = self.begin().await?;
        self.still_in(&mut write, permit, organization).await?;
        let successor = write
            .refresh_successor(&claims.id.to_string(), organization, &candidate, window)
            .await?;
        // Another call's successor is another call's change.
        if successor == candidate {
            let details = json!({ "before": claims.organization, "after": organization });
            self.commit_as(
                write,
                &permit.actor(),
                Some(organization),
                "session.refreshed",
                session.id.to_string(),
                &details,
            )
            .await?;
        } else {
            drop(write);
        }
        let token = signed_by(&keyring, &session, organization, &successor)?;
        let me = self
            .me_in(permit.user_id(), organization, role, session.id)
            .await?;
        Ok(Refreshed { me, token })
    }

    /// Returns the time within which refreshes of one token get one successor: none where a token
    /// of that time would be refused, because the membership has ended since and begun anew.
    async fn refresh_window(
        &self,
        session: &Session,
        organization: OrganizationId,
    ) -> Result<Duration> {
        if session.organization_id == organization {
            // The session would have ended.
            return Ok(REFRESH_WINDOW);
        }
        let since = self.now().before(REFRESH_WINDOW);
        let ended = self
            .0
            .store
            .has_membership_ended_since(session.user_id, organization, since);
        Ok(if ended.await? {
            Duration::ZERO
        } else {
            REFRESH_WINDOW
        })
    }

    /// The parts of a new token of `session`, which does not outlive it.
    pub(crate) fn candidate(&self, session: &Session) -> Result<Successor> {
        let now = self.now();
        let expires_at = now
            .after(self.0.lifetimes.access_token)
            .min(session.expires_at);
        if expires_at.as_seconds() <= now.as_seconds() {
            return Err(Error::CredentialEnded);
        }
        Ok(Successor {
            token_id: TokenId::mint(self.clock(), self.entropy()).to_string(),
            issued_at: now,
            expires_at,
        })
    }

    /// The token made of these parts: of equal ones the same text.
    pub(crate) fn token_of(
        &self,
        session: &Session,
        organization: OrganizationId,
        parts: &Successor,
    ) -> Result<AccessToken> {
        signed_by(&self.keyring(), session, organization, parts)
    }
}

fn signed_by(
    keyring: &Keyring,
    session: &Session,
    organization: OrganizationId,
    parts: &Successor,
) -> Result<AccessToken> {
    let claims = Claims {
        subject: session.user_id,
        organization,
        session: session.id,
        id: parts.token_id.parse().map_err(Error::internal)?,
        issued_at: Timestamp::from_seconds(parts.issued_at.as_seconds()),
        expires_at: Timestamp::from_seconds(parts.expires_at.as_seconds()),
    };
    Ok(AccessToken {
        text: Zeroizing::new(keyring.sign(&claims)?),
        issued_at: claims.issued_at,
        expires_at: claims.expires_at,
    })
}

fn access_token_session(permit: &Permit) -> Result<vestibule_model::SessionId> {
    match permit.credential() {
        CredentialRef::AccessToken(session) => Ok(session),
        other => Err(Error::Forbidden(Refusal::CredentialKind {
            presented: other.kind(),
            accepts: "an access token",
        })),
    }
}
