//! Changes of a connection: staged, swapped, enabled, disabled.

use vestibule_accounts::{Caller, Error, Result};
use vestibule_model::{Change, ConnectionId, ConnectionSettings, Role, SsoConnection};
use vestibule_store::{ConnectionSecrets, Write};

use super::connection::{AlsoEnd, CheckedConnection, Ended, refuse_failed};
use super::version::chosen;
use crate::{NO_CONNECTION, NewSecret, SettingsVersion, Sso};

impl Sso {
    /// Stages other settings beside the live ones, replacing those staged before. With `secret` as
    /// `None` the stored secret is kept, which only the same issuer may have. For owners.
    pub async fn stage_connection(
        &self,
        caller: &Caller,
        id: ConnectionId,
        settings: ConnectionSettings,
        secret: Option<NewSecret>,
        save_anyway: bool,
    ) -> Result<CheckedConnection> {
        caller.needs(Role::Owner)?;
        self.check_settings(caller, &settings).await?;
        let found = self.accounts().store().connection(caller.scope(), id);
        let (before, secrets) = found.await?.ok_or(NO_CONNECTION)?;
        let sealed = match secret {
            Some(secret) => self.seal_secret(id, settings.client_auth, &secret)?,
            None => kept_secret(&before, &secrets, &settings)?,
        };
        // Asked outside the transaction: a slow provider must not hold the organisation's lock.
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
        Ok(CheckedConnection { connection, checks })
    }

    /// Discards the staged settings. For owners.
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

    /// Makes the staged settings live and stages the previous ones, so that a second swap undoes
    /// the first. Sign-ins in flight fail if issuer or client changed. For owners.
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
            // The former settings are staged, so that a bad swap is undone by another.
            connection.staged = Some(std::mem::replace(&mut connection.live, settings));
            secrets.staged = Some(std::mem::replace(&mut secrets.live, sealed));
            Ok(())
        })
        .await
    }

    /// Enables a connection. For owners.
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

    /// Disables a connection and ends the credentials named by `also`. For owners.
    pub async fn disable_connection(
        &self,
        caller: &Caller,
        id: ConnectionId,
        also: AlsoEnd,
    ) -> Result<SsoConnection> {
        self.accounts()
            .revoking(move || self.disable_connection_once(caller, id, also))
            .await
    }

    async fn disable_connection_once(
        &self,
        caller: &Caller,
        id: ConnectionId,
        also: AlsoEnd,
    ) -> Result<SsoConnection> {
        caller.needs(Role::Owner)?;
        let accounts = self.accounts();
        let (scope, now) = (caller.scope(), accounts.now());
        // Ending sessions locks their users, in the order that all transactions use.
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
        // Otherwise nobody could sign in any more: no password counts, and no provider is left.
        let enforced = write.sso_policy(scope).await?.enforced_since.is_some();
        if enforced && write.count_enabled_connections(scope).await? == 0 {
            return Err(Error::conflict(
                "sso_enforced",
                "The organisation's people have to sign in by this connection; stop enforcing \
                 single sign-on first.",
            ));
        }
        // Codes before sessions: one that is being exchanged right now has its session afterwards,
        // and that session is then found and ended.
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

    /// Applies one change to a connection. Refuses it if the connection is no longer at the version
    /// `seen`.
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
        // The documents were fetched for the former settings.
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

/// Stores the next version of a connection, if the stored one is the version before it.
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

/// Returns the stored secret for the new settings. Only the issuer it was given for may receive it:
/// otherwise anyone who may change the issuer could have the secret sent to a server of their own.
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
    for which in [SettingsVersion::Staged, SettingsVersion::Live] {
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
