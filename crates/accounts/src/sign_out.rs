//! The end of a session, for whoever presents its cookie or a token of it.
//!
//! It takes no permit: who signs out wants the session to end, also where the membership, the
//! organisation or the user stands still, and where the token has expired meanwhile.

use std::net::IpAddr;

use serde_json::json;
use vestibule_model::{Actor, ActorKind, Change, CredentialRef, Digest, OrganizationId, SessionId};

use crate::{Accounts, Result};

/// The credentials of a sign-out.
#[derive(Clone, Default)]
pub struct SignOut<'r> {
    /// The digests of the session cookies of the request. A browser sends one, unless somebody has
    /// planted another beside it.
    pub cookies: Vec<Digest>,
    /// The bearer token of the request.
    pub token: Option<&'r str>,
    /// The address of the client.
    pub address: Option<IpAddr>,
    /// The id of the request in the log.
    pub request_id: Option<String>,
}

/// Says nothing of the token.
impl std::fmt::Debug for SignOut<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignOut")
            .field("address", &self.address)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

/// A session whose cookie or token was presented.
#[derive(Debug, Clone, Copy)]
pub struct FoundSession {
    session: SessionId,
    credential: CredentialRef,
    organization_id: OrganizationId,
}

impl FoundSession {
    /// The session's id.
    pub const fn id(&self) -> SessionId {
        self.session
    }
}

impl Accounts {
    /// Ends the sessions of what is presented: their cookies and all their tokens. When this
    /// returns, no request passes with them. What nobody has, an API key, and a session that has
    /// ended are no obstacle, and nothing is written for them. Those that have ended by this.
    pub async fn sign_out(&self, presented: &SignOut<'_>) -> Result<Vec<SessionId>> {
        self.revoking(move || self.sign_out_now(presented)).await
    }

    async fn sign_out_now(&self, presented: &SignOut<'_>) -> Result<Vec<SessionId>> {
        let found = self.found_sessions(presented).await?;
        self.end_found(presented, &found).await
    }

    /// Returns the sessions of the presented credentials, ended or not.
    pub async fn found_sessions(&self, presented: &SignOut<'_>) -> Result<Vec<FoundSession>> {
        let mut found = Vec::new();
        for cookie in &presented.cookies {
            if let Some(session) = self.0.store.session_by_cookie(cookie).await? {
                found.push(FoundSession {
                    session: session.id,
                    credential: CredentialRef::SessionCookie(session.id),
                    organization_id: session.organization_id,
                });
            }
        }
        let token = presented.token;
        let claims = token.and_then(|it| self.keyring().verify_signature(it, self.now()).ok());
        let claims = claims.map(|token| token.claims);
        found.extend(claims.map(|claims| FoundSession {
            session: claims.session,
            credential: CredentialRef::AccessToken(claims.session),
            organization_id: claims.organization,
        }));
        Ok(found)
    }

    /// Ends the sessions that [`found_sessions`](Self::found_sessions) returned. Returns those that
    /// were still live.
    pub async fn end_found(
        &self,
        presented: &SignOut<'_>,
        found: &[FoundSession],
    ) -> Result<Vec<SessionId>> {
        let mut ended = Vec::new();
        for one in found {
            ended.extend(self.end_session(presented, one).await?);
        }
        Ok(ended)
    }

    async fn end_session(
        &self,
        presented: &SignOut<'_>,
        found: &FoundSession,
    ) -> Result<Option<SessionId>> {
        let id = found.session;
        // Looked at before a transaction is begun: whoever repeats an old credential must not keep
        // the writer busy.
        let session = self.0.store.session(id).await?;
        let Some(session) = session.filter(|session| session.ended_at.is_none()) else {
            return Ok(None);
        };
        let mut write = self.begin().await?;
        if !write.end_session(id, self.now()).await? {
            return Ok(None);
        }
        write.change(Change::Session(id));
        let actor = Actor {
            kind: ActorKind::User,
            user_id: Some(session.user_id),
            credential: Some(found.credential),
            address: presented.address,
            request_id: presented.request_id.clone(),
        };
        self.commit_as(
            write,
            &actor,
            Some(found.organization_id),
            "session.ended",
            id.to_string(),
            &json!({ "by": "sign_out" }),
        )
        .await?;
        Ok(Some(id))
    }
}
