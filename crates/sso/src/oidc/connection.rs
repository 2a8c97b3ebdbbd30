//! What an organisation's administrator sets up.

use crate::oidc::algorithm::Algorithm;
use crate::oidc::client_auth::ClientAuth;
use crate::oidc::mapping::Mapping;

/// A connection to one provider, as the protocol needs it.
#[derive(Debug, Clone)]
pub struct OidcConnection {
    /// Whose connection it is: the key under which requests are counted and documents cached, so
    /// that organisations never share what a provider told one of them.
    pub organization: String,
    /// The provider's issuer, exactly as it names itself.
    pub issuer: String,
    /// Our name at the provider.
    pub client_id: String,
    /// Our proof at the provider.
    pub client_auth: ClientAuth,
    /// How the provider signs.
    pub algorithm: Algorithm,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// Other audiences that may stand beside us in an ID token.
    pub trusted_audiences: Vec<String>,
    /// Which claims mean what.
    pub mapping: Mapping,
}

impl OidcConnection {
    /// A connection with the usual choices: `RS256`, the scopes `email` and `profile`, the
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

    /// The scopes in the request, `openid` first and each once.
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
