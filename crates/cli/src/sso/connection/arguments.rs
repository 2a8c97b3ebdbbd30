//! The arguments that `sso create` and `sso stage` take.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use vestibule_federation::NewSecret;
use vestibule_model::{ClientAuthMethod, ConnectionSettings, Role};
use vestibule_sso::PlainClientSecret;
use vestibule_sso::oidc::ClientKeyKind;

use super::ConnectionArgs;
use crate::lookup::parse;
use crate::secret;
use vestibule_server::failure::Failure;

/// The kind of a connection's own key.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Key {
    /// Ed25519
    Ed25519,
    /// ECDSA on P-256
    Es256,
}

/// The secret with which the server authenticates to the provider.
#[derive(Debug, Args)]
pub(crate) struct Proof {
    /// Read the client secret from stdin
    #[arg(long, conflicts_with_all = ["secret_file", "key"])]
    secret_stdin: bool,
    /// Read the client secret from a file
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    secret_file: Option<PathBuf>,
    /// Make a key of the connection's own, for `private_key_jwt`
    #[arg(long, value_name = "KIND")]
    key: Option<Key>,
}

impl Proof {
    pub(super) fn read(&self) -> Result<Option<NewSecret>, Failure> {
        if let Some(kind) = self.key {
            return Ok(Some(NewSecret::Key(match kind {
                Key::Ed25519 => ClientKeyKind::EdDsa,
                Key::Es256 => ClientKeyKind::Es256,
            })));
        }
        let text = secret::read(self.secret_stdin, self.secret_file.as_ref())?;
        Ok(text.map(|text| NewSecret::Client(PlainClientSecret::new(text))))
    }
}

/// The settings that may differ from what the preset fills in.
#[derive(Debug, Args)]
pub(crate) struct Details {
    /// The one algorithm that the provider signs with [default: RS256]
    #[arg(long)]
    algorithm: Option<String>,
    /// A scope to ask for beside openid; may be repeated
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// The claim with the groups: a name or a JSON pointer
    #[arg(long, value_name = "CLAIM")]
    groups_claim: Option<String>,
    /// Make whoever signs in a member
    #[arg(long)]
    just_in_time: bool,
    /// The role of such members: USER or ADMIN
    #[arg(long, value_name = "ROLE")]
    default_role: Option<String>,
    /// The role that a group of the provider gives; may be repeated
    #[arg(long, value_name = "GROUP=ROLE")]
    group_role: Vec<String>,
    /// Save it even where a check fails
    #[arg(long)]
    pub(super) save_anyway: bool,
}

impl Details {
    pub(super) fn apply(
        &self,
        settings: &mut ConnectionSettings,
        proof: &Proof,
    ) -> Result<(), Failure> {
        if proof.key.is_some() {
            settings.client_auth = ClientAuthMethod::PrivateKeyJwt;
        }
        if let Some(algorithm) = &self.algorithm {
            settings.algorithm.clone_from(algorithm);
        }
        if !self.scope.is_empty() {
            settings.scopes.clone_from(&self.scope);
        }
        if self.groups_claim.is_some() {
            settings.claims.groups.clone_from(&self.groups_claim);
        }
        settings.just_in_time |= self.just_in_time;
        if let Some(role) = &self.default_role {
            settings.default_role = parse("--default-role", role)?;
        }
        for pair in &self.group_role {
            let Some((group, role)) = pair.rsplit_once('=') else {
                return Err(Failure::usage(format!(
                    "--group-role {pair} is not GROUP=ROLE."
                )));
            };
            let role: Role = parse("--group-role", role)?;
            settings.role_by_group.insert(group.to_owned(), role);
        }
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(crate) struct AddCommand {
    /// Id or name of the organisation
    pub(super) org: String,
    /// The administrators' name for the connection
    pub(super) name: String,
    /// The provider's issuer, or its discovery URL
    #[arg(long, value_name = "URL")]
    pub(super) issuer: String,
    /// The provider's id for this server
    #[arg(long, value_name = "ID")]
    pub(super) client_id: String,
    /// google, entra, okta, keycloak, github, gitlab or generic
    #[arg(long, default_value = "generic")]
    pub(super) preset: String,
    #[command(flatten)]
    pub(super) proof: Proof,
    #[command(flatten)]
    pub(super) details: Details,
    /// Let nobody sign in by it yet
    #[arg(long)]
    pub(super) disabled: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StageCommand {
    #[command(flatten)]
    pub(super) which: ConnectionArgs,
    /// Another issuer, or its discovery URL
    #[arg(long, value_name = "URL")]
    pub(super) issuer: Option<String>,
    /// Another client id
    #[arg(long, value_name = "ID")]
    pub(super) client_id: Option<String>,
    #[command(flatten)]
    pub(super) proof: Proof,
    #[command(flatten)]
    pub(super) details: Details,
}
