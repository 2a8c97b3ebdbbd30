//! The settings of a connection: presets, validation, conversion for the protocol.

use std::collections::BTreeMap;

use vestibule_accounts::{Error, FieldError, Result};
use vestibule_model::{ClaimNames, ClientAuthMethod, ConnectionSettings, Role, SsoProtocol};
use vestibule_outbound::Url;
use vestibule_sso::Preset;
use vestibule_sso::oidc::{Algorithm, ClaimPath, Mapping, issuer_of};

const LONGEST_ISSUER: usize = 512;
const LONGEST_CLIENT_ID: usize = 255;
const LONGEST_NAME: usize = 256;
const MOST_SCOPES: usize = 20;
const MOST_AUDIENCES: usize = 10;
const MOST_GROUPS: usize = 200;
const MOST_TARGETS: usize = 20;

/// Returns settings with the hints of a preset. `issuer` is the issuer or its discovery URL. Nobody
/// becomes a member by signing in until [`just_in_time`](ConnectionSettings::just_in_time) is set.
pub fn sso_settings(preset: Preset, issuer: &str, client_id: &str) -> ConnectionSettings {
    let hints = preset.hints();
    ConnectionSettings {
        protocol: match preset {
            Preset::Github => SsoProtocol::Github,
            _ => SsoProtocol::Oidc,
        },
        preset: preset.as_str().to_owned(),
        issuer: issuer_of(issuer.trim()).to_owned(),
        client_id: client_id.trim().to_owned(),
        client_auth: ClientAuthMethod::default(),
        algorithm: Algorithm::default().to_string(),
        scopes: hints.scopes.iter().map(ToString::to_string).collect(),
        trusted_audiences: Vec::new(),
        claims: ClaimNames {
            subject: hints.subject.to_owned(),
            email_verified: hints.email_verified.to_owned(),
            groups: hints.groups.map(str::to_owned),
            ..ClaimNames::default()
        },
        just_in_time: false,
        default_role: Role::User,
        role_by_group: BTreeMap::new(),
        groups_by_group: BTreeMap::new(),
    }
}

/// Converts claim names into the protocol's mapping.
pub(crate) fn mapping_of(claims: &ClaimNames) -> Result<Mapping> {
    let path = |field: &str, text: &str| -> Result<ClaimPath> {
        text.parse().map_err(|_| {
            Error::field(
                format!("claims.{field}"),
                "invalid_claim_path",
                "must be the name of a claim, or a path such as /realm_access/roles",
            )
        })
    };
    Ok(Mapping {
        subject: path("subject", &claims.subject)?,
        email: path("email", &claims.email)?,
        email_verified: path("email_verified", &claims.email_verified)?,
        name: path("name", &claims.name)?,
        groups: match &claims.groups {
            Some(groups) => Some(path("groups", groups)?),
            None => None,
        },
    })
}

pub(crate) fn algorithm_of(settings: &ConnectionSettings) -> Result<Algorithm> {
    settings.algorithm.parse().map_err(|_| {
        let message = "must be RS256, PS256, ES256 or EdDSA";
        Error::field("algorithm", "invalid_algorithm", message)
    })
}

/// Refuses invalid settings, with all wrong fields at once.
pub(crate) fn check(settings: &ConnectionSettings) -> Result<()> {
    let mut wrong = Vec::new();
    let mut refuse = |field: &str, reason: &'static str, message: &str| {
        wrong.push(FieldError::new(field, reason, message));
    };
    let issuer = &settings.issuer;
    // Whether the URL may be called is judged by the preflight, which resolves its host.
    if issuer.len() > LONGEST_ISSUER || issuer.parse::<Url>().is_err() {
        refuse(
            "issuer",
            "invalid_issuer",
            "must be the provider's issuer or discovery URL, of at most 512 bytes",
        );
    }
    if !is_plain(&settings.client_id, LONGEST_CLIENT_ID) {
        refuse(
            "client_id",
            "invalid_client_id",
            "must be what the provider calls this client, of 1 to 255 printable characters",
        );
    }
    let token = |text: &String| is_plain(text, LONGEST_NAME) && !text.contains([' ', '"', '\\']);
    if settings.scopes.len() > MOST_SCOPES || !settings.scopes.iter().all(token) {
        refuse("scopes", "invalid_scopes", "must be at most 20 words");
    }
    let audiences = &settings.trusted_audiences;
    if audiences.len() > MOST_AUDIENCES || !audiences.iter().all(|it| is_plain(it, LONGEST_NAME)) {
        refuse(
            "trusted_audiences",
            "invalid_audiences",
            "must be at most 10 names",
        );
    }
    let by_key = settings.client_auth == ClientAuthMethod::PrivateKeyJwt;
    if by_key && settings.protocol == SsoProtocol::Github {
        refuse(
            "client_auth",
            "client_auth_mismatch",
            "must be a secret: GitHub takes nothing else",
        );
    }
    // A provider must not make owners: it could then replace itself, and lock the others out.
    let roles = settings.role_by_group.values();
    if roles
        .chain([&settings.default_role])
        .any(|role| *role == Role::Owner)
    {
        refuse(
            "default_role",
            "owner_by_mapping",
            "and the roles of groups must be USER or ADMIN: only an owner makes owners",
        );
    }
    let name = |name: &String| !name.is_empty() && name.chars().count() <= LONGEST_NAME;
    let named = settings.role_by_group.keys().all(name)
        && settings.groups_by_group.keys().all(name)
        && settings.role_by_group.len() <= MOST_GROUPS
        && settings.groups_by_group.len() <= MOST_GROUPS
        && settings
            .groups_by_group
            .values()
            .all(|all| all.len() <= MOST_TARGETS);
    if !named {
        refuse(
            "groups_by_group",
            "invalid_mapping",
            "and role_by_group must each name at most 200 groups of the provider, and at most 20 \
             groups for one of them",
        );
    }
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    mapping_of(&settings.claims)?;
    algorithm_of(settings)?;
    Ok(())
}

fn is_plain(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && !text.chars().any(char::is_control)
}
