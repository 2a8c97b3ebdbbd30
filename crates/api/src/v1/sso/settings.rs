//! What a connection goes by, as it comes in and goes out.

use serde::Deserialize;
use utoipa::ToSchema;
use vestibule_federation::{NewSecret, sso_settings};
use vestibule_http::body::{Object, UniqueMap};
use vestibule_http::{Fields, Problem};
use vestibule_model::{
    ClaimNames, ClientAuthMethod, ConnectionSettings, GroupId, Role, SsoProtocol,
};
use vestibule_sso::oidc::ClientKeyKind;
use vestibule_sso::{PlainClientSecret, Preset};

use crate::schema::RoleSchema;

/// A known provider, whose preset fills in hints.
#[derive(ToSchema)]
#[schema(as = SsoPreset, rename_all = "snake_case")]
#[expect(dead_code, reason = "read by the documentation alone")]
pub(super) enum PresetSchema {
    Google,
    Entra,
    Okta,
    Keycloak,
    Github,
    Gitlab,
    Generic,
}

/// The protocol of a provider.
#[derive(ToSchema)]
#[schema(as = SsoProtocol, rename_all = "snake_case")]
#[expect(dead_code, reason = "read by the documentation alone")]
enum ProtocolSchema {
    Oidc,
    Github,
}

/// The way in which the server authenticates to the provider.
#[derive(ToSchema)]
#[schema(as = SsoClientAuth, rename_all = "snake_case")]
#[expect(dead_code, reason = "read by the documentation alone")]
enum ClientAuthSchema {
    Secret,
    SecretBasic,
    SecretPost,
    PrivateKeyJwt,
}

/// The settings of a connection. What is left out of a request stays as it is, or as the preset has
/// it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SsoSettings)]
pub(super) struct Settings {
    /// The protocol of the provider; follows from the preset.
    #[schema(value_type = Option<ProtocolSchema>)]
    protocol: Option<SsoProtocol>,
    /// The provider whose hints are taken.
    #[schema(value_type = Option<PresetSchema>)]
    preset: Option<Preset>,
    /// The provider's issuer, or its discovery URL.
    #[schema(max_length = 512, example = "https://login.example.com/realms/acme")]
    issuer: Option<String>,
    /// The provider's id for this server.
    #[schema(max_length = 255, example = "vestibule")]
    client_id: Option<String>,
    /// The way in which this server authenticates.
    #[schema(value_type = Option<ClientAuthSchema>)]
    client_auth: Option<ClientAuthMethod>,
    /// The one algorithm that the provider signs with.
    #[schema(example = "RS256")]
    algorithm: Option<String>,
    /// The scopes to ask for beside `openid`.
    scopes: Option<Vec<String>>,
    /// Other audiences that may stand beside this server in an ID token.
    trusted_audiences: Option<Vec<String>>,
    /// The claims that hold the parts of an identity.
    #[schema(value_type = Option<Claims>)]
    claims: Option<Object<Claims>>,
    /// True if a person who is no member yet becomes one by signing in.
    just_in_time: Option<bool>,
    /// The role of such a member: `USER` or `ADMIN`.
    #[schema(value_type = Option<RoleSchema>)]
    default_role: Option<Role>,
    /// The role that a group of the provider gives: `USER` or `ADMIN`.
    #[schema(value_type = Option<BTreeMap<String, RoleSchema>>)]
    role_by_group: Option<UniqueMap<String, Role>>,
    /// The groups that a group of the provider stands for.
    #[schema(value_type = Option<BTreeMap<String, Vec<String>>>)]
    groups_by_group: Option<UniqueMap<String, Vec<GroupId>>>,
}

/// The places of the parts of an identity among the claims: names, or JSON pointers.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SsoClaims)]
struct Claims {
    /// The subject.
    #[schema(example = "sub")]
    subject: Option<String>,
    /// The e-mail address.
    #[schema(example = "email")]
    email: Option<String>,
    /// True if the address was verified.
    #[schema(example = "email_verified")]
    email_verified: Option<String>,
    /// The person's name.
    #[schema(example = "name")]
    name: Option<String>,
    /// The groups; empty where they are not wanted.
    #[schema(example = "groups")]
    groups: Option<String>,
}

impl Claims {
    fn apply(self, claims: &mut ClaimNames) {
        put(&mut claims.subject, self.subject);
        put(&mut claims.email, self.email);
        put(&mut claims.email_verified, self.email_verified);
        put(&mut claims.name, self.name);
        if let Some(groups) = self.groups {
            claims.groups = Some(groups).filter(|groups| !groups.is_empty());
        }
    }
}

fn put<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

impl Settings {
    /// The settings of a new connection.
    pub(super) fn create(mut self, fields: &mut Fields) -> Option<ConnectionSettings> {
        let preset = self.preset.take().unwrap_or_default();
        let mut required = |field: &str, value: Option<String>| {
            if value.is_none() {
                fields.refuse(field, "missing_field", "is required");
            }
            value
        };
        let issuer = required("settings.issuer", self.issuer.take());
        let client_id = required("settings.client_id", self.client_id.take());
        let settings = sso_settings(preset, &issuer?, &client_id?);
        Some(self.change(settings))
    }

    /// Other settings than these.
    pub(super) fn change(self, mut settings: ConnectionSettings) -> ConnectionSettings {
        if self.preset.is_some() || self.issuer.is_some() || self.client_id.is_some() {
            let of = |own: Option<String>, before: &str| own.unwrap_or_else(|| before.to_owned());
            let issuer = of(self.issuer, &settings.issuer);
            let client_id = of(self.client_id, &settings.client_id);
            // Read as a new connection's would be: the issuer may be a discovery URL, and another
            // preset has other hints.
            let hinted = sso_settings(self.preset.unwrap_or_default(), &issuer, &client_id);
            settings.issuer = hinted.issuer;
            settings.client_id = hinted.client_id;
            if self.preset.is_some() {
                settings.preset = hinted.preset;
                settings.protocol = hinted.protocol;
                settings.scopes = hinted.scopes;
                settings.claims = hinted.claims;
            }
        }
        put(&mut settings.protocol, self.protocol);
        put(&mut settings.client_auth, self.client_auth);
        put(&mut settings.algorithm, self.algorithm);
        put(&mut settings.scopes, self.scopes);
        put(&mut settings.trusted_audiences, self.trusted_audiences);
        if let Some(Object(claims)) = self.claims {
            claims.apply(&mut settings.claims);
        }
        put(&mut settings.just_in_time, self.just_in_time);
        put(&mut settings.default_role, self.default_role);
        put(
            &mut settings.role_by_group,
            self.role_by_group.map(|UniqueMap(roles)| roles),
        );
        put(
            &mut settings.groups_by_group,
            self.groups_by_group.map(|UniqueMap(groups)| groups),
        );
        settings
    }
}

/// The kind of a connection's own key.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SsoClientKeyKind)]
pub(super) enum KeyKind {
    /// Ed25519.
    #[serde(rename = "ed25519")]
    Ed25519,
    /// ECDSA on P-256.
    #[serde(rename = "es256")]
    Es256,
}

/// Reads the secret with which a connection authenticates, if the request has one.
pub(super) fn secret(
    fields: &mut Fields,
    client_secret: Option<String>,
    client_key: Option<KeyKind>,
) -> Option<NewSecret> {
    match (client_secret, client_key) {
        (Some(_), Some(_)) => {
            let message = "must not be given together with client_secret";
            fields.refuse("client_key", "ambiguous_field", message);
            None
        }
        (Some(secret), None) => Some(NewSecret::Client(PlainClientSecret::new(secret))),
        (None, Some(kind)) => Some(NewSecret::Key(match kind {
            KeyKind::Ed25519 => ClientKeyKind::EdDsa,
            KeyKind::Es256 => ClientKeyKind::Es256,
        })),
        (None, None) => None,
    }
}

/// The secret of a connection that has none yet.
pub(super) fn first_secret(
    mut fields: Fields,
    secret: Option<NewSecret>,
) -> Result<NewSecret, Problem> {
    if secret.is_none() {
        let message = "is required, or client_key with client_auth private_key_jwt";
        fields.refuse("client_secret", "missing_field", message);
    }
    fields.finish_with(secret)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: serde_json::Value) -> Settings {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_is_left_out_stays_as_the_preset_or_the_connection_has_it() {
        let mut fields = Fields::default();
        let made = read(json!({
            "preset": "entra",
            "issuer": "https://login.example/v2.0/.well-known/openid-configuration",
            "client_id": "us",
            "claims": { "groups": "" },
        }))
        .create(&mut fields)
        .unwrap();
        assert_eq!(made.issuer, "https://login.example/v2.0");
        assert_eq!(made.claims.subject, "oid");
        assert_eq!(made.claims.groups, None);
        let changed = read(json!({ "just_in_time": true })).change(made.clone());
        assert!(changed.just_in_time);
        assert_eq!(
            ConnectionSettings {
                just_in_time: false,
                ..changed
            },
            made
        );
    }

    #[test]
    fn a_new_connection_names_its_provider_and_itself() {
        let mut fields = Fields::default();
        assert!(read(json!({})).create(&mut fields).is_none());
        assert!(fields.finish().is_err());
    }
}
