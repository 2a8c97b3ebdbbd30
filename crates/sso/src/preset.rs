//! Known providers. A preset only fills in hints: everything can be overwritten, and no validation
//! depends on it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use vestibule_model::Invalid;

/// A known provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Google Workspace and Google accounts.
    Google,
    /// Microsoft Entra ID, one tenant.
    Entra,
    /// Okta.
    Okta,
    /// Keycloak.
    Keycloak,
    /// GitHub, which speaks OAuth without OpenID Connect.
    Github,
    /// GitLab, hosted or self-managed.
    Gitlab,
    /// Any OpenID provider.
    #[default]
    Generic,
}

/// The hints of a preset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Hints {
    /// The issuer, with placeholders in braces.
    pub issuer: &'static str,
    /// The scopes beside `openid`.
    pub scopes: &'static [&'static str],
    /// The claim that holds the subject.
    pub subject: &'static str,
    /// The claim that states that the address was verified.
    pub email_verified: &'static str,
    /// The claim that holds the groups, if the provider sends one.
    pub groups: Option<&'static str>,
    /// Advice for the administrator.
    pub note: &'static str,
}

/// The hints that most providers share.
const COMMON: Hints = Hints {
    issuer: "https://{host}",
    scopes: &["email", "profile"],
    subject: "sub",
    email_verified: "email_verified",
    groups: None,
    note: "",
};

impl Preset {
    /// All presets.
    pub const ALL: [Self; 7] = [
        Self::Google,
        Self::Entra,
        Self::Okta,
        Self::Keycloak,
        Self::Github,
        Self::Gitlab,
        Self::Generic,
    ];

    /// Returns the name for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Entra => "entra",
            Self::Okta => "okta",
            Self::Keycloak => "keycloak",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Generic => "generic",
        }
    }

    /// Returns the hints.
    pub const fn hints(self) -> Hints {
        match self {
            Self::Google => Hints {
                issuer: "https://accounts.google.com",
                note: "Anybody with a Google account can sign in at this issuer: membership \
                       follows from the domains that you proved, not from the sign-in alone.",
                ..COMMON
            },
            Self::Entra => Hints {
                issuer: "https://login.microsoftonline.com/{tenant id}/v2.0",
                subject: "oid",
                email_verified: "xms_edov",
                groups: Some("groups"),
                note: "Use your own tenant's id, not “common”. Add the optional claims email and \
                       xms_edov to the ID token: without xms_edov no address counts as proved. \
                       Groups come as object ids.",
                ..COMMON
            },
            Self::Okta => Hints {
                issuer: "https://{your domain}.okta.com",
                scopes: &["email", "profile", "groups"],
                groups: Some("groups"),
                note: "The groups claim has to be switched on at the application.",
                ..COMMON
            },
            Self::Keycloak => Hints {
                issuer: "https://{host}/realms/{realm}",
                groups: Some("groups"),
                note: "For groups, add the mapper “Group Membership” to the client; realm roles \
                       stand in /realm_access/roles once they are added to the ID token.",
                ..COMMON
            },
            Self::Github => Hints {
                issuer: "https://github.com",
                scopes: &["read:user", "user:email"],
                subject: "id",
                note: "OAuth without OpenID Connect: identity is read from GitHub's API.",
                ..COMMON
            },
            Self::Gitlab => Hints {
                issuer: "https://gitlab.com",
                groups: Some("groups_direct"),
                note: "For your own GitLab, the issuer is its URL.",
                ..COMMON
            },
            Self::Generic => Hints {
                note: "The issuer is the part of the discovery URL before \
                       /.well-known/openid-configuration.",
                ..COMMON
            },
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Preset {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let known = Self::ALL.into_iter().find(|known| known.as_str() == text);
        known.ok_or_else(|| {
            Invalid::new(
                "invalid_preset",
                "must be google, entra, okta, keycloak, github, gitlab or generic",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oidc::ClaimPath;

    #[test]
    fn every_preset_is_found_by_its_name_and_hints_at_real_claims() {
        for preset in Preset::ALL {
            assert_eq!(preset.as_str().parse(), Ok(preset));
            assert_eq!(serde_json::to_value(preset).unwrap(), preset.as_str());
            let hints = preset.hints();
            assert!(hints.subject.parse::<ClaimPath>().is_ok());
            assert!(hints.issuer.starts_with("https://"));
        }
        assert!("saml".parse::<Preset>().is_err());
    }
}
