//! Whether the password is right, and where the session begins.

use vestibule_credential::{HashError, PasswordVerdict, PlainPassword};
use vestibule_model::{Actor, ActorKind, OrganizationId, Role, User};

use super::SignIn;
use crate::{Accounts, Error, Me, Result};

/// A user whose password was right, and where the session begins.
pub(super) struct Known {
    pub(super) me: Me,
    pub(super) actor: Actor,
    /// The hash that the password was right for.
    pub(super) stored: String,
    /// The hash of the same password under today's parameters, where those of `stored` are others.
    pub(super) rehashed: Option<String>,
}

impl Accounts {
    /// Identifies the user who signs in, if the password is right and there is an organisation to
    /// start in.
    pub(super) async fn identify(&self, sign_in: &SignIn) -> Result<Known> {
        let row = self.0.store.sign_in_row(&sign_in.email).await?;
        let stored = row.as_ref().and_then(|row| row.password_hash.clone());
        let verdict = self.verify(&sign_in.password, stored.clone()).await?;
        let (PasswordVerdict::Match { rehash }, Some(row), Some(stored)) = (verdict, row, stored)
        else {
            return Err(Error::BadCredentials);
        };
        let wanted = |(id, _): &&(OrganizationId, Role)| {
            sign_in.organization_id.is_none_or(|wanted| wanted == *id)
        };
        let (Some(&(organization_id, role)), Some(&(default_organization_id, _)), None) = (
            row.memberships.iter().find(wanted),
            row.memberships.first(),
            row.user.suspended_at,
        ) else {
            return Err(Error::BadCredentials);
        };
        // Only now: who does not know the password learns nothing of how one signs in.
        let wanted = sign_in.organization_id;
        let chosen = self.by_password(row.user.id, wanted, &row.memberships);
        let (organization_id, role) = chosen.await?.unwrap_or((organization_id, role));
        let rehashed = if rehash {
            self.rehash(&row.user, &sign_in.password).await
        } else {
            None
        };
        let actor = Actor {
            kind: ActorKind::User,
            user_id: Some(row.user.id),
            credential: None,
            address: sign_in.address,
            request_id: sign_in.request_id.clone(),
        };
        let me = Me {
            user: row.user,
            organization_id,
            role,
            default_organization_id,
            by_provider: false,
        };
        Ok(Known {
            me,
            actor,
            stored,
            rehashed,
        })
    }

    /// A stored hash that cannot be computed is our trouble, and looks like a wrong password in
    /// every respect.
    pub(crate) async fn verify(
        &self,
        password: &PlainPassword,
        stored: Option<String>,
    ) -> Result<PasswordVerdict> {
        match self.0.hasher.verify(password.clone(), stored).await {
            Err(HashError::StoredHash) => {
                tracing::error!("a stored password hash is malformed or absurdly expensive");
                Ok(self.0.hasher.verify(password.clone(), None).await?)
            }
            verdict => Ok(verdict?),
        }
    }

    /// The password under today's parameters. A sign-in does not fail where this does.
    async fn rehash(&self, user: &User, password: &PlainPassword) -> Option<String> {
        let hash = self.0.hasher.hash(password.clone(), self.entropy());
        hash.await
            .inspect_err(|error| {
                tracing::warn!(%error, user = %user.id, "a password could not be hashed again");
            })
            .ok()
    }
}
