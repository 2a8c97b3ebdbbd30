//! Changes of a connection: staged, swapped, switched off and on.

use vestibule_accounts::{Caller, Error, Result};
use vestibule_model::{Change, ConnectionId, ConnectionSettings, Role, SsoConnection};
use vestibule_store::{ConnectionSecrets, Write};

use super::connection::{AlsoEnd, Ended, Saved, refuse_failed};
use super::version::chosen;
use crate::{NO_CONNECTION, NewSecret, Sso, Which};

impl Sso {
    /// Prepares other settings beside the live ones, in place of what was prepared before. The
    /// secret stays as it is where `secret` is `None`, which the same issuer alone may have. For
    /// owners.
    pub async fn stage_connection(
        &self,
        caller: &Caller,
        id: ConnectionId,
        settings: ConnectionSettings,
        secret: Option<NewSecret>,
        save_anyway: bool,
    ) -> Result<Saved> {
        caller.needs(Role::Owner)?;
        self.check_settings(caller, &settings).await?;
        let found = self.accounts().store().connection(caller.scope(), id);
        let (before, secrets) = found.await?.ok_or(NO_CONNECTION)?;
        let sealed = match secret {
            Some(secret) => self.seal_secret(id, settings.client_auth, &secret)?,
            None => kept_secret(&before, &secrets, &settings)?,
        };
        let provider = self.provider_of(&before, &settings, &sealed)?;
        let checks = provider.preflight().await;
        if !save_anyway {
            refuse_failed(&checks)?;
        }
        let kind = "sso.connection_staged";
        let connection = self
            .change(
                caller,
                id,
                kind,
                Some(before.version),
                |connection, secrets| {
                    connection.staged = Some(settings);
                    secrets.staged = Some(sealed);
                    Ok(())
                },
            )
            .await?;
        Ok(Saved { connection, checks })
    }

    /// Gives up what was prepared. For owners.
    pub async fn unstage_connection(
        &self,
        caller: &Caller,
        id: ConnectionId,
    ) -> Result<SsoConnection> {
        let kind = "sso.connection_unstaged";
        self.change(caller, id, kind, None, |connection, secrets| {
            connection.staged = None;
            secrets.staged = None;
            Ok(())
        })
        .await
    }

    /// Makes what was prepared live, and keeps what was live to swap back. Sign-ins that are under
    /// way have to begin again if issuer or client changed. For owners.
    pub async fn swap_connection(
        &self,
        caller: &Caller,
        id: ConnectionId,
    ) -> Result<SsoConnection> {
        let kind = "sso.connection_swapped";
        self.change(caller, id, kind, None, |connection, secrets| {
            let (Some(settings), Some(sealed)) = (connection.staged.take(), secrets.staged.take())
            else {
                return Err(Error::conflict(
                    "nothing_staged",
                    "Nothing is prepared for this connection; stage a change first.",
                ));
            };
            connection.staged = Some(std::mem::replace(&mut connection.live, settings));
            secrets.staged = Some(std::mem::replace(&mut secrets.live, sealed));
            Ok(())
        })
        .await
    }

    /// Lets people sign in by a connection. For owners.
    pub async fn enable_connection(
        &self,
        caller: &Caller,
        id: ConnectionId,
    ) -> Result<SsoConnection> {
        let kind = "sso.connection_enabled";
        self.change(caller, id, kind, None, |connection, _| {
            connection.disabled_at = None;
            Ok(())
        })
        .await
    }

    /// Lets nobody sign in by a connection any more, and ends what came by it as far as `also`
    /// says. For owners.
    pub async fn disable_connection(
        &self,
        caller: &Caller,
        id: ConnectionId,
        also: AlsoEnd,
    ) -> Result<SsoConnection> {
        self.accounts()
            .revoking(move || self.disable_connection_now(caller, id, also))
            .await
    }

    async fn disable_connection_now(
        &self,
        caller: &Caller,
        id: ConnectionId,
        also: AlsoEnd,
    ) -> Result<SsoConnection> {
        caller.needs(Role::Owner)?;
        let accounts = self.accounts();
        let (scope, now) = (caller.scope(), accounts.now());
        let mut write = if also.sessions {
            let held = accounts.begin_holding_sso_people(caller, id, None, None);
            held.await?
        } else {
            accounts.begin_locked(caller).await?
        };
        let found = write.connection(scope, id).await?;
        let (mut connection, secrets) = found.ok_or(NO_CONNECTION)?;
        connection.disabled_at = connection.disabled_at.or(Some(now));
        connection.version += 1;
        connection.updated_at = now;
        replace(&mut write, &connection, &secrets).await?;
        let enforced = write.sso_policy(scope).await?.enforced_since.is_some();
        if enforced && write.count_enabled_connections(scope).await? == 0 {
            return Err(Error::conflict(
                "sso_enforced",
                "The organisation's people have to sign in by this connection; stop enforcing \
                 single sign-on first.",
            ));
        }
        // First the codes: the session of one that is being exchanged is there afterwards.
        write.delete_one_time_codes(scope, id, None, None).await?;
        let kind = "sso.connection_disabled";
        let mut ended = Ended::default();
        if also.sessions {
            let sessions = write.end_sso_sessions(scope, id, None, None, now).await?;
            ended.sessions = sessions.len();
            for session in sessions {
                write.change(Change::Session(session));
            }
        }
        if also.keys {
            let revoked =
                accounts.revoke_api_keys_of_connection(&mut write, caller, kind, id, None);
            ended.keys = revoked.await?;
        }
        self.commit_connection(write, caller, kind, &connection, Some(ended))
            .await?;
        Ok(connection)
    }

    /// One change of a connection, refused where it is no longer at the version that was seen.
    async fn change(
        &self,
        caller: &Caller,
        id: ConnectionId,
        kind: &'static str,
        seen: Option<i64>,
        edit: impl FnOnce(&mut SsoConnection, &mut ConnectionSecrets) -> Result<()> + Send,
    ) -> Result<SsoConnection> {
        caller.needs(Role::Owner)?;
        let accounts = self.accounts();
        let mut write = accounts.begin_locked(caller).await?;
        let found = write.connection(caller.scope(), id).await?;
        let (mut connection, mut secrets) = found.ok_or(NO_CONNECTION)?;
        self.forget(&connection);
        edit(&mut connection, &mut secrets)?;
        connection.version = seen.unwrap_or(connection.version) + 1;
        connection.updated_at = accounts.now();
        replace(&mut write, &connection, &secrets).await?;
        self.commit_connection(write, caller, kind, &connection, None)
            .await?;
        Ok(connection)
    }
}

/// Puts a connection in the place of the version before it, which has to be the one that is stored.
async fn replace(
    write: &mut Write,
    connection: &SsoConnection,
    secrets: &ConnectionSecrets,
) -> Result<()> {
    if write.update_connection(connection, secrets).await? {
        return Ok(());
    }
    Err(Error::conflict(
        "connection_changed",
        "Somebody else has changed the connection meanwhile; look at it again.",
    ))
}

/// A secret goes to the issuer that it was given for, and to no other: else whoever may change
/// the issuer could have it sent to a place of their own.
fn kept_secret(
    before: &SsoConnection,
    secrets: &ConnectionSecrets,
    new: &ConnectionSettings,
) -> Result<Vec<u8>> {
    let by_key = |settings: &ConnectionSettings| {
        settings.client_auth == vestibule_model::ClientAuthMethod::PrivateKeyJwt
    };
    let fits = |settings: &ConnectionSettings| {
        settings.issuer == new.issuer
            && settings.protocol == new.protocol
            && by_key(settings) == by_key(new)
    };
    for which in [Which::Staged, Which::Live] {
        if let Ok((settings, sealed)) = chosen(before, secrets, which)
            && fits(settings)
        {
            return Ok(sealed.to_vec());
        }
    }
    Err(Error::field(
        "client_secret",
        "client_secret_needed",
        "must be given with another issuer or another kind of proof",
    ))
}
