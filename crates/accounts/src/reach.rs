//! How far a credential reaches beyond the organisation of the call.
//!
//! The owners of an organisation decide whom its identity provider vouches for, and the provider
//! says what it likes: its word that somebody is a user counts in that organisation alone. So what a
//! session that came by it sees and changes of its user is what is there, and nothing that the user
//! has elsewhere. Neither does a key that was created in such a session, or with such a key: a
//! credential created from another reaches no further than its creator. A narrowed key is made to
//! be handed to somebody else, and reaches its own organisation alone, whoever created it.
//! Whatever is about a user and not about one organisation asks here.

use vestibule_check::Permit;
use vestibule_model::{CredentialRef, OrganizationId};

use crate::{Accounts, Error, Result};

impl Accounts {
    /// Returns the one organisation that a credential reaches: for a session that came by an
    /// identity provider, for a key whose creator had signed in by one, and for a narrowed key.
    /// `None` where it reaches all that its user has.
    pub async fn reaches_only(&self, permit: &Permit) -> Result<Option<OrganizationId>> {
        let store = &self.0.store;
        match permit.credential() {
            CredentialRef::AccessToken(session) | CredentialRef::SessionCookie(session) => {
                Ok(store.organization_of_sso_session(session).await?)
            }
            CredentialRef::ApiKey(_) if permit.principal().narrowed_to.is_some() => {
                Ok(Some(permit.organization_id()))
            }
            CredentialRef::ApiKey(key) => {
                let connection = store.connection_of_api_key(key).await?;
                let connection = connection.ok_or(Error::CredentialEnded)?;
                Ok(connection.map(|_| permit.organization_id()))
            }
        }
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

    /// Returns true if the credential may change the calling user's names, which are shown in every
    /// organisation of the user. One of a session that came from an identity provider may only if
    /// the user has nothing else: no password, and no other organisation.
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
