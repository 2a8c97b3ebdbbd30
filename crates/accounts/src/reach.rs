//! How far a credential reaches beyond the organisation of the call.
//!
//! The owners of an organisation decide whom its identity provider vouches for, and the provider
//! says what it likes: its word that somebody is a user counts in that organisation alone. So what a
//! session that came by it sees and changes of its user is what is there, and nothing that the user
//! has elsewhere. Whatever is about a user and not about one organisation asks here.

use vestibule_check::Permit;
use vestibule_model::OrganizationId;

use crate::{Accounts, Error, Result};

impl Accounts {
    /// The one organisation that a credential reaches, where its session came by an identity
    /// provider. `None` where it reaches all that its user has: of a session that began with a
    /// password, and of a key, which its user has made.
    pub async fn reaches_only(&self, permit: &Permit) -> Result<Option<OrganizationId>> {
        let Some(session) = permit.credential().session() else {
            return Ok(None);
        };
        Ok(self.0.store.organization_of_sso_session(session).await?)
    }

    /// Refuses to go to an organisation that the credential does not reach, whether its user is a
    /// member there or not.
    pub(crate) async fn keep_reach(
        &self,
        permit: &Permit,
        organization: OrganizationId,
    ) -> Result<()> {
        match self.reaches_only(permit).await? {
            Some(only) if only != organization => Err(sso_elsewhere()),
            _ => Ok(()),
        }
    }

    /// Whether the calling user's names are the credential's to change: they are shown in every
    /// organisation of the user. Of a session that came by an identity provider they are where the
    /// user has nothing else: no password, and no other organisation.
    pub async fn may_change_profile(&self, permit: &Permit) -> Result<bool> {
        let Some(organization) = self.reaches_only(permit).await? else {
            return Ok(true);
        };
        let user = permit.user_id();
        Ok(self.0.store.is_only_there(user, organization).await?)
    }

    /// Refuses a credential whose the names of the calling user are not to change.
    pub(crate) async fn keep_profile(&self, permit: &Permit) -> Result<()> {
        if self.may_change_profile(permit).await? {
            return Ok(());
        }
        Err(Error::denied(
            "profile_elsewhere",
            "Your names are shown in all your organisations, and the word of this one's identity \
             provider counts here alone; sign in with your password to change them. The operator \
             can give you one.",
        ))
    }
}

pub(crate) fn sso_elsewhere() -> Error {
    Error::denied(
        "sso_elsewhere",
        "This session came through another organisation's identity provider, whose word counts \
         there alone; sign in to this organisation.",
    )
}
