//! Connections to identity providers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ConnectionId, GroupId, Name, OrganizationId, Role, Timestamp};

/// An organisation's connection to its identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoConnection {
    /// The connection's id.
    pub id: ConnectionId,
    /// The organisation that it belongs to.
    pub organization_id: OrganizationId,
    /// The name that its administrators gave it.
    pub name: Name,
    /// The settings in use for sign-ins.
    pub live: ConnectionSettings,
    /// The draft settings, which are tested and then swapped with the live ones.
    pub staged: Option<ConnectionSettings>,
    /// Rises with every change, so that what is remembered of older settings is not used.
    pub version: i64,
    /// The time of creation.
    pub created_at: Timestamp,
    /// The time of the last change.
    pub updated_at: Timestamp,
    /// Since when nobody signs in by it, where that is so.
    pub disabled_at: Option<Timestamp>,
}

/// The protocol of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SsoProtocol {
    /// OpenID Connect.
    #[default]
    Oidc,
    /// GitHub's OAuth, which has no ID token.
    Github,
}

/// The way in which we authenticate to the provider. The secret or key is stored apart, sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthMethod {
    /// A secret, sent as the provider prefers.
    #[default]
    Secret,
    /// A secret in the `Authorization` header.
    SecretBasic,
    /// A secret in the form.
    SecretPost,
    /// A signature by the connection's own key (RFC 7523).
    PrivateKeyJwt,
}

/// Everything about a connection that is no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionSettings {
    /// The protocol of the provider.
    #[serde(default)]
    pub protocol: SsoProtocol,
    /// The preset whose hints were taken, for people.
    #[serde(default)]
    pub preset: String,
    /// The provider's issuer, exactly as it names itself: at most 512 bytes.
    pub issuer: String,
    /// Our name at the provider: at most 255 bytes.
    pub client_id: String,
    /// Our proof at the provider.
    #[serde(default)]
    pub client_auth: ClientAuthMethod,
    /// The one algorithm that its tokens are signed with, such as `RS256`.
    pub algorithm: String,
    /// The scopes to request in addition to `openid`.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Other audiences that may stand beside us in an ID token.
    #[serde(default)]
    pub trusted_audiences: Vec<String>,
    /// The claims that hold the parts of an identity.
    #[serde(default)]
    pub claims: ClaimNames,
    /// Makes people who are not members yet members when they sign in.
    #[serde(default)]
    pub just_in_time: bool,
    /// The role of such a member, and of whom no group gives another: never `OWNER`.
    #[serde(default = "lowest")]
    pub default_role: Role,
    /// The role that a group of the provider gives: never `OWNER`. Where it is not empty, each
    /// sign-in sets the role; owners keep theirs.
    #[serde(default)]
    pub role_by_group: BTreeMap<String, Role>,
    /// The groups that a group of the provider stands for. Each sign-in sets the person's place in
    /// the groups that are named here, and in no others.
    #[serde(default)]
    pub groups_by_group: BTreeMap<String, Vec<GroupId>>,
}

const fn lowest() -> Role {
    Role::User
}

/// The claims that hold the parts of an identity, as names or JSON pointers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClaimNames {
    /// The claim with the subject.
    pub subject: String,
    /// The e-mail address.
    pub email: String,
    /// The claim that says whether the address is verified.
    pub email_verified: String,
    /// The claim with the person's name.
    pub name: String,
    /// The groups, where they are wanted.
    pub groups: Option<String>,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            subject: "sub".to_owned(),
            email: "email".to_owned(),
            email_verified: "email_verified".to_owned(),
            name: "name".to_owned(),
            groups: None,
        }
    }
}

impl SsoConnection {
    /// Returns whether the connection is in use for sign-ins.
    pub const fn is_enabled(&self) -> bool {
        self.disabled_at.is_none()
    }
}

impl ConnectionSettings {
    /// The role that the provider's groups give: the highest of theirs, or the default.
    pub fn role_of(&self, groups: &[String]) -> Role {
        let given = groups
            .iter()
            .filter_map(|name| self.role_by_group.get(name));
        // Whatever stands in the store, nobody becomes an owner from outside.
        let highest = given.copied().max().unwrap_or(self.default_role);
        highest.min(Role::Admin)
    }

    /// The groups that the provider's groups stand for, each once.
    pub fn groups_of(&self, groups: &[String]) -> Vec<GroupId> {
        let named = groups
            .iter()
            .filter_map(|name| self.groups_by_group.get(name));
        let mut all: Vec<_> = named.flatten().copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Every group that the mapping speaks of, each once.
    pub fn mapped_groups(&self) -> Vec<GroupId> {
        let mut all: Vec<_> = self.groups_by_group.values().flatten().copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> ConnectionSettings {
        serde_json::from_str(
            r#"{"issuer":"https://idp.example","client_id":"us","algorithm":"RS256"}"#,
        )
        .unwrap()
    }

    #[test]
    fn groups_give_the_highest_of_their_roles_and_never_make_an_owner() {
        let mut settings = settings();
        assert_eq!(settings.role_of(&["staff".to_owned()]), Role::User);
        settings
            .role_by_group
            .insert("staff".to_owned(), Role::User);
        settings.role_by_group.insert("it".to_owned(), Role::Admin);
        settings
            .role_by_group
            .insert("boss".to_owned(), Role::Owner);
        let both = ["staff".to_owned(), "it".to_owned()];
        assert_eq!(settings.role_of(&both), Role::Admin);
        assert_eq!(settings.role_of(&["boss".to_owned()]), Role::Admin);
        assert_eq!(settings.role_of(&[]), Role::User);
    }

    #[test]
    fn settings_survive_their_text_form() {
        let mut settings = settings();
        let id = GroupId::from_uuid(uuid::Uuid::from_u128(7));
        settings
            .groups_by_group
            .insert("it".to_owned(), vec![id, id]);
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(
            serde_json::from_str::<ConnectionSettings>(&text).unwrap(),
            settings
        );
        assert_eq!(settings.groups_of(&["it".to_owned()]), [id]);
        assert_eq!(settings.mapped_groups(), [id]);
    }
}
