//! A connection as its administrators see it.

use serde::Serialize;
use utoipa::ToSchema;
use vestibule_federation::{CheckedConnection, Sso};
use vestibule_model::{
    ConnectionId, ConnectionSettings, Name, OrganizationId, SsoConnection, Timestamp,
};
use vestibule_sso::NamedCheck;

use crate::v1::sso::settings::Settings;

/// A connection to an identity provider. Its secret is never shown.
#[derive(Serialize, ToSchema)]
#[schema(as = SsoConnection)]
pub(in crate::v1::sso) struct Connection {
    /// The connection's id.
    #[schema(value_type = String, example = "connection_01jhmpfn80e48s5s0q7b7cwx5e")]
    id: ConnectionId,
    /// The organisation that it belongs to.
    #[schema(value_type = String, example = "tenant_01jhmpfn80e48s5s0q7b7cwx5e")]
    tenant_id: OrganizationId,
    /// Its administrators' name for it.
    #[schema(value_type = String, example = "Acme's Keycloak")]
    name: Name,
    /// True if people sign in with it.
    enabled: bool,
    /// The settings that sign-ins use.
    #[schema(value_type = Settings)]
    live: ConnectionSettings,
    /// The settings that are being prepared.
    #[schema(value_type = Option<Settings>, required)]
    staged: Option<ConnectionSettings>,
    /// Rises with every change.
    version: i64,
    /// To be registered at the provider as redirect URI.
    #[schema(format = "uri")]
    callback_url: String,
    /// To be registered at the provider as back-channel logout URI, where it has such a thing.
    #[schema(format = "uri")]
    backchannel_logout_url: String,
    /// The time of its creation.
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// The time of its last change.
    #[schema(value_type = String, format = "date-time")]
    updated_at: Timestamp,
    /// Since when nobody signs in by it.
    #[schema(value_type = Option<String>, format = "date-time", required)]
    disabled_at: Option<Timestamp>,
}

impl Connection {
    pub(in crate::v1::sso) fn new(sso: &Sso, connection: SsoConnection) -> Self {
        Self {
            id: connection.id,
            tenant_id: connection.organization_id,
            enabled: connection.is_enabled(),
            name: connection.name,
            live: connection.live,
            staged: connection.staged,
            version: connection.version,
            callback_url: sso.callback_url(connection.id),
            backchannel_logout_url: sso.backchannel_logout_url(connection.id),
            created_at: connection.created_at,
            updated_at: connection.updated_at,
            disabled_at: connection.disabled_at,
        }
    }
}

/// One named check of a connection.
#[derive(Serialize, ToSchema)]
#[schema(as = SsoCheck)]
pub(in crate::v1::sso) struct Check {
    /// Its name.
    #[schema(example = "discovery")]
    name: &'static str,
    /// True if it passed.
    passed: bool,
    /// The finding, or the mistake and the value that has it.
    detail: String,
}

impl From<NamedCheck> for Check {
    fn from(check: NamedCheck) -> Self {
        Self {
            name: check.name,
            passed: check.passed,
            detail: check.detail,
        }
    }
}

/// A connection that was saved, and what was found when it was looked over.
#[derive(Serialize, ToSchema)]
#[schema(as = SavedSsoConnection)]
pub(in crate::v1::sso) struct SavedConnection {
    /// The connection.
    connection: Connection,
    /// The checks in their order.
    checks: Vec<Check>,
}

impl SavedConnection {
    pub(in crate::v1::sso) fn new(sso: &Sso, saved: CheckedConnection) -> Self {
        Self {
            connection: Connection::new(sso, saved.connection),
            checks: saved.checks.into_iter().map(Check::from).collect(),
        }
    }
}
