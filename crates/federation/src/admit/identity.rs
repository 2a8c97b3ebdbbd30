//! The identities of users at the organisation's providers.

use serde_json::json;
use vestibule_accounts::{Caller, Error, Result};
use vestibule_model::{Change, ConnectionId, Role, SsoIdentity, UserId};

use crate::Sso;

impl Sso {
    /// Returns the identities of a user at the organisation's providers. For admins and owners.
    pub async fn identities(&self, caller: &Caller, user: UserId) -> Result<Vec<SsoIdentity>> {
        caller.needs(Role::Admin)?;
        let store = self.accounts().store();
        Ok(store.identities_of(caller.scope(), user).await?)
    }

    /// Unlinks a user from a connection and ends the user's sessions that started through it. With
    /// `revoke_keys`, also revokes the keys that the user created in such sessions. For admins and
    /// owners; only owners can unlink an owner.
    pub async fn unlink(
        &self,
        caller: &Caller,
        connection: ConnectionId,
        user: UserId,
        revoke_keys: bool,
    ) -> Result<()> {
        self.accounts()
            .revoking(move || self.unlink_once(caller, connection, user, revoke_keys))
            .await
    }

    async fn unlink_once(
        &self,
        caller: &Caller,
        connection: ConnectionId,
        user: UserId,
        revoke_keys: bool,
    ) -> Result<()> {
        caller.needs(Role::Admin)?;
        let accounts = self.accounts();
        let (scope, now) = (caller.scope(), accounts.now());
        let mut write = accounts.begin_holding_user(caller, user).await?;
        // Read under the lock: an admin must not unlink someone who is an owner by now.
        let membership = write.membership(scope, user).await?;
        if membership.is_some_and(|it| it.role == Role::Owner) {
            caller.needs(Role::Owner)?;
        }
        if write.delete_identities(scope, connection, user).await? == 0 {
            return Err(Error::NotFound { what: "identity" });
        }
        // Codes before sessions: one that is being exchanged right now has its session afterwards,
        // and that session is then found and ended.
        write
            .delete_one_time_codes_of(user, None, Some(connection))
            .await?;
        let ended = write
            .end_sso_sessions_of(scope, connection, user, now)
            .await?;
        for session in &ended {
            write.change(Change::Session(*session));
        }
        let kind = "sso.identity_unlinked";
        let mut keys = 0;
        if revoke_keys {
            let owner = Some(user);
            let revoked =
                accounts.revoke_api_keys_of_connection(&mut write, caller, kind, connection, owner);
            keys = revoked.await?;
        }
        let details = json!({
            "connection": connection,
            "sessions_ended": ended.len(),
            "keys_revoked": keys,
        });
        let subject = user.to_string();
        accounts
            .commit(write, caller, kind, subject, &details)
            .await
    }
}
