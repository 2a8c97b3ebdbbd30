//! Connections: made, changed in stages, switched off and on.

use serde_json::json;
use vestibule_model::{Change, ConnectionId, ConnectionSettings, Name, Role, SsoConnection};
use vestibule_sso::NamedCheck;
use vestibule_store::{ConnectionSecrets, Write};

use super::{NO_CONNECTION, NewSecret, Sso, Which, settings};
use crate::{Caller, Error, FieldError, Result};

/// How many connections an organisation may have.
const MOST: u64 = 20;

/// What a new connection is to be.
#[derive(Debug, Clone)]
pub struct NewConnection {
    /// What its administrators call it.
    pub name: Name,
    /// All that is no secret; see [`sso_settings`](super::sso_settings).
    pub settings: ConnectionSettings,
    /// Our proof at the provider.
    pub secret: NewSecret,
    /// Whether people may sign in by it at once.
    pub enabled: bool,
    /// Whether it is saved even where a check fails.
    pub save_anyway: bool,
}

/// A connection that was saved, and what was found when it was looked over.
#[derive(Debug, Clone)]
pub struct Saved {
    /// The connection.
    pub connection: SsoConnection,
    /// The checks in their order.
    pub checks: Vec<NamedCheck>,
}

/// The field that a failed check is about.
fn field_of(check: &str) -> &'static str {
    match check {
        "algorithm" | "keys" => "algorithm",
        "client_auth" => "client_auth",
        _ => "issuer",
    }
}

fn refuse_failed(checks: &[NamedCheck]) -> Result<()> {
    let failed: Vec<_> = checks
        .iter()
        .filter(|check| !check.passed)
        .map(|check| {
            let message = format!("failed the check {}: {}", check.name, check.detail);
            FieldError::new(field_of(check.name), check.name, message)
        })
        .collect();
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(failed))
    }
}

impl Sso {
    /// The connections of the organisation, the oldest first. For admins and owners.
    pub async fn connections(&self, caller: &Caller) -> Result<Vec<SsoConnection>> {
        caller.needs(Role::Admin)?;
        Ok(self.accounts().store().connections(caller.scope()).await?)
    }

    /// A connection. For admins and owners.
    pub async fn connection(&self, caller: &Caller, id: ConnectionId) -> Result<SsoConnection> {
        caller.needs(Role::Admin)?;
        let found = self.accounts().store().connection(caller.scope(), id);
        let (connection, _) = found.await?.ok_or(NO_CONNECTION)?;
        Ok(connection)
    }

    /// Makes a connection, if the provider passes every check or the caller wants it all the
    /// same. For owners.
    pub async fn create_connection(&self, caller: &Caller, new: NewConnection) -> Result<Saved> {
        caller.needs(Role::Owner)?;
        let accounts = self.accounts();
        let now = accounts.now();
        self.check_settings(caller, &new.settings).await?;
        let connection = SsoConnection {
            id: ConnectionId::mint(accounts.clock(), accounts.entropy()),
            organization_id: caller.organization_id(),
            name: new.name,
            live: new.settings,
            staged: None,
            version: 1,
            created_at: now,
            updated_at: now,
            disabled_at: (!new.enabled).then_some(now),
        };
        let method = connection.live.client_auth;
        let secrets = ConnectionSecrets {
            live: self.seal_secret(connection.id, method, &new.secret)?,
            staged: None,
        };
        let provider = self.provider_of(&connection, &connection.live, &secrets.live)?;
        let checks = provider.preflight().await;
        if !new.save_anyway {
            refuse_failed(&checks)?;
        }
        let mut write = accounts.begin_locked(caller).await?;
        if write.count_connections(caller.scope()).await? >= MOST {
            return Err(Error::conflict(
                "too_many_connections",
                format!("An organisation has at most {MOST} connections; change one instead."),
            ));
        }
        write.insert_connection(&connection, &secrets).await?;
        let kind = "sso.connection_created";
        self.commit_connection(write, caller, kind, &connection, None)
            .await?;
        Ok(Saved { connection, checks })
    }

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

    /// Lets nobody sign in by a connection any more, and ends the sessions that came by it where
    /// that is wanted. For owners.
    pub async fn disable_connection(
        &self,
        caller: &Caller,
        id: ConnectionId,
        end_sessions: bool,
    ) -> Result<SsoConnection> {
        caller.needs(Role::Owner)?;
        let accounts = self.accounts();
        let (scope, now) = (caller.scope(), accounts.now());
        let mut write = accounts.begin_locked(caller).await?;
        let found = write.connection(scope, id).await?;
        let (mut connection, secrets) = found.ok_or(NO_CONNECTION)?;
        connection.disabled_at = connection.disabled_at.or(Some(now));
        connection.version += 1;
        connection.updated_at = now;
        write.update_connection(&connection, &secrets).await?;
        let enforced = write.sso_policy(scope).await?.enforced_since.is_some();
        if enforced && write.count_enabled_connections(scope).await? == 0 {
            return Err(Error::conflict(
                "sso_enforced",
                "The organisation's people have to sign in by this connection; stop enforcing \
                 single sign-on first.",
            ));
        }
        let mut ended = 0;
        if end_sessions {
            let sessions = write.end_sso_sessions(scope, id, None, None, now).await?;
            ended = sessions.len();
            for session in sessions {
                write.change(Change::Session(session));
            }
        }
        write.delete_one_time_codes(id, None).await?;
        let kind = "sso.connection_disabled";
        self.commit_connection(write, caller, kind, &connection, Some(ended))
            .await?;
        Ok(connection)
    }

    /// Settings that are sound in themselves, with groups that exist.
    async fn check_settings(&self, caller: &Caller, new: &ConnectionSettings) -> Result<()> {
        settings::check(new)?;
        let mapped = new.mapped_groups();
        if mapped.is_empty() {
            return Ok(());
        }
        let groups = self.accounts().store().groups(caller.scope()).await?;
        let missing = mapped
            .iter()
            .find(|id| !groups.iter().any(|group| group.id == **id));
        match missing {
            Some(id) => Err(Error::field(
                "groups_by_group",
                "unknown_group",
                format!("names the group {id}, which does not exist"),
            )),
            None => Ok(()),
        }
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
        if seen.is_some_and(|seen| seen != connection.version) {
            return Err(Error::conflict(
                "connection_changed",
                "Somebody else has changed the connection meanwhile; look at it again.",
            ));
        }
        self.forget(&connection);
        edit(&mut connection, &mut secrets)?;
        connection.version += 1;
        connection.updated_at = accounts.now();
        write.update_connection(&connection, &secrets).await?;
        self.commit_connection(write, caller, kind, &connection, None)
            .await?;
        Ok(connection)
    }

    async fn commit_connection(
        &self,
        write: Write,
        caller: &Caller,
        kind: &'static str,
        connection: &SsoConnection,
        ended: Option<usize>,
    ) -> Result<()> {
        let details = json!({
            "name": connection.name,
            "version": connection.version,
            "enabled": connection.is_enabled(),
            "live": connection.live,
            "staged": connection.staged,
            "sessions_ended": ended,
        });
        let subject = connection.id.to_string();
        self.accounts()
            .commit(write, caller, kind, subject, &details)
            .await?;
        self.forget(connection);
        Ok(())
    }
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
        if let Ok((settings, sealed)) = super::provider::chosen(before, secrets, which)
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
