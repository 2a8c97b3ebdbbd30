//! Connections to identity providers: listed and created.

use serde_json::json;
use vestibule_accounts::{Caller, Error, FieldError, Result};
use vestibule_model::{ConnectionId, ConnectionSettings, Name, Role, SsoConnection};
use vestibule_sso::NamedCheck;
use vestibule_store::{ConnectionSecrets, Write};

use super::settings;
use crate::{NO_CONNECTION, NewSecret, Sso};

/// The number of connections that an organisation may have.
const MOST: u64 = 20;

/// A connection to be created.
#[derive(Debug, Clone)]
pub struct NewConnection {
    /// The name shown to administrators.
    pub name: Name,
    /// The settings that are not secret; see [`sso_settings`](crate::sso_settings).
    pub settings: ConnectionSettings,
    /// The secret or key that authenticates us at the provider.
    pub secret: NewSecret,
    /// True to enable sign-ins at once.
    pub enabled: bool,
    /// True to save even if a check fails.
    pub save_anyway: bool,
}

/// The credentials to end along with a connection. None by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AlsoEnd {
    /// The sessions that started through it.
    pub sessions: bool,
    /// The API keys whose creator had signed in through it.
    pub keys: bool,
}

/// The numbers of credentials that ended along with a connection.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ended {
    pub(super) sessions: usize,
    pub(super) keys: usize,
}

/// A saved connection and the results of its checks.
#[derive(Debug, Clone)]
pub struct CheckedConnection {
    /// The connection.
    pub connection: SsoConnection,
    /// The checks in their order.
    pub checks: Vec<NamedCheck>,
}

/// Returns the form fields that a failed check concerns: two if the provider does not tell which of
/// them is wrong.
fn fields_of(check: &NamedCheck) -> &'static [&'static str] {
    match (check.name, check.clause) {
        ("algorithm" | "keys", _) => &["algorithm"],
        ("client_auth", _) => &["client_auth"],
        ("credentials", Some("client_unknown")) => &["client_id"],
        ("credentials", Some("client_secret")) => &["client_secret"],
        ("credentials", Some("token_refused")) => &["client_id", "client_secret"],
        _ => &["issuer"],
    }
}

pub(super) fn refuse_failed(checks: &[NamedCheck]) -> Result<()> {
    let failed: Vec<_> = checks
        .iter()
        .filter(|check| !check.passed)
        .flat_map(|check| {
            let message = format!("failed the check {}: {}", check.name, check.detail);
            let fields = fields_of(check).iter();
            fields.map(move |field| FieldError::new(*field, check.name, message.clone()))
        })
        .collect();
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(failed))
    }
}

impl Sso {
    /// Returns the connections of the organisation, the oldest first. For admins and owners.
    pub async fn connections(&self, caller: &Caller) -> Result<Vec<SsoConnection>> {
        caller.needs(Role::Admin)?;
        Ok(self.accounts().store().connections(caller.scope()).await?)
    }

    /// Returns a connection. For admins and owners.
    pub async fn connection(&self, caller: &Caller, id: ConnectionId) -> Result<SsoConnection> {
        caller.needs(Role::Admin)?;
        let found = self.accounts().store().connection(caller.scope(), id);
        let (connection, _) = found.await?.ok_or(NO_CONNECTION)?;
        Ok(connection)
    }

    /// Creates a connection if the provider passes every check, or regardless with
    /// [`save_anyway`](NewConnection::save_anyway). For owners.
    pub async fn create_connection(
        &self,
        caller: &Caller,
        new: NewConnection,
    ) -> Result<CheckedConnection> {
        let accounts = self.accounts();
        let id = ConnectionId::mint(accounts.clock(), accounts.entropy());
        self.insert_connection(caller, id, new).await
    }

    pub(super) async fn insert_connection(
        &self,
        caller: &Caller,
        id: ConnectionId,
        new: NewConnection,
    ) -> Result<CheckedConnection> {
        caller.needs(Role::Owner)?;
        let accounts = self.accounts();
        let now = accounts.now();
        self.check_settings(caller, &new.settings).await?;
        let connection = SsoConnection {
            id,
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
        // The checks call the provider, so they run before the transaction.
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
        Ok(CheckedConnection { connection, checks })
    }

    /// Refuses invalid settings and mappings to groups that do not exist.
    pub(super) async fn check_settings(
        &self,
        caller: &Caller,
        new: &ConnectionSettings,
    ) -> Result<()> {
        settings::check(new)?;
        for id in new.mapped_groups() {
            let group = self.accounts().store().group(caller.scope(), id).await?;
            if group.is_none() {
                return Err(Error::field(
                    "groups_by_group",
                    "unknown_group",
                    format!("names the group {id}, which does not exist"),
                ));
            }
        }
        Ok(())
    }

    pub(super) async fn commit_connection(
        &self,
        write: Write,
        caller: &Caller,
        kind: &'static str,
        connection: &SsoConnection,
        ended: Option<Ended>,
    ) -> Result<()> {
        let details = json!({
            "name": connection.name,
            "version": connection.version,
            "enabled": connection.is_enabled(),
            "live": connection.live,
            "staged": connection.staged,
            "sessions_ended": ended.map(|it| it.sessions),
            "keys_revoked": ended.map(|it| it.keys),
        });
        let subject = connection.id.to_string();
        self.accounts()
            .commit(write, caller, kind, subject, &details)
            .await?;
        // After the commit: until then, sign-ins of the former version may fill the cache again.
        self.forget(connection);
        Ok(())
    }
}
