//! The settings of a connection to an OpenID provider.

use crate::oidc::algorithm::Algorithm;
use crate::oidc::client_auth::ClientAuth;
use crate::oidc::mapping::Mapping;

/// A connection to one provider, as the protocol needs it.
#[derive(Debug, Clone)]
pub struct OidcConnection {
    /// The organisation, under which requests are counted and documents cached: organisations never
    /// share what a provider told one of them.
    pub organization: String,
    /// The provider's issuer, exactly as it spells it.
    pub issuer: String,
    /// The client id.
    pub client_id: String,
    /// The client's credentials.
    pub client_auth: ClientAuth,
    /// The algorithm of the provider's signatures.
    pub algorithm: Algorithm,
    /// The requested scopes beside `openid`.
    pub scopes: Vec<String>,
    /// Other audiences that an ID token may name beside us.
    pub trusted_audiences: Vec<String>,
    /// The claims that hold each part of an identity.
    pub mapping: Mapping,
}

impl OidcConnection {
    /// Builds a connection with the usual choices: `RS256`, the scopes `email` and `profile`, the
    /// standard claims.
    pub fn new(organization: &str, issuer: &str, client_id: &str, client_auth: ClientAuth) -> Self {
        Self {
            organization: organization.to_owned(),
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            client_auth,
            algorithm: Algorithm::default(),
            scopes: vec!["email".to_owned(), "profile".to_owned()],
            trusted_audiences: Vec::new(),
            mapping: Mapping::default(),
        }
    }

    /// Returns the `scope` parameter: `openid` first, each scope once.
    pub(crate) fn scope(&self) -> String {
        let mut scopes = vec!["openid"];
        for scope in &self.scopes {
            if !scopes.contains(&scope.as_str()) {
                scopes.push(scope);
            }
        }
        scopes.join(" ")
    }
}
