//! The protocol client of an OpenID provider.

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use crate::callback::Callback;
use crate::check::NamedCheck;
use crate::identity::Identity;
use crate::oidc::claims::TokenClaims;
use crate::oidc::connection::OidcConnection;
use crate::oidc::jws::Jws;
use crate::oidc::logout::{LogoutRequest, LogoutToken};
use crate::oidc::mapping::Told;
use crate::oidc::{authorize, exchange, id_token, logout, preflight, userinfo};
use crate::party::Party;
use crate::provider::Provider;
use crate::refusal::SsoRefusal;
use crate::sign_in::{Pending, ProviderStart, SignInRequest};

/// The protocol client of a connection to an OpenID provider.
pub struct OidcProvider {
    party: Party,
    connection: OidcConnection,
}

impl OidcProvider {
    /// Builds the client of a connection.
    pub fn new(party: Party, connection: OidcConnection) -> Self {
        Self { party, connection }
    }

    async fn start_sign_in(&self, request: &SignInRequest) -> Result<ProviderStart, SsoRefusal> {
        let Self { party, connection } = self;
        let metadata = party.metadata(connection).await?;
        Ok(authorize::start(party, connection, &metadata, request))
    }

    async fn read(&self, pending: &Pending, callback: Callback) -> Result<Identity, SsoRefusal> {
        let Self { party, connection } = self;
        // The code would go to a token endpoint other than the one that issued it.
        let unchanged =
            pending.issuer == connection.issuer && pending.client_id == connection.client_id;
        if !unchanged {
            return Err(SsoRefusal::ConnectionChanged);
        }
        let metadata = party.metadata(connection).await?;
        // Before the exchange: a code of another issuer must not reach this token endpoint.
        let code = callback.code(pending, metadata.names_itself)?;
        let tokens = exchange::exchange(party, connection, &metadata, pending, &code).await?;

        let jws = Jws::read(&tokens.id, connection, id_token::TYPES)?;
        let claims = jws.verify(party, connection, &metadata).await?;
        let now = party.clock.now();
        id_token::check(
            TokenClaims(&claims),
            connection,
            pending,
            &code,
            &tokens.access,
            now,
        )?;

        let told = match metadata.userinfo_endpoint {
            // One request less for the many providers that put everything into the ID token.
            Some(endpoint) if connection.mapping.lacks(&claims) => {
                let subject = id_token::subject(TokenClaims(&claims))?;
                let told =
                    userinfo::fetch(party, connection, endpoint, &tokens.access, subject).await?;
                Some(told)
            }
            _ => None,
        };
        self.identity(claims, told, tokens.id)
    }

    fn identity(
        &self,
        claims: Map<String, Value>,
        userinfo: Option<Map<String, Value>>,
        id_token: String,
    ) -> Result<Identity, SsoRefusal> {
        let mapping = &self.connection.mapping;
        let told = Told {
            id_token: &claims,
            userinfo: userinfo.as_ref(),
        };
        let subject = mapping.subject(&claims)?;
        let email = mapping.email(told)?;
        let name = mapping.name(told)?;
        let groups = mapping.groups(told)?;
        let provider_subject = id_token::subject(TokenClaims(&claims))?.to_owned();
        let session = id_token::session(TokenClaims(&claims))?.map(str::to_owned);
        let authenticated_at = TokenClaims(&claims).optional_moment("auth_time")?;
        // The ID token is signed and the userinfo answer is not, so its claims win.
        let mut all = userinfo.unwrap_or_default();
        all.extend(claims);
        Ok(Identity {
            issuer: self.connection.issuer.clone(),
            subject,
            provider_subject,
            email,
            name,
            groups,
            session,
            authenticated_at,
            id_token: Some(id_token),
            claims: all,
        })
    }

    async fn read_logout(&self, token: &str) -> Result<LogoutToken, SsoRefusal> {
        let Self { party, connection } = self;
        // Parsed first: anyone can send a malformed token, and it must cost no request.
        let jws = Jws::read(token, connection, logout::TYPES)?;
        let metadata = party.metadata(connection).await?;
        let claims = jws.verify(party, connection, &metadata).await?;
        logout::check(TokenClaims(&claims), connection, party.clock.now())
    }
}

impl Provider for OidcProvider {
    fn start<'a>(
        &'a self,
        request: &'a SignInRequest,
    ) -> BoxFuture<'a, Result<ProviderStart, SsoRefusal>> {
        Box::pin(self.start_sign_in(request))
    }

    fn finish<'a>(
        &'a self,
        pending: &'a Pending,
        callback: Callback,
    ) -> BoxFuture<'a, Result<Identity, SsoRefusal>> {
        Box::pin(self.read(pending, callback))
    }

    fn logout_url<'a>(
        &'a self,
        request: &'a LogoutRequest,
    ) -> BoxFuture<'a, Result<Option<String>, SsoRefusal>> {
        Box::pin(async move {
            let metadata = self.party.metadata(&self.connection).await?;
            Ok(logout::url(&self.connection, &metadata, request))
        })
    }

    fn logout_token<'a>(
        &'a self,
        token: &'a str,
    ) -> BoxFuture<'a, Result<LogoutToken, SsoRefusal>> {
        Box::pin(self.read_logout(token))
    }

    fn preflight(&self) -> BoxFuture<'_, Vec<NamedCheck>> {
        Box::pin(preflight::run(&self.party, &self.connection))
    }
}
