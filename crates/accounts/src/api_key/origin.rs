//! The sign-in behind a key: recorded when the key is created, inherited by the keys that it
//! creates, and the ground on which keys are revoked together.

use serde_json::json;
use vestibule_model::{Change, ConnectionId, CredentialRef, UserId};
use vestibule_store::Write;

use super::describe_key;
use crate::reach::sso_elsewhere;
use crate::{Accounts, Caller, Error, Result};

/// The way in which the creator of a key had signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CreatorSignIn {
    /// With a password.
    Password,
    /// Through a connection of the organisation.
    Provider(ConnectionId),
    /// Not at all: the creator called with a key, which may itself be bound to a connection.
    ApiKey(Option<ConnectionId>),
    /// Not at all: the operator, at the command line.
    Operator,
}

impl CreatorSignIn {
    /// Returns how `caller` had signed in, as `write` sees it.
    pub(super) async fn of(caller: &Caller, write: &mut Write) -> Result<Self> {
        let Some(permit) = caller.permit() else {
            return Ok(Self::Operator);
        };
        match permit.credential() {
            CredentialRef::ApiKey(id) => {
                let found = write.connection_of_api_key(id).await?;
                Ok(Self::ApiKey(found.ok_or(Error::CredentialEnded)?))
            }
            CredentialRef::AccessToken(id) | CredentialRef::SessionCookie(id) => {
                match write.sso_session(id).await? {
                    None => Ok(Self::Password),
                    Some(it) if it.organization_id == caller.organization_id() => {
                        Ok(Self::Provider(it.connection_id))
                    }
                    Some(_) => Err(sso_elsewhere()),
                }
            }
        }
    }

    /// Returns the connection that the key is bound to, if any.
    pub(super) const fn connection(self) -> Option<ConnectionId> {
        match self {
            Self::Provider(connection) | Self::ApiKey(Some(connection)) => Some(connection),
            Self::Password | Self::ApiKey(None) | Self::Operator => None,
        }
    }

    /// Returns the name that the audit log has for it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Provider(_) => "identity_provider",
            Self::ApiKey(_) => "api_key",
            Self::Operator => "operator",
        }
    }
}

impl Accounts {
    /// Revokes the keys whose creator had signed in through a connection: those of one owner where
    /// one is named, of all otherwise. Each gets an audit record of its own, which names `kind` as
    /// the cause. Returns the number of keys revoked. The organisation is locked.
    pub async fn revoke_api_keys_of_connection(
        &self,
        write: &mut Write,
        caller: &Caller,
        kind: &'static str,
        connection: ConnectionId,
        owner: Option<UserId>,
    ) -> Result<usize> {
        let (scope, now) = (caller.scope(), self.now());
        let revoked = write.revoke_api_keys_of_connection(scope, connection, owner, now);
        let revoked = revoked.await?;
        let organization = Some(caller.organization_id());
        let mut records = Vec::with_capacity(revoked.len());
        for (key, grants) in &revoked {
            write.change(Change::ApiKey(key.id));
            let details = json!({
                "owner": key.owner_id,
                "before": describe_key(key, grants.as_deref()),
                "by": kind,
            });
            let subject = Some(key.id.to_string());
            let kind = "api_key.deleted";
            records.push(self.record(caller.actor(), organization, kind, subject, &details));
        }
        write.append_audit(&records).await?;
        Ok(revoked.len())
    }
}
